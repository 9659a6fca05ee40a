/* SPDX-License-Identifier: Apache-2.0 */
/* options.c — see options.h. Invariant: values[i] belongs to rows[i] and holds its preset until the word
 * for it has been read and checked; nothing is kept of a word that was refused. */
#include "harness/cli/options.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/str.h"

/* The largest whole number that a double holds exactly, and beyond which a typed one is surely a slip. */
static const double LARGEST_INTEGER = 9007199254740992.0;

/* A suffix and what it multiplies by. */
struct unit {
    const char *name;
    double factor;
};

static const struct unit counts[] = {{"", 1},    {"k", 1e3},  {"K", 1e3}, {"M", 1e6},
                                     {"G", 1e9}, {"T", 1e12}, {NULL, 0}};
static const struct unit seconds[] = {{"", 1},   {"ms", 1e-3}, {"s", 1},     {"min", 60},
                                      {"m", 60}, {"h", 3600},  {"d", 86400}, {NULL, 0}};
static const struct unit bytes[] = {{"", 1},        {"k", 1024},         {"K", 1024},
                                    {"M", 1048576}, {"G", 1073741824.0}, {"T", 1099511627776.0},
                                    {NULL, 0}};

/* ---- numbers ---- */

/* A plain decimal number at *text, which moves past it. strtod alone would also take hexadecimal, inf and
 * nan. */
static bool read_decimal(const char **text, double *out)
{
    const char *from = *text + (**text == '-' || **text == '+');
    char *end;
    if (!isdigit((unsigned char)from[0]) && !(from[0] == '.' && isdigit((unsigned char)from[1])))
        return false;
    if (from[0] == '0' && (from[1] == 'x' || from[1] == 'X'))
        return false;
    *out = strtod(*text, &end);
    *text = end;
    return isfinite(*out);
}

/* The letters at *text as a unit's factor; *text moves past them. */
static bool read_unit(const char **text, const struct unit *units, double *factor)
{
    size_t n = 0;
    while (isalpha((unsigned char)(*text)[n]))
        n++;
    for (; units->name; units++)
        if (strlen(units->name) == n && strncmp(units->name, *text, n) == 0) {
            *text += n;
            *factor = units->factor;
            return true;
        }
    return false;
}

static bool read_scaled(const char *text, const struct unit *units, double *out)
{
    double factor;
    if (!read_decimal(&text, out) || !read_unit(&text, units, &factor) || *text)
        return false;
    *out *= factor;
    return isfinite(*out);
}

/* One or more "number unit" pairs; a number without a unit stands alone. */
static bool read_duration(const char *text, double *out)
{
    double sum = 0;
    if (!*text)
        return false;
    for (const char *start = text; *text;) {
        double number, factor;
        if (!isdigit((unsigned char)*text) && *text != '.')
            return false;
        if (!read_decimal(&text, &number))
            return false;
        bool bare = !isalpha((unsigned char)*text);
        if (!read_unit(&text, seconds, &factor) || (bare && (*text || strpbrk(start, "smhd"))))
            return false;
        sum += number * factor;
    }
    *out = sum;
    return isfinite(sum);
}

/* 8G, 8GB and 8GiB are the same. */
static bool read_bytes(const char *text, double *out)
{
    char plain[48];
    size_t n;
    if (!str_copy(plain, sizeof plain, text))
        return false;
    n = strlen(plain);
    if (n > 1 && plain[n - 1] == 'B')
        plain[--n] = 0;
    if (n > 1 && plain[n - 1] == 'i' && isalpha((unsigned char)plain[n - 2]))
        plain[--n] = 0;
    return read_scaled(plain, bytes, out) && *out >= 0;
}

static bool bounded(const struct option_row *row)
{
    return row->minimum != 0 || row->maximum != 0;
}

bool option_number(const struct option_row *row, const char *text, double *out)
{
    double value = 0;
    bool ok = false;
    switch (row->kind) {
    case OPTION_INTEGER:
        ok = read_scaled(text, counts, &value) && value == trunc(value) && fabs(value) <= LARGEST_INTEGER;
        break;
    case OPTION_REAL:
        ok = read_scaled(text, counts, &value);
        break;
    case OPTION_DURATION:
        ok = read_duration(text, &value);
        break;
    case OPTION_BYTES:
        ok = read_bytes(text, &value) && value <= LARGEST_INTEGER;
        value = trunc(value);
        break;
    case OPTION_FLAG:
    case OPTION_TEXT:
    case OPTION_CHOICE:
    case OPTION_LIST:
        break;
    }
    if (!ok || (bounded(row) && !(value >= row->minimum && value <= row->maximum)))
        return false;
    *out = value;
    return true;
}

/* ---- what a row takes ---- */

const char *option_choice(const struct option_row *row, int i, char *buffer, int size)
{
    const char *word = row->choices ? row->choices : "";
    for (;; i--) {
        size_t n = strcspn(word, " ");
        if (n == 0)
            return NULL;
        if (i == 0) {
            ASSERT(n < (size_t)size);
            memcpy(buffer, word, n);
            buffer[n] = 0;
            return buffer;
        }
        word += n + (word[n] == ' ');
    }
}

static bool is_choice(const struct option_row *row, const char *text)
{
    char word[64];
    for (int i = 0; option_choice(row, i, word, sizeof word); i++)
        if (strcmp(word, text) == 0)
            return true;
    return false;
}

static void append_bounds(const struct option_row *row, struct str *out)
{
    if (!bounded(row))
        return;
    if (row->maximum >= DBL_MAX)
        str_format(out, " of at least %.15g", row->minimum);
    else
        str_format(out, " from %.15g to %.15g", row->minimum, row->maximum);
}

void option_takes(const struct option_row *row, struct str *out)
{
    char word[64];
    switch (row->kind) {
    case OPTION_FLAG:
        str_append(out, "no value");
        break;
    case OPTION_TEXT:
    case OPTION_LIST:
        str_format(out, "a value (%s)", row->metavar);
        break;
    case OPTION_CHOICE:
        for (int i = 0; option_choice(row, i, word, sizeof word); i++)
            str_format(out, "%s%s", i ? " or " : "", word);
        break;
    case OPTION_INTEGER:
        str_append(out, "a whole number");
        append_bounds(row, out);
        break;
    case OPTION_REAL:
        str_append(out, "a number");
        append_bounds(row, out);
        break;
    case OPTION_DURATION:
        str_append(out, "a duration such as 90s, 5m or 1h30m");
        break;
    case OPTION_BYTES:
        str_append(out, "a size such as 512M or 8G");
        break;
    }
}

/* ---- life cycle ---- */

void options_init(struct options *options)
{
    *options = (struct options){0};
}

void options_add(struct options *options, const struct option_row *rows)
{
    for (; rows && rows->name; rows++) {
        struct option_value *value = &options->values[options->n_rows];
        ASSERT(options->n_rows < OPTIONS_MAX);
        ASSERT((rows->kind == OPTION_FLAG) == (rows->metavar == NULL));
        ASSERT((rows->kind == OPTION_CHOICE) == (rows->choices != NULL));
        value->text = rows->preset;
        if (rows->preset && rows->kind >= OPTION_INTEGER && rows->kind <= OPTION_BYTES)
            ASSERT(option_number(rows, rows->preset, &value->number));
        options->rows[options->n_rows++] = rows;
    }
}

void options_release(struct options *options)
{
    for (int i = 0; i < options->n_rows; i++)
        free(options->values[i].list);
    free(options->arguments);
    options_init(options);
}

/* ---- reading ---- */

static const char *candidate(int i, const void *context)
{
    const struct options *options = context;
    return i < options->n_rows ? options->rows[i]->name : NULL;
}

static enum status unknown_name(const struct options *options, const char *owner, const char *name,
                                struct err *err)
{
    const char *nearest = str_nearest(name, candidate, options);
    if (nearest)
        return err_set(err, STATUS_USAGE, "unknown option '--%s' for '%s'; did you mean '--%s'?", name, owner,
                       nearest);
    return err_set(err, STATUS_USAGE, "unknown option '--%s' for '%s'; see  isoflop %s --help", name, owner,
                   owner);
}

static int find_name(const struct options *options, const char *name, size_t n)
{
    for (int i = 0; i < options->n_rows; i++)
        if (strlen(options->rows[i]->name) == n && strncmp(options->rows[i]->name, name, n) == 0)
            return i;
    return -1;
}

static int find_letter(const struct options *options, char letter)
{
    for (int i = 0; i < options->n_rows; i++)
        if (letter && options->rows[i]->letter == letter)
            return i;
    return -1;
}

static enum status refuse(const struct option_row *row, const char *text, struct err *err)
{
    struct str takes;
    str_init(&takes);
    option_takes(row, &takes);
    if (text)
        (void)err_set(err, STATUS_USAGE, "--%s takes %s, not '%s'", row->name, takes.text, text);
    else
        (void)err_set(err, STATUS_USAGE, "--%s takes %s", row->name, takes.text);
    str_release(&takes);
    return STATUS_USAGE;
}

static enum status keep_in_list(struct option_value *value, const char *text, struct err *err)
{
    const char **list = realloc(value->list, (size_t)(value->n + 1) * sizeof *list);
    if (!list)
        return err_set(err, STATUS_MEMORY, "no memory for the command line");
    list[value->n++] = text;
    value->list = list;
    return STATUS_OK;
}

static void take_flag(struct options *options, int i)
{
    options->values[i].given = true;
}

/* Checks and stores the value that row i was given. */
static enum status take(struct options *options, int i, const char *text, struct err *err)
{
    const struct option_row *row = options->rows[i];
    struct option_value *value = &options->values[i];
    double number = 0;
    if (row->kind == OPTION_LIST) {
        enum status status = keep_in_list(value, text, err);
        if (status)
            return status;
    }
    if (row->kind == OPTION_CHOICE && !is_choice(row, text))
        return refuse(row, text, err);
    if (row->kind >= OPTION_INTEGER && row->kind <= OPTION_BYTES && !option_number(row, text, &number))
        return refuse(row, text, err);
    value->given = true;
    value->text = text;
    value->number = number;
    return STATUS_OK;
}

/* "--name", "--name=value"; *next is the index of the word after it and moves when that is the value. */
static enum status read_long(struct options *options, const char *owner, int n, char **words, int *next,
                             struct err *err)
{
    const char *name = words[*next - 1] + 2;
    size_t length = strcspn(name, "=");
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    int i = find_name(options, name, length);
    if (i < 0) {
        char alone[64];
        (void)str_copy(alone, length < sizeof alone ? length + 1 : sizeof alone, name);
        return unknown_name(options, owner, alone, err);
    }
    if (options->rows[i]->kind == OPTION_FLAG) {
        if (value)
            return refuse(options->rows[i], value, err);
        take_flag(options, i);
        return STATUS_OK;
    }
    if (!value && *next == n)
        return refuse(options->rows[i], NULL, err);
    return take(options, i, value ? value : words[(*next)++], err);
}

/* "-q", "-qv", "-j2", "-j 2"; as read_long. */
static enum status read_letters(struct options *options, const char *owner, int n, char **words, int *next,
                                struct err *err)
{
    const char *letter = words[*next - 1] + 1;
    for (; *letter; letter++) {
        int i = find_letter(options, *letter);
        if (i < 0)
            return err_set(err, STATUS_USAGE, "unknown option '-%c' for '%s'; see  isoflop %s --help",
                           *letter, owner, owner);
        if (options->rows[i]->kind != OPTION_FLAG) {
            if (!letter[1] && *next == n)
                return refuse(options->rows[i], NULL, err);
            return take(options, i, letter[1] ? letter + 1 : words[(*next)++], err);
        }
        take_flag(options, i);
    }
    return STATUS_OK;
}

enum status options_parse(struct options *options, const char *owner, int n, char **words, struct err *err)
{
    bool ended = false;
    ASSERT(!options->arguments);
    options->arguments = calloc((size_t)n + 1, sizeof *options->arguments);
    if (!options->arguments)
        return err_set(err, STATUS_MEMORY, "no memory for the command line");
    for (int next = 0; next < n;) {
        const char *word = words[next++];
        enum status status = STATUS_OK;
        if (ended || word[0] != '-' ||
            word[1] == 0) /* a lone dash is an argument: standard input or output */
            options->arguments[options->n_arguments++] = word;
        else if (strcmp(word, "--") == 0)
            ended = true;
        else if (word[1] == '-')
            status = read_long(options, owner, n, words, &next, err);
        else
            status = read_letters(options, owner, n, words, &next, err);
        if (status)
            return status;
    }
    return STATUS_OK;
}

/* ---- accessors ---- */

static const struct option_value *value_of(const struct options *options, const char *name, unsigned kinds)
{
    int i = find_name(options, name, strlen(name));
    ASSERT(i >= 0);
    ASSERT(kinds & 1u << options->rows[i]->kind);
    return &options->values[i];
}

bool option_given(const struct options *options, const char *name)
{
    return value_of(options, name, ~0u)->given;
}

bool option_flag(const struct options *options, const char *name)
{
    return value_of(options, name, 1u << OPTION_FLAG)->given;
}

const char *option_text(const struct options *options, const char *name)
{
    return value_of(options, name, 1u << OPTION_TEXT | 1u << OPTION_CHOICE)->text;
}

int64_t option_integer(const struct options *options, const char *name)
{
    return (int64_t)value_of(options, name, 1u << OPTION_INTEGER | 1u << OPTION_BYTES)->number;
}

double option_real(const struct options *options, const char *name)
{
    return value_of(options, name, 1u << OPTION_REAL)->number;
}

double option_seconds(const struct options *options, const char *name)
{
    return value_of(options, name, 1u << OPTION_DURATION)->number;
}

const char *const *option_list(const struct options *options, const char *name, int *n)
{
    const struct option_value *value = value_of(options, name, 1u << OPTION_LIST);
    *n = value->n;
    return value->list;
}
