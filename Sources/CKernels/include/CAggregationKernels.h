#pragma once
#include <stddef.h>

#include "CKernelVariants.h"

// Float32 kernels for the small networks and the matching of prompt aggregation. All matrices are row-major; `ld` is the
// number of elements from one row to the next. Every function runs on the calling thread, and its result depends on its
// arguments alone: all variants on all machines give the same bits. To that end each product and sum is rounded as it is
// written, each element of a matrix product is summed in the order of k with fused multiply-adds, and every other sum is
// taken in 16 lanes, element i in lane i mod 16, which are added up by halves.

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

// What one step of Adam takes.
typedef struct {
    // β₁ and 1 − β₁, β₂ and 1 − β₂: a β near 1 has lost the digits of what it lacks.
    float beta1, rest1, beta2, rest2;
    float step, scale, epsilon;
} adam_step;

// Adam holds gradients and values within these, so that no square and no product of finite numbers is ever infinite.
#define ADAM_LARGEST_GRADIENT 1e15f
#define ADAM_LARGEST_VALUE 1e6f

// How far below a row's largest gain a gain counts as likely: a nat, and what rounding may make of large ones.
static inline float aggregation_gain_floor(float gain) {
#pragma STDC FP_CONTRACT OFF
    return gain - (1 + 1e-5f * (gain < 0 ? -gain : gain));
}

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
    // `log_sum[row]` the sum of log σ over the row. Relative error of a precision below 2e-7; absolute error of a
    // log σ below 2e-7 · max(1, |log σ|).
    void (*precision)(size_t rows, size_t columns, const float *bias, float *logits, float *precision, float *log_sum);

    // gains[l, i] = offset[i] − ½ Σ_d (local[l, d] − pool[i, d])² · precision[i, d].
    void (*gains)(size_t locals, size_t pool, size_t width, const float *local, const float *prompts,
                  const float *precision, const float *offset, float *gains);

    // The same gains, but −∞ where they are not likely: each of these is below floors[l], which rises to
    // aggregation_gain_floor of the largest gain of row l, if it was not above that before.
    void (*likely_gains)(size_t locals, size_t pool, size_t width, const float *local, const float *prompts,
                         const float *precision, const float *offset, float *floors, float *gains);

    // The gradients of −log N(x | mean, σ(logit)) by the mean and by the logit, for one row, each held within ±limit.
    void (*normal_gradients)(size_t width, const float *x, const float *mean, const float *precision, float limit,
                             float *by_mean, float *by_logit);

    // m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; p ← p − step · m / (√v · scale + ε).
    void (*adam)(size_t count, float *parameters, float *first, float *second, const float *gradient,
                 const adam_step *step);
} aggregation_kernels;

// The kernels of a variant, NULL when this machine or build does not have it.
const aggregation_kernels *_Nullable aggregation_kernels_named(const char *name);

// The kernels of the variant in use.
const aggregation_kernels *aggregation_kernels_chosen(void);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
