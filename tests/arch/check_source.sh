#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_source.sh — goal: the habits of the house that a machine can see: no banned calls, an engine without clock,
# printing and exit, functions that fit a screen, files that fit a head, a licence tag on each.
# Method: awk over every C file with comments and strings blanked out; then the same over a small tree with one sin of
# each kind. Prints TAP.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

# A file that has to be longer, or to hold a longer function, says why in its first comment after "Length:".
export FILE_LINES=500 FUNCTION_LINES=70

# Calls without a bound, with hidden state, or that hand text to a shell; and names kept for the C library.
export BANNED='strcpy strcat sprintf vsprintf strtok gets atoi atol atoll atof system popen alloca'
# The engine reads no clock, prints nothing, never exits. (assert.c reports broken promises and the end of memory, and stops.)
export ENGINE_BANNED='printf vprintf puts putchar perror exit _exit quick_exit abort clock time clock_gettime
gettimeofday localtime gmtime'
# Only main returns from the process; a forked child leaves by _exit.
export HARNESS_BANNED='exit quick_exit abort'

# Prints "rule file:line: what is wrong" for the tree in the current directory.
violations() {
    # shellcheck disable=SC2016  # the dollars are awk's
    find engine harness tests \( -name '*.c' -o -name '*.h' \) -print 2>/dev/null | LC_ALL=C sort | xargs awk '
        function offence(rule, text) { print rule " " FILENAME ":" FNR ": " text }

        # The line with comments, strings and character constants blanked; `inside` says that a comment is open.
        function code_of(line,    out, at) {
            out = ""
            while (line != "") {
                if (inside) {
                    at = index(line, "*/")
                    if (!at) return out
                    line = substr(line, at + 2)
                    inside = 0
                    continue
                }
                if (!match(line, /\/\*|\/\/|"|\047/)) return out line
                out = out substr(line, 1, RSTART - 1) " "
                at = substr(line, RSTART, RLENGTH)
                line = substr(line, RSTART + RLENGTH)
                if (at == "/*") inside = 1
                else if (at == "//") return out
                else if (at == "\"") { if (!match(line, /^([^"\\]|\\.)*"/)) return out; line = substr(line, RLENGTH + 1) }
                else { if (!match(line, /^([^\047\\]|\\.)*\047/)) return out; line = substr(line, RLENGTH + 1) }
            }
            return out
        }
        function check_calls(code, names, rule,    word, n, i) {
            n = split(names, word, /[ \n]+/)
            for (i = 1; i <= n; i++)
                if (word[i] != "" && code ~ ("(^|[^A-Za-z0-9_.>])" word[i] "[ \t]*\\("))
                    offence(rule, word[i] "()")
        }
        function finish() {
            if (name == "") return
            if (!licensed) print "licence " name ":1: no SPDX-License-Identifier in the first lines"
            if (lines > ENVIRON["FILE_LINES"] && !excused) print "length " name ":" lines ": longer than " ENVIRON["FILE_LINES"] " lines"
        }
        FNR == 1 {
            finish()
            name = FILENAME
            licensed = excused = inside = opened = 0
        }
        {
            lines = FNR
            if (FNR <= 3 && /SPDX-License-Identifier: Apache-2\.0/) licensed = 1
            if (FNR <= 20 && /Length:/) excused = 1
            if (/(^|[^A-Za-z])(TODO|FIXME|XXX)([^A-Za-z]|$)/) offence("leftover", "a note to do something later")
            if (/^[ \t]*#[ \t]*if[ \t]+0([^-0-9A-Za-z]|$)/) offence("leftover", "code that is switched off")
            code = code_of($0)
            check_calls(code, ENVIRON["BANNED"], "banned")
            if (FILENAME ~ /^engine\// && FILENAME != "engine/base/assert.c") {
                check_calls(code, ENVIRON["ENGINE_BANNED"], "engine")
                if (code ~ /(^|[^A-Za-z0-9_])(stdout|stderr)([^A-Za-z0-9_]|$)/) offence("engine", "a standard stream")
            }
            if (FILENAME ~ /^harness\//) check_calls(code, ENVIRON["HARNESS_BANNED"], "exit")
            if (FILENAME !~ /^tests\// && code ~ /^[ \t]*typedef[ \t]+(struct|union|enum)([^A-Za-z0-9_]|$)/ && code !~ /\(/) offence("names", "a typedef that hides a struct, union or enum")
            if (code ~ /^\{/) opened = FNR
            if (code ~ /^\}/ && opened) {
                if (FNR - opened + 2 > ENVIRON["FUNCTION_LINES"] && !excused) offence("length", "a function of " FNR - opened + 2 " lines")
                opened = 0
            }
        }
        END { finish() }'
}

tap() { # condition-exit-code name
    if [ "$1" = 0 ]; then echo "ok - $2"; else echo "not ok - $2"; fi
}

found=$(violations)
ran=$?
judge() { # rule name
    local lines
    lines=$(printf '%s\n' "$found" | sed -n "s/^$1 //p")
    [ -z "$lines" ]
    tap $? "$2"
    [ -z "$lines" ] || printf '%s\n' "$lines" | sed 's/^/# /'
}
echo 1..18
tap $ran 'the check reads every file'
judge banned 'no banned call'
judge engine 'the engine reads no clock, prints nothing, never exits'
judge exit 'only main ends the process'
judge names 'no typedef hides a struct'
judge length "files of at most $FILE_LINES lines, functions of at most $FUNCTION_LINES"
judge licence 'every file has its licence tag'
judge leftover 'no leftovers'

# ---- the check itself ----

bad=$(mktemp -d) || exit 1
trap 'rm -rf "$bad"' EXIT
mkdir -p "$bad/engine/base" "$bad/harness/run"
tag='/* SPDX-License-Identifier: Apache-2.0 */'
many() { # n text
    awk -v n="$1" -v text="$2" 'BEGIN { for (i = 0; i < n; i++) print text }'
}
{ echo "$tag"; echo 'x = strcpy (a, b);'; } >"$bad/harness/run/banned.c"
{ echo "$tag"; echo 'now = time(NULL);'; } >"$bad/engine/base/clock.c"
{ echo "$tag"; echo '(void)fputs(text, stderr);'; } >"$bad/engine/base/print.c"
{ echo "$tag"; echo 'exit(1);'; } >"$bad/harness/run/exit.c"
{ echo "$tag"; echo 'typedef struct thing thing;'; } >"$bad/harness/run/names.h"
{ echo "$tag"; many 500 'int x;'; } >"$bad/harness/run/file.c"
{ echo "$tag"; echo 'void f(void)'; echo '{'; many 68 '    g();'; echo '}'; } >"$bad/harness/run/function.c"
echo 'int x;' >"$bad/harness/run/licence.c"
{ echo "$tag"; echo '/* TO''DO */'; } >"$bad/harness/run/leftover.c"
# Innocent: the same words in comments, strings and longer names; the longest function and file there may be; an excuse.
cat >"$bad/harness/run/good.c" <<END
$tag
/* It calls strcpy(a) and exit(1) in a comment // "
 * of two lines: atoi(x) */
const char *text = "strcpy(a)" "\\"exit(1)"; char c = '"'; my_exit(2); _exit(3); timer.exit(4); // gets(x)
END
{ echo "$tag"; echo 'void f(void)'; echo '{'; many 67 '    g();'; echo '}'; many 428 ''; } >"$bad/harness/run/longest.c"
{ echo "$tag"; echo '/* Length: one table. */'; many 600 'int x;'; } >"$bad/harness/run/excused.c"
found=$(cd "$bad" && violations)
sees() { # rule file name
    grep -q "^$1 $2:" <<<"$found" # no pipe: grep ends at the first find, and pipefail would take the writer's SIGPIPE for a no
    tap $? "the check sees $3"
}
sees banned harness/run/banned.c 'a banned call'
sees engine engine/base/clock.c 'an engine that reads the clock'
sees engine engine/base/print.c 'an engine that prints'
sees exit harness/run/exit.c 'an exit'
sees names harness/run/names.h 'a typedef of a struct'
sees length harness/run/file.c 'a file that is too long'
sees length harness/run/function.c 'a function that is too long'
sees licence harness/run/licence.c 'a missing licence tag'
sees leftover harness/run/leftover.c 'a leftover'
[ "$(printf '%s\n' "$found" | wc -l)" = 9 ]
tap $? 'the check sees no more than there is'
