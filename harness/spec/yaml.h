/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.h — a YAML document as a small tree of nodes, each with its line and column.
 *
 * Files come from strangers, so everything is bounded: depth, number of nodes, keys of one map, length of
 * one text. One document only; anchors, aliases and tags are refused, and so is a key given twice. Texts
 * hold no control characters but tab and line feed. Inside {} and [] a text with an open parenthesis goes
 * on past commas: `log(1, 100, 5)` is one text everywhere.
 *
 * The tree owns its nodes and texts in one arena; nodes are read only. */
#ifndef HARNESS_SPEC_YAML_H
#define HARNESS_SPEC_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "harness/spec/place.h"

enum node_kind { NODE_TEXT, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    bool plain;              /* a text written without quotes */
    int count;               /* children of a list or map */
    struct place place;      /* where the node begins */
    const char *text;        /* NODE_TEXT */
    const char *key;         /* what a map calls this child; NULL elsewhere */
    struct place key_place;
    const struct node *first; /* first child */
    const struct node *next;  /* next sibling */
};

struct tree {
    struct arena arena;
    const struct node *root;
};

enum {
    TREE_DEPTH = 12,
    TREE_NODES = 50000,
    TREE_KEYS = 200,         /* of one map: finding a key given twice compares every pair */
    TREE_TEXT = 8192         /* bytes of one text */
};

/* Reads size bytes. Errors are STATUS_USAGE and start "path:line:column: ". path must outlive the tree. */
MUST_CHECK enum status tree_read(struct tree *out, const char *path, const char *text, size_t size, struct err *err);
void tree_release(struct tree *tree);

#endif
