/* SPDX-License-Identifier: Apache-2.0 */
/* test_laws_refused.c — goal: points that are no points, and points that determine no law, give a message that names the row,
 * never a fit. Method: grids from a law with one thing spoilt at a time. */
#include <stdio.h>

#include "tests/harness/study.h"

static void refused(enum law_id id, enum law_method method, const char *part)
{
    struct law_settings settings = by(method, 0);
    struct law_fit out = {.n_points = -1};
    enum status status;
    err = ERR_INIT;
    status = law_fit(&laws[id], &study.points, &settings, &out, &err);
    assert_true(status == STATUS_INSUFFICIENT || status == STATUS_USAGE);
    assert_int_equal(out.n_points, -1);
    if (!strstr(err.text, part))
        fail_msg("'%s' lacks '%s'", err.text, part);
}

static void values_are_refused_by_row(void **state)
{
    const struct {
        double value;
        const char *part;
    } bad[] = {{(double)NAN, "is not a number"}, {0, "is 0; it must be positive"}, {-3, "is -3"}, {(double)INFINITY, "is infinite"}};
    (void)state;
    for (int b = 0; b < 4; b++) {
        char text[64];
        make_grid(5, 1, 0.01, 2);
        study.x[LAW_D][6] = bad[b].value;
        (void)snprintf(text, sizeof text, "row 7: D %s", bad[b].part);
        refused(LAW_CHINCHILLA, LAW_VARPRO, text);
        make_grid(5, 1, 0.01, 2);
        study.loss[24] = bad[b].value;
        (void)snprintf(text, sizeof text, "row 25: L %s", bad[b].part);
        refused(LAW_CHINCHILLA, LAW_HUBER, text);
    }
}

/* Six sizes by six of another variable, and a loss that does not care. */
static void make_idle_grid(enum law_variable other, double loss)
{
    begin();
    for (int i = 0; i < 36; i++) {
        add(1e6 * pow(4, i / 6), 1e7 * pow(4, i % 6), loss);
        study.x[other][i] = other == LAW_E ? pow(2, i % 6) : 1e8;
        study.seed[i] = i;
    }
    study.points.x[other] = study.x[other];
    study.points.replicate = study.seed;
}

static void laws_of_more_refuse_what_tells_them_nothing(void **state)
{
    (void)state;
    make_idle_grid(LAW_E, 3);
    refused(LAW_ROUTED, LAW_LOGS, "rows 1 to 36 show no effect of N: a is 0");
    for (int i = 0; i < 36; i++)
        study.loss[i] = pow(study.x[LAW_N][i], 0.1) / study.x[LAW_E][i];
    refused(LAW_ROUTED, LAW_LOGS, "does not fall with N");
    for (int i = 0; i < 36; i++)
        study.x[LAW_E][i] = study.x[LAW_N][i] / 1e6;
    refused(LAW_ROUTED, LAW_LOGS, "collinear, E following from N");
    make_idle_grid(LAW_U, 3);
    refused(LAW_DATA_CONSTRAINED, LAW_RELATIVE, "rows 1 to 36 show no effect of N: A is 0");
    for (int i = 0; i < 36; i++)
        study.x[LAW_U][i] = study.x[LAW_D][i];
    refused(LAW_DATA_CONSTRAINED, LAW_RELATIVE, "rows 1 to 36 see no token twice");
    make_idle_grid(LAW_U, 3);
    for (int i = 1; i < 36; i++)
        study.x[LAW_D][i] = study.x[LAW_D][0], study.x[LAW_N][i] = study.x[LAW_N][0], study.seed[i] = 0;
    study.points.n_clusters = 1;
    refused(LAW_KAPLAN, LAW_LOGS, " repeats row ");
}

static void points_that_determine_nothing_are_refused(void **state)
{
    (void)state;
    begin();
    add(1e6, 1e7, 3);
    study.points.n = 0;
    refused(LAW_CHINCHILLA, LAW_VARPRO, "no points");
    study.points.n = 1;
    refused(LAW_CHINCHILLA, LAW_VARPRO, "1 point in 1 cluster (the last is row 1)");
    begin();
    for (int i = 0; i < 12; i++)
        add(1e6 * pow(2, i), 1e8, 3 - 0.1 * i);
    refused(LAW_CHINCHILLA, LAW_VARPRO, "rows 1 to 12 have only 1 different values of D");
    begin();
    for (int i = 0; i < 12; i++)
        add(1e6 * pow(2, i), 2e7 * pow(2, i), 3 - 0.1 * i);
    refused(LAW_CHINCHILLA, LAW_HUBER, "rows 1 to 12 are collinear");
    make_grid(5, 1, 0.01, 2);
    study.x[LAW_N][9] = study.x[LAW_N][3];
    study.x[LAW_D][9] = study.x[LAW_D][3];
    study.loss[9] = study.loss[3];
    refused(LAW_CHINCHILLA, LAW_VARPRO, "row 10 repeats row 4");
    make_grid(5, 1, 0.0, 2);
    for (int i = 0; i < 25; i++)
        study.loss[i] = 2 + 410.7 * pow(study.x[LAW_D][i], -0.28);
    refused(LAW_CHINCHILLA, LAW_VARPRO, "no effect of N");
    refused(LAW_ROUTED, LAW_LOGS, "needs E, which no column gives");
    refused(LAW_CHINCHILLA, LAW_LOGS, "is not fitted by logs");
    refused(LAW_CHINCHILLA, LAW_APPROACH2, "at least 2 needed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_refused_by_row),
        cmocka_unit_test(points_that_determine_nothing_are_refused),
        cmocka_unit_test(laws_of_more_refuse_what_tells_them_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
