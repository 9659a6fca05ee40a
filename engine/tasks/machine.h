/* SPDX-License-Identifier: Apache-2.0 */
/* machine.h — a stack machine for short programs of one-letter instructions:
 *
 *   0 … 9   push the digit              d   push a copy of the top
 *   + - *   replace the two topmost a b (b on top) by a + b, a - b, a * b
 *
 * A program ends with '\n' or the text's end. It fails when it takes from an empty stack, puts onto a full one, meets an
 * unknown instruction, leaves the range of numbers or more than one number, or does not end within its steps. */
#ifndef ENGINE_TASKS_MACHINE_H
#define ENGINE_TASKS_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

enum { MACHINE_STACK = 8, MACHINE_STEPS = 32 };
#define MACHINE_RANGE INT64_C(1000000000) /* largest size of a number */

/* Whether the program ends well; the number it leaves goes to *result then. */
bool machine_run(const char *program, int64_t *result);

#endif
