#pragma once
#include <stddef.h>

#include "CKernelVariants.h"

// Float64 kernels for the parity mode of prompt aggregation. They round as PyTorch does on x86 with AVX-512 (MKL's
// products with one row, SLEEF's exponential, ATen's Adam), because the trajectory amplifies a last bit by 10⁶ and more.
// All variants on all machines give the same bits.

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

typedef struct {
    // y[n] = x[k] · w[n, k]ᵀ + bias[n].
    void (*linear)(size_t n, size_t k, const double *x, const double *w, const double *bias, double *y);

    // y[n] = x[k] · w[k, n].
    void (*linear_backward)(size_t n, size_t k, const double *x, const double *w, double *y);

    // sum[m, n] += a[m] · b[n].
    void (*add_outer)(size_t m, size_t n, const double *a, const double *b, double *sum);

    // x ← 1 / (1 + exp(−x)).
    void (*sigmoid)(size_t count, double *x);

    // One step of Adam with β₁ 0.9, β₂ 0.999, ε 1e-8: step is lr / (1 − β₁ᵗ), correction is √(1 − β₂ᵗ).
    void (*adam)(size_t count, double *values, double *first, double *second, const double *gradient, double step,
                 double correction);
} reference_kernels;

// The kernels of a variant, NULL when this machine or build does not have it.
const reference_kernels *_Nullable reference_kernels_named(const char *name);

// The kernels of the variant in use.
const reference_kernels *reference_kernels_chosen(void);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
