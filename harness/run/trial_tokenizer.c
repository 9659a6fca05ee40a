/* SPDX-License-Identifier: Apache-2.0 */
/* trial_tokenizer.c — the tokenizer that a trial's knobs ask for: read from a file, or learnt from the training part of
 * the text. What was learnt is kept beside the corpora under a name made of the text and the vocabulary, so that a sweep
 * learns it once. The cache is a convenience: whatever is wrong with it, the tokenizer is learnt anew, to the same one. */
#include <string.h>
#include <sys/stat.h>

#include "engine/base/hash.h"
#include "harness/run/trial_parts.h"

/* Every folder of the path that is not there yet; whether it worked is seen when a file is written. */
static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        (void)mkdir(path, 0777);
        *slash = '/';
    }
}

/* "<corpora>/tokenizers/<hash of text and version>-<vocabulary>.json"; the folder is made when it can be. */
static void cache_path(const struct knobs *knobs, const struct source *source, struct str *out)
{
    struct str key;
    char hash[HASH_TEXT_SIZE];
    str_init(&key);
    str_append(&key, "training " TOKENIZER_TRAINING_VERSION "; ");
    source_identity(source, &key);
    hash_text(hash_bytes(key.text, key.length), hash);
    str_release(&key);
    trial_corpora_folder(out);
    str_append(out, "/tokenizers/");
    make_folders(out->text);
    str_format(out, "%s-%lld.json", hash, (long long)knobs->vocabulary);
}

static enum status learn(const struct knobs *knobs, const struct source *source, struct tokenizer **out,
                         struct err *err)
{
    struct str path;
    struct err ignored = ERR_INIT;
    enum status status;
    str_init(&path);
    cache_path(knobs, source, &path);
    status = tokenizer_read(out, path.text, &ignored);
    if (status == STATUS_OK && tokenizer_vocabulary(*out) != knobs->vocabulary) {
        tokenizer_free(*out);
        status = STATUS_FORMAT;
    }
    if (status != STATUS_OK) {
        status = tokenizer_train(out, source_train_text(source), (size_t)source_train_bytes(source),
                                 (int)knobs->vocabulary, err);
        if (status == STATUS_OK && tokenizer_write(*out, path.text, &ignored) != STATUS_OK)
            str_clear(&path); /* a folder that takes nothing: the next one learns too */
    }
    str_release(&path);
    return status;
}

enum status trial_tokenizer(const struct knobs *knobs, const struct source *source, struct tokenizer **out,
                            struct err *err)
{
    struct tokenizer *tokenizer;
    enum status status;
    if (strcmp(knobs->tokenizer, "bpe") == 0)
        return learn(knobs, source, out, err);
    status = tokenizer_read(&tokenizer, knobs->tokenizer_path, err);
    if (status != STATUS_OK)
        return status;
    if (tokenizer_vocabulary(tokenizer) != knobs->vocabulary) {
        status = err_set(err, STATUS_USAGE, "%s has %d tokens: set data.vocabulary to that", knobs->tokenizer_path,
                         tokenizer_vocabulary(tokenizer));
        tokenizer_free(tokenizer);
        return status;
    }
    *out = tokenizer;
    return STATUS_OK;
}
