/* SPDX-License-Identifier: Apache-2.0 */
/* source.c — the world, text files and sparse parities behind one face; the only user of libmd (SHA-256). */
#include "engine/data/source.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/assert.h"

/* Where windows of the world begin: anywhere in the first bytes of their text, so that lines start at every
 * position of a window. */
enum { WORLD_ENTRY = 256 };

struct source {
    struct source_config config;
    struct str abilities; /* config's own copy */
    struct world *world;
    struct parities *parities;
    const uint8_t *text;  /* mapped */
    int64_t bytes, train; /* of the file, and of its training part */
    struct tokenizer *tokenizer;
    int32_t *tokens;      /* the training part's, then the held-out part's; NULL: tokens are bytes */
    int64_t n, n_train;   /* tokens in all, and of the training part */
};

static enum status map_text(struct source *s, const char *path, struct err *err)
{
    struct stat info;
    void *text;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe nobody writes to must not hang us */
    if (fd < 0)
        return err_set(err, errno == ENOENT || errno == ENOTDIR ? STATUS_NOT_FOUND : STATUS_IO, "%s: %s", path,
                       strerror(errno));
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        (void)close(fd);
        return err_set(err, STATUS_FORMAT, "%s: not a file", path);
    }
    s->bytes = info.st_size;
    s->train = s->bytes / 10 * 9;
    if (s->bytes - s->train < s->config.context + 2 || s->train < s->config.context + 1) {
        (void)close(fd);
        return err_set(err, STATUS_FORMAT, "%s: %lld bytes are too few: the held-out tenth must hold a context of %d",
                       path, (long long)s->bytes, s->config.context);
    }
    text = mmap(NULL, (size_t)s->bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    (void)close(fd);
    if (text == MAP_FAILED)
        return err_set(err, STATUS_IO, "%s: %s", path, strerror(errno));
    s->text = text;
    s->n = s->bytes;
    s->n_train = s->train;
    return STATUS_OK;
}

static enum status open_parities(struct source *s, struct err *err)
{
    struct parities_config config = s->config.parities;
    config.bits = s->config.context - 2;
    s->parities = malloc(sizeof *s->parities);
    if (!s->parities)
        return err_set(err, STATUS_MEMORY, "no memory for the data");
    return parities_init(s->parities, &config, s->config.vocabulary, err);
}

enum status source_open(struct source **out, const struct source_config *config, struct err *err)
{
    struct source *s = calloc(1, sizeof *s);
    enum status status;
    if (!s)
        return err_set(err, STATUS_MEMORY, "no memory for the data");
    s->config = *config;
    str_init(&s->abilities);
    if (config->kind == SOURCE_WORLD) {
        str_append(&s->abilities, config->world.abilities ? config->world.abilities : "demo");
        status = world_new(&s->world, &config->world, err);
    } else if (config->kind == SOURCE_PARITIES) {
        status = open_parities(s, err);
    } else {
        status = map_text(s, config->path, err);
    }
    s->config.path = s->config.world.abilities = NULL; /* the caller's; not needed any more */
    if (status != STATUS_OK) {
        source_free(s);
        return status;
    }
    *out = s;
    return STATUS_OK;
}

void source_free(struct source *source)
{
    if (!source)
        return;
    world_free(source->world);
    free(source->parities);
    if (source->text)
        (void)munmap((void *)(uintptr_t)source->text, (size_t)source->bytes);
    tokenizer_free(source->tokenizer);
    str_release(&source->abilities);
    free(source->tokens);
    free(source);
}

enum status source_tokenize(struct source *s, struct tokenizer *tokenizer, struct err *err)
{
    int64_t heldout = s->bytes - s->train, n_heldout;
    int32_t *tokens;
    ASSERT(s->text && !s->tokenizer);
    s->tokenizer = tokenizer;
    if (s->train > TOKENIZER_MOST_TEXT)
        return err_set(err, STATUS_FORMAT, "%lld bytes to train on are more than the %d that can be tokenized",
                       (long long)s->train, TOKENIZER_MOST_TEXT);
    s->tokens = malloc((size_t)s->bytes * sizeof *s->tokens); /* only the pages written to are taken */
    if (!s->tokens)
        return err_set(err, STATUS_MEMORY, "no memory for %lld tokens", (long long)s->bytes);
    s->n_train = (int64_t)tokenizer_encode(tokenizer, s->text, (size_t)s->train, s->tokens);
    n_heldout = (int64_t)tokenizer_encode(tokenizer, s->text + s->train, (size_t)heldout, s->tokens + s->n_train);
    s->n = s->n_train + n_heldout;
    tokens = realloc(s->tokens, (size_t)s->n * sizeof *tokens);
    s->tokens = tokens ? tokens : s->tokens;
    if (n_heldout < s->config.context + 2 || s->n_train < s->config.context + 1)
        return err_set(err, STATUS_FORMAT, "too few tokens, %lld: the held-out tenth must hold a context of %d",
                       (long long)s->n, s->config.context);
    return STATUS_OK;
}

const struct tokenizer *source_tokenizer(const struct source *source)
{
    return source->tokenizer;
}

/* Writes tokens, or the parts they belong to, or both; either may be NULL. */
static void world_window(const struct world *world, struct rng rng, int32_t *tokens, uint8_t *parts, int n)
{
    char line[WORLD_LINE_SIZE];
    struct world_origin origin;
    int skip = (int)rng_below(&rng, WORLD_ENTRY);
    for (int at = -skip; at < n;) {
        int length = world_line(world, &rng, line, &origin), first = at < 0 ? -at : 0;
        int last = length < n - at ? length : n - at;
        for (int i = first; i < last && tokens; i++)
            tokens[at + i] = (uint8_t)line[i];
        for (int i = first; i < last && parts; i++)
            parts[at + i] = (uint8_t)origin.part;
        at += length;
    }
}

/* Held-out windows walk the held-out part in steps of the golden section: any number of them is spread evenly. */
static int64_t heldout_start(const struct source *s, uint64_t index, int n)
{
    int64_t places = s->n - s->n_train - n + 1;
    double turn = (double)(index + 1) * 0.61803398874989485;
    return s->n_train + (int64_t)((turn - floor(turn)) * (double)places);
}

static int64_t train_start(const struct source *s, struct rng rng, int n)
{
    return (int64_t)(rng_uniform(&rng) * (double)(s->n_train - n + 1));
}

/* Training windows there are before they come again. */
static uint64_t unique_windows(const struct source *s)
{
    int64_t windows = s->config.unique_tokens / s->config.context;
    return s->config.unique_tokens <= 0 ? UINT64_MAX : windows > 0 ? (uint64_t)windows : 1;
}

static struct rng window_rng(const struct source *s, uint64_t seed, enum rng_stream stream, uint64_t index)
{
    return rng_open(seed, stream, stream == RNG_TRAIN_DATA ? index % unique_windows(s) : index);
}

void source_window_parts(const struct source *s, uint64_t seed, enum rng_stream stream, uint64_t index, uint8_t *parts,
                         int n)
{
    ASSERT(s->world && n <= s->config.context + 1);
    world_window(s->world, window_rng(s, seed, stream, index), NULL, parts, n);
}

const struct world *source_world(const struct source *source)
{
    return source->world;
}

const struct parities *source_parities(const struct source *source)
{
    return source->parities;
}

int source_scored(const struct source *source, int n)
{
    return source->parities ? 1 : n;
}

void source_window(const struct source *s, uint64_t seed, enum rng_stream stream, uint64_t index, int32_t *tokens,
                   int n)
{
    struct rng rng = window_rng(s, seed, stream, index);
    int64_t start;
    ASSERT(n <= s->config.context + 1);
    if (s->world) {
        world_window(s->world, rng, tokens, NULL, n);
        return;
    }
    if (s->parities) {
        int32_t sample[PARITIES_MOST_BITS + 3];
        (void)parities_draw(s->parities, &rng, stream == RNG_HELDOUT_DATA, sample);
        memcpy(tokens, sample, (size_t)n * sizeof *tokens);
        return;
    }
    start = stream == RNG_HELDOUT_DATA ? heldout_start(s, index, n) : train_start(s, rng, n);
    if (s->tokens) {
        memcpy(tokens, s->tokens + start, (size_t)n * sizeof *tokens);
        return;
    }
    for (int i = 0; i < n; i++)
        tokens[i] = s->text[start + i];
}

double source_entropy_floor(const struct source *source)
{
    return source->world ? world_entropy_floor(source->world) : source->parities ? parities_floor(source->parities) : NAN;
}

int64_t source_bytes_of(const struct source *source, int32_t token)
{
    size_t length = 1;
    if (source->tokenizer)
        (void)tokenizer_token(source->tokenizer, token, &length);
    return (int64_t)length;
}

int64_t source_train_bytes(const struct source *source)
{
    return source->text ? source->train : 0;
}

const uint8_t *source_train_text(const struct source *source)
{
    return source->text;
}

int64_t source_unique_tokens(const struct source *s, uint64_t seed, int64_t count, int n)
{
    uint8_t *seen;
    int64_t unique = 0;
    if ((uint64_t)count > unique_windows(s))
        count = (int64_t)unique_windows(s);
    if (!s->text)
        return count * n;
    seen = calloc((size_t)s->n_train, 1);
    NEED_MEMORY(seen);
    for (int64_t i = 0; i < count; i++)
        memset(seen + train_start(s, rng_open(seed, RNG_TRAIN_DATA, (uint64_t)i), n), 1, (size_t)n);
    for (int64_t i = 0; i < s->n_train; i++)
        unique += seen[i];
    free(seen);
    return unique;
}

void source_identity(const struct source *s, struct str *out)
{
    char digest[SHA256_DIGEST_STRING_LENGTH];
    const struct world_config *world = &s->config.world;
    char share[4][32];
    if (s->parities) {
        const struct parities_config *p = &s->parities->config;
        str_from_double(share[0], sizeof share[0], p->zipf);
        str_format(out, "parities 1 seed=%llu tasks=%d bits=%d places=%d zipf=%s", (unsigned long long)p->seed, p->tasks,
                   p->bits, p->places, share[0]);
        return;
    }
    if (!s->world) {
        (void)SHA256Data(s->text, (size_t)s->bytes, digest);
        str_format(out, "text sha256=%s bytes=%lld", digest, (long long)s->bytes);
        if (s->tokenizer) {
            str_append(out, " tokenizer=");
            tokenizer_identity(s->tokenizer, out);
        }
        return;
    }
    str_from_double(share[0], sizeof share[0], world->task_share);
    str_from_double(share[1], sizeof share[1], world->fact_share);
    str_from_double(share[2], sizeof share[2], world->junk);
    str_from_double(share[3], sizeof share[3], world->ability_zipf);
    str_format(out, "world " WORLD_VERSION " seed=%llu tasks=%s facts=%s junk=%s junk_kind=%s abilities=%s zipf=%s "
               "entities=%d cutoff=%d", (unsigned long long)world->seed, share[0], share[1], share[2],
               world->false_facts ? "facts" : "letters", s->abilities.text, share[3], world_facts(s->world)->n,
               world->cutoff_year);
}
