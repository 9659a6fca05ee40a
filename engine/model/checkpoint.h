/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.h — a model on disk, in the form others read: a folder with model.safetensors and config.json in
 * the Hugging Face layout and tensor names (LlamaForCausalLM, MixtralForCausalLM; with qk_norm Qwen3ForCausalLM); with
 * optimizer.safetensors beside them it is a training state. What none of them computes (QK-norm or shared experts in a
 * mixture, a gate over all experts) is an IsoflopForCausalLM.
 *
 * Full precision is F32. An 8-bit model stores its matrices as I8 and one F32 scale per row under
 * "<name>_scale"; others can read both by name. What config.json has no standard key for lies under "isoflop".
 * A folder is replaced as a whole (checkpoint_folder.h), and each of its safetensors files carries a checksum. */
#ifndef ENGINE_MODEL_CHECKPOINT_H
#define ENGINE_MODEL_CHECKPOINT_H

#include "engine/model/infer.h"
#include "engine/model/model.h"

/* Writes model (with i8 != NULL: its 8-bit form) into folder, which is made when missing (its parent must exist).
 * *bytes (may be NULL) gets the size of both files. */
MUST_CHECK enum status checkpoint_save(const char *folder, const struct model *model, const struct weights_i8 *i8,
                                       int64_t *bytes, struct err *err);

/* Reads the shape and holds it against the tensors' own, so that what is claimed is there before anybody allocates
 * a model of that size. Only `context` cannot be held against anything: it is the longest that the model knows, and
 * whoever opens it may lower it. *is_i8 says whether the matrices are stored in 8 bits. STATUS_NOT_FOUND without a
 * config.json or tensors, STATUS_FORMAT when they are not a model of this family; others' files are read as
 * checkpoint_config.h and checkpoint_files.h say. */
MUST_CHECK enum status checkpoint_config(const char *folder, struct config *out, bool *is_i8, struct err *err);

/* Fills an open model of that shape, wholly or not at all; F16 and BF16 are widened exactly, 8-bit matrices given
 * back as the numbers they stand for, so that quantising them again yields the same integers. STATUS_FORMAT names the
 * tensor and the byte, STATUS_CORRUPT says that a checksum differs. */
MUST_CHECK enum status checkpoint_load(const char *folder, struct model *model, struct err *err);

/* Training state: the model, and in optimizer.safetensors AdamW's two moments under the tensors' names with
 * ".exp_avg" and ".exp_avg_sq"; `step` and `identity` in its __metadata__. identity is printable ASCII that says
 * which run this is: a state of another one is not taken for ours. The optimizer's file names the checksum of the
 * model's, so that files of two saves never pass for one state. No error replaces a good state. */
MUST_CHECK enum status checkpoint_save_state(const char *folder, const struct model *model, int64_t step,
                                             const char *identity, int64_t *bytes, struct err *err);

/* Fills weights and moments of an open training model of the same configuration. STATUS_NOT_FOUND when there is no
 * state; STATUS_FORMAT when it is of another identity, configuration or shape; STATUS_CORRUPT when it is damaged.
 * On failure the model and *step are as they were. */
MUST_CHECK enum status checkpoint_load_state(const char *folder, struct model *model, const char *identity,
                                             int64_t *step, struct err *err);

#endif
