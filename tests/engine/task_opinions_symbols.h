/* SPDX-License-Identifier: Apache-2.0 */
/* task_opinions_symbols.h — second opinions on letters, digits, bits and brackets: see task_opinions.h. */
#ifndef TESTS_ENGINE_TASK_OPINIONS_SYMBOLS_H
#define TESTS_ENGINE_TASK_OPINIONS_SYMBOLS_H

#include "tests/engine/task_opinion.h"

/* ---- strings ---- */

/* The word of n letters up to `last` at the prompt's end, before ": ". */
static bool read_word(const struct opinion *o, const char *prompt, char last, char word[TEXT])
{
    const char *at = prompt + strlen(o->begins);
    int n = 0;
    if (strncmp(prompt, o->begins, strlen(o->begins)) != 0)
        return false;
    while (at[n] >= 'a' && at[n] <= last && n < TEXT - 1) {
        word[n] = at[n];
        n++;
    }
    word[n] = 0;
    return n == o->size && strncmp(at + n, ": ", 2) == 0;
}

static bool answer_copy(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT])
{
    char word[TEXT];
    if (!read_word(o, prompt, 'l', word))
        return false;
    (void)snprintf(understood, TEXT, "copy %.20s: ", word);
    (void)snprintf(answer, TEXT, "%.20s\n", word);
    return true;
}

static bool answer_reverse(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT])
{
    char word[TEXT];
    if (!read_word(o, prompt, 'l', word))
        return false;
    (void)snprintf(understood, TEXT, "flip %.20s: ", word);
    for (int i = 0; i < o->size; i++)
        answer[i] = word[o->size - 1 - i];
    memcpy(answer + o->size, "\n", 2);
    return true;
}

static void guess_letters(const struct opinion *o, const char *prompt, const char *answer, struct rng *rng,
                          struct guess *out)
{
    (void)prompt;
    (void)answer;
    out->p_answer = 1;
    for (int i = 0; i < o->size; i++) {
        out->best[i] = (char)('a' + rng_below(rng, 12));
        out->p_answer /= 12;
    }
    memcpy(out->best + o->size, "\n", 2);
}

/* Exchanges neighbours until none is out of order. */
static bool answer_sort(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT])
{
    char word[TEXT];
    if (!read_word(o, prompt, 'l', word))
        return false;
    (void)snprintf(understood, TEXT, "sort %.20s: ", word);
    for (int i = 0; i + 1 < o->size;) {
        if (word[i] > word[i + 1]) {
            char other = word[i];
            word[i] = word[i + 1];
            word[i + 1] = other;
            i = i > 0 ? i - 1 : 0;
        } else {
            i++;
        }
    }
    (void)snprintf(answer, TEXT, "%.20s\n", word);
    return true;
}

/* Draws the letters one after the other; the answer's turn up so with the product of the shares of those left. */
static void guess_order(const struct opinion *o, const char *prompt, const char *answer, struct rng *rng, struct guess *out)
{
    char left[TEXT], rest[TEXT];
    (void)read_word(o, prompt, 'l', left);
    memcpy(rest, left, sizeof rest);
    out->p_answer = 1;
    for (int i = 0, n = o->size; n > 0; i++, n--) {
        int drawn = (int)rng_below(rng, (uint32_t)n), times = 0;
        char *found = memchr(rest, answer[i], (size_t)n);
        out->best[i] = left[drawn];
        left[drawn] = left[n - 1];
        for (int j = 0; j < n; j++)
            times += rest[j] == answer[i];
        out->p_answer *= times / (double)n;
        *found = rest[n - 1];
    }
    memcpy(out->best + o->size, "\n", 2);
}

/* ---- numbers ---- */

static bool answer_sum(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT])
{
    int a, b;
    (void)o;
    if (sscanf(prompt, "%d+%d", &a, &b) != 2 || a < 0 || a > 19 || b < 0 || b > 19)
        return false;
    (void)snprintf(understood, TEXT, "%d+%d=", a, b);
    (void)snprintf(answer, TEXT, "%d\n", a + b);
    return true;
}

/* Of the 400 pairs, s + 1 make the sum s up to 19, and 39 - s from there on. */
static void guess_sum(const struct opinion *o, const char *prompt, const char *answer, struct rng *rng, struct guess *out)
{
    long sum = strtol(answer, NULL, 10);
    (void)o;
    (void)prompt;
    (void)rng;
    memcpy(out->best, "19\n", 4);
    out->p_answer = (double)(sum <= 19 ? sum + 1 : 39 - sum) / 400;
}

static bool answer_modular(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT])
{
    int p, a, b;
    if (sscanf(prompt, "mod%d %d+%d", &p, &a, &b) != 3 || p != o->size || a < 0 || a >= o->base || b < 0 || b >= o->base)
        return false;
    (void)snprintf(understood, TEXT, "mod%d %d+%d=", p, a, b);
    (void)snprintf(answer, TEXT, "%d\n", (a + b) - p * ((a + b) / p));
    return true;
}

/* Each remainder as often as any other. */
static void guess_modular(const struct opinion *o, const char *prompt, const char *answer, struct rng *rng,
                          struct guess *out)
{
    (void)prompt;
    (void)answer;
    (void)snprintf(out->best, TEXT, "%d\n", (int)rng_below(rng, (uint32_t)o->size));
    out->p_answer = 1.0 / o->size;
}

/* On paper: column by column from the right, with a carry. */
static bool answer_digits(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT])
{
    const char *a = prompt + 4, *b = a + o->size + 1;
    int carry = 0, n = o->size;
    if (strncmp(prompt, o->begins, 4) != 0 || strspn(a, "0123456789") != (size_t)n || a[n] != '+' ||
        strspn(b, "0123456789") != (size_t)n || b[n] != '=')
        return false;
    (void)snprintf(understood, TEXT, "%.4s%.*s+%.*s=", o->begins, n, a, n, b);
    for (int i = n - 1; i >= 0; i--) {
        int column = a[i] - '0' + b[i] - '0' + carry;
        answer[o->base ? n - 1 - i : i + 1] = (char)('0' + column % 10);
        carry = column / 10;
    }
    answer[o->base ? n : 0] = (char)('0' + carry);
    memcpy(answer + n + 1, "\n", 2);
    return true;
}

/* The sum of two numbers below n that most pairs have is n - 1. */
static void guess_digits(const struct opinion *o, const char *prompt, const char *answer, struct rng *rng, struct guess *out)
{
    int n = o->size, below = 1, sum = 0, pairs;
    (void)prompt;
    (void)rng;
    for (int i = 0; i <= n; i++)
        sum = 10 * sum + answer[o->base ? n - i : i] - '0';
    for (int i = 0; i < n; i++)
        below *= 10;
    pairs = sum < below ? sum + 1 : 2 * below - 1 - sum;
    out->p_answer = (double)pairs / below / below;
    memset(out->best, '9', (size_t)n + 1);
    out->best[o->base ? n : 0] = '0';
    memcpy(out->best + n + 1, "\n", 2);
}

static bool answer_chain(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT])
{
    const char *at = prompt + 6;
    int value, n = 0;
    if (strncmp(prompt, o->begins, 6) != 0 || !isdigit((unsigned char)*at))
        return false;
    for (value = *at++ - '0'; (*at == '+' || *at == '-') && isdigit((unsigned char)at[1]); at += 2) {
        value += *at == '+' ? at[1] - '0' : '0' - at[1];
        value = (value + 10) % 10;
        answer[n++] = (char)('0' + value);
    }
    if (n != o->size || *at != '=')
        return false;
    (void)snprintf(understood, TEXT, "%.*s=", (int)(at - prompt), prompt);
    if (!o->base)
        answer[0] = answer[n - 1];
    memcpy(answer + (o->base ? n : 1), "\n", 2);
    return true;
}

static void guess_chain(const struct opinion *o, const char *prompt, const char *answer, struct rng *rng, struct guess *out)
{
    int n = o->base ? o->size : 1;
    (void)prompt;
    (void)answer;
    out->p_answer = 1;
    for (int i = 0; i < n; i++, out->p_answer /= 10)
        out->best[i] = (char)('0' + rng_below(rng, 10));
    memcpy(out->best + n, "\n", 2);
}

static bool answer_parity(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT])
{
    const char *bits = prompt + strlen(o->begins);
    int n = 0;
    bool odd = false;
    if (strncmp(prompt, o->begins, strlen(o->begins)) != 0)
        return false;
    for (; bits[n] == '0' || bits[n] == '1'; n++)
        if (bits[n] == '1' && (o->size == 0 || n == 3 || n == 10 || (o->size == 3 && n == 6)))
            odd = !odd;
    if (n != o->base || bits[n] != '=')
        return false;
    (void)snprintf(understood, TEXT, "%s%.*s=", o->begins, n, bits);
    memcpy(answer, odd ? "1\n" : "0\n", 3);
    return true;
}

/* ---- structure ---- */

static bool answer_recall(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT])
{
    const char *at = prompt + 7;
    int pairs = 0, found = -1;
    char asked;
    if (strncmp(prompt, "recall ", 7) != 0)
        return false;
    while (islower((unsigned char)at[3 * pairs]) && at[3 * pairs + 1] >= '1' && at[3 * pairs + 1] <= '8' &&
           at[3 * pairs + 2] == ' ')
        pairs++;
    asked = at[3 * pairs];
    if (pairs != o->size)
        return false;
    for (int i = 0; i < pairs; i++) {
        if (at[3 * i] < (o->size == 3 ? 'm' : 'a') || at[3 * i] > 't')
            return false;
        for (int j = 0; j < i; j++)
            if (at[3 * i] == at[3 * j])
                return false;
        found = at[3 * i] == asked ? i : found;
    }
    if (found < 0)
        return false;
    (void)snprintf(understood, TEXT, "recall %.*s%c", 3 * pairs, at, asked);
    (void)snprintf(answer, TEXT, "%c\n", at[3 * found + 1]);
    return true;
}

/* Says a value that stands in most pairs; believes in each by how often it stands. */
static void guess_recall(const struct opinion *o, const char *prompt, const char *answer, struct rng *rng, struct guess *out)
{
    int times[10] = {0}, most = 0, ties = 0, which;
    for (int i = 0; i < o->size; i++)
        times[prompt[8 + 3 * i] - '0']++;
    for (int v = 0; v < 10; v++)
        most = times[v] > most ? times[v] : most;
    for (int v = 0; v < 10; v++)
        ties += times[v] == most;
    which = (int)rng_below(rng, (uint32_t)ties);
    for (int v = 0; v < 10; v++)
        if (times[v] == most && which-- == 0)
            (void)snprintf(out->best, TEXT, "%d\n", v);
    out->p_answer = times[answer[0] - '0'] / (double)o->size;
}

static bool answer_brackets(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT])
{
    char stack[TEXT];
    const char *at = prompt + 6;
    int depth = 0;
    if (strncmp(prompt, "close ", 6) != 0)
        return false;
    for (; *at && *at != ' '; at++) {
        if (strchr("([{", *at))
            stack[depth++] = *at;
        else if (depth == 0 || !strchr(")]}", *at) || strchr("([{", stack[--depth]) - "([{" != strchr(")]}", *at) - ")]}")
            return false;
    }
    if (depth != o->size || *at != ' ')
        return false;
    (void)snprintf(understood, TEXT, "%.*s ", (int)(at - prompt), prompt);
    for (int i = 0; i < depth; i++)
        answer[i] = stack[depth - 1 - i] == '(' ? ')' : stack[depth - 1 - i] == '[' ? ']' : '}';
    memcpy(answer + depth, "\n", 2);
    return true;
}

static void guess_brackets(const struct opinion *o, const char *prompt, const char *answer, struct rng *rng,
                           struct guess *out)
{
    (void)prompt;
    (void)answer;
    out->p_answer = 1;
    for (int i = 0; i < o->size; i++, out->p_answer /= 3)
        out->best[i] = ")]}"[rng_below(rng, 3)];
    memcpy(out->best + o->size, "\n", 2);
}

#endif
