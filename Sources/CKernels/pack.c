#include <string.h>

#include "CTuningKernels.h"

static size_t padded(size_t n) { return (n + CK_PANEL - 1) / CK_PANEL * CK_PANEL; }

size_t ck_packed_count(size_t depth, size_t columns) { return depth * padded(columns); }

/// Blocks of equal depth, at most 768 rows: three panels of one fill a seventh of a one-megabyte cache.
static size_t block_depth(size_t depth) {
    const size_t blocks = (depth + 767) / 768;
    return blocks == 0 ? 1 : (depth + blocks - 1) / blocks;
}

/// W's element in that row and column.
static float element(const ck_matrix *w, size_t row, size_t column) {
    const size_t start = row / w->block * w->block;
    const size_t depth = w->depth - start < w->block ? w->depth - start : w->block;
    const float *panel = w->panels + start * w->columns + column / CK_PANEL * CK_PANEL * depth;
    return panel[(row - start) * CK_PANEL + column % CK_PANEL];
}

ck_matrix ck_pack(size_t depth, size_t columns, const float *source, size_t row_stride, size_t column_stride,
                  float *panels) {
    ck_matrix w = {depth, padded(columns), block_depth(depth), panels};
    for (size_t start = 0; start < depth; start += w.block) {
        const size_t end = start + w.block < depth ? start + w.block : depth;
        for (size_t first = 0; first < w.columns; first += CK_PANEL) {
            const size_t valid = columns - first < CK_PANEL ? columns - first : CK_PANEL;
            for (size_t i = start; i < end; i++, panels += CK_PANEL) {
                const float *row = source + i * row_stride + first * column_stride;
                for (size_t j = 0; j < valid; j++) panels[j] = row[j * column_stride];
                memset(panels + valid, 0, (CK_PANEL - valid) * sizeof(float));
            }
        }
    }
    return w;
}

ck_matrix ck_pack_transpose(const ck_matrix *w, size_t columns, float *panels) {
    ck_matrix t = {columns, padded(w->depth), block_depth(columns), panels};
    for (size_t start = 0; start < t.depth; start += t.block) {
        const size_t end = start + t.block < t.depth ? start + t.block : t.depth;
        for (size_t first = 0; first < t.columns; first += CK_PANEL) {
            for (size_t i = start; i < end; i++, panels += CK_PANEL) {
                for (size_t j = 0; j < CK_PANEL; j++) panels[j] = first + j < w->depth ? element(w, first + j, i) : 0;
            }
        }
    }
    return t;
}

size_t ck_attention_scratch_count(size_t queries, size_t keys, size_t head_stride) {
    const size_t rows = padded(keys) > queries ? padded(keys) : queries;
    return head_stride * rows + queries * padded(keys);
}
