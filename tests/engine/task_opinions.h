/* SPDX-License-Identifier: Apache-2.0 */
/* task_opinions.h — a second opinion on every task, written from the prompt's text alone: it answers the question,
 * writes down the prompt it thinks it read, and guesses as one who lacks the ability. */
#ifndef TESTS_ENGINE_TASK_OPINIONS_H
#define TESTS_ENGINE_TASK_OPINIONS_H

#include "tests/engine/task_opinions_symbols.h"
#include "tests/engine/task_opinions_words.h"

static const struct opinion opinions[] = {
    {"copy", "copy ", 3, 0, answer_copy, guess_letters},
    {"copy_5", "copy ", 5, 0, answer_copy, guess_letters},
    {"copy_8", "copy ", 8, 0, answer_copy, guess_letters},
    {"copy_16", "copy ", 16, 0, answer_copy, guess_letters},
    {"reverse", "flip ", 3, 0, answer_reverse, guess_letters},
    {"reverse_5", "flip ", 5, 0, answer_reverse, guess_letters},
    {"reverse_8", "flip ", 8, 0, answer_reverse, guess_letters},
    {"sort_3", "sort ", 3, 0, answer_sort, guess_order},
    {"sort_5", "sort ", 5, 0, answer_sort, guess_order},
    {"sort_8", "sort ", 8, 0, answer_sort, guess_order},
    {"addition", "", 0, 0, answer_sum, guess_sum},
    {"modular_addition", "mod", 5, 20, answer_modular, guess_modular},
    {"modular_7", "mod", 7, 98, answer_modular, guess_modular},
    {"modular_23", "mod", 23, 92, answer_modular, guess_modular},
    {"modular_97", "mod", 97, 97, answer_modular, guess_modular},
    {"addition_1", "add ", 1, 0, answer_digits, guess_digits},
    {"addition_2", "add ", 2, 0, answer_digits, guess_digits},
    {"addition_3", "add ", 3, 0, answer_digits, guess_digits},
    {"addition_4", "add ", 4, 0, answer_digits, guess_digits},
    {"addition_lsd_1", "sum ", 1, 1, answer_digits, guess_digits},
    {"addition_lsd_2", "sum ", 2, 1, answer_digits, guess_digits},
    {"addition_lsd_3", "sum ", 3, 1, answer_digits, guess_digits},
    {"addition_lsd_4", "sum ", 4, 1, answer_digits, guess_digits},
    {"chain_2", "chain ", 2, 0, answer_chain, guess_chain},
    {"chain_4", "chain ", 4, 0, answer_chain, guess_chain},
    {"chain_8", "chain ", 8, 0, answer_chain, guess_chain},
    {"chain_shown_4", "steps ", 4, 1, answer_chain, guess_chain},
    {"chain_shown_8", "steps ", 8, 1, answer_chain, guess_chain},
    {"parity_8", "parity ", 0, 8, answer_parity, NULL},
    {"parity_16", "parity ", 0, 16, answer_parity, NULL},
    {"parity_sparse_2", "sparse2 ", 2, 16, answer_parity, NULL},
    {"parity_sparse_3", "sparse3 ", 3, 16, answer_parity, NULL},
    {"induction", "recall ", 3, 0, answer_recall, guess_recall},
    {"induction_6", "recall ", 6, 0, answer_recall, guess_recall},
    {"brackets_2", "close ", 2, 0, answer_brackets, guess_brackets},
    {"brackets_4", "close ", 4, 0, answer_brackets, guess_brackets},
    {"brackets_8", "close ", 8, 0, answer_brackets, guess_brackets},
    {"completion_1", "", 1, 0, answer_completion, guess_forms},
    {"completion_3", "", 3, 0, answer_completion, guess_forms},
    {"fact_recall", "", 0, 0, answer_fact, guess_fact},
    {"fact_after_cutoff", "", 1, 0, answer_fact, guess_fact},
    {"translation_phrase", "german ", 0, 8, answer_german_phrase, guess_german},
    {"translation_sentence", "german ", 0, 0, answer_german_sentence, guess_german},
    {"translation_clause", "german that ", 1, 0, answer_german_sentence, guess_german},
    {"program_1", "code ", 1, 0, answer_program, NULL},
    {"program_2", "code ", 2, 0, answer_program, NULL},
    {"program_3", "code ", 3, 0, answer_program, NULL},
    {"rules", "rule ", 0, 0, answer_rule, guess_rule},
    {"instruct_1", "do ", 1, 0, answer_instruction, guess_instruction},
    {"instruct_2", "do ", 2, 0, answer_instruction, guess_instruction},
};

/* A world of which a third is born after the cutoff. */
MAYBE_UNUSED static const struct facts *facts_of(uint64_t seed)
{
    static struct facts facts[5];
    assert_true(seed < 5);
    if (facts[seed].n == 0)
        facts_init(&facts[seed], seed, FACTS_ENTITIES, 1900);
    opinion_facts = &facts[seed];
    return &facts[seed];
}

MAYBE_UNUSED static uint64_t trained(const struct task *task, uint64_t seed)
{
    return task_train_part(task, facts_of(seed)).items;
}

MAYBE_UNUSED static uint64_t hash_text(const char *text)
{
    uint64_t h = 1469598103934665603u;
    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 1099511628211u;
    return h;
}

/* A task without a second opinion fails: whoever adds one writes both. */
static const struct opinion *opinion_of(const struct task *task)
{
    for (size_t i = 0; i < sizeof opinions / sizeof *opinions; i++)
        if (strcmp(opinions[i].name, task->name) == 0)
            return &opinions[i];
    fail_msg("%s: add its second opinion to this test", task->name);
    return NULL;
}

static bool opinion_answers(const struct opinion *o, const char *prompt, char answer[TEXT], char understood[TEXT])
{
    return strncmp(prompt, o->begins, strlen(o->begins)) == 0 && o->answer(o, prompt, answer, understood);
}

#endif
