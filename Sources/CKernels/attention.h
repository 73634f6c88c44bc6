// Softmax attention of one image, head by head.

INLINE size_t padded(size_t n) { return (n + CK_PANEL - 1) / CK_PANEL * CK_PANEL; }

typedef float quad __attribute__((ext_vector_type(4)));

INLINE quad load_quad(const float *p) {
    quad v;
    memcpy(&v, p, sizeof v);
    return v;
}

/// B [columns, padded rows] = A^T, A [rows, columns]; columns a multiple of 4, the padding of B's rows becomes zero.
static void transpose(size_t rows, size_t columns, const float *a, size_t a_stride, float *b) {
    const size_t b_stride = padded(rows);
    for (size_t i = 0; i < b_stride; i += 4) {
        for (size_t j = 0; j < columns; j += 4) {
            quad r[4];
            UNROLL for (size_t n = 0; n < 4; n++) r[n] = i + n < rows ? load_quad(a + (i + n) * a_stride + j) : (quad)0;
            quad low01 = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5), low23 = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
            quad high01 = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7), high23 = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
            quad t[4] = {
                __builtin_shufflevector(low01, low23, 0, 1, 4, 5), __builtin_shufflevector(low01, low23, 2, 3, 6, 7),
                __builtin_shufflevector(high01, high23, 0, 1, 4, 5), __builtin_shufflevector(high01, high23, 2, 3, 6, 7)};
            UNROLL for (size_t n = 0; n < 4; n++) memcpy(b + (j + n) * b_stride + i, &t[n], sizeof t[n]);
        }
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
        multiply_activations(t->queries, stride, t->head_width, t->q + column, t->query_stride, t->scratch, stride, p,
                             stride);
        softmax(t->queries, t->keys, stride, p);
        multiply_activations(t->queries, t->head_stride, t->keys, p, stride, t->v + column, t->key_stride, o + column,
                             o_stride);
    }
}

static void attend_backward(const ck_attention *t, const float *d_o, size_t o_stride, float *dq, size_t dq_stride,
                            float *dk, float *dv, size_t dk_stride) {
    const size_t stride = padded(t->keys);
    float *ds = t->scratch + t->head_stride * stride;
    for (size_t h = 0; h < t->heads; h++) {
        const size_t column = h * t->head_stride;
        const float *p = t->probabilities + h * t->queries * stride;
        multiply_transposed(t->keys, t->head_stride, t->queries, p, stride, d_o + column, o_stride, dv + column,
                            dk_stride);
        transpose(t->keys, t->head_stride, t->v + column, t->key_stride, t->scratch);
        multiply_activations(t->queries, stride, t->head_width, d_o + column, o_stride, t->scratch, stride, ds, stride);
        softmax_backward(t->queries, t->keys, stride, p, ds);
        multiply_activations(t->queries, t->head_stride, t->keys, ds, stride, t->k + column, t->key_stride, dq + column,
                             dq_stride);
        multiply_transposed(t->keys, t->head_stride, t->queries, ds, stride, t->q + column, t->query_stride,
                            dk + column, dk_stride);
    }
}
