/* SPDX-License-Identifier: Apache-2.0 */
/* network.c — see network.h. The numbers are the kernel's (linux/magic.h, and its sources for those not listed there). */
#include "harness/store/network.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>

#include "engine/base/str.h"

static const struct {
    unsigned long magic;
    enum network verdict;
} file_systems[] = {
    {0x6969, NETWORK_SURELY},     /* NFS */
    {0x517b, NETWORK_SURELY},     /* SMB */
    {0xff534d42, NETWORK_SURELY}, /* CIFS */
    {0xfe534d42, NETWORK_SURELY}, /* SMB 2 and later */
    {0x5346414f, NETWORK_SURELY}, /* AFS */
    {0x6b414653, NETWORK_SURELY}, /* the kernel's own AFS */
    {0x73757245, NETWORK_SURELY}, /* Coda */
    {0x00c36400, NETWORK_SURELY}, /* Ceph */
    {0x0bd00bd0, NETWORK_SURELY}, /* Lustre */
    {0x19830326, NETWORK_SURELY}, /* BeeGFS */
    {0x47504653, NETWORK_SURELY}, /* GPFS */
    {0x7461636f, NETWORK_SURELY}, /* OCFS2: shared disk */
    {0x01161970, NETWORK_SURELY}, /* GFS2: shared disk */
    {0x65735546, NETWORK_PERHAPS}, /* FUSE */
    {0x01021997, NETWORK_PERHAPS}, /* 9p */
};

enum network network_of(const char *path)
{
    struct statfs found;
    struct str folder;
    const char *slash = strrchr(path, '/');
    enum network verdict = NETWORK_LOCAL;
    str_init(&folder);
    if (slash)
        str_append_bytes(&folder, path, (size_t)(slash - path) + 1);
    else
        str_append(&folder, ".");
    if (statfs(folder.text, &found) != 0)
        verdict = NETWORK_UNKNOWN;
    else
        for (size_t i = 0; i < sizeof file_systems / sizeof *file_systems; i++)
            if ((unsigned long)found.f_type == file_systems[i].magic)
                verdict = file_systems[i].verdict;
    str_release(&folder);
    return verdict;
}

enum status network_check(const char *path, struct err *err)
{
    const char *trusted = getenv("ISOFLOP_NETWORK_STORE");
    if (network_of(path) != NETWORK_SURELY || (trusted && strcmp(trusted, "1") == 0))
        return STATUS_OK;
    return err_set(err, STATUS_IO,
                   "%s: lies on a network file system, where locks cannot be relied on; nothing was written\n"
                   "  Keep a store on each machine's own disk with --db, share a sweep with --shard, and join the stores with"
                   "  isoflop merge;\n  or set ISOFLOP_NETWORK_STORE=1 if no other machine writes to this one",
                   path);
}
