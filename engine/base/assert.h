/* SPDX-License-Identifier: Apache-2.0 */
/* assert.h — ASSERT states what a bug would break, NEED_MEMORY what a starved machine would; both stay on in release
 * builds.
 *
 * Use ASSERT for the programmer's promises only. What a user, a file or the machine can do wrong is an
 * operating error (err.h) or a trial outcome, never an assertion. */
#ifndef ENGINE_BASE_ASSERT_H
#define ENGINE_BASE_ASSERT_H

/* Reports the broken promise on standard error and aborts. */
_Noreturn void assert_failed(const char *expression, const char *file, int line);

#define ASSERT(expression) \
    ((expression) ? (void)0 : assert_failed(#expression, __FILE__, __LINE__))

/* NEED_MEMORY states that a small allocation succeeded. Without even so little memory nothing sensible can be done, so
 * the process ends: with a message, exit code 1, and nothing written that was not whole before. What can be large is
 * refused beforehand, or is an operating error (STATUS_MEMORY). */
_Noreturn void memory_exhausted(const char *file, int line);

#define NEED_MEMORY(pointer) ((pointer) ? (void)0 : memory_exhausted(__FILE__, __LINE__))

#endif
