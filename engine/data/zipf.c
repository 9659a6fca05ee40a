/* SPDX-License-Identifier: Apache-2.0 */
/* zipf.c — a table of cumulative probabilities and a binary search. A probability is always the difference of two
 * entries, so that what is drawn and what is counted agree to the last bit. */
#include "engine/data/zipf.h"

#include <math.h>
#include <string.h>

#include "engine/base/assert.h"

void zipf_init(struct zipf *zipf, int n)
{
    double sum = 0, all = 0;
    ASSERT(n > 0 && n <= ZIPF_MAX);
    zipf->n = n;
    for (int i = 0; i < n; i++)
        all += 1.0 / (i + 1);
    for (int i = 0; i < n; i++) {
        sum += 1.0 / (i + 1);
        zipf->cumulative[i] = sum / all;
    }
    zipf->cumulative[n - 1] = 1;
}

int zipf_draw(const struct zipf *zipf, struct rng *rng)
{
    double draw = rng_uniform(rng);
    int low = 0, high = zipf->n - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (draw < zipf->cumulative[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

double zipf_probability(const struct zipf *zipf, int i)
{
    return zipf->cumulative[i] - (i > 0 ? zipf->cumulative[i - 1] : 0);
}

double zipf_entropy(const struct zipf *zipf)
{
    double entropy = 0;
    for (int i = 0; i < zipf->n; i++)
        entropy -= zipf_probability(zipf, i) * log(zipf_probability(zipf, i));
    return entropy;
}

double zipf_mean_length(const struct zipf *zipf, const struct word_list *list)
{
    double length = 0;
    ASSERT(zipf->n == list->n);
    for (int i = 0; i < zipf->n; i++)
        length += zipf_probability(zipf, i) * (double)strlen(list->words[i]);
    return length;
}
