/* SPDX-License-Identifier: Apache-2.0 */
/* spec.c — the keys of a spec file: which there are, what each takes, and how the common part, the grids
 * and the -S overrides lie over one another.
 *
 * `grids` is read last, whatever its line, because each grid starts as a copy of the common part. Zips are
 * resolved at the very end, when the length of every axis is known. Invariant: an axis that a grid points
 * to is in spec->axes and has at least one value. */
#include "harness/spec/spec.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/spec/length.h"
#include "harness/spec/suggest.h"

struct reader {
    struct spec *spec;
    struct err *err;
};

static enum status take_text(struct reader *reader, const struct node *node, const char **out)
{
    if (node->kind != NODE_TEXT)
        return place_error(&node->place, reader->err, "%s takes a text, not a %s", node->key,
                           node->kind == NODE_LIST ? "list" : "mapping");
    if (!*node->text)
        return place_error(&node->place, reader->err, "%s is empty", node->key);
    *out = node->text;
    return STATUS_OK;
}

/* --- axes --- */

static enum status new_axis(struct reader *reader, const struct knob *knob, const struct place *place,
                            struct axis **out)
{
    struct spec *spec = reader->spec;
    struct axis *axis;
    if (spec->n_axes == spec->axes_capacity) {
        int capacity = spec->axes_capacity ? 2 * spec->axes_capacity : 64;
        struct axis **axes = realloc(spec->axes, (size_t)capacity * sizeof *axes);
        if (!axes)
            return err_set(reader->err, STATUS_MEMORY, "%s: no memory for its axes", spec->path);
        spec->axes = axes;
        spec->axes_capacity = capacity;
    }
    axis = malloc(sizeof *axis);
    if (!axis)
        return err_set(reader->err, STATUS_MEMORY, "%s: no memory for its axes", spec->path);
    *axis = axis_open(knob, place);
    spec->axes[spec->n_axes++] = axis;
    *out = axis;
    return STATUS_OK;
}

static enum status refuse_internal(struct reader *reader, const struct knob *knob, const struct place *place)
{
    if (!knob->internal)
        return STATUS_OK;
    return place_error(place, reader->err, "%s is set by the shrink command, not by a spec", knob->name);
}

static enum status read_axis(struct reader *reader, struct grid *grid, const struct knob *knob,
                             const struct node *node)
{
    struct axis *axis;
    enum status status = new_axis(reader, knob, &node->place, &axis);
    if (status != STATUS_OK)
        return status;
    if (node->kind == NODE_MAP)
        return place_error(&node->place, reader->err, "%s takes a value or a list, not a mapping", knob->name);
    if (node->kind == NODE_LIST && !node->first)
        return place_error(&node->place, reader->err, "%s has an empty list; give it at least one value",
                           knob->name);
    for (const struct node *item = node->kind == NODE_LIST ? node->first : node; item; item = item->next) {
        if (item->kind != NODE_TEXT)
            return place_error(&item->place, reader->err, "%s takes a list of values, not of %s", knob->name,
                               item->kind == NODE_LIST ? "lists" : "mappings");
        if (item->plain && !*item->text)
            return place_error(&item->place, reader->err, "%s has no value", knob->name);
        status = axis_add(axis, item->text, &item->place, reader->err);
        if (status != STATUS_OK)
            return status;
        if (node->kind == NODE_TEXT)
            break; /* its siblings are other knobs */
    }
    grid->axes[knob_index(knob)] = axis;
    return STATUS_OK;
}

/* --- keys that a grid may have --- */

static enum status unknown_in_section(struct reader *reader, const char *section, const struct node *node)
{
    struct str hint;
    str_init(&hint);
    suggest_section_key(&hint, section, node->key);
    (void)place_error(&node->key_place, reader->err, "unknown key '%s' in %s%s", node->key, section, hint.text);
    str_release(&hint);
    return STATUS_USAGE;
}

static const struct knob *knob_of(const char *section, const char *key)
{
    for (int i = 0; i < knob_count(); i++)
        if (knob_in(knob_at(i), section) && strcmp(knob_tail(knob_at(i)), key) == 0)
            return knob_at(i);
    return NULL;
}

static enum status not_a_section(struct reader *reader, const struct node *node)
{
    static const struct { const char *section, *example; } examples[] = {
        {"data", "source: world"}, {"model", "width: 64"}, {"train", "tokens: 1M"}, {"eval", "items: 64"},
    };
    size_t i = 0;
    while (strcmp(examples[i].section, node->key) != 0)
        i++;
    if (node->kind == NODE_TEXT && !*node->text)
        return place_error(&node->key_place, reader->err, "%s is empty; leave it away, or give it knobs, like {%s}",
                           node->key, examples[i].example);
    return place_error(&node->place, reader->err, "%s takes a mapping of knobs, like {%s}, not a %s", node->key,
                       examples[i].example, node->kind == NODE_LIST ? "list" : "single value");
}

static enum status read_section(struct reader *reader, struct grid *grid, const struct node *node)
{
    enum status status = STATUS_OK;
    if (node->kind != NODE_MAP)
        return not_a_section(reader, node);
    if (strcmp(node->key, "model") == 0)
        grid->place = node->place;
    for (const struct node *child = node->first; child && status == STATUS_OK; child = child->next) {
        const struct knob *knob = knob_of(node->key, child->key);
        if (!knob)
            return unknown_in_section(reader, node->key, child);
        status = read_axis(reader, grid, knob, child);
    }
    return status;
}

static enum status read_shrink(struct reader *reader, struct grid *grid, const struct node *node)
{
    (void)grid;
    return place_error(&node->key_place, reader->err, "shrink.* is set by the shrink command, not by a spec");
}

static enum status read_seeds(struct reader *reader, struct grid *grid, const struct node *node)
{
    return read_axis(reader, grid, knob_find("seed"), node);
}

static enum status read_where(struct reader *reader, struct grid *grid, const struct node *node)
{
    grid->where_place = node->place;
    return take_text(reader, node, &grid->where);
}

static enum status read_zip(struct reader *reader, struct grid *grid, const struct node *node)
{
    if (node->kind != NODE_LIST)
        return place_error(&node->place, reader->err,
                           "zip takes a list of lists of knobs, like [[model.experts, model.experts_per_token]]");
    grid->zip_node = node;
    return STATUS_OK;
}

/* --- keys that only the file has --- */

static enum status read_name(struct reader *reader, struct grid *grid, const struct node *node)
{
    const char *name = "";
    enum status status = take_text(reader, node, &name);
    (void)grid;
    if (status != STATUS_OK)
        return status;
    if (!str_is_name(name))
        return place_error(&node->place, reader->err, "name '%.60s' may hold letters, digits and . _ - only, "
                           "up to 128, and not start with . or -", name);
    (void)str_copy(reader->spec->name, sizeof reader->spec->name, name);
    return STATUS_OK;
}

static enum status read_question(struct reader *reader, struct grid *grid, const struct node *node)
{
    (void)grid;
    return take_text(reader, node, &reader->spec->question);
}

static enum status read_claims(struct reader *reader, struct grid *grid, const struct node *node)
{
    struct spec *spec = reader->spec;
    (void)grid;
    if (node->kind == NODE_MAP)
        return place_error(&node->place, reader->err, "claims takes a list of names, not a mapping");
    for (const struct node *item = node->kind == NODE_LIST ? node->first : node; item; item = item->next) {
        if (item->kind != NODE_TEXT || !str_is_name(item->text))
            return place_error(&item->place, reader->err, "claims takes names, like [compute-optimal]");
        if (spec->n_claims == SPEC_CLAIMS)
            return place_error(&item->place, reader->err, "more than %d claims", SPEC_CLAIMS);
        spec->claim_places[spec->n_claims] = item->place;
        spec->claims[spec->n_claims++] = item->text;
        if (node->kind == NODE_TEXT)
            break;
    }
    return STATUS_OK;
}

static enum status read_trunk(struct reader *reader, struct grid *grid, const struct node *node)
{
    const char *text = "";
    enum status status = take_text(reader, node, &text);
    (void)grid;
    if (status != STATUS_OK)
        return status;
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return place_error(&node->place, reader->err, "trunk takes true or false, not '%.60s'", text);
    reader->spec->trunk = strcmp(text, "true") == 0;
    reader->spec->trunk_place = node->place;
    return STATUS_OK;
}

/* Which keys there are; each row's function reads the value into the grid, or into reader->spec. A grid has
 * the first KEYS_OF_GRID of them. */
static const struct {
    const char *name;
    enum status (*read)(struct reader *reader, struct grid *grid, const struct node *node);
} keys[] = {
    {"data", read_section}, {"model", read_section}, {"train", read_section}, {"eval", read_section},
    {"seeds", read_seeds}, {"where", read_where}, {"zip", read_zip}, {"seed", read_seeds}, {"shrink", read_shrink},
    {"name", read_name}, {"question", read_question}, {"claims", read_claims}, {"trunk", read_trunk},
};
enum { KEYS_OF_GRID = 9, KEYS = sizeof keys / sizeof *keys };

static enum status unknown_key(struct reader *reader, const struct node *node, bool top)
{
    /* What a message may suggest: not the synonym, not what is refused. */
    static const char *const grid_names[] = {"data", "model", "train", "eval", "seeds", "where", "zip", NULL};
    static const char *const top_names[] = {"name", "question", "claims", "trunk", "data", "model", "train", "eval",
                                            "seeds", "where", "zip", "grids", NULL};
    struct str hint;
    for (int k = 0; !top && top_names[k]; k++) /* all of a grid's own are known */
        if (strcmp(top_names[k], node->key) == 0)
            return place_error(&node->key_place, reader->err, "'%s' is said once for the whole file, not in a grid",
                               node->key);
    str_init(&hint);
    suggest_top_key(&hint, top ? top_names : grid_names, node->key);
    (void)place_error(&node->key_place, reader->err, "unknown key '%s'%s%s", node->key, top ? "" : " in a grid",
                      hint.text);
    str_release(&hint);
    return STATUS_USAGE;
}

/* Reads all keys of a map but `grids`, which is left in *grids (top level only). */
static enum status read_keys(struct reader *reader, struct grid *grid, const struct node *map, bool top,
                             const struct node **grids)
{
    const struct node *seeds = NULL;
    enum status status = STATUS_OK;
    for (const struct node *node = map->first; node && status == STATUS_OK; node = node->next) {
        int k = 0, n = top ? KEYS : KEYS_OF_GRID;
        if (top && strcmp(node->key, "grids") == 0) {
            *grids = node;
            continue;
        }
        while (k < n && strcmp(keys[k].name, node->key) != 0)
            k++;
        if (k == n)
            return unknown_key(reader, node, top);
        if (keys[k].read == read_seeds && seeds)
            return place_error(&node->key_place, reader->err, "'%s' says again what '%s' in line %d says", node->key,
                               seeds->key, seeds->key_place.line);
        if (keys[k].read == read_seeds)
            seeds = node;
        status = keys[k].read(reader, grid, node);
    }
    return status;
}

static enum status read_grids(struct reader *reader, const struct grid *common, const struct node *node)
{
    struct spec *spec = reader->spec;
    enum status status = STATUS_OK;
    if (node->kind != NODE_LIST || !node->first)
        return place_error(&node->place, reader->err, "grids takes a list of mappings, one per grid");
    if (node->count > SPEC_GRIDS)
        return place_error(&node->place, reader->err, "more than %d grids", SPEC_GRIDS);
    spec->grids = calloc((size_t)node->count, sizeof *spec->grids);
    if (!spec->grids)
        return err_set(reader->err, STATUS_MEMORY, "%s: no memory for its grids", spec->path);
    for (const struct node *item = node->first; item && status == STATUS_OK; item = item->next) {
        struct grid *grid = &spec->grids[spec->n_grids++];
        if (item->kind != NODE_MAP)
            return place_error(&item->place, reader->err, "a grid is a mapping, like {model: {width: 64}}");
        *grid = *common;
        grid->place = item->place;
        status = read_keys(reader, grid, item, false, NULL);
    }
    return status;
}

static enum status one_grid(struct reader *reader, const struct grid *common)
{
    reader->spec->grids = malloc(sizeof *common);
    if (!reader->spec->grids)
        return err_set(reader->err, STATUS_MEMORY, "%s: no memory for its grid", reader->spec->path);
    reader->spec->grids[0] = *common;
    reader->spec->n_grids = 1;
    return STATUS_OK;
}

/* --- -S --- */

static enum status override(struct reader *reader, const char *text)
{
    struct place place = {.path = reader->spec->path, .override = text};
    const char *equals = strchr(text, '=');
    char name[64] = "";
    const struct knob *knob;
    struct axis *axis;
    struct str hint;
    enum status status;
    if (!equals)
        return place_error(&place, reader->err, "it takes a knob and its values, like -S model.width=64,96");
    if ((size_t)(equals - text) < sizeof name)
        memcpy(name, text, (size_t)(equals - text));
    knob = knob_find(strcmp(name, "seeds") == 0 ? "seed" : name);
    if (!knob) {
        str_init(&hint);
        suggest_knob(&hint, name);
        (void)place_error(&place, reader->err, "unknown knob '%.*s'%s", (int)(equals - text), text, hint.text);
        str_release(&hint);
        return STATUS_USAGE;
    }
    status = refuse_internal(reader, knob, &place);
    if (status == STATUS_OK)
        status = new_axis(reader, knob, &place, &axis);
    if (status == STATUS_OK)
        status = axis_add_list(axis, equals + 1, &place, reader->err);
    for (int i = 0; i < reader->spec->n_grids && status == STATUS_OK; i++)
        reader->spec->grids[i].axes[knob_index(knob)] = axis;
    return status;
}

/* --- zip --- */

static enum status zip_member(struct reader *reader, struct grid *grid, const struct node *node,
                              const struct axis **first)
{
    const struct knob *knob = node->kind == NODE_TEXT ? knob_find(node->text) : NULL;
    const struct axis *axis;
    struct str hint;
    enum status status;
    if (node->kind != NODE_TEXT)
        return place_error(&node->place, reader->err, "zip takes lists of knobs, like [[model.depth, model.width]]");
    if (!knob) {
        str_init(&hint);
        suggest_knob(&hint, node->text);
        (void)place_error(&node->place, reader->err, "unknown knob '%s' in zip%s", node->text, hint.text);
        str_release(&hint);
        return STATUS_USAGE;
    }
    status = refuse_internal(reader, knob, &node->place);
    if (status != STATUS_OK)
        return status;
    axis = grid->axes[knob_index(knob)];
    if (!axis)
        return place_error(&node->place, reader->err, "zip names %s, which has no values here", knob->name);
    if (grid->zip[knob_index(knob)])
        return place_error(&node->place, reader->err, "zip names %s twice", knob->name);
    if (*first && (*first)->n != axis->n)
        return place_error(&node->place, reader->err, "zip ties %s with %d value%s to %s with %d; they must be as many",
                           (*first)->knob->name, (*first)->n, (*first)->n == 1 ? "" : "s", knob->name, axis->n);
    if (!*first)
        *first = axis;
    grid->zip[knob_index(knob)] = grid->n_zips;
    return STATUS_OK;
}

static enum status resolve_zips(struct reader *reader, struct grid *grid)
{
    if (!grid->zip_node)
        return STATUS_OK;
    for (const struct node *group = grid->zip_node->first; group; group = group->next) {
        const struct axis *first = NULL;
        if (group->kind != NODE_LIST || group->count < 2)
            return place_error(&group->place, reader->err,
                               "zip takes lists of two or more knobs, like [[model.depth, model.width]]");
        grid->n_zips++;
        for (const struct node *member = group->first; member; member = member->next) {
            enum status status = zip_member(reader, grid, member, &first);
            if (status != STATUS_OK)
                return status;
        }
    }
    return STATUS_OK;
}

/* --- the whole --- */

/* A spec that does not say its name is called as its file. */
static enum status default_name(struct reader *reader)
{
    struct spec *spec = reader->spec;
    const char *slash = strrchr(spec->path, '/');
    struct place start = {.path = spec->path, .line = 1, .column = 1};
    char *dot;
    bool fits;
    if (*spec->name)
        return STATUS_OK;
    fits = str_copy(spec->name, sizeof spec->name, slash ? slash + 1 : spec->path);
    dot = strrchr(spec->name, '.');
    if (dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0))
        *dot = 0;
    if (fits && str_is_name(spec->name))
        return STATUS_OK;
    return place_error(&start, reader->err, "the file's name is not fit to be the spec's; add a line like "
                       "name: my-experiment");
}

static enum status read_all(struct reader *reader, const char *const *overrides, int n)
{
    struct spec *spec = reader->spec;
    const struct node *root = spec->tree.root, *grids = NULL;
    struct grid common = {.place = root->place};
    enum status status;
    if (root->kind != NODE_MAP)
        return place_error(&root->place, reader->err, "a spec is a mapping of keys, like model: {width: [32, 64]}");
    status = read_keys(reader, &common, root, true, &grids);
    if (status == STATUS_OK)
        status = grids ? read_grids(reader, &common, grids) : one_grid(reader, &common);
    for (int i = 0; i < n && status == STATUS_OK; i++)
        status = override(reader, overrides[i]);
    for (int i = 0; i < spec->n_grids && status == STATUS_OK; i++)
        status = length_choose(&spec->grids[i], reader->err);
    for (int i = 0; i < spec->n_grids && status == STATUS_OK; i++)
        status = resolve_zips(reader, &spec->grids[i]);
    return status == STATUS_OK ? default_name(reader) : status;
}

enum status spec_read(struct spec *out, const char *path, const char *text, size_t size,
                      const char *const *overrides, int n, struct err *err)
{
    struct spec spec = {.path = path, .question = ""};
    struct reader reader = {.spec = &spec, .err = err};
    enum status status = tree_read(&spec.tree, path, text, size, err);
    ASSERT(knob_count() <= SPEC_KNOBS);
    if (status != STATUS_OK)
        return status;
    status = read_all(&reader, overrides, n);
    if (status == STATUS_OK)
        *out = spec;
    else
        spec_release(&spec);
    return status;
}

static bool is_claim(const char *word, const char *(*name)(int i, const void *context))
{
    const char *known;
    for (int i = 0; (known = name(i, NULL)) != NULL; i++)
        if (strcmp(known, word) == 0)
            return true;
    return false;
}

enum status spec_check_claims(const struct spec *spec, const char *(*name)(int i, const void *context), struct err *err)
{
    for (int i = 0; name && i < spec->n_claims; i++) {
        struct str hint;
        if (is_claim(spec->claims[i], name))
            continue;
        str_init(&hint);
        suggest_claim(&hint, name, spec->claims[i]);
        (void)place_error(&spec->claim_places[i], err, "unknown claim '%s'%s", spec->claims[i], hint.text);
        str_release(&hint);
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

void spec_release(struct spec *spec)
{
    for (int i = 0; i < spec->n_axes; i++) {
        axis_release(spec->axes[i]);
        free(spec->axes[i]);
    }
    free(spec->axes);
    free(spec->grids);
    tree_release(&spec->tree);
    *spec = (struct spec){0};
}
