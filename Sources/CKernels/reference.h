// The kernels of CReferenceKernels.h for one instruction set, which multiplies and adds with one rounding or leaves that to
// the system's fma. The only include of a reference_*.c that has defined KERNELS, the name of its table.
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "CElementary.h"
#include "CReferenceKernels.h"

// Only where fma is written may a product and a sum be rounded together.
#pragma STDC FP_CONTRACT OFF

static void linear(size_t n, size_t k, const double *x, const double *w, const double *bias, double *y) {
    for (size_t j = 0; j < n; j++) {
        // Sixteen running sums, added up in the order of MKL's kernel.
        double s[16] = {0};
        const double *row = w + j * k;
        size_t p = 0;
        for (; p + 16 <= k; p += 16)
            for (int lane = 0; lane < 16; lane++) s[lane] = fma(x[p + lane], row[p + lane], s[lane]);
        for (int lane = 0; p < k; p++, lane++) s[lane] = fma(x[p], row[p], s[lane]);
        for (int lane = 0; lane < 8; lane++) s[lane] += s[lane + 8];
        const double low = (s[0] + s[2]) + (s[1] + s[3]);
        const double high = (s[4] + s[6]) + (s[5] + s[7]);
        y[j] = (low + high) + bias[j];
    }
}

static void linear_backward(size_t n, size_t k, const double *x, const double *w, double *y) {
    for (size_t j = 0; j < n; j++) y[j] = 0;
    for (size_t p = 0; p < k; p++) {
        const double factor = x[p];
        const double *row = w + p * n;
        for (size_t j = 0; j < n; j++) y[j] = fma(factor, row[j], y[j]);
    }
}

static void add_outer(size_t m, size_t n, const double *a, const double *b, double *sum) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) sum[i * n + j] += a[i] * b[j];
}

// The nearest whole number, to even from the middle, for |x| < 2⁵¹: adding 1.5 · 2⁵² leaves no digits behind the point.
static inline double nearest(double x) { return (x + 0x1.8p52) - 0x1.8p52; }

// The exponential of SLEEF 3 with an error below 1 ulp: reduction by log 2 in two parts, a polynomial of degree 12 in
// Estrin's order. The coefficients are SLEEF's (Boost licence), since another polynomial would round differently.
static inline double exponential(double x) {
    if (x > 709.0 || x < -700.0) return elementary_exp(x);
    const double n = nearest(x * 1.4426950408889634);
    double r = fma(n, -0.69314718055966295651160180568695068359375, x);
    r = fma(n, -0.28235290563031577122588448175013436025525412068e-12, r);
    const double r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
    const double p0 = fma(r, 0.4166666666666602598e-1, 0.1666666666666669072e+0);
    const double p2 = fma(r, 0.1388888888914497797e-2, 0.8333333333314938210e-2);
    const double p4 = fma(r, 0.2480158687479686264e-4, 0.1984126989855865850e-3);
    const double p6 = fma(r, 0.2755762628169491192e-6, 0.2755723402025388239e-5);
    const double p8 = fma(r, 0.2081276378237164457e-8, 0.2511210703042288022e-7);
    const double low = fma(r2, p2, p0), high = fma(r2, p6, p4);
    double y = fma(r8, p8, fma(r4, high, low));
    y = fma(y, r, 0.5);
    y = fma(y, r, 1.0);
    y = fma(y, r, 1.0);
    // 2ⁿ, n within ±1023.
    const int64_t bits = ((int64_t)n + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return y * power;
}

static void sigmoid(size_t count, double *x) {
    for (size_t i = 0; i < count; i++) x[i] = 1.0 / (1.0 + exponential(-x[i]));
}

static void adam(size_t count, double *values, double *first, double *second, const double *gradient, double step,
                 double correction) {
    for (size_t i = 0; i < count; i++) {
        const double g = gradient[i];
        first[i] = fma(1.0 - 0.9, g - first[i], first[i]);
        second[i] = fma((1.0 - 0.999) * g, g, second[i] * 0.999);
        values[i] += (-step * first[i]) / (sqrt(second[i]) / correction + 1e-8);
    }
}

const reference_kernels KERNELS = {linear, linear_backward, add_outer, sigmoid, adam};
