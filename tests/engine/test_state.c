/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: a training state is whole or not there. Method: this program stands between the engine and the system and
 * ends the saving process at its n-th write, rename, removal or sync, for every n, or lets that call fail, or all
 * from there on, or lets the power fail: then what was written to a file since it was synced is half gone, and a renaming
 * of which the folder was not synced has not happened. Whatever is found afterwards has to be the state before or the state after, to the bit. Then states
 * that are foreign, mixed from two saves, or damaged: each has to be refused and to leave the model alone. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/model/checkpoint.h"

/* ---- the system, until the n-th call ---- */

enum fault { NONE, DIES, LOSES_POWER, FAILS_ONCE, FAILS_ON /* … from there on */ };

static enum fault fault;
static int calls_left;

/* What is not certain yet: files by a descriptor of our own, renamings by their names. */
static int unsynced[16];
static struct {
    char from[160], to[160];
} renamed[8];
static int n_unsynced, n_renamed;

static void lose_power(void)
{
    struct stat info;
    for (int i = 0; i < n_unsynced; i++)
        if (fstat(unsynced[i], &info) != 0 || ftruncate(unsynced[i], info.st_size / 2) != 0)
            _exit(98);
    while (n_renamed-- > 0)
        (void)syscall(SYS_renameat2, AT_FDCWD, renamed[n_renamed].to, AT_FDCWD, renamed[n_renamed].from, 0);
}

static int place_of(int fd)
{
    struct stat asked, listed;
    for (int i = 0; i < n_unsynced && fstat(fd, &asked) == 0; i++)
        if (fstat(unsynced[i], &listed) == 0 && listed.st_ino == asked.st_ino)
            return i;
    return -1;
}

static void note_written(int fd)
{
    char path[64];
    if (fault != LOSES_POWER || place_of(fd) >= 0)
        return;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    unsynced[n_unsynced] = open(path, O_WRONLY | O_CLOEXEC);
    if (unsynced[n_unsynced] < 0 || ++n_unsynced == sizeof unsynced / sizeof *unsynced)
        _exit(98);
}

static void note_synced(int fd)
{
    struct stat synced;
    int i = place_of(fd);
    if (fstat(fd, &synced) == 0 && S_ISDIR(synced.st_mode))
        n_renamed = 0;
    if (i >= 0) {
        (void)close(unsynced[i]);
        unsynced[i] = unsynced[--n_unsynced];
    }
}

/* True when this call is the one that must fail. */
static bool strikes(void)
{
    if (fault == NONE || calls_left-- > 0 || (fault == FAILS_ONCE && calls_left < -1))
        return false;
    if (fault == LOSES_POWER)
        lose_power();
    if (fault == DIES || fault == LOSES_POWER)
        _exit(99);
    errno = EIO;
    return true;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    if (fault == DIES && calls_left == 0)
        (void)syscall(SYS_write, fd, bytes, n / 2); /* a crash leaves half of it */
    if (strikes())
        return -1;
    note_written(fd);
    return syscall(SYS_write, fd, bytes, n);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    if (strikes())
        return -1;
    note_written(fd);
    return syscall(SYS_pwrite64, fd, bytes, n, at);
}

int fsync(int fd) /* counted, not done: the test stays quick */
{
    if (strikes())
        return -1;
    note_synced(fd);
    return 0;
}

int rename(const char *from, const char *to)
{
    if (strikes())
        return -1;
    if (fault == LOSES_POWER) {
        (void)snprintf(renamed[n_renamed].from, sizeof renamed->from, "%s", from);
        (void)snprintf(renamed[n_renamed].to, sizeof renamed->to, "%s", to);
        if (++n_renamed == sizeof renamed / sizeof *renamed)
            _exit(98);
    }
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path)
{
    return strikes() ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return strikes() ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

int mkdir(const char *path, mode_t mode)
{
    return strikes() ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

/* ---- models and folders ---- */

static const char identity[] = "run \"7\" \\ seed 1";

static struct config small(void)
{
    return (struct config){.vocabulary = 11,
                           .context = 4,
                           .depth = 2,
                           .width = 8,
                           .heads = 2,
                           .kv_heads = 1,
                           .ffn = 16,
                           .experts = 2,
                           .experts_per_token = 1,
                           .routed = true,
                           .base_width = 64,
                           .rope_base = 10000,
                           .norm_eps = 1e-5,
                           .load_balance = 0.01};
}

/* A model whose weights and moments follow from seed. */
static void open_model(struct model *m, uint64_t seed)
{
    struct config config = small();
    struct err err = ERR_INIT;
    struct rng rng = rng_open(seed, RNG_TEST, 0);
    assert_int_equal(model_open(m, &config, 1, MODEL_TRAIN, &err), STATUS_OK);
    for (int64_t i = 0; i < m->n_params; i++) {
        m->params[i] = (real)rng_normal(&rng);
        m->moment1[i] = (real)rng_normal(&rng);
        m->moment2[i] = (real)rng_uniform(&rng);
    }
}

static bool same(const struct model *a, const struct model *b)
{
    size_t bytes = (size_t)a->n_params * sizeof(real);
    return memcmp(a->params, b->params, bytes) == 0 && memcmp(a->moment1, b->moment1, bytes) == 0 &&
           memcmp(a->moment2, b->moment2, bytes) == 0;
}

struct place {
    char root[64], folder[96];
};

static void place_make(struct place *p)
{
    (void)snprintf(p->root, sizeof p->root, "/tmp/isoflop-test-XXXXXX");
    assert_non_null(mkdtemp(p->root));
    (void)snprintf(p->folder, sizeof p->folder, "%s/state", p->root);
}

/* How many entries a folder has. */
static int entries(const char *path)
{
    DIR *dir = opendir(path);
    int n = -2; /* "." and ".." */
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    (void)closedir(dir);
    return n;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

static void place_remove(struct place *p)
{
    assert_int_equal(nftw(p->root, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void save(const struct place *p, const struct model *m, int64_t step)
{
    struct err err = ERR_INIT;
    int64_t bytes = 0;
    if (checkpoint_save_state(p->folder, m, step, identity, &bytes, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    assert_true(bytes > 12 * m->n_params);
}

/* ---- the tests ---- */

static void test_round_trip(void **state)
{
    struct place p;
    struct model a, b;
    struct err err = ERR_INIT;
    struct config config;
    int64_t step = -1;
    bool is_i8;
    char path[128];
    (void)state;
    place_make(&p);
    open_model(&a, 1);
    open_model(&b, 2);
    assert_int_equal(checkpoint_load_state(p.folder, &b, identity, &step, &err), STATUS_NOT_FOUND);
    save(&p, &a, 3);
    assert_int_equal(chmod(p.folder, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/tokenizer.json", p.folder);
    assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
    (void)snprintf(path, sizeof path, "%s//", p.folder); /* people type that */
    assert_int_equal(checkpoint_save_state(path, &a, 1LL << 40, identity, NULL, &err), STATUS_OK);
    if (checkpoint_load_state(p.folder, &b, identity, &step, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    assert_true(step == 1LL << 40 && same(&a, &b));
    assert_int_equal(entries(p.root), 1);
    assert_int_equal(entries(p.folder), 4); /* what was not ours stayed */
    struct stat info;
    assert_true(stat(p.folder, &info) == 0 && (info.st_mode & 0777) == 0700);
    assert_int_equal(checkpoint_config(p.folder, &config, &is_i8, &err), STATUS_OK); /* it is a model, too */
    assert_true(config.experts == 2 && !is_i8);
    assert_int_equal(checkpoint_save(p.folder, &a, NULL, NULL, &err), STATUS_OK);
    assert_int_equal(checkpoint_load_state(p.folder, &b, identity, &step, &err),
                     STATUS_NOT_FOUND); /* no more a state */
    model_release(&a);
    model_release(&b);
    place_remove(&p);
}

/* Saves `after` over `before` in a process of its own that is struck at call n. Returns whether it got to its end. */
static bool strike(const struct place *p, const struct model *after, enum fault kind, int n)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct err err = ERR_INIT;
        fault = kind;
        calls_left = n;
        enum status saved = checkpoint_save_state(p->folder, after, 5, identity, NULL, &err);
        bool struck = calls_left < 0;
        if (kind == LOSES_POWER)
            lose_power(); /* just after it was said to be there */
        _exit(saved == STATUS_OK ? (struck ? 2 : 0) : saved == STATUS_IO && *err.text ? 1 : 3);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (kind == DIES || kind == LOSES_POWER)
        assert_true(WEXITSTATUS(status) == 99 || WEXITSTATUS(status) == 0);
    else
        assert_true(WEXITSTATUS(status) <= 2); /* 2: struck in tidying up, when the new state already stood */
    return WEXITSTATUS(status) == 0;
}

static void check_strikes(enum fault kind, bool first_save)
{
    struct model before, after, found;
    bool done = false;
    int n = 0, seen_before = 0, seen_after = 0;
    open_model(&before, 1);
    open_model(&after, 2);
    open_model(&found, 3);
    for (; !done; n++) {
        struct place p;
        struct err err = ERR_INIT;
        int64_t step = 0;
        enum status status;
        place_make(&p);
        if (!first_save)
            save(&p, &before, 3);
        done = strike(&p, &after, kind, n);
        status = checkpoint_load_state(p.folder, &found, identity, &step, &err);
        if (status == STATUS_OK && step == 5 && same(&found, &after))
            seen_after++;
        else if (done)
            fail_msg("what was saved is not there");
        else if (first_save ? status == STATUS_NOT_FOUND
                            : status == STATUS_OK && step == 3 && same(&found, &before))
            seen_before++;
        else
            fail_msg("struck at call %d: %s, step %d, %s", n, status_name(status), (int)step, err.text);
        if (kind == FAILS_ONCE &&
            !first_save) /* an error leaves no folder under a name that others do not know */
            assert_int_equal(access(p.folder, F_OK), 0);
        save(&p, &before, 7); /* life goes on, and leaves no litter */
        assert_int_equal(checkpoint_load_state(p.folder, &found, identity, &step, &err), STATUS_OK);
        assert_true(step == 7 && same(&found, &before));
        assert_int_equal(entries(p.root), 1);
        place_remove(&p);
    }
    assert_true(n > 60 && seen_before > 50 && seen_after > 0);
    model_release(&before);
    model_release(&after);
    model_release(&found);
}

static void test_death_at_every_call(void **state)
{
    (void)state;
    check_strikes(DIES, false);
    check_strikes(DIES, true);
}

static void test_power_loss_at_every_call(void **state)
{
    (void)state;
    check_strikes(LOSES_POWER, false);
    check_strikes(LOSES_POWER, true);
}

static void test_failure_of_every_call(void **state)
{
    (void)state;
    check_strikes(FAILS_ONCE, false);
    check_strikes(FAILS_ONCE, true);
    check_strikes(FAILS_ON, false);
}

/* Loading has to give `status`, and to leave model and step alone. */
static void refused(const struct place *p, const char *who, enum status status, const char *says)
{
    struct model m, untouched;
    struct err err = ERR_INIT;
    int64_t step = 42;
    open_model(&m, 9);
    open_model(&untouched, 9);
    assert_int_equal(checkpoint_load_state(p->folder, &m, who, &step, &err), status);
    if (!strstr(err.text, says))
        fail_msg("'%s' says nothing of '%s'", err.text, says);
    assert_true(step == 42 && same(&m, &untouched));
    model_release(&m);
    model_release(&untouched);
}

static void test_foreign_and_mixed(void **state)
{
    struct place p, q;
    struct model m;
    char from[160], to[160];
    (void)state;
    place_make(&p);
    place_make(&q);
    open_model(&m, 1);
    save(&p, &m, 3);
    save(&q, &m, 4);
    refused(&p, "run 8", STATUS_FORMAT, "another run");
    m.params[5] += 1;
    save(&q, &m, 4);
    (void)snprintf(from, sizeof from, "%s/optimizer.safetensors", q.folder);
    (void)snprintf(to, sizeof to, "%s/optimizer.safetensors", p.folder);
    assert_int_equal(rename(from, to), 0);
    refused(&p, identity, STATUS_CORRUPT, "another model.safetensors");
    refused(&q, identity, STATUS_NOT_FOUND, "optimizer.safetensors");
    m.config.rope_base = 20000;
    save(&p, &m, 3);
    refused(&p, identity, STATUS_FORMAT, "another configuration");
    model_release(&m);
    place_remove(&p);
    place_remove(&q);
}

/* Loads from a file that was just spoilt. */
static void spoilt(const struct place *p, struct model *m, const char *name, const char *how, off_t at)
{
    struct err err = ERR_INIT;
    int64_t step = 42;
    enum status status = checkpoint_load_state(p->folder, m, identity, &step, &err);
    if ((status != STATUS_FORMAT && status != STATUS_CORRUPT) || !*err.text || step != 42)
        fail_msg("%s %s at byte %d: %s", name, how, (int)at, status_name(status));
}

/* Each of the three files cut, and with a bit flipped, at a sample of its bytes. */
static void test_damage(void **state)
{
    static const char *const names[] = {"model.safetensors", "optimizer.safetensors", "config.json"};
    static uint8_t whole[1 << 20];
    struct place p;
    struct model m, found, untouched;
    struct err err = ERR_INIT;
    int64_t step;
    (void)state;
    place_make(&p);
    open_model(&m, 1);
    open_model(&found, 9);
    open_model(&untouched, 9);
    save(&p, &m, 3);
    for (int f = 0; f < 3; f++) {
        char path[160];
        int fd;
        ssize_t size;
        (void)snprintf(path, sizeof path, "%s/%s", p.folder, names[f]);
        fd = open(path, O_RDWR);
        size = pread(fd, whole, sizeof whole, 0);
        assert_true(size > 0 && size < (ssize_t)sizeof whole);
        for (off_t at = 0; at < size; at += 1 + size / 997) {
            uint8_t flipped = (uint8_t)(whole[at] ^ 1 << at % 8);
            assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
            spoilt(&p, &found, names[f], "with a flipped bit", at);
            assert_int_equal(ftruncate(fd, at), 0);
            spoilt(&p, &found, names[f], "cut", at);
            assert_int_equal(pwrite(fd, whole + at, (size_t)(size - at), at), size - at);
        }
        (void)close(fd);
    }
    assert_true(same(&found, &untouched));
    assert_int_equal(checkpoint_load_state(p.folder, &found, identity, &step, &err),
                     STATUS_OK); /* all was put back */
    assert_true(step == 3 && same(&found, &m));
    model_release(&m);
    model_release(&found);
    model_release(&untouched);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_death_at_every_call),
        cmocka_unit_test(test_power_loss_at_every_call),
        cmocka_unit_test(test_failure_of_every_call),
        cmocka_unit_test(test_foreign_and_mixed),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
