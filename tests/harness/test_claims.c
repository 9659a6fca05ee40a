/* SPDX-License-Identifier: Apache-2.0 */
/* test_claims.c — goal: every claim can be supported, refuted and left undecided, by data and by nothing else.
 *
 * Method: per claim a store that never was, planted once with what the sentence says and once with its opposite,
 * through the claim's own query; the same with one seed, with errors too large to tell, and empty.
 * Decisions and intervals are also held against values worked out by hand. */
#include <dirent.h>

#include "harness/analysis/claims.h"
#include "tests/harness/claim_stores.h"

/* ---- judging them ---- */

static struct claim_result judged(const struct claim *claim)
{
    struct claim_result result;
    struct table answer;
    struct err err = ERR_INIT;
    expect_status(store_query(store, claim->sql, NULL, 0, &answer, &err), STATUS_OK, &err);
    claim_judge(claim, &answer, &result);
    table_release(&answer);
    return result;
}

/* A new store, filled by the case. */
static struct claim_result of_case(int i, bool yes, int seeds, double errors)
{
    const struct claim *claim = claim_find(cases[i].claim);
    struct claim_result result;
    struct err err = ERR_INIT;
    assert_non_null(claim);
    (void)remove_store(NULL);
    store = opened(STORE_WRITE);
    n_planted = 0;
    n_seeds = seeds;
    error_scale = errors;
    expect_status(db_begin(store->db, &err), STATUS_OK, &err);
    cases[i].fill(yes);
    expect_status(db_commit(store->db, &err), STATUS_OK, &err);
    result = judged(claim);
    store_close(store);
    return result;
}

static void expect_verdict(int i, const struct claim_result *r, enum claim_verdict wanted, const char *of)
{
    if (r->verdict != wanted)
        fail_msg("%s, %s: expected %s, got %s: %g [%g, %g], %s", cases[i].claim, of, claim_verdict_name(wanted),
                 claim_verdict_name(r->verdict), r->value, r->low, r->high, r->reason);
}

static void every_claim_can_be_flipped(void **state)
{
    (void)state;
    for (int i = 0; claim_at(i); i++) {
        bool has_case = false;
        for (int c = 0; c < CASES; c++)
            has_case = has_case || strcmp(cases[c].claim, claim_at(i)->name) == 0;
        if (!has_case)
            fail_msg("no case here for %s", claim_at(i)->name);
    }
    for (int i = 0; i < CASES; i++) {
        struct claim_result yes = of_case(i, true, 3, 1), no = of_case(i, false, 3, 1);
        expect_verdict(i, &yes, CLAIM_SUPPORTED, "what it says");
        expect_verdict(i, &no, CLAIM_REFUTED, "the opposite");
        assert_true(yes.n_points > 0 && *yes.reason);
    }
}

/* One seed: beyond the held-out error by far, and then with an error that drowns it. Counts have no error. */
static void one_seed_needs_a_large_effect(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        struct claim_result yes = of_case(i, true, 1, 1), no = of_case(i, false, 1, 1), lost;
        expect_verdict(i, &yes, CLAIM_SUPPORTED, "what it says, one seed");
        expect_verdict(i, &no, CLAIM_REFUTED, "the opposite, one seed");
        if (claim_find(cases[i].claim)->uncertainty != CLAIM_ESTIMATED)
            continue;
        assert_non_null(strstr(yes.reason, "one seed"));
        lost = of_case(i, true, 1, 1e5);
        expect_verdict(i, &lost, CLAIM_UNDECIDED, "what it says, within its error");
        assert_non_null(strstr(lost.reason, "wanted: "));
    }
}

static void an_empty_store_decides_nothing(void **state)
{
    (void)state;
    (void)remove_store(NULL);
    store = opened(STORE_WRITE);
    for (int i = 0; claim_at(i); i++) {
        struct claim_result r = judged(claim_at(i));
        assert_int_equal(r.verdict, CLAIM_UNDECIDED);
        assert_true(isnan(r.value) && isnan(r.low) && isnan(r.high) && r.n_points == 0);
    }
    store_close(store);
}

/* A trial that failed a validity check is no point. */
static void failed_trials_are_left_out(void **state)
{
    struct claim_result r;
    (void)state;
    (void)of_case(0, true, 1, 1);
    store = opened(STORE_WRITE);
    execute("INSERT INTO validity SELECT trial_id, 'item_overlap', 'fail', 'overlap' FROM trial WHERE width = 16");
    r = judged(claim_find("bigger-is-better"));
    assert_int_equal(r.n_points, 12);
    execute("INSERT INTO validity SELECT trial_id, 'item_overlap', 'fail', '' FROM trial WHERE width <> 16");
    r = judged(claim_find("bigger-is-better"));
    assert_int_equal(r.n_points, 0);
    store_close(store);
}

/* A prediction that came after its trial had started is none: four of the 24 planted ones. */
static void late_predictions_do_not_count(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++)
        if (strcmp(cases[i].claim, "own-predictions") == 0)
            assert_int_equal(of_case(i, true, 1, 1).n_points, 20);
}

/* Budgets whose smallest size is the best: curved, but no optimum was seen, so nothing follows for optima. */
static void an_edge_is_no_optimum(void **state)
{
    static const char *const names[] = {"compute-optimal", "tokens-per-parameter", "equal-exponents",
                                        "doubling-costs-a-multiple", "exponential-cost-optimal"};
    struct planted p = PLANTED;
    (void)state;
    (void)remove_store(NULL);
    store = opened(STORE_WRITE);
    n_planted = 0;
    error_scale = 1;
    execute("BEGIN");
    for (int i = 0; i < 30; i++) {
        int octaves = 1 + i % 5;
        p.flops = 1e9 * pow(4, i / 5);
        p.total = twenty(i / 5, true) * pow(2, octaves);
        p.tokens = p.flops / (6 * p.total);
        p.loss = 3 + 0.05 * octaves * octaves;
        (void)plant(&p);
    }
    execute("COMMIT");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct claim_result r = judged(claim_find(names[i]));
        assert_true(r.verdict == CLAIM_UNDECIDED && isnan(r.value) && r.n_points == 30);
    }
    store_close(store);
}

/* Runs that nobody labelled with a budget, yet whose counted FLOPs agree, are the same IsoFLOP curves. */
static void counted_budgets_need_no_label(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        if (strcmp(cases[i].claim, "tokens-per-parameter") != 0 && strcmp(cases[i].claim, "equal-exponents") != 0)
            continue;
        struct claim_result labelled = of_case(i, true, 3, 1), counted;
        store = opened(STORE_WRITE);
        execute("UPDATE trial SET flops = NULL");
        counted = judged(claim_find(cases[i].claim));
        assert_int_equal(counted.verdict, CLAIM_SUPPORTED);
        assert_true(fabs(counted.value / labelled.value - 1) < 1e-9 && counted.n_points == labelled.n_points);
        execute("UPDATE cost SET flops_executed = flops_executed * (1 + 0.1 * substr(trial_id, 2))");
        assert_int_equal(judged(claim_find(cases[i].claim)).verdict, CLAIM_UNDECIDED); /* no two agree any more */
        store_close(store);
    }
}

/* However wide the error, a share stays between 0 and 1, and a difference of two between -1 and 1. */
static void shares_stay_shares(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        if (strcmp(cases[i].claim, "small-matches-large") != 0)
            continue;
        struct claim_result r = of_case(i, false, 1, 1e5);
        assert_true(isnan(r.low) || (r.low >= -1 && r.high <= 1));
        r = of_case(i, false, 1, 1);
        assert_true(r.low >= -1 && r.high <= 1);
    }
}

/* ---- by hand ---- */

static double mean_of(const struct claim_point *p, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += p[i].y;
    return sum / n;
}

static void add_point(struct table *t, double seed, double y, double se)
{
    int row = table_add_row(t);
    table_set_text(t, row, 0, "g");
    table_set_real(t, row, 1, seed);
    table_set_real(t, row, 2, seed);
    table_set_real(t, row, 3, y);
    table_set_real(t, row, 4, se);
}

/* Means of seeds 1, 2, 4 and 5: mean 3, sd sqrt(10 / 3), t 3.1824 with 3 degrees of freedom. */
static void intervals_by_hand(void **state)
{
    static const char *const names[] = {"grp", "seed", "x", "y", "se", "items", "z", "w"};
    static const double values[] = {1, 2, 4, 5};
    struct claim claim = {.name = "hand", .statistic = mean_of, .from = 0, .to = 6, .needs = "nothing"};
    struct claim_result r;
    struct table t;
    double half = 3.1824 * sqrt(10.0 / 3) / 2;
    (void)state;
    table_init(&t, 8, names);
    for (int i = 0; i < 4; i++)
        add_point(&t, i + 1, values[i], NAN);
    claim_judge(&claim, &t, &r);
    assert_true(fabs(r.low - (3 - half)) < 1e-4 && fabs(r.high - (3 + half)) < 1e-4);
    assert_int_equal(r.verdict, CLAIM_SUPPORTED);
    claim.from = 1; /* the interval begins below it */
    claim_judge(&claim, &t, &r);
    assert_int_equal(r.verdict, CLAIM_UNDECIDED);
    claim.from = 5.95;
    claim_judge(&claim, &t, &r);
    assert_int_equal(r.verdict, CLAIM_REFUTED);
    claim.margin = 0.1; /* nearly is not refuted */
    claim_judge(&claim, &t, &r);
    assert_int_equal(r.verdict, CLAIM_UNDECIDED);
    table_release(&t);

    /* One seed: three standard errors of 0.1 each way times 1.96, as far as 1000 draws tell. */
    table_init(&t, 8, names);
    add_point(&t, 1, 3, 0.1);
    claim_judge(&claim, &t, &r);
    assert_true(fabs(r.low - (3 - 0.588)) < 0.06 && fabs(r.high - (3 + 0.588)) < 0.06 && r.value == 3);
    table_release(&t);

    /* One seed without error: no verdict, however clear. */
    table_init(&t, 8, names);
    claim.from = 0;
    add_point(&t, 1, 3, NAN);
    claim_judge(&claim, &t, &r);
    assert_true(r.verdict == CLAIM_UNDECIDED && isnan(r.low) && r.value == 3);
    assert_non_null(strstr(r.reason, "no standard error"));
    table_release(&t);
}

static void the_table_is_whole(void **state)
{
    (void)state;
    for (int i = 0; claim_at(i); i++) {
        const struct claim *c = claim_at(i);
        assert_true(str_is_name(c->name) && c->from <= c->to && c->margin >= 0);
        assert_true(c->sentence && c->source && c->rule && c->quantity && c->sql && c->statistic && c->needs);
        assert_ptr_equal(claim_find(c->name), c);
        assert_string_equal(claim_name(i, NULL), c->name);
    }
    assert_null(claim_find("nobody-said-so"));
    assert_null(claim_at(-1));
}

/* The experiments that come with the program name claims that there are. */
static void experiments_name_known_claims(void **state)
{
    struct dirent **files;
    int n = scandir("experiments", &files, NULL, alphasort), named = 0;
    (void)state;
    assert_true(n > 0); /* tests run in the repository's root */
    for (int i = 0; i < n; i++) {
        char file[512], line[512], *rest;
        FILE *stream;
        (void)snprintf(file, sizeof file, "experiments/%s", files[i]->d_name);
        stream = strstr(file, ".yaml") ? fopen(file, "r") : NULL;
        while (stream && fgets(line, sizeof line, stream)) {
            if (strncmp(line, "claims: [", 9) != 0)
                continue;
            rest = line + 9;
            for (const char *name; (name = strsep(&rest, ", ]\n")) != NULL; named += *name != 0)
                if (*name && !claim_find(name))
                    fail_msg("%s names '%s', which is no claim", file, name);
        }
        if (stream)
            (void)fclose(stream);
        free(files[i]);
    }
    free(files);
    assert_true(named > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_claim_can_be_flipped, remove_store),
        cmocka_unit_test_teardown(one_seed_needs_a_large_effect, remove_store),
        cmocka_unit_test_teardown(an_empty_store_decides_nothing, remove_store),
        cmocka_unit_test_teardown(failed_trials_are_left_out, remove_store),
        cmocka_unit_test_teardown(counted_budgets_need_no_label, remove_store),
        cmocka_unit_test_teardown(shares_stay_shares, remove_store),
        cmocka_unit_test_teardown(late_predictions_do_not_count, remove_store),
        cmocka_unit_test_teardown(an_edge_is_no_optimum, remove_store),
        cmocka_unit_test(intervals_by_hand),
        cmocka_unit_test(the_table_is_whole),
        cmocka_unit_test(experiments_name_known_claims),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
