#include "CAggregationKernels.h"
#include <stdint.h>
#include <string.h>

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
#endif

#define TABLE(variant)                                                                                                 \
    static const aggregation_kernels variant##_kernels = {                                                            \
        gemm_##variant,  gemm_transposed_##variant,  bias_relu_##variant, precision_##variant,                         \
        gains_##variant, normal_gradients_##variant, adam_##variant,                                                   \
    };
TABLE(portable)
#if defined(__x86_64__)
TABLE(avx2)
TABLE(avx512)
#endif

const aggregation_kernels *aggregation_kernels_named(const char *name) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const int wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                     __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    const int fused = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (strcmp(name, "avx512") == 0) return wide ? &avx512_kernels : NULL;
    if (strcmp(name, "avx2") == 0) return fused ? &avx2_kernels : NULL;
#endif
    return strcmp(name, "portable") == 0 ? &portable_kernels : NULL;
}

const aggregation_kernels *aggregation_kernels_best(void) {
    static const char *const fastest_first[] = {"avx512", "avx2"};
    for (size_t i = 0; i < sizeof fastest_first / sizeof *fastest_first; i++) {
        const aggregation_kernels *kernels = aggregation_kernels_named(fastest_first[i]);
        if (kernels) return kernels;
    }
    return &portable_kernels;
}
