/* SPDX-License-Identifier: Apache-2.0 */
/* train.h — one optimiser step over a batch, on any number of threads, to the same bits.
 *
 * A batch is cut into lanes: at most 8 runs of sequences, of at least 512 tokens each. How it is cut depends on the
 * batch alone. Within a lane the gradients of its sequences are added up one after the other, the lanes' sums
 * are then added in the order of the lanes; a thread takes whole lanes. So the number of threads decides who
 * computes, and never what is added to what.
 *
 * Within a lane a few sequences are computed together, as a micro-batch. Of a dense model its size changes no bit
 * either, because linear.h sums over blocks of rows and a micro-batch is made of whole blocks. The auxiliary losses of
 * a routed model (moe.h) are defined on what is computed together: there the micro-batch is a setting like others.
 *
 * A trainer owns its threads, their activations and their gradients; the model is the caller's. Its threads wait
 * between steps and touch nothing then. The FLOPs of all threads are added to the caller's counter (blas.h). */
#ifndef ENGINE_MODEL_TRAIN_H
#define ENGINE_MODEL_TRAIN_H

#include "engine/model/model.h"
#include "engine/model/optim.h"

enum { TRAIN_LANES_MAX = 8, TRAIN_LANE_TOKENS = 512, TRAIN_THREADS_MAX = 64 };

struct train_shape {
    int64_t sequences; /* of `context` tokens, in a batch */
    int micro_batch;   /* sequences computed together; 0: as many as fit TRAIN_LANE_TOKENS */
    int threads;       /* 1 … TRAIN_THREADS_MAX; more than there are lanes are of no use */
};

/* Fills tokens and targets, both (rows,T), with the sequences first … first+rows-1 of all that are ever trained on:
 * step s takes those from s * sequences on. Called by several threads at once. */
struct train_data {
    void *context;
    void (*fill)(const void *context, int64_t first, int rows, int32_t *tokens, int32_t *targets);
};

struct train_step {
    double loss; /* nats per token */
    double norm; /* of the gradient, before clipping; when it is not finite the weights were left alone */
};

struct trainer;

/* Lanes of a batch; sequences of a micro-batch, which the model must have room for; threads that get work. */
int train_lanes(const struct config *config, const struct train_shape *shape);
int train_micro_batch(const struct config *config, const struct train_shape *shape);
int train_workers(const struct config *config, const struct train_shape *shape);

/* Bytes a trainer takes beside the model; SIZE_MAX when the shape overflows. */
size_t train_bytes(const struct config *config, const struct train_shape *shape);

/* Life cycle. The model is open for MODEL_TRAIN with at least train_micro_batch sequences and outlives the trainer.
 * STATUS_MEMORY, or STATUS_INSUFFICIENT when the system gives no thread. */
MUST_CHECK enum status trainer_open(struct trainer **out, struct model *model, const struct train_shape *shape,
                                    struct err *err);
void trainer_close(struct trainer *trainer); /* NULL is fine */

/* Step number `step`, from 0, at learning rate `rate`: gradients of the batch's mean loss, then AdamW. */
void trainer_step(struct trainer *trainer, const struct train_data *data, const struct adamw *adamw, double rate,
                  int64_t step, struct train_step *out);

#endif
