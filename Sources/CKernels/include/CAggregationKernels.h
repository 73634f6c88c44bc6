#pragma once
#include <stddef.h>

// Float32 kernels for the small networks and the matching of prompt aggregation. All matrices are row-major; `ld` is the
// number of elements from one row to the next. Every function runs on the calling thread, and its result depends on its
// arguments alone (and, within rounding, on the variant).

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

typedef struct {
    // c[m, n] (+)= a[m, k] · b[k, n], where a(i, p) lies at a[i · a_row + p · a_column].
    void (*gemm)(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column, const float *b, size_t ldb,
                 float *c, size_t ldc, int accumulate);

    // c[m, n] (+)= a[m, k] · b[n, k]ᵀ.
    void (*gemm_transposed)(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
                            float *c, size_t ldc, int accumulate);

    // y = max(0, y + bias), bias [columns].
    void (*bias_relu)(size_t rows, size_t columns, const float *bias, float *y);

    // The precision 1 / σ(x) = 1 + exp(−x) of each logit x + bias, with x + bias held within ±20; returns in
    // `log_sum[row]` the sum of log σ over the row.
    void (*precision)(size_t rows, size_t columns, const float *bias, float *logits, float *precision, float *log_sum);

    // gains[l, i] = offset[i] − ½ Σ_d (local[l, d] − pool[i, d])² · precision[i, d].
    void (*gains)(size_t locals, size_t pool, size_t width, const float *local, const float *prompts,
                  const float *precision, const float *offset, float *gains);

    // The gradients of −log N(x | mean, σ(logit)) by the mean and by the logit, for one row, each held within ±limit.
    void (*normal_gradients)(size_t width, const float *x, const float *mean, const float *precision, float limit,
                             float *by_mean, float *by_logit);

    // One step of Adam: m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; p ← p − step · m / (√(v) · scale + ε).
    void (*adam)(size_t count, float *parameters, float *first, float *second, const float *gradient, float beta1,
                 float beta2, float step, float scale, float epsilon);
} aggregation_kernels;

// The kernels of a variant: "portable", "avx2" or "avx512". NULL when this machine or build has no such variant.
const aggregation_kernels *_Nullable aggregation_kernels_named(const char *name);

// The fastest variant that this machine can run.
const aggregation_kernels *aggregation_kernels_best(void);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
