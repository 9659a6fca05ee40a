/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_folder.h — a folder of checkpoint files is replaced as a whole, or not at all.
 *
 * All files are written into "<folder>.new" and synced. Then "<folder>" becomes "<folder>.old", "<folder>.new" becomes
 * "<folder>", and the old one goes; what somebody else put into it (a tokenizer, notes) moves to the new one. Each
 * step is synced before the next, so after a crash or a loss of power there is a whole folder: under its own name,
 * or, between the two renames, under "<folder>.old", where readers look too. Two writers of one folder at the same
 * time are not provided for. */
#ifndef ENGINE_MODEL_CHECKPOINT_FOLDER_H
#define ENGINE_MODEL_CHECKPOINT_FOLDER_H

#include "engine/base/err.h"

enum { FOLDER_PATH = 1024, FOLDER_FILE = FOLDER_PATH + 64 };

struct checkpoint_folder {
    char final[FOLDER_PATH], staged[FOLDER_PATH + 8], old[FOLDER_PATH + 8], parent[FOLDER_PATH];
};

/* Cleans up after whoever was interrupted, and makes an empty folder to write to: folder->staged. The parent of
 * the final one must exist. */
MUST_CHECK enum status checkpoint_folder_begin(struct checkpoint_folder *folder, const char *path,
                                               struct err *err);

/* With status OK makes the staged folder the final one, otherwise removes it; returns the first failure. */
MUST_CHECK enum status checkpoint_folder_end(struct checkpoint_folder *folder, enum status status,
                                             struct err *err);

/* Where to read: path, or "<path>.old" when only that is there. */
void checkpoint_folder_reading(char out[FOLDER_PATH + 8], const char *path);

#endif
