/* SPDX-License-Identifier: Apache-2.0 */
/* gemm.c — cuts a product into tiles, and packs what would be read in a bad order.
 *
 * Design: k in blocks of gemm_depth; within one, a panel of B (depth rows, as wide as a tile) stays in the first-level
 * cache while tiles of A's rows, which stay in the second level, run over it. Packing is a matter of speed alone: what
 * a tile computes does not depend on it. Main invariant: see gemm.h, an element's bits. */
#include "engine/math/gemm.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/math/isa.h"

extern const struct gemm_set gemm_set_avx2, gemm_set_avx512;

enum {
    DEPTH_MAX = 256,           /* a panel of 32 columns is then 32 KiB */
    A_BLOCK = 144 * 1024,      /* floats of A that stay in the second-level cache */
    A_BLOCK_NEAR = 4 * 1024,   /* … and in the first, when all of B's panels stay there too */
    B_NEAR = 6 * 1024,         /* floats of such a B */
    B_SCRATCH = 256 * 1024,    /* floats of packed B: 1 MiB */
    A_SCRATCH = A_BLOCK + GEMM_ROWS_MAX * DEPTH_MAX,
    STRIP = 16,                /* rows of memory that are packed together */
    PAD = 16,
    PACKED = 0, /* as the stride of A's columns: as far as a tile is tall */
};

/* One for each thread, made at its first product that packs and freed with the thread. A variable of the thread would be
 * zeroed whenever a process or a thread starts: a quarter of the program's starting time. */
struct scratch {
    _Alignas(64) float b[B_SCRATCH];
    _Alignas(64) float a[A_SCRATCH];
};

static pthread_key_t scratch_key;

static void make_scratch_key(void)
{
    int failed = pthread_key_create(&scratch_key, free);
    ASSERT(!failed);
}

static struct scratch *scratch_of_thread(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static _Thread_local struct scratch *scratch;
    if (scratch)
        return scratch;
    (void)pthread_once(&once, make_scratch_key);
    scratch = aligned_alloc(_Alignof(struct scratch), sizeof *scratch);
    NEED_MEMORY(scratch);
    ASSERT(pthread_setspecific(scratch_key, scratch) == 0);
    return scratch;
}

const struct gemm_set *gemm_set_chosen(void)
{
#if defined(__x86_64__)
    switch (isa_chosen()) {
    case ISA_AVX512:
        return &gemm_set_avx512;
    case ISA_AVX2:
        return &gemm_set_avx2;
    case ISA_BASELINE:
        break;
    }
#endif
    return NULL;
}

int gemm_depth(int K)
{
    int blocks = (K + DEPTH_MAX - 1) / DEPTH_MAX;
    int depth = (K + blocks - 1) / blocks;
    return (depth + 15) / 16 * 16 < K ? (depth + 15) / 16 * 16 : K;
}

/* An operand as it lies in memory: element (row, k) at data[row * row_stride + k * k_stride]; one stride is 1. */
struct operand {
    const float *data;
    ptrdiff_t row_stride, k_stride;
};

struct product {
    const struct gemm_set *set;
    struct operand a, b;
    int M, N, K, depth;
    float alpha, beta;
    float *c;
    ptrdiff_t c_stride;
    int panel, tallest; /* columns and rows of a tile */
    int block_rows;   /* rows of a block of A */
    int block_columns;/* columns of a block of B */
    bool packs_a, packs_b;
    struct scratch *scratch; /* where it packs */
};

/* One block of k, all of it relative to the block's first row and column. */
struct block {
    int rows, columns, K;
    struct operand a, b;
    float *c;
    float beta;
};

/* The rows of a block of A in tiles of nearly equal height. */
struct tiling {
    int tiles, height, taller; /* the first `taller` tiles have one row more than height */
};

static struct tiling tiling_of(int rows, int tallest)
{
    int tiles = (rows + tallest - 1) / tallest;
    return (struct tiling){tiles, rows / tiles, rows % tiles};
}

/* Rows of a block of A by themselves: by rows with a stride that spreads over the cache's sets, or by columns, one
 * tile after the other. */
static void pack_a(const struct product *p, struct block *block)
{
    const struct operand *a = &block->a;
    float *out = p->scratch->a;
    int K = block->K;
    if (a->k_stride == 1) {
        p->set->pack_rows(out, K + PAD, a->data, a->row_stride, K, block->rows);
        block->a = (struct operand){p->scratch->a, K + PAD, 1};
        return;
    }
    struct tiling tiling = tiling_of(block->rows, p->tallest);
    for (int k = 0; k < K; k += STRIP) { /* what one tile leaves of a line is still there for the next */
        const float *from = a->data + k * a->k_stride;
        int strip = K - k < STRIP ? K - k : STRIP;
        out = p->scratch->a;
        for (int t = 0; t < tiling.tiles; t++) {
            int rows = tiling.height + (t < tiling.taller);
            p->set->pack_rows(out + k * rows, rows, from, a->k_stride, rows, strip);
            from += rows;
            out += rows * K;
        }
    }
    block->a = (struct operand){p->scratch->a, K, PACKED};
}

static void pack_panel(const struct product *p, const struct block *block, int column, int columns, float *out)
{
    int width = p->set->width, whole = (columns + width - 1) / width * width;
    const float *from = block->b.data + column * block->b.row_stride;
    if (block->b.k_stride == 1)
        p->set->pack_transposed(out, p->panel, from, block->b.row_stride, columns, whole, block->K);
    else
        p->set->pack_rows(out, p->panel, from, block->b.k_stride, columns, block->K);
}

/* All rows of the block against one panel, in tiles of nearly equal height. */
static void multiply_panel(const struct product *p, const struct block *block, struct gemm_tile *tile)
{
    bool by_columns = block->a.k_stride != 1;
    int vectors = (tile->columns + p->set->width - 1) / p->set->width;
    struct tiling tiling = tiling_of(block->rows, p->tallest);
    gemm_tile_kernel *const *kernels = p->set->kernels[by_columns][vectors - 1];
    tile->a = block->a.data;
    for (int t = 0; t < tiling.tiles; t++) {
        int rows = tiling.height + (t < tiling.taller);
        tile->a_stride = !by_columns ? block->a.row_stride : block->a.k_stride == PACKED ? rows : block->a.k_stride;
        kernels[rows - 1](tile);
        tile->a += rows * block->a.row_stride;
        tile->c += rows * p->c_stride;
    }
}

static void multiply_block(const struct product *p, struct block *block, bool first)
{
    bool once = block->rows == p->M; /* then a packed panel is used up at once, and the next may take its place */
    if (p->packs_a)
        pack_a(p, block);
    for (int column = 0; column < block->columns; column += p->panel) {
        int left = block->columns - column, columns = left < p->panel ? left : p->panel;
        float *packed = p->packs_b ? p->scratch->b + (once ? 0 : column * block->K) : NULL;
        struct gemm_tile tile = {
            .K = block->K,
            .columns = columns,
            .b = packed,
            .b_stride = p->panel,
            .c = block->c + column,
            .c_stride = p->c_stride,
            .alpha = p->alpha,
            .beta = block->beta,
        };
        if (!p->packs_b) {
            tile.b = block->b.data + column;
            tile.b_stride = block->b.k_stride;
        } else if (first) {
            pack_panel(p, block, column, columns, packed);
        }
        multiply_panel(p, block, &tile);
    }
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* The rules, each from measurements of the shapes in `isoflop bench gemm`. */
static void plan(struct product *p)
{
    const struct gemm_set *set = p->set;
    int vectors = 2, tall, most, blocks; /* panels as wide as the rows leave registers for */
    while (vectors < GEMM_VECTORS_MAX && p->M <= set->rows_max[vectors + 1])
        vectors++;
    p->panel = vectors * set->width;
    tall = p->tallest = set->rows_max[vectors];
    p->depth = gemm_depth(p->K);
    p->block_columns = B_SCRATCH / p->depth / p->panel * p->panel;
    most = (p->N * p->depth <= B_NEAR ? A_BLOCK_NEAR : A_BLOCK) / (p->depth + PAD) / tall * tall;
    blocks = (p->M + most - 1) / most; /* of equal height, as far as whole tiles can be */
    p->block_rows = ((p->M + blocks - 1) / blocks + tall - 1) / tall * tall;
    p->packs_b = p->b.k_stride == 1 || p->M > 2 * tall;
    p->packs_a = p->a.k_stride == 1 ? p->a.row_stride % 1024 == 0 && p->N > 2 * p->panel && p->M > 8
                                    : p->N > 2 * p->panel && p->M > tall;
    p->scratch = p->packs_a || p->packs_b ? scratch_of_thread() : NULL;
}

void gemm_multiply(const struct gemm_set *set, bool transpose_a, bool transpose_b, int M, int N, int K, float alpha,
                   const float *A, int lda, const float *B, int ldb, float beta, float *C, int ldc)
{
    struct product p = {
        .set = set,
        .a = {A, transpose_a ? 1 : lda, transpose_a ? lda : 1},
        .b = {B, transpose_b ? ldb : 1, transpose_b ? 1 : ldb},
        .M = M,
        .N = N,
        .K = K,
        .alpha = alpha,
        .beta = beta,
        .c = C,
        .c_stride = ldc,
    };
    if (M <= GEMM_FEW_ROWS && transpose_b && !transpose_a) {
        set->few_rows(M, N, &(struct gemm_tile){.K = K, .a = A, .a_stride = lda, .b = B, .b_stride = ldb, .c = C,
                                               .c_stride = ldc, .alpha = alpha, .beta = beta});
        return;
    }
    plan(&p);
    for (int n = 0; n < N; n += p.block_columns)
        for (int k = 0; k < K; k += p.depth)
            for (int m = 0; m < M; m += p.block_rows) {
                struct block block = {
                    .rows = smaller(M - m, p.block_rows),
                    .columns = smaller(N - n, p.block_columns),
                    .K = smaller(K - k, p.depth),
                    .a = {A + m * p.a.row_stride + k * p.a.k_stride, p.a.row_stride, p.a.k_stride},
                    .b = {B + n * p.b.row_stride + k * p.b.k_stride, p.b.row_stride, p.b.k_stride},
                    .c = C + m * p.c_stride + n,
                    .beta = k > 0 ? 1 : beta,
                };
                multiply_block(&p, &block, m == 0);
            }
}
