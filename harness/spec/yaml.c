/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.c — the only user of libyaml: its events, turned into our tree.
 *
 * libyaml's own document loader would follow aliases and keep no bound of ours, so events are taken one by
 * one and every bound is checked before anything is stored. Invariant: levels[0 … depth-1] are the open
 * lists and maps, innermost last; nodes and texts lie in two blocks whose sizes are known beforehand. */
#include "harness/spec/yaml.h"

#include <string.h>
#include <yaml.h>

#include "engine/base/assert.h"

struct level {
    struct node *node;
    struct node *last;        /* its last child so far */
    const char *key;          /* of the child that comes next; NULL while a key is awaited */
    struct place key_place;
    bool flow;                /* written with {} or [] */
    bool drop_value;          /* a joined piece stood where a key stands; its empty value follows */
};

struct builder {
    const char *path;
    struct node *nodes;
    int n_nodes;
    char *pool;               /* texts, each terminated */
    size_t pool_used, pool_size;
    struct level levels[TREE_DEPTH];
    int depth;
    struct node *root;
    bool finished;            /* a whole document was read */
};

static struct place place_of(const struct builder *builder, yaml_mark_t mark)
{
    return (struct place){.path = builder->path, .line = (int)mark.line + 1, .column = (int)mark.column + 1};
}

/* libyaml counts neither lines nor columns when it refuses a byte, only how far it had come. */
static struct place place_at(const char *path, const char *text, size_t offset)
{
    struct place place = {.path = path, .line = 1, .column = 1};
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            place.line++;
            place.column = 1;
        } else if (((unsigned char)text[i] & 0xC0) != 0x80) {
            place.column++; /* the bytes 10xxxxxx continue a character */
        }
    }
    return place;
}

/* C0 (but tab and line feed), DEL and, as UTF-8, C1: what could steer a terminal. */
static bool has_control(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7F)
            return true;
        if (c == 0xC2 && i + 1 < n && (unsigned char)text[i + 1] < 0xA0)
            return true;
    }
    return false;
}

static const char *keep_text(struct builder *builder, const char *text, size_t n)
{
    char *kept = builder->pool + builder->pool_used;
    ASSERT(n < builder->pool_size - builder->pool_used);
    memcpy(kept, text, n);
    kept[n] = 0;
    builder->pool_used += n + 1;
    return kept;
}

static enum status set_key(struct builder *builder, struct level *level, const yaml_event_t *event, struct err *err)
{
    struct place place = place_of(builder, event->start_mark);
    const char *text = (const char *)event->data.scalar.value;
    if (strpbrk(text, "\t\n"))
        return place_error(&place, err, "a key must be a single word, not several lines");
    if (level->node->count >= TREE_KEYS)
        return place_error(&place, err, "more than %d keys in one mapping", TREE_KEYS);
    for (const struct node *child = level->node->first; child; child = child->next)
        if (strcmp(child->key, text) == 0)
            return place_error(&place, err, "key '%s' is given twice; the first is in line %d", text,
                               child->key_place.line);
    level->key = keep_text(builder, text, event->data.scalar.length);
    level->key_place = place;
    return STATUS_OK;
}

static enum status add_node(struct builder *builder, enum node_kind kind, const yaml_event_t *event,
                            struct node **out, struct err *err)
{
    struct place place = place_of(builder, event->start_mark);
    struct level *level = builder->depth ? &builder->levels[builder->depth - 1] : NULL;
    struct node *node;
    if (level && level->node->kind == NODE_MAP && !level->key)
        return place_error(&place, err, "a key must be a single word, not a list or a mapping");
    if (builder->n_nodes == TREE_NODES)
        return place_error(&place, err, "more than %d values in one file", TREE_NODES);
    node = &builder->nodes[builder->n_nodes++];
    *node = (struct node){.kind = kind, .place = place};
    if (!level) {
        builder->root = node;
    } else {
        node->key = level->key;
        node->key_place = level->key_place;
        level->key = NULL;
        if (level->last)
            level->last->next = node;
        else
            level->node->first = node;
        level->last = node;
        level->node->count++;
    }
    *out = node;
    return STATUS_OK;
}

static enum status open_level(struct builder *builder, enum node_kind kind, bool flow, const yaml_event_t *event,
                              struct err *err)
{
    struct place place = place_of(builder, event->start_mark);
    struct node *node;
    enum status status;
    if (builder->depth == TREE_DEPTH)
        return place_error(&place, err, "lists and mappings are nested more than %d deep", TREE_DEPTH);
    status = add_node(builder, kind, event, &node, err);
    if (status == STATUS_OK)
        builder->levels[builder->depth++] = (struct level){.node = node, .flow = flow};
    return status;
}

/* The last child, when it is a plain text in {} or [] whose parenthesis is still open. */
static struct node *open_call(const struct level *level)
{
    struct node *last = level->last;
    const char *open;
    if (!level->flow || level->key || !last || last->kind != NODE_TEXT || !last->plain)
        return NULL;
    open = strrchr(last->text, '(');
    return open && !strchr(open, ')') ? last : NULL;
}

/* YAML has cut `log(1, 100, 5)` at its commas: puts ", 100" back where it belongs. */
static enum status join(struct builder *builder, struct level *level, const yaml_event_t *event, struct err *err)
{
    struct node *last = level->last;
    size_t length = strlen(last->text), n = event->data.scalar.length;
    ASSERT(last->text + length + 1 == builder->pool + builder->pool_used);
    if (length + n + 2 > TREE_TEXT)
        return place_error(&last->place, err, "a parenthesis that is not closed");
    builder->pool_used--; /* the terminator gives way */
    (void)keep_text(builder, ", ", 2);
    builder->pool_used--;
    (void)keep_text(builder, (const char *)event->data.scalar.value, n);
    level->drop_value = level->node->kind == NODE_MAP;
    return STATUS_OK;
}

static enum status add_text(struct builder *builder, const yaml_event_t *event, struct err *err)
{
    struct place place = place_of(builder, event->start_mark);
    struct level *level = builder->depth ? &builder->levels[builder->depth - 1] : NULL;
    size_t n = event->data.scalar.length;
    const char *text = (const char *)event->data.scalar.value;
    struct node *node;
    enum status status;
    if (n > TREE_TEXT)
        return place_error(&place, err, "a text of more than %d characters", TREE_TEXT);
    if (memchr(text, 0, n) || has_control(text, n))
        return place_error(&place, err, "a control character in a text");
    if (level && level->drop_value) {
        level->drop_value = false;
        if (n == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
            return STATUS_OK;
        return place_error(&place, err, "a value within parentheses");
    }
    if (level && open_call(level))
        return join(builder, level, event, err);
    if (level && level->node->kind == NODE_MAP && !level->key)
        return set_key(builder, level, event, err);
    status = add_node(builder, NODE_TEXT, event, &node, err);
    if (status == STATUS_OK) {
        node->text = keep_text(builder, text, n);
        node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    }
    return status;
}

static enum status close_level(struct builder *builder, struct err *err)
{
    const struct level *level = &builder->levels[--builder->depth];
    const struct node *open = open_call(level);
    if (open)
        return place_error(&open->place, err, "the parenthesis in '%.40s' is not closed", open->text);
    return STATUS_OK;
}

static enum status no_extras(struct builder *builder, const yaml_event_t *event, const yaml_char_t *anchor,
                             const yaml_char_t *tag, struct err *err)
{
    struct place place = place_of(builder, event->start_mark);
    if (anchor)
        return place_error(&place, err, "a spec uses no anchors (&%s) and no aliases; write the value out", anchor);
    if (tag)
        return place_error(&place, err, "a spec uses no tags (%s); leave it away", tag);
    return STATUS_OK;
}

static enum status take_event(struct builder *builder, const yaml_event_t *event, struct err *err)
{
    struct place place = place_of(builder, event->start_mark);
    enum status status;
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (builder->root)
            return place_error(&place, err, "a spec is one document; a second one starts here");
        return STATUS_OK;
    case YAML_ALIAS_EVENT:
        return place_error(&place, err, "a spec uses no anchors and no aliases (*%s); write the value out",
                           event->data.alias.anchor);
    case YAML_SCALAR_EVENT:
        status = no_extras(builder, event, event->data.scalar.anchor, event->data.scalar.tag, err);
        return status == STATUS_OK ? add_text(builder, event, err) : status;
    case YAML_SEQUENCE_START_EVENT:
        status = no_extras(builder, event, event->data.sequence_start.anchor, event->data.sequence_start.tag, err);
        return status == STATUS_OK ? open_level(builder, NODE_LIST, event->data.sequence_start.style ==
                                                YAML_FLOW_SEQUENCE_STYLE, event, err) : status;
    case YAML_MAPPING_START_EVENT:
        status = no_extras(builder, event, event->data.mapping_start.anchor, event->data.mapping_start.tag, err);
        return status == STATUS_OK ? open_level(builder, NODE_MAP, event->data.mapping_start.style ==
                                                YAML_FLOW_MAPPING_STYLE, event, err) : status;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_level(builder, err);
    case YAML_STREAM_END_EVENT:
        builder->finished = true;
        return STATUS_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return STATUS_OK;
}

/* Is this line, counted from 1, indented with a tab? libyaml's message for it does not name the tab. */
static bool tab_indented(const char *text, size_t size, int line)
{
    size_t i = 0;
    for (int at = 1; at < line && i < size; i++)
        at += text[i] == '\n';
    while (i < size && text[i] == ' ')
        i++;
    return i < size && text[i] == '\t';
}

static enum status parser_error(const struct builder *builder, const yaml_parser_t *parser, const char *text,
                                size_t size, struct err *err)
{
    struct place place = place_of(builder, parser->problem_mark);
    const char *problem = parser->problem ? parser->problem : "unreadable";
    if (parser->error == YAML_MEMORY_ERROR)
        return err_set(err, STATUS_MEMORY, "%s: no memory to read it", builder->path);
    if (parser->error == YAML_READER_ERROR) {
        place = place_at(builder->path, text, parser->problem_offset);
        return place_error(&place, err, "not UTF-8 text: %s", problem);
    }
    if (tab_indented(text, size, place.line))
        return place_error(&place, err, "this line is indented with a tab; YAML wants blanks");
    return place_error(&place, err, "not valid YAML: %s%s%s", parser->context ? parser->context : "",
                       parser->context ? ", " : "", problem);
}

static enum status run_parser(struct builder *builder, const char *text, size_t size, struct err *err)
{
    yaml_parser_t parser;
    enum status status = STATUS_OK;
    if (!yaml_parser_initialize(&parser))
        return err_set(err, STATUS_MEMORY, "%s: no memory to read it", builder->path);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    while (status == STATUS_OK && !builder->finished) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            status = parser_error(builder, &parser, text, size, err);
            break;
        }
        status = take_event(builder, &event, err);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return status;
}

enum status tree_read(struct tree *out, const char *path, const char *text, size_t size, struct err *err)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    struct builder builder = {.path = path};
    struct tree tree = {0};
    const char *nul = memchr(text, 0, size);
    struct place start = {.path = path, .line = 1, .column = 1};
    enum status status;
    if (nul) {
        start = place_at(path, text, (size_t)(nul - text));
        return place_error(&start, err, "a NUL byte: this is no text file");
    }
    if (size >= 3 && memcmp(text, byte_order_mark, 3) == 0) {
        text += 3;
        size -= 3;
    }
    /* A text is at most 1.5 times its source (an escape of two characters gives three bytes), a terminator
     * and a joined comma more per node. */
    builder.pool_size = 2 * size + 3 * (size_t)TREE_NODES;
    status = arena_init(&tree.arena, arena_bytes(TREE_NODES, sizeof(struct node)) +
                        arena_bytes(builder.pool_size, 1), err);
    if (status != STATUS_OK)
        return status;
    builder.nodes = ARENA_NEW(&tree.arena, struct node, TREE_NODES);
    builder.pool = ARENA_NEW(&tree.arena, char, builder.pool_size);
    status = run_parser(&builder, text, size, err);
    if (status == STATUS_OK && !builder.root)
        status = place_error(&start, err, "the file is empty; a spec names at least one knob, like "
                             "model: {width: [32, 64]}");
    tree.root = builder.root;
    if (status == STATUS_OK)
        *out = tree;
    else
        arena_release(&tree.arena);
    return status;
}

void tree_release(struct tree *tree)
{
    arena_release(&tree->arena);
    *tree = (struct tree){0};
}
