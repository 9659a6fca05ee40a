/* SPDX-License-Identifier: Apache-2.0 */
/* zipf.h — draws from 0 … n-1 with probability proportional to 1 / (rank + 1) (Zipf 1949). */
#ifndef ENGINE_DATA_ZIPF_H
#define ENGINE_DATA_ZIPF_H

#include "engine/base/rng.h"
#include "engine/data/lexicon.h"

enum { ZIPF_MAX = 3072 };

struct zipf {
    int n;
    double cumulative[ZIPF_MAX]; /* the last is 1 */
};

void zipf_init(struct zipf *zipf, int n); /* n <= ZIPF_MAX */
int zipf_draw(const struct zipf *zipf, struct rng *rng);
double zipf_probability(const struct zipf *zipf, int i);
double zipf_entropy(const struct zipf *zipf); /* nats */
/* Expected bytes of a word of the list. */
double zipf_mean_length(const struct zipf *zipf, const struct word_list *list);

#endif
