/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c — the corpus of a fuzz target as a test, with any compiler: every file of tests/fuzz/corpus/TARGET goes
 * through the target of this program's name, fuzz_TARGET. Prints TAP, one case per file. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/str.h"
#include "tests/fuzz/fuzz.h"

static int replay(const char *folder, const char *name, int number)
{
    char path[512];
    struct str bytes;
    int c;
    FILE *file;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "rb");
    str_init(&bytes);
    while (file && (c = getc(file)) != EOF)
        str_append_char(&bytes, (char)c);
    /* A copy of exactly that size, so that the sanitizers see a read past its end. */
    uint8_t *copy = malloc(bytes.length + (bytes.length == 0));
    if (!file || !copy)
        return 1;
    memcpy(copy, bytes.text, bytes.length);
    (void)LLVMFuzzerTestOneInput(copy, bytes.length);
    (void)printf("ok %d - %s\n", number, name);
    free(copy);
    str_release(&bytes);
    return fclose(file);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
    struct dirent **entries = NULL;
    char folder[256];
    int n, failed = 0;
    (void)snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s",
                   strncmp(name, "fuzz_", 5) == 0 ? name + 5 : name);
    if (argc > 1)
        (void)snprintf(folder, sizeof folder, "%s", argv[1]);
    n = scandir(folder, &entries, visible, alphasort);
    (void)printf("1..%d\n", n);
    for (int i = 0; i < n; i++) {
        failed |= replay(folder, entries[i]->d_name, i + 1);
        (void)fflush(stdout);
        free(entries[i]);
    }
    free(entries);
    return n <= 0 || failed;
}
