/* SPDX-License-Identifier: Apache-2.0 */
/* status.h — what an operation that can fail returns.
 *
 * STATUS_OK is 0. STATUS_DONE says that an iteration has no more to give; it is not an error.
 * Every other value is an operating error whose text is in the struct err beside it. */
#ifndef ENGINE_BASE_STATUS_H
#define ENGINE_BASE_STATUS_H

enum status {
    STATUS_OK = 0,
    STATUS_DONE,        /* nothing left: the end of an iteration */
    STATUS_USAGE,       /* the command line or the spec is wrong */
    STATUS_NOT_FOUND,   /* a file, a trial, a baseline is not there */
    STATUS_IO,          /* the operating system refused */
    STATUS_FORMAT,      /* a file's content is not what it claims to be */
    STATUS_MEMORY,      /* no memory, or more than the limit */
    STATUS_CORRUPT,     /* the store is damaged, foreign or newer than the program */
    STATUS_INSUFFICIENT,/* not enough data, or not comparable */
    STATUS_INTERRUPTED, /* asked to stop; what is finished is kept */
    STATUS_COUNT
};

/* Marks functions whose status must be looked at. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* A short lower-case name, for messages and tests. */
const char *status_name(enum status status);

#endif
