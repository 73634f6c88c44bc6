// The kernels of CAggregationKernels.h for one instruction set. Included once a variant, with NAME(x) the variant's name
// of x, TARGET its function attribute and COLUMNS the vectors of 16 floats that a block of the product is wide.

TARGET static void NAME(block)(size_t rows, size_t n, size_t k, const float *a, size_t a_row, size_t a_column,
                               const float *b, size_t ldb, float *c, size_t ldc, int accumulate) {
    // Fewer rows or columns than a block holds: plain loops, vectorized along the columns.
    for (size_t i = 0; i < rows; i++) {
        float *row = c + i * ldc;
        if (!accumulate)
            for (size_t j = 0; j < n; j++) row[j] = 0;
        for (size_t p = 0; p < k; p++) {
            const float factor = a[i * a_row + p * a_column];
            const float *source = b + p * ldb;
            for (size_t j = 0; j < n; j++) row[j] += factor * source[j];
        }
    }
}

#define BLOCK_ROWS 6
TARGET static void NAME(full_block)(size_t k, const float *a, size_t a_row, size_t a_column, const float *b, size_t ldb,
                                    float *c, size_t ldc, int accumulate) {
    vector16 sum[BLOCK_ROWS][COLUMNS];
#pragma clang loop unroll(full)
    for (int i = 0; i < BLOCK_ROWS; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < COLUMNS; j++)
            sum[i][j] = accumulate ? *(const vector16 *)(c + i * ldc + 16 * j) : (vector16){0};
    for (size_t p = 0; p < k; p++) {
        vector16 right[COLUMNS];
#pragma clang loop unroll(full)
        for (int j = 0; j < COLUMNS; j++) right[j] = *(const vector16 *)(b + p * ldb + 16 * j);
#pragma clang loop unroll(full)
        for (int i = 0; i < BLOCK_ROWS; i++) {
            const vector16 left = a[i * a_row + p * a_column] - (vector16){0};
#pragma clang loop unroll(full)
            for (int j = 0; j < COLUMNS; j++) sum[i][j] += left * right[j];
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < BLOCK_ROWS; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < COLUMNS; j++) *(vector16 *)(c + i * ldc + 16 * j) = sum[i][j];
}

TARGET static void NAME(gemm)(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column,
                              const float *b, size_t ldb, float *c, size_t ldc, int accumulate) {
    const size_t wide = 16 * COLUMNS, full_rows = m - m % BLOCK_ROWS, full_columns = n - n % wide;
    for (size_t j = 0; j < full_columns; j += wide) {
        for (size_t i = 0; i < full_rows; i += BLOCK_ROWS)
            NAME(full_block)(k, a + i * a_row, a_row, a_column, b + j, ldb, c + i * ldc + j, ldc, accumulate);
    }
    if (full_columns < n)
        NAME(block)(full_rows, n - full_columns, k, a, a_row, a_column, b + full_columns, ldb, c + full_columns, ldc,
                    accumulate);
    if (full_rows < m)
        NAME(block)(m - full_rows, n, k, a + full_rows * a_row, a_row, a_column, b, ldb, c + full_rows * ldc, ldc,
                    accumulate);
}

TARGET static float NAME(dot)(size_t k, const float *a, const float *b) {
    vector16 sum = (vector16){0}, other = (vector16){0};
    size_t p = 0;
    for (; p + 32 <= k; p += 32) {
        sum += *(const vector16 *)(a + p) * *(const vector16 *)(b + p);
        other += *(const vector16 *)(a + p + 16) * *(const vector16 *)(b + p + 16);
    }
    sum += other;
    float result = 0;
    for (int lane = 0; lane < 16; lane++) result += sum[lane];
    for (; p < k; p++) result += a[p] * b[p];
    return result;
}

// Four rows of b against one of a: the loads of a are shared.
TARGET static void NAME(dot4)(size_t k, const float *a, const float *b, size_t ldb, float *c, int accumulate) {
    vector16 sum[4];
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) sum[j] = (vector16){0};
    size_t p = 0;
    for (; p + 16 <= k; p += 16) {
        const vector16 left = *(const vector16 *)(a + p);
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) sum[j] += left * *(const vector16 *)(b + j * ldb + p);
    }
    for (int j = 0; j < 4; j++) {
        float total = 0;
        for (int lane = 0; lane < 16; lane++) total += sum[j][lane];
        for (size_t q = p; q < k; q++) total += a[q] * b[j * ldb + q];
        c[j] = accumulate ? c[j] + total : total;
    }
}

TARGET static void NAME(gemm_transposed)(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                                         size_t ldb, float *c, size_t ldc, int accumulate) {
    size_t j = 0;
    for (; j + 4 <= n; j += 4)
        for (size_t i = 0; i < m; i++)
            NAME(dot4)(k, a + i * lda, b + j * ldb, ldb, c + i * ldc + j, accumulate);
    for (; j < n; j++)
        for (size_t i = 0; i < m; i++) {
            const float value = NAME(dot)(k, a + i * lda, b + j * ldb);
            c[i * ldc + j] = accumulate ? c[i * ldc + j] + value : value;
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
    for (size_t i = 0; i < count; i++) {
        const float g = gradient[i];
        const float m = beta1 * first[i] + (1 - beta1) * g;
        const float v = beta2 * second[i] + (1 - beta2) * g * g;
        first[i] = m;
        second[i] = v;
        parameters[i] -= step * m / (__builtin_sqrtf(v) * scale + epsilon);
    }
}
#undef BLOCK_ROWS
