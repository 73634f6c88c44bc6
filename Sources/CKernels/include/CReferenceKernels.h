#pragma once
#include <stddef.h>

// Float64 kernels for the parity mode of prompt aggregation. They round as PyTorch does on x86 with AVX-512 (MKL's
// products with one row, SLEEF's exponential, ATen's Adam), because the trajectory amplifies a last bit by 10⁶ and more.

#ifdef __cplusplus
extern "C" {
#endif

// y[n] = x[k] · w[n, k]ᵀ + bias[n].
void reference_linear(size_t n, size_t k, const double *x, const double *w, const double *bias, double *y);

// y[n] = x[k] · w[k, n].
void reference_linear_backward(size_t n, size_t k, const double *x, const double *w, double *y);

// sum[m, n] += a[m] · b[n].
void reference_add_outer(size_t m, size_t n, const double *a, const double *b, double *sum);

// x ← 1 / (1 + exp(−x)).
void reference_sigmoid(size_t count, double *x);

// One step of Adam with β₁ 0.9, β₂ 0.999, ε 1e-8: step is lr / (1 − β₁ᵗ), correction is √(1 − β₂ᵗ).
void reference_adam(size_t count, double *values, double *first, double *second, const double *gradient, double step,
                    double correction);

#ifdef __cplusplus
}
#endif
