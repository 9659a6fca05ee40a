/* SPDX-License-Identifier: Apache-2.0 */
/* buildinfo.h — what this program was made of. The Makefile writes the texts (build/build_text.h); they
 * go with every stored trial, so that a number can be traced to the source and the flags behind it. */
#ifndef HARNESS_CLI_BUILDINFO_H
#define HARNESS_CLI_BUILDINFO_H

struct buildinfo {
    const char *version;  /* "0.1.0" */
    const char *git;      /* git describe --always --dirty, or "unknown" */
    const char *date;     /* of that commit, YYYY-MM-DD; "" when unknown */
    const char *compiler; /* "gcc 12.2.0" */
    const char *flags;
};

extern const struct buildinfo buildinfo;

#endif
