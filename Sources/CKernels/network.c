#include "CAggregationKernels.h"
#include <stdint.h>

typedef float vector16 __attribute__((vector_size(64), aligned(4), may_alias));

// The rows of a product's tile, and the depth of what a transposed product lays out anew.
#define ROWS 6
#define DEPTH 128

// exp by 2^n · polynomial (Cephes' coefficients, relative error below 2e-7), for |x| ≤ 80.
__attribute__((always_inline)) static inline float fast_exp(float x) {
    const float n = __builtin_floorf(x * 1.44269504f + 0.5f);
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float y = 1.9875691500e-4f;
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * r * r + r + 1.0f;
    union { int32_t bits; float value; } power = {((int32_t)n + 127) << 23};
    return y * power.value;
}

// Natural logarithm of a normal positive number (Cephes' coefficients, absolute error below 2e-7 around 1).
__attribute__((always_inline)) static inline float fast_log(float x) {
    union { float value; int32_t bits; } parts = {x};
    int32_t exponent = ((parts.bits >> 23) & 255) - 126;
    parts.bits = (parts.bits & 0x007fffff) | 0x3f000000;
    float m = parts.value;
    const int low = m < 0.707106781f;
    exponent -= low;
    m = low ? m + m - 1.0f : m - 1.0f;
    const float z = m * m;
    float y = 7.0376836292e-2f;
    y = y * m - 1.1514610310e-1f;
    y = y * m + 1.1676998740e-1f;
    y = y * m - 1.2420140846e-1f;
    y = y * m + 1.4249322787e-1f;
    y = y * m - 1.6668057665e-1f;
    y = y * m + 2.0000714765e-1f;
    y = y * m - 2.4999993993e-1f;
    y = y * m + 3.3333331174e-1f;
    y = y * m * z;
    const float e = (float)exponent;
    y += e * -2.12194440e-4f;
    y -= 0.5f * z;
    return m + y + e * 0.693359375f;
}

#define NAME(x) x##_portable
#define TARGET
#define COLUMNS 1
#include "network_body.h"
#undef NAME
#undef TARGET
#undef COLUMNS

#if defined(__x86_64__)
#define NAME(x) x##_avx2
#define TARGET __attribute__((target("avx2,fma")))
#define COLUMNS 1
#include "network_body.h"
#undef NAME
#undef TARGET
#undef COLUMNS

#define NAME(x) x##_avx512
#define TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")))
#define COLUMNS 4
#include "network_body.h"
#undef NAME
#undef TARGET
#undef COLUMNS

#define DISPATCH(name, ...)                                                                                            \
    do {                                                                                                               \
        __builtin_cpu_init();                                                                                          \
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&                                 \
            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))                                  \
            name##_avx512(__VA_ARGS__);                                                                                \
        else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))                                      \
            name##_avx2(__VA_ARGS__);                                                                                  \
        else                                                                                                           \
            name##_portable(__VA_ARGS__);                                                                              \
    } while (0)
#else
#define DISPATCH(name, ...) name##_portable(__VA_ARGS__)
#endif

void aggregation_gemm(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column, const float *b,
                      size_t ldb, float *c, size_t ldc, int accumulate) {
    DISPATCH(gemm, m, n, k, a, a_row, a_column, b, ldb, c, ldc, accumulate);
}

void aggregation_gemm_transposed(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
                                 float *c, size_t ldc, int accumulate) {
    DISPATCH(gemm_transposed, m, n, k, a, lda, b, ldb, c, ldc, accumulate);
}

void aggregation_bias_relu(size_t rows, size_t columns, const float *bias, float *y) {
    DISPATCH(bias_relu, rows, columns, bias, y);
}

void aggregation_precision(size_t rows, size_t columns, const float *bias, float *logits, float *precision,
                           float *log_sum) {
    DISPATCH(precision, rows, columns, bias, logits, precision, log_sum);
}

void aggregation_gains(size_t locals, size_t pool, size_t width, const float *local, const float *prompts,
                       const float *precision, const float *offset, float *gains) {
    DISPATCH(gains, locals, pool, width, local, prompts, precision, offset, gains);
}

void aggregation_normal_gradients(size_t width, const float *x, const float *mean, const float *precision, float limit,
                                  float *by_mean, float *by_logit) {
    DISPATCH(normal_gradients, width, x, mean, precision, limit, by_mean, by_logit);
}

void aggregation_adam(size_t count, float *parameters, float *first, float *second, const float *gradient, float beta1,
                      float beta2, float step, float scale, float epsilon) {
    DISPATCH(adam, count, parameters, first, second, gradient, beta1, beta2, step, scale, epsilon);
}
