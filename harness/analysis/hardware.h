/* SPDX-License-Identifier: Apache-2.0 */
/* hardware.h — what a model of a known shape takes on a machine of known figures: time, money, energy and carbon to train,
 * memory and latency to run.
 *
 * Training: FLOPs / (devices x peak x utilisation) seconds; energy is devices x watts x that time x PUE (power usage
 * effectiveness: what the building takes over what the devices take); carbon is energy x grid intensity (Touvron et al. 2023,
 * section 6, whose table these formulas give back).
 *
 * Running one sequence: the roofline (Williams, Waterman & Patterson 2009): no less than FLOPs / peak, and no less than bytes
 * moved / bandwidth. Weights are read once per pass, of experts those that its tokens visit; a token that is decoded also
 * reads all keys and values before it. No time is counted for software, nor for talk between devices: a lower bound, whose
 * error against our own timings `isoflop size --measured` prints.
 *
 * Stateless, pure; SI units throughout. */
#ifndef HARNESS_ANALYSIS_HARDWARE_H
#define HARNESS_ANALYSIS_HARDWARE_H

#include "harness/analysis/size.h"

/* Data */

/* Figures of one device, but for `devices`. NaN where not known. */
struct hardware {
    const char *name, *what;
    double devices;
    double flops_16, flops_8;  /* FLOP/s at peak, dense, in 16-bit floats and in 8-bit integers */
    double memory_bytes;
    double usable;             /* share of it that a model can have */
    double bandwidth;          /* bytes/s of that memory */
    double power_w;
    double price_per_hour;     /* USD for a device; of what is bought, its price over its life */
    bool power_included;       /* the price pays for the electricity */
};

/* What is free to choose. */
struct hardware_knobs {
    double utilisation;        /* share of the peak that training reaches */
    double price_per_hour;     /* USD per device in place of the table's; NaN: the table's */
    double electricity;        /* USD per kWh */
    double grid_intensity;     /* kg CO2-equivalent per kWh */
    double pue;
};

struct training_cost {
    double seconds, device_hours, kwh, usd, co2_kg;
    double memory_bytes;       /* weights, gradients, AdamW, activations of one sequence */
    bool fits;
};

enum hardware_precision { PRECISION_16, PRECISION_8, PRECISION_4, PRECISIONS };

struct running_cost {
    double memory_bytes;       /* weights, and keys and values of the whole context in 16 bits */
    double devices;            /* the fewest that hold it; 0: all do not */
    double prefill_s;          /* until the first token; NaN when it does not fit */
    double decode_s;           /* for each further token, after the prompt */
};

/* Operations. A shape has passed size_check. */

/* Mixed-precision AdamW (Rajbhandari et al. 2020, section 3.1): 2 bytes weight, 2 gradient, 4 master weight, 8 moments. */
enum { TRAIN_BYTES_PER_PARAMETER = 16 };

/* Activations of one sequence of T tokens in 16 bits when a layer's input is kept and the rest computed again, one layer at a
 * time: 2 T C L + 34 T C (Korthikanti et al. 2022, table 2 and section 4.1, attention's square never stored). */
double hardware_activation_bytes(const struct architecture *a, int64_t T);

/* Of `flops` in all. */
struct training_cost hardware_train(const struct hardware *h, const struct hardware_knobs *knobs, const struct architecture *a,
                                    double flops);

/* After a prompt of T tokens, with a cache for `context`. */
struct running_cost hardware_run(const struct hardware *h, const struct architecture *a, enum hardware_precision precision, int64_t T,
                                 int64_t context);

/* The roofline's parts, for one pass over n tokens after `before` others: FLOPs, with logits for the last token alone, and bytes
 * of weights and cache read at so many bytes a number. */
double hardware_pass_flops(const struct architecture *a, int64_t n, int64_t before);
double hardware_pass_bytes(const struct architecture *a, int64_t n, int64_t before, double weight_bytes, double cache_bytes);

#endif
