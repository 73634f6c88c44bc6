// The kernels of CAggregationKernels.h for one instruction set. Included once a variant, with NAME(x) the variant's name
// of x, TARGET its function attribute and COLUMNS the vectors of 16 floats that a tile of the product is wide.

// c[rows, 16 · columns] (+)= a · b, with `rows` and `columns` known to the compiler, so that the sums stay in registers.
TARGET __attribute__((always_inline)) static inline void NAME(tile)(const int rows, const int columns, size_t k,
                                                                    const float *a, size_t a_row, size_t a_column,
                                                                    const float *b, size_t ldb, float *c, size_t ldc,
                                                                    int accumulate) {
    vector16 sum[ROWS][COLUMNS];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < columns; j++)
            sum[i][j] = accumulate ? *(const vector16 *)(c + i * ldc + 16 * j) : (vector16){0};
    for (size_t p = 0; p < k; p++) {
        vector16 right[COLUMNS];
#pragma clang loop unroll(full)
        for (int j = 0; j < columns; j++) right[j] = *(const vector16 *)(b + p * ldb + 16 * j);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
            const vector16 left = a[i * a_row + p * a_column] - (vector16){0};
#pragma clang loop unroll(full)
            for (int j = 0; j < columns; j++) sum[i][j] += left * right[j];
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < columns; j++) *(vector16 *)(c + i * ldc + 16 * j) = sum[i][j];
}

// A tile of at most ROWS rows and COLUMNS vectors.
TARGET static void NAME(any_tile)(size_t rows, size_t columns, size_t k, const float *a, size_t a_row, size_t a_column,
                                  const float *b, size_t ldb, float *c, size_t ldc, int accumulate) {
#define CASE(r, v)                                                                                                     \
    case (r) * 8 + (v):                                                                                                \
        NAME(tile)(r, v, k, a, a_row, a_column, b, ldb, c, ldc, accumulate);                                           \
        break;
    switch (rows * 8 + columns) {
        CASE(1, 1) CASE(2, 1) CASE(3, 1) CASE(4, 1) CASE(5, 1) CASE(6, 1)
#if COLUMNS > 1
        CASE(1, 2) CASE(2, 2) CASE(3, 2) CASE(4, 2) CASE(5, 2) CASE(6, 2)
        CASE(1, 3) CASE(2, 3) CASE(3, 3) CASE(4, 3) CASE(5, 3) CASE(6, 3)
        CASE(1, 4) CASE(2, 4) CASE(3, 4) CASE(4, 4) CASE(5, 4) CASE(6, 4)
#endif
    }
#undef CASE
}

TARGET static void NAME(gemm)(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column,
                              const float *b, size_t ldb, float *c, size_t ldc, int accumulate) {
    const size_t whole = n - n % 16;
    for (size_t j = 0; j < whole; j += 16 * COLUMNS) {
        const size_t vectors = whole - j < 16 * COLUMNS ? (whole - j) / 16 : COLUMNS;
        for (size_t i = 0; i < m; i += ROWS)
            NAME(any_tile)(m - i < ROWS ? m - i : ROWS, vectors, k, a + i * a_row, a_row, a_column, b + j, ldb,
                           c + i * ldc + j, ldc, accumulate);
    }
    // The columns that do not fill a vector.
    for (size_t i = 0; i < m && whole < n; i++)
        for (size_t j = whole; j < n; j++) {
            float sum = accumulate ? c[i * ldc + j] : 0;
            for (size_t p = 0; p < k; p++) sum += a[i * a_row + p * a_column] * b[p * ldb + j];
            c[i * ldc + j] = sum;
        }
}

// cᵀ = b · aᵀ, so that the running index of the vectors is the row of a: aᵀ is laid out anew in blocks of DEPTH.
TARGET static void NAME(gemm_transposed)(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                                         size_t ldb, float *c, size_t ldc, int accumulate) {
    enum { wide = 16 * COLUMNS };
    float turned[DEPTH * wide], result[ROWS * wide];
    for (size_t i = 0; i < m; i += wide) {
        const size_t rows = m - i < wide ? m - i : wide, vectors = (rows + 15) / 16;
        for (size_t first = 0; first < k; first += DEPTH) {
            const size_t depth = k - first < DEPTH ? k - first : DEPTH;
            for (size_t p = 0; p < depth; p++)
                for (size_t r = 0; r < 16 * vectors; r++)
                    turned[p * wide + r] = r < rows ? a[(i + r) * lda + first + p] : 0;
            for (size_t j = 0; j < n; j += ROWS) {
                const size_t columns = n - j < ROWS ? n - j : ROWS;
                NAME(any_tile)(columns, vectors, depth, b + j * ldb + first, ldb, 1, turned, wide, result, wide, 0);
                for (size_t r = 0; r < rows; r++)
                    for (size_t q = 0; q < columns; q++) {
                        float *target = c + (i + r) * ldc + j + q;
                        *target = accumulate || first > 0 ? *target + result[q * wide + r] : result[q * wide + r];
                    }
            }
        }
    }
}

TARGET static void NAME(bias_relu)(size_t rows, size_t columns, const float *bias, float *y) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            const float value = y[i * columns + j] + bias[j];
            y[i * columns + j] = value > 0 ? value : 0;
        }
}

TARGET static float NAME(negative_log_sum)(size_t count, const float *values) {
#pragma clang fp reassociate(on)
    float total = 0;
    for (size_t i = 0; i < count; i++) total -= fast_log(values[i]);
    return total;
}

TARGET static void NAME(precision)(size_t rows, size_t columns, const float *bias, float *logits, float *precision,
                                   float *log_sum) {
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            float x = logits[i * columns + j] + bias[j];
            x = x > 20.0f ? 20.0f : x;
            x = x < -20.0f ? -20.0f : x;
            logits[i * columns + j] = x;
            precision[i * columns + j] = 1.0f + fast_exp(-x);
        }
        log_sum[i] = NAME(negative_log_sum)(columns, precision + i * columns);
    }
}

TARGET static float NAME(weighted_square)(size_t width, const float *x, const float *mean, const float *precision) {
#pragma clang fp reassociate(on)
    float total = 0;
    for (size_t d = 0; d < width; d++) {
        const float residual = x[d] - mean[d];
        total += residual * residual * precision[d];
    }
    return total;
}

TARGET static void NAME(gains)(size_t locals, size_t pool, size_t width, const float *local, const float *prompts,
                               const float *precision, const float *offset, float *gains) {
    for (size_t i = 0; i < pool; i++)
        for (size_t l = 0; l < locals; l++)
            gains[l * pool + i] = offset[i] - 0.5f * NAME(weighted_square)(width, local + l * width,
                                                                          prompts + i * width, precision + i * width);
}

TARGET static void NAME(normal_gradients)(size_t width, const float *x, const float *mean, const float *precision,
                                          float limit, float *by_mean, float *by_logit) {
    for (size_t d = 0; d < width; d++) {
        const float residual = x[d] - mean[d], p = precision[d];
        const float first = -residual * p;
        // d(½ log σ)/dx = ½ (1 − σ), d(½ r²/σ)/dx = −½ r² (1 − σ)/σ, and (1 − σ)/σ = p − 1.
        const float second = 0.5f * (p - 1.0f) * (1.0f / p - residual * residual);
        by_mean[d] = first > limit ? limit : first < -limit ? -limit : first;
        by_logit[d] = second > limit ? limit : second < -limit ? -limit : second;
    }
}

TARGET static void NAME(adam)(size_t count, float *parameters, float *first, float *second, const float *gradient,
                              float beta1, float beta2, float step, float scale, float epsilon) {
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        const vector16 g = *(const vector16 *)(gradient + i);
        const vector16 m = beta1 * *(vector16 *)(first + i) + (1 - beta1) * g;
        const vector16 v = beta2 * *(vector16 *)(second + i) + (1 - beta2) * g * g;
        *(vector16 *)(first + i) = m;
        *(vector16 *)(second + i) = v;
        *(vector16 *)(parameters + i) -= step * m / (__builtin_elementwise_sqrt(v) * scale + epsilon);
    }
    for (; i < count; i++) {
        const float g = gradient[i];
        first[i] = beta1 * first[i] + (1 - beta1) * g;
        second[i] = beta2 * second[i] + (1 - beta2) * g * g;
        parameters[i] -= step * first[i] / (__builtin_sqrtf(second[i]) * scale + epsilon);
    }
}
