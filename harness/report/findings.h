/* SPDX-License-Identifier: Apache-2.0 */
/* findings.h — from tables to sentences: what this store says about scaling, how sure it is, and where to
 * look. Pure functions; no number in a sentence is typed in, and no direction is assumed: when more data did
 * not help, that is the finding.
 *
 * A difference counts as clear when it survives the seeds (the most and least favourable pair agree in sign)
 * or, with one seed, twice the standard error of the held-out loss; else the finding says "no clear
 * difference". */
#ifndef HARNESS_REPORT_FINDINGS_H
#define HARNESS_REPORT_FINDINGS_H

#include <stdbool.h>

#include "engine/base/str.h"
#include "engine/base/table.h"

enum finding_kind {
    FINDING_SIZE,        /* bigger is better */
    FINDING_DATA,        /* more data is better */
    FINDING_COMPUTE,     /* at equal compute */
    FINDING_EXPERTS,
    FINDING_ABILITIES,
    FINDING_DOWNSCALING,
    FINDING_KINDS
};

enum finding_verdict {
    FINDING_UNKNOWN,     /* the store cannot say; the sentence says what it lacks */
    FINDING_YES,         /* as the label says */
    FINDING_NO,          /* the opposite was measured */
    FINDING_UNCLEAR      /* within the noise, or mixed */
};

enum { FINDING_SPARK = 24 };

struct finding {
    enum finding_kind kind;
    enum finding_verdict verdict;
    char label[32];       /* "bigger is better": the left column in the terminal */
    char headline[96];    /* what was found: "Bigger is better", "More data did not help here" */
    char number[48];      /* the one number: "−0.79 nats"; "" when unknown */
    char brief[160];      /* one line for the terminal, without the label */
    char sentence[600];   /* one or two sentences for the page */
    char interval[128];   /* "[−0.81, −0.76] over all pairs of 3 seeds", or "one seed: no interval" */
    double value;         /* number as a number; NaN when unknown */
    const char *chart;    /* name of the chart that shows it */
    char spark_label[96]; /* what the small chart shows: "loss by parameters (N)" */
    int n_spark;          /* the small chart: y over x, x on a logarithmic axis */
    double spark_x[FINDING_SPARK], spark_y[FINDING_SPARK];
    bool spark_marked[FINDING_SPARK]; /* stands beside the line: a mixture, a child */
};

enum findings_table { FINDINGS_POINTS, FINDINGS_EVALS, FINDINGS_LATENCY, FINDINGS_TABLES };

/* The trials of spec ?1, and what was made of their models; of the whole store when ?1 is NULL. A trial may belong to
 * several specs. */
#define REPORT_IN_SPEC "(?1 IS NULL OR trial_id IN (SELECT trial_id FROM v_spec_trials WHERE spec = ?1))"

/* What every comparison of losses rests on: the same data; of several kinds the most frequent counts. Continues a
 * WHERE. */
#define REPORT_MOST_FREQUENT_DATA \
    "(data_source, data_identity, task_share, fact_share, junk, data_seed) IS\n" \
    "       (SELECT data_source, data_identity, task_share, fact_share, junk, data_seed FROM v_points\n" \
    "        WHERE " REPORT_IN_SPEC " GROUP BY 1, 2, 3, 4, 5, 6\n" \
    "        ORDER BY count(*) DESC, 1, 2, 3, 4, 5, 6 LIMIT 1)"
#define REPORT_SAME_DATA "  AND " REPORT_MOST_FREQUENT_DATA "\n"
/* The same where shrunk models are wanted too: each is compared with its own parent anyway. */
#define REPORT_SAME_DATA_OR_SHRUNK "  AND (shrink <> 'none' OR " REPORT_MOST_FREQUENT_DATA ")\n"

/* Real text is told in bits per byte, the one unit that tokenisers share; the world in nats per token, as its floor
 * is. */
#define REPORT_SCALE "iif(data_source = 'text', bits_per_byte / heldout_loss, 1.0)"
#define REPORT_LOSS "iif(data_source = 'text', bits_per_byte, heldout_loss)"
#define REPORT_UNIT "iif(data_source = 'text', 'bits per byte', 'nats per token')"

/* sql as a person can paste it into sqlite3: the parameter ?1 becomes the spec's name, or goes when spec is NULL. */
void report_sql_shown(const char *sql, const char *spec, struct str *out);

/* The SQL whose answers findings_derive wants; ?1 is a spec's name, unbound means all. */
const char *findings_sql(enum findings_table table);

/* tables[i] is the answer to findings_sql(i); evals and latency may be NULL. */
void findings_derive(const struct table *const tables[FINDINGS_TABLES], struct finding out[FINDING_KINDS]);

#endif
