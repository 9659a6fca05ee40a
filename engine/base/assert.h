/* SPDX-License-Identifier: Apache-2.0 */
/* assert.h — ASSERT states what a bug would break; it stays on in release builds.
 *
 * Use it for the programmer's promises only. What a user, a file or the machine can do wrong is an
 * operating error (err.h) or a trial outcome, never an assertion. */
#ifndef ENGINE_BASE_ASSERT_H
#define ENGINE_BASE_ASSERT_H

/* Reports the broken promise on standard error and aborts. */
_Noreturn void assert_failed(const char *expression, const char *file, int line);

#define ASSERT(expression) \
    ((expression) ? (void)0 : assert_failed(#expression, __FILE__, __LINE__))

#endif
