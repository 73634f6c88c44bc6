#include "bfloat16.h"
#include "CTuningKernels.h"

static size_t padded(size_t n) { return (n + CK_PANEL - 1) / CK_PANEL * CK_PANEL; }

/// Rows of W that one word holds.
static size_t rows_in_word(ck_precision precision) { return precision == ck_bfloat16 ? 2 : 1; }

static size_t words(size_t depth, ck_precision precision) {
    return (depth + rows_in_word(precision) - 1) / rows_in_word(precision);
}

size_t ck_packed_count(size_t depth, size_t columns, ck_precision precision) {
    return words(depth, precision) * padded(columns);
}

/// Blocks of equal depth, whole words: three panels of one fill a seventh of a one-megabyte cache.
static size_t block_depth(size_t depth, ck_precision precision) {
    const size_t blocks = (depth + DEEPEST_BLOCK - 1) / DEEPEST_BLOCK;
    return blocks == 0 ? rows_in_word(precision)
                       : words((depth + blocks - 1) / blocks, precision) * rows_in_word(precision);
}

/// W's element in that row and column.
static float element(const ck_matrix *w, size_t row, size_t column) {
    const size_t start = row / w->block * w->block;
    const size_t depth = words(w->depth - start < w->block ? w->depth - start : w->block, w->precision);
    const uint32_t *panel = (const uint32_t *)w->panels + words(start, w->precision) * w->columns +
                            column / CK_PANEL * CK_PANEL * depth;
    const size_t row_of_words = (row - start) / rows_in_word(w->precision);
    const uint32_t word = panel[row_of_words * CK_PANEL + column % CK_PANEL];
    if (w->precision == ck_float32) return float_of(word);
    return float_of(row % 2 == 0 ? word << 16 : word & 0xffff0000);
}

/// Where weights are packed from: an array, or the transpose of `turned`.
typedef struct source {
    size_t depth, columns;
    const float *values;
    size_t row_stride, column_stride;
    const ck_matrix *turned;
} source;

/// Zero beyond the source's rows and columns.
static float at(const source *s, size_t row, size_t column) {
    if (row >= s->depth || column >= s->columns) return 0;
    return s->turned ? element(s->turned, column, row) : s->values[row * s->row_stride + column * s->column_stride];
}

static ck_matrix pack(const source *s, ck_precision precision, uint32_t *panels) {
    ck_matrix w = {s->depth, padded(s->columns), block_depth(s->depth, precision), precision, panels};
    for (size_t start = 0; start < w.depth; start += w.block) {
        const size_t end = start + w.block < w.depth ? start + w.block : w.depth;
        for (size_t first = 0; first < w.columns; first += CK_PANEL) {
            for (size_t i = start; i < end; i += rows_in_word(precision), panels += CK_PANEL) {
                for (size_t j = 0; j < CK_PANEL; j++) {
                    const float value = at(s, i, first + j);
                    panels[j] = precision == ck_float32 ? bits_of(value) : pair_of(value, at(s, i + 1, first + j));
                }
            }
        }
    }
    return w;
}

ck_matrix ck_pack(size_t depth, size_t columns, ck_precision precision, const float *values, size_t row_stride,
                  size_t column_stride, void *panels) {
    const source s = {depth, columns, values, row_stride, column_stride, NULL};
    return pack(&s, precision, panels);
}

ck_matrix ck_pack_transpose(const ck_matrix *w, size_t columns, void *panels) {
    const source s = {columns, w->depth, NULL, 0, 0, w};
    return pack(&s, w->precision, panels);
}

size_t ck_attention_scratch_count(size_t queries, size_t keys, size_t head_stride) {
    const size_t rows = padded(keys) > queries ? padded(keys) : queries;
    return head_stride * rows + queries * padded(keys);
}
