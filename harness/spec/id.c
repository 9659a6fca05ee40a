/* SPDX-License-Identifier: Apache-2.0 */
/* id.c — the text hashed is knobs_canonical's, byte for byte, but only the lines whose knob differs from the
 * trial before are written anew: neighbours in a plan differ in one or two.
 * Invariant: lines[i] is the canonical line of knob i as it is in `last`. */
#include "harness/spec/id.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "harness/spec/values.h"

enum { KNOBS_MOST = 64 };
_Static_assert((int)TRIAL_ID_SIZE == (int)HASH_TEXT_SIZE, "an id is a hash in digits");

/* One data set: the hash of its knobs, and its identity. */
struct data_set {
    struct hash key;
    char *identity; /* owned; NULL: an empty slot */
};

struct ids {
    identity_hook *identity;
    struct knobs last;
    bool any;                 /* last is set */
    struct str lines[KNOBS_MOST];
    struct str text;          /* what is hashed, kept for its memory */
    struct data_set *sets;    /* open addressing, at most half full */
    size_t n_sets, n_slots;   /* slots: a power of two */
};

struct ids *ids_new(identity_hook *identity)
{
    struct ids *ids = calloc(1, sizeof *ids);
    NEED_MEMORY(ids);
    ASSERT(knob_count() <= KNOBS_MOST);
    ids->identity = identity;
    ids->n_slots = 64;
    ids->sets = calloc(ids->n_slots, sizeof *ids->sets);
    NEED_MEMORY(ids->sets);
    str_init(&ids->text);
    for (int i = 0; i < KNOBS_MOST; i++)
        str_init(&ids->lines[i]);
    return ids;
}

void ids_free(struct ids *ids)
{
    for (size_t i = 0; i < ids->n_slots; i++)
        free(ids->sets[i].identity);
    for (int i = 0; i < KNOBS_MOST; i++)
        str_release(&ids->lines[i]);
    str_release(&ids->text);
    free(ids->sets);
    free(ids);
}

static void update_lines(struct ids *ids, const struct knobs *knobs)
{
    for (int i = 0; i < knob_count(); i++) {
        const struct knob *knob = knob_at(i);
        const char *now = (const char *)knobs + knob->offset, *before = (const char *)&ids->last + knob->offset;
        if (ids->any && memcmp(now, before, knob_size(knob)) == 0)
            continue;
        str_clear(&ids->lines[i]);
        str_format(&ids->lines[i], "%s=", knob->name);
        knob_format(knob, knobs, &ids->lines[i]);
        str_append_char(&ids->lines[i], '\n');
    }
    ids->last = *knobs;
    ids->any = true;
}

/* The slot of this key: where it is, or the empty one where it belongs. */
static struct data_set *find_set(struct data_set *sets, size_t n_slots, struct hash key)
{
    size_t i = key.low & (n_slots - 1);
    while (sets[i].identity && !hash_equal(sets[i].key, key))
        i = (i + 1) & (n_slots - 1);
    return &sets[i];
}

static void grow_sets(struct ids *ids)
{
    size_t n_slots = 2 * ids->n_slots;
    struct data_set *sets = calloc(n_slots, sizeof *sets);
    NEED_MEMORY(sets);
    for (size_t i = 0; i < ids->n_slots; i++)
        if (ids->sets[i].identity)
            *find_set(sets, n_slots, ids->sets[i].key) = ids->sets[i];
    free(ids->sets);
    ids->sets = sets;
    ids->n_slots = n_slots;
}

/* The identity of the data that these knobs describe; asked of the hook once per distinct description. */
static enum status identity_of(struct ids *ids, const struct knobs *knobs, const char **out, struct err *err)
{
    struct data_set *set;
    struct str identity;
    struct hash key;
    enum status status;
    str_clear(&ids->text);
    for (int i = 0; i < knob_count(); i++)
        if (knob_in(knob_at(i), "data"))
            str_append_bytes(&ids->text, ids->lines[i].text, ids->lines[i].length);
    key = hash_bytes(ids->text.text, ids->text.length);
    set = find_set(ids->sets, ids->n_slots, key);
    if (set->identity) {
        *out = set->identity;
        return STATUS_OK;
    }
    str_init(&identity);
    status = ids->identity(knobs, &identity, err);
    if (status == STATUS_OK) {
        set->key = key;
        set->identity = strdup(identity.text);
        NEED_MEMORY(set->identity);
        *out = set->identity;
        if (2 * ++ids->n_sets > ids->n_slots)
            grow_sets(ids); /* moves the pointer, not the text */
    }
    str_release(&identity);
    return status;
}

enum status ids_make(struct ids *ids, const struct knobs *knobs, char out[TRIAL_ID_SIZE], struct err *err)
{
    const char *identity = NULL;
    enum status status;
    update_lines(ids, knobs);
    status = identity_of(ids, knobs, &identity, err);
    if (status != STATUS_OK)
        return status;
    str_clear(&ids->text);
    for (int i = 0; i < knob_count(); i++)
        str_append_bytes(&ids->text, ids->lines[i].text, ids->lines[i].length);
    str_append(&ids->text, identity);
    hash_text(hash_bytes(ids->text.text, ids->text.length), out);
    return STATUS_OK;
}
