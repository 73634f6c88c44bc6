// Softmax attention of one image, head by head.

INLINE size_t padded(size_t n) { return (n + CK_PANEL - 1) / CK_PANEL * CK_PANEL; }

/// B = A^T in panels, [padded rows / 16, columns, 16]. A [rows, columns], columns a multiple of 16; B's padding becomes
/// zero. Panels keep what one tile reads together, whatever the strides, so that it stays in the first-level cache.
static void transpose(size_t rows, size_t columns, const float *a, size_t a_stride, float *b) {
    for (size_t i = 0; i < padded(rows); i += VL) {
        float *panel = b + i / CK_PANEL * columns * CK_PANEL + i % CK_PANEL;
        for (size_t j = 0; j < columns; j += VL) {
            vec block[VL];
            UNROLL for (size_t n = 0; n < VL; n++) block[n] = i + n < rows ? load(a + (i + n) * a_stride + j) : splat(0);
            // Each round interleaves the first half of the rows with the second; log2(VL) rounds transpose the block.
            UNROLL for (int half = VL / 2; half > 0; half /= 2) {
                vec shuffled[VL];
                UNROLL for (int n = 0; n < VL / 2; n++) {
                    shuffled[2 * n].even = block[n].lo;
                    shuffled[2 * n].odd = block[n + VL / 2].lo;
                    shuffled[2 * n + 1].even = block[n].hi;
                    shuffled[2 * n + 1].odd = block[n + VL / 2].hi;
                }
                UNROLL for (int n = 0; n < VL; n++) block[n] = shuffled[n];
            }
            UNROLL for (size_t n = 0; n < VL; n++) store(panel + (j + n) * CK_PANEL, block[n]);
        }
    }
}

/// B = A in panels, [columns / 16, rows, 16]. A [rows, columns], columns a multiple of 16.
static void copy_panels(size_t rows, size_t columns, const float *a, size_t a_stride, float *b) {
    for (size_t j = 0; j < columns; j += CK_PANEL) {
        for (size_t i = 0; i < rows; i++, b += CK_PANEL) memcpy(b, a + i * a_stride + j, CK_PANEL * sizeof(float));
    }
}

/// p = softmax(p) for rows of `width` values; the padding becomes zero.
static void softmax(size_t rows, size_t width, size_t stride, float *p) {
    for (size_t r = 0; r < rows; r++, p += stride) {
        for (size_t j = width; j < stride; j++) p[j] = -INFINITY;
        vec high = load(p);
        for (size_t j = VL; j < stride; j += VL) high = larger(high, load(p + j));
        const float most = largest(high);
        vec total = splat(0);
        for (size_t j = 0; j < width; j += VL) {
            vec e = exponential(load(p + j) - most) * columns_below(j, width);
            store(p + j, e);
            total += e;
        }
        const vec factor = splat(1.0f / sum(total));
        for (size_t j = 0; j < width; j += VL) store(p + j, load(p + j) * factor);
        for (size_t j = (width + VL - 1) / VL * VL; j < stride; j++) p[j] = 0;
    }
}

/// dS = P (dP - rowsum(dP P)) in place of dP.
static void softmax_backward(size_t rows, size_t width, size_t stride, const float *p, float *dp) {
    for (size_t r = 0; r < rows; r++, p += stride, dp += stride) {
        vec total = splat(0);
        for (size_t j = 0; j < width; j += VL) total = fma_(load(p + j), load(dp + j), total);
        const float weighted = sum(total);
        for (size_t j = 0; j < width; j += VL) store(dp + j, load(p + j) * (load(dp + j) - weighted));
    }
}

static void attend(const ck_attention *t, float *o, size_t o_stride) {
    const size_t stride = padded(t->keys);
    for (size_t h = 0; h < t->heads; h++) {
        const size_t column = h * t->head_stride;
        float *p = t->probabilities + h * t->queries * stride;
        transpose(t->keys, t->head_stride, t->k + column, t->key_stride, t->scratch);
        multiply_activations(t->queries, stride, t->head_stride, t->q + column, t->query_stride, t->scratch, p, stride);
        softmax(t->queries, t->keys, stride, p);
        copy_panels(t->keys, t->head_stride, t->v + column, t->key_stride, t->scratch);
        multiply_activations(t->queries, t->head_stride, t->keys, p, stride, t->scratch, o + column, o_stride);
    }
}

static void attend_backward(const ck_attention *t, const float *d_o, size_t o_stride, float *dq, size_t dq_stride,
                            float *dk, float *dv, size_t dk_stride) {
    const size_t stride = padded(t->keys);
    float *ds = t->scratch + ck_attention_scratch_count(t->queries, t->keys, t->head_stride) - t->queries * stride;
    for (size_t h = 0; h < t->heads; h++) {
        const size_t column = h * t->head_stride;
        const float *p = t->probabilities + h * t->queries * stride;
        transpose(t->keys, t->head_stride, t->v + column, t->key_stride, t->scratch);
        multiply_activations(t->queries, stride, t->head_stride, d_o + column, o_stride, t->scratch, ds, stride);
        // This reads the probabilities by row, as memory likes it, before P^T dO walks over them by column.
        softmax_backward(t->queries, t->keys, stride, p, ds);
        copy_panels(t->queries, t->head_stride, d_o + column, o_stride, t->scratch);
        multiply_transposed(t->keys, t->head_stride, t->queries, p, stride, t->scratch, dv + column, dk_stride);
        copy_panels(t->keys, t->head_stride, t->k + column, t->key_stride, t->scratch);
        multiply_activations(t->queries, t->head_stride, t->keys, ds, stride, t->scratch, dq + column, dq_stride);
        copy_panels(t->queries, t->head_stride, t->q + column, t->query_stride, t->scratch);
        multiply_transposed(t->keys, t->head_stride, t->queries, ds, stride, t->scratch, dk + column, dk_stride);
    }
}
