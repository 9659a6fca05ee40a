#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mutate.sh — goal: every protection against a fault has a test that fails without it.
# Method: in a copy of the tree each line of the table below takes one protection out, the program or test is built, and
# the named test case must turn red: fail, crash, or not come to its end. Not part of `make check`: it takes half an hour.
# MUTATE=word takes the lines with that word only. Prints a line for each, and last "N protections, N noticed"; the exit
# code is 0 when all were noticed. With --look nothing is built or run: it says as TAP whether each protection still stands
# where the table takes it out.
set -u
cd "$(dirname "$0")/../.." || exit 1
look=${1:-}
build=${BUILD:-build}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
copy_tree() {
    [ -e "$build/isoflop" ] || { echo 'mutate: build first: make all test-programs' >&2; exit 2; }
    { git ls-files -z 2>/dev/null || find . -path "./$build" -prune -o -type f -print0; } | tar -c --null -T - | tar -x -C "$work"
    mkdir "$work/build"
    tar -c -C "$build" --exclude=./asan --exclude=./fuzz . | tar -x -C "$work/build"
    cd "$work" || exit 1
}
[ "$look" = --look ] || copy_tree
export CMOCKA_MESSAGE_OUTPUT=TAP LC_ALL=C.UTF-8
limit=${MUTATE_TIMEOUT:-240} # seconds for a test, which may hang without its protection

build_for() { # test: what has to be made before it runs; code without a protection may rightly draw warnings
    case $1 in
    engine/* | harness/*) make -s WARN= "build/tests/$1" ;;
    *) make -s WARN= all ;;
    esac
}
run_test() { # test
    case $1 in
    engine/* | harness/*) timeout "$limit" "build/tests/$1" ;;
    *.txt) ISOFLOP=build/isoflop timeout "$limit" tests/cli/transcripts.sh "tests/$1" ;;
    *) ISOFLOP=build/isoflop timeout "$limit" "tests/$1" ;;
    esac
}

total=0 noticed=0
mutant() { # fault, file, perl expression that takes the protection out, test program, test case
    local code verdict
    case "$*" in *"${MUTATE:-}"*) ;; *) return ;; esac
    total=$((total + 1))
    if [ "$look" = --look ]; then
        perl -0pe "$3" "$2" >"$work/changed"
        verdict=ok
        if cmp -s "$work/changed" "$2"; then verdict='not ok'; fi
        echo "$verdict $total - $1: $2, for $4 $5"
        return
    fi
    cp "$2" kept
    perl -0pi -e "$3" "$2"
    if cmp -s kept "$2"; then
        verdict='NO CHANGE'
    elif ! build_for "$4" >said 2>&1; then
        verdict='NO BUILD '
    else
        run_test "$4" >said 2>&1 </dev/null
        code=$?
        verdict=UNNOTICED
        if grep -qE "^not ok .*$5" said; then verdict='red      '; elif [ "$code" -ge 124 ]; then verdict="red: $code "; fi
        case $verdict in red*) noticed=$((noticed + 1)) ;; esac
    fi
    printf '%s  %-22s %-28s %s: %s\n' "$verdict" "$1" "$2" "$4" "$5"
    case $verdict in red*) ;; *) sed 's/^/    | /' said | tail -n 15 ;; esac
    cp kept "$2"
}

mutant 'kill -9' harness/store/claim.c 's/(status = )store_recover\(store, err\)/$1STATUS_OK/' \
    harness/test_store a_dead_runner_s_trial_is_taken_back
mutant 'kill -9' harness/store/store_write.c \
    's/(status = end_attempt\(&ending, owner, ended->outcome, ended->reason, err\);)/$1 if (!status) { status = db_commit(store->db, err); if (!status) status = db_begin(store->db, err); }/' \
    harness/test_power power_may_fail_at_any_time
mutant 'kill -9' harness/run/process.c 's/prctl\(PR_SET_PDEATHSIG, SIGKILL\)/0/' harness/test_runner children_die_with_the_runner
mutant 'trial crashes' harness/run/attempt.c 's/(judge_signal.*?)return OUTCOME_FAILED;/$1return OUTCOME_DONE;/s' \
    harness/test_runner each_bad_end_has_its_outcome
mutant 'trial crashes' harness/cli/sweep.c 's/bool worth = outcome == OUTCOME_FAILED/bool worth = false/' \
    faults/trials.sh 'a trial that crashes is tried again'
mutant 'trial crashes' harness/run/process.c 's/\(void\)kill\(-process->pid, SIGKILL\);//' \
    harness/test_runner what_a_trial_leaves_behind_is_killed
mutant 'power loss' harness/store/db.c 's/synchronous = EXTRA/synchronous = FULL/' harness/test_power power_may_fail_at_any_time
mutant 'power loss' harness/store/store.c 's/journal_mode = DELETE/journal_mode = MEMORY/' harness/test_power power_may_fail_at_any_time
mutant 'power loss' engine/model/checkpoint_folder.c 's/(    status = )sync_folder\(f->parent, err\);(\n    if \(status == STATUS_OK && is_folder\(f->old\)\))/$1STATUS_OK;$2/' \
    engine/test_state test_power_loss_at_every_call
mutant 'power loss' engine/model/safetensors_write.c 's/fsync\(w->fd\) != 0/false/' engine/test_state test_power_loss_at_every_call
mutant 'disk full' harness/run/runner.c 's/runner->phase = PHASE_FAILED;\n    kill_all\(runner\);//' \
    harness/test_runner a_store_that_fails_ends_the_run
mutant 'disk full' harness/store/store.c 's/(store_end.*?)db_rollback\(store->db\);\n    return status;/$1db_rollback(store->db);\n    return STATUS_OK;/s' \
    harness/test_store a_full_disk_leaves_nothing_half
mutant 'disk full' harness/cli/output.c 's/\(void\)signal\(SIGXFSZ, SIG_IGN\);//' faults/syscalls.sh 'a limit on file sizes'
mutant 'failed fsync' harness/store/store_write.c \
    's/enum status (status = db_begin\(store->db, err\);)(\n    if \(status != STATUS_OK\)\n        return status;\n)    return (store_end\(store, store_put_end\(store, &ended, owner, err\), err\);)/enum status status;\nagain:\n    $1$2    status = $3 static int tries; if (status == STATUS_IO \&\& tries++ == 0) goto again; return status;/' \
    faults/syscalls.sh 'a failed sync is not tried again'
mutant 'read-only' harness/store/db.c 's/(mode == DB_WRITE\)\n        status = )check_writable\(db, err\)/$1STATUS_OK/' \
    harness/test_store_open a_read_only_file_is_read_only
mutant 'corrupt store' harness/store/store.c 's/status = db_quick_check\(db, err\)/status = STATUS_OK/' \
    harness/test_store_open damaged_files_are_found_out
mutant 'foreign store' harness/store/schema.c 's/id != SCHEMA_APPLICATION_ID\)/false)/' harness/test_store_open foreign_files_are_refused
mutant 'foreign store' harness/store/schema.c 's/(status == STATUS_OK && triggers > 0)(\)\n        status = err_set\(err, STATUS_CORRUPT,\n)/$1 \&\& false$2/' \
    harness/test_store_open stores_of_another_shape_are_refused
mutant 'corrupt store' harness/store/salvage.c 's/, "ORDER BY 1 ASC", "ORDER BY 1 DESC"//' harness/test_salvage one_lost_page_costs_little
mutant 'other schema' harness/store/schema.c 's/version > SCHEMA_VERSION\)/false)/' \
    harness/test_store_open stores_of_another_shape_are_refused
mutant 'other schema' harness/store/store.c 's/status = migrate_backup\(\*db, err\)/status = STATUS_OK/' harness/test_migrate the_backup_is_what_was
mutant 'other schema' harness/store/migrate.c 's/db_rollback\(db\);\n    return status;/(void)db_commit(db, NULL);\n    return status;/' \
    harness/test_migrate a_broken_one_is_refused_unchanged
mutant 'hostile checkpoint' engine/model/safetensors.c 's/if \(length > f->size - 8\)/if (false)/' engine/test_safetensors test_lengths
mutant 'hostile checkpoint' engine/model/safetensors.c 's/__builtin_mul_overflow\(bits, t->shape\[i\], &bits\)/(bits *= t->shape[i], false)/' \
    engine/test_safetensors test_lies
mutant 'corrupt checkpoint' engine/model/checkpoint_state.c 's/strcmp\(told, found\) != 0/false/' engine/test_state test_foreign_and_mixed
mutant 'bad CSV' harness/store/csv.c 's/length > CSV_MOST_FIELD_BYTES\)/false)/; s/csv_get_buffer_size\(parser\) > 2 \* CSV_MOST_FIELD_BYTES\)/false)/' \
    harness/test_csv csv_bounds_a_field
mutant 'bad CSV' harness/store/import.c 's/= check_rows\(import, rows, err\)/= rows ? STATUS_OK : check_rows(import, rows, err)/' \
    cli/import.txt ''
mutant 'no memory' engine/base/assert.c 's/    _exit\(1\);/    abort();/' faults/shims.sh 'an allocation that fails'
mutant 'no memory' harness/run/process.c 's/if \(bytes > 0\)\n/if (false)\n/' faults/trials.sh 'a limit that is too low'
mutant 'no memory' harness/run/process.c 's/    offer_to_the_oom_killer\(\);/    (void)offer_to_the_oom_killer;/' harness/test_runner surroundings_are_clean
mutant 'no memory' harness/cli/sweep_before.c 's/n \+= !\(bytes <= share\);/n += 0 * (bytes <= share);/' faults/trials.sh 'too much memory is refused beforehand'
mutant 'no memory' harness/cli/sweep.c 's/worth = !c->starved\[i\];/worth = false;/' faults/trials.sh 'one that the system kills'
mutant 'trial hangs' harness/run/attempt.c 's/    process_signal\(&attempt->process, SIGCONT\);[^\n]*//' harness/test_runner silence_is_a_timeout
mutant 'trial hangs' harness/run/attempt.c 's/    attempt_condemn\(attempt, OUTCOME_TIMEOUT.*?;\n/    attempt->kill_at = clock_later(now, 1);\n/s' \
    faults/trials.sh 'one that stands still is a timeout'
mutant 'divergence' harness/run/trial_train.c 's/done->loss <= 3 \* log\(trial->config\.vocabulary\) && isfinite\(done->norm\)/true/' \
    faults/trials.sh 'a loss that runs away'
mutant 'divergence' harness/run/trial_train.c 's/done->loss <= 3 \* log\(trial->config\.vocabulary\) && isfinite\(done->norm\)/!(done->loss > 3 * log(trial->config.vocabulary))/' \
    faults/trials.sh 'a loss that runs away'
mutant 'clock jumps' harness/run/clock.c 's/read_ns\(CLOCK_MONOTONIC\)/read_ns(CLOCK_REALTIME)/' faults/shims.sh 'a clock that jumps'
mutant 'clock jumps' harness/store/store.c 's/clock_gettime\(CLOCK_MONOTONIC/clock_gettime(CLOCK_REALTIME/' faults/shims.sh 'a clock that jumps'
mutant 'two runners' harness/store/claim.c "s/ WHERE trial_id = \\?1 AND state = 'pending'\",\\n( +&query)/ WHERE trial_id = ?1\",\\n\$1/" \
    harness/test_store 'trials_are_claimed|many_runners'
mutant 'two runners' harness/store/store_write.c "s/ AND owner = \\?3 AND state = 'running'/ AND ?3 <> ''/" harness/test_store a_late_result_is_refused
mutant 'two runners' harness/store/liveness.c 's/ \|\| is_held\(store, token\)/ || (false \&\& is_held(store, token))/' \
    harness/test_liveness a_lock_speaks
mutant 'two runners' harness/store/liveness.c 's/owner_started == 0 \|\| /true || /' harness/test_liveness owners_are_told_apart
mutant 'two runners' harness/store/liveness.c 's/return process_alive\(token, pid\) \|\| is_held\(store, token\);/return (process_alive(token, pid) || is_held(store, token)) \&\& false;/' \
    faults/runners.sh 'a runner that stands still'
mutant 'signals' harness/run/runner.c 's/ask_to_stop\(runner\);\n        \} else/} else/' harness/test_runner 'the_first_signal|who_does_not'
mutant 'signals' harness/run/runner.c 's/        \} else \{\n            kill_all\(runner\);/        } else {/' harness/test_runner the_second_signal_kills
mutant 'signals' harness/cli/output.c 's/signal == SIGINT \|\| signal == SIGTERM \?/signal != 0 ?/' faults/runners.sh "SIGUSR1: 75"
mutant 'output gone' harness/cli/output.c 's/\(void\)signal\(SIGPIPE, SIG_IGN\);//; s/for \(int i = 0; i <= STDERR_FILENO; i\+\+\)/for (int i = 9; i <= STDERR_FILENO; i++)/' \
    faults/runners.sh 'closed|goes away|everything'
mutant 'gnuplot' harness/report/plot.c 's/\(void\)kill\(-child, SIGKILL\);\n        \(void\)kill\(child, SIGKILL\);//' harness/test_plot stubs
mutant 'gnuplot' harness/report/plot.c 's/limit\(RLIMIT_FSIZE, PLOT_MOST_BYTES\);//' harness/test_plot stubs
mutant 'network' harness/store/network.c 's/network_of\(path\) != NETWORK_SURELY/true/' faults/shims.sh 'nothing is written over a network'
mutant 'no descriptors' harness/run/process.c 's/ \|\| error == EMFILE//' harness/test_runner too_few_descriptors_mean_fewer_at_once
mutant 'no processes' harness/run/process.c 's/return error == EAGAIN \|\| /return /' faults/syscalls.sh 'no process left is survived'
mutant 'older processor' engine/math/vec.c \
    's/\z/\nvoid wide(float *x);\n__attribute__((target("avx2"))) void wide(float *x) { for (int i = 0; i < 64; i++) x[i] *= 2; }\n/' \
    faults/machine.sh 'wide instructions'
mutant 'security' harness/store/csv.c 's/!strchr\("=\+-\@\\t\\r", \*text\)/true/' harness/test_csv csv_guards_against_formulas
mutant 'merge' harness/store/merge.c 's/result->conflicts\.n_rows > 0 && !keep_here/false/' harness/test_merge different_results_are_named
mutant 'merge' harness/store/merge.c 's/"  AND NOT EXISTS \(SELECT 1 FROM main\.attempt m WHERE " SAME\("m", "x"\) "\);"/";"/' harness/test_merge twice_is_once
mutant 'merge' harness/store/merge.c "s/x\\.state <> 'running' AND //" harness/test_merge what_runs_is_left_alone

if [ "$look" = --look ]; then
    echo "1..$total"
    exit 0
fi
echo "$total protections, $noticed noticed"
[ "$noticed" = "$total" ] && [ "$total" -gt 0 ]
