/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c — see machine.h. Numbers stay below 1e9 in size, so a product of two fits 64 bits. */
#include "engine/tasks/machine.h"

/* Executes one instruction on the stack of *depth numbers. */
static bool step(char instruction, int64_t stack[MACHINE_STACK], int *depth)
{
    int64_t result;
    int needs = instruction == 'd' ? 1 : instruction >= '0' && instruction <= '9' ? 0 : 2;
    if (*depth < needs || (needs < 2 && *depth == MACHINE_STACK))
        return false;
    if (needs < 2) {
        stack[*depth] = needs ? stack[*depth - 1] : instruction - '0';
        ++*depth;
        return true;
    }
    --*depth;
    switch (instruction) {
    case '+':
        result = stack[*depth - 1] + stack[*depth];
        break;
    case '-':
        result = stack[*depth - 1] - stack[*depth];
        break;
    case '*':
        result = stack[*depth - 1] * stack[*depth];
        break;
    default:
        return false;
    }
    stack[*depth - 1] = result;
    return result <= MACHINE_RANGE && result >= -MACHINE_RANGE;
}

bool machine_run(const char *program, int64_t *result)
{
    int64_t stack[MACHINE_STACK];
    int depth = 0, steps = 0;
    for (; *program && *program != '\n'; program++)
        if (steps++ == MACHINE_STEPS || !step(*program, stack, &depth))
            return false;
    if (depth != 1)
        return false;
    *result = stack[0];
    return true;
}
