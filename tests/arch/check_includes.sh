#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_includes.sh — goal: nobody includes whom they may not, and each foreign library lives in one file.
# Method: every #include of engine/ and harness/ is looked up in the two tables below; then the same check is fed a
# small tree with one sin of each kind and has to see them all. Prints TAP.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

# Who may include whom: a prefix of the including file, then the prefixes it may reach. The longest match counts. A
# room may always include its own headers when it names itself.
ROOMS='
engine/base/          engine/base/
engine/math/          engine/base/ engine/math/
engine/layers/        engine/base/ engine/math/ engine/layers/
engine/tasks/         engine/base/ engine/tasks/ engine/data/facts.h engine/data/lexicon.h
engine/data/          engine/base/ engine/tasks/ engine/data/
engine/model/         engine/base/ engine/math/ engine/layers/ engine/model/
engine/shrink/        engine/base/ engine/math/ engine/layers/ engine/model/ engine/shrink/
harness/analysis/     engine/base/ harness/analysis/
harness/report/       engine/base/ harness/analysis/ harness/report/
harness/spec/         engine/base/ harness/spec/
harness/store/        engine/base/ harness/spec/ harness/run/record.h harness/store/
harness/run/          engine/base/ harness/spec/ harness/run/
harness/run/trial     engine/ harness/spec/ harness/run/
harness/cli/          engine/ harness/ build_text.h
'

# Foreign libraries: header, the rooms it may be in, and in how many files at most (-: any number).
FOREIGN='
cblas.h            1  engine/math/
Random123/philox.h 1  engine/base/
jansson.h          1  engine/ harness/
xxhash.h           1  engine/ harness/
sha2.h             1  engine/ harness/
yaml.h             1  harness/spec/
sqlite3.h          1  harness/store/
csv.h              1  harness/store/
nlopt.h            1  harness/analysis/
hwloc.h            1  harness/run/
md4c-html.h        1  harness/report/
immintrin.h        -  engine/math/ engine/shrink/
xmmintrin.h        -  engine/math/
cpuid.h            -  engine/math/ harness/run/
'

# The C library and the system: allowed everywhere.
LIBC='ctype.h errno.h fenv.h float.h inttypes.h limits.h math.h setjmp.h signal.h stdalign.h stdarg.h stdatomic.h
stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h strings.h time.h wchar.h
dirent.h dlfcn.h fcntl.h fnmatch.h getopt.h glob.h langinfo.h libgen.h locale.h poll.h pthread.h sched.h semaphore.h
spawn.h termios.h unistd.h
sys/file.h sys/ioctl.h sys/mman.h sys/prctl.h sys/random.h sys/resource.h sys/signalfd.h sys/socket.h sys/stat.h
sys/statfs.h sys/statvfs.h sys/sysinfo.h sys/syscall.h sys/time.h sys/timerfd.h sys/types.h sys/uio.h sys/utsname.h
sys/vfs.h sys/wait.h linux/magic.h linux/perf_event.h'

export ROOMS FOREIGN LIBC

# Prints "rule file:line: what is wrong" for the tree in the current directory.
violations() {
    # shellcheck disable=SC2016  # the dollars are awk's
    find engine harness \( -name '*.c' -o -name '*.h' \) -print 2>/dev/null | LC_ALL=C sort | xargs awk '
        BEGIN {
            n = split(ENVIRON["ROOMS"], lines, "\n")
            for (i = 1; i <= n; i++) if (split(lines[i], word) > 1) may[word[1]] = lines[i]
            n = split(ENVIRON["FOREIGN"], lines, "\n")
            for (i = 1; i <= n; i++) if (split(lines[i], word) > 2) { home[word[1]] = lines[i]; most[word[1]] = word[2] }
            n = split(ENVIRON["LIBC"], word, /[ \n]+/)
            for (i = 1; i <= n; i++) libc[word[i]] = 1
        }
        # Whether name begins with one of the words of line from the first-th on.
        function reaches(line, first, name,    word, n, i) {
            n = split(line, word)
            for (i = first; i <= n; i++) if (index(name, word[i]) == 1) return 1
            return 0
        }
        function room_of(file,    room, best) {
            best = ""
            for (room in may) if (index(file, room) == 1 && length(room) > length(best)) best = room
            return best
        }
        function own(header) {
            room = room_of(FILENAME)
            if (room == "") print "rooms " FILENAME ":" FNR ": no rule for this room; add one to check_includes.sh"
            else if (!reaches(may[room], 2, header)) print "rooms " FILENAME ":" FNR ": " room " may not include " header
        }
        function foreign(header) {
            if (header in libc) return
            if (!(header in home)) {
                print "known " FILENAME ":" FNR ": <" header "> is in no table of check_includes.sh"
                return
            }
            if (!reaches(home[header], 3, FILENAME)) print "home " FILENAME ":" FNR ": <" header "> does not belong here"
            if (most[header] != "-" && !((header, FILENAME) in seen)) {
                seen[header, FILENAME] = 1
                if (++users[header] > most[header])
                    print "home " FILENAME ":" FNR ": <" header "> is included by another file already"
            }
        }
        /^[ \t]*#[ \t]*include[ \t]*"/ { split($0, part, "\""); own(part[2]) }
        /^[ \t]*#[ \t]*include[ \t]*</ { split($0, part, /[<>]/); foreign(part[2]) }'
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
echo 1..11
tap $ran 'the check reads every file'
judge rooms 'every room includes only those it may'
judge home 'each foreign library is in its room, in one file'
judge known 'every system header is known'

# ---- the check itself ----

bad=$(mktemp -d) || exit 1
trap 'rm -rf "$bad"' EXIT
put() { # file include-line
    mkdir -p "$bad/$(dirname "$1")"
    printf '%s\n' "$2" >>"$bad/$1"
}
put engine/base/a.c '#include "engine/math/blas.h"'
put engine/layers/a.c '#include "engine/model/model.h"'
put harness/report/a.c '  #  include "harness/store/store.h"'
put harness/store/a.c '#include "harness/run/runner.h"'
put harness/store/b.c '#include "harness/run/record.h"'
put harness/run/runner.c '#include "engine/model/model.h"'
put harness/run/trial.c '#include "engine/model/model.h"'
put harness/cellar/a.c '#include "engine/base/err.h"'
put harness/store/db.c '#include <sqlite3.h>'
put harness/store/merge.c '#include <sqlite3.h>'
put harness/cli/cmd_run.c '#include <yaml.h>'
put engine/base/b.c '#include <curl/curl.h>'
found=$(cd "$bad" && violations)
sees() { # rule file name
    grep -q "^$1 $2:" <<<"$found" # no pipe: grep ends at the first find, and pipefail would take the writer's SIGPIPE for a no
    tap $? "the check sees $3"
}
sees rooms engine/base/a.c 'a lower room that includes a higher one'
sees rooms harness/report/a.c 'the report that includes the store'
sees rooms harness/run/runner.c 'the runner that includes the engine'
sees rooms harness/cellar/a.c 'a room without a rule'
sees home harness/store/merge.c 'a foreign library in a second file'
sees known engine/base/b.c 'a library that no table knows'
# 12 lines above, of which 3 are no sin: record.h, the trial's model.h, and the first sqlite3.h.
[ "$(printf '%s\n' "$found" | wc -l)" = 9 ]
tap $? 'the check sees no more than there is'
