// Prints a digest of what the aggregation's kernels give for made-up numbers, one line a variant that runs here. The lines
// must be alike, on every machine and for every compiler. Tests/Portability/run compares them.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CAggregationKernels.h"
#include "CElementary.h"
#include "CReferenceKernels.h"

#pragma STDC FP_CONTRACT OFF

static uint64_t state, digest;

static uint64_t next(void) {
    state += 0x9e3779b97f4a7c15;
    uint64_t z = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static double uniform(void) { return (double)(next() >> 11) * 0x1p-53; }

// Between −1 and 1, some of them tiny.
static float number(void) {
    const float value = (float)(2 * uniform() - 1);
    return next() % 8 == 0 ? value * 1e-20f : next() % 32 == 0 ? value * 1e-42f : value;
}

static void take(const void *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) digest = (digest ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3;
}

static float *floats(size_t count, float size) {
    float *values = malloc((count + 1) * sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = size * number();
    return values;
}

static void products(const aggregation_kernels *kernels, size_t m, size_t n, size_t k) {
    float *a = floats(m * k, 3), *b = floats(n * k, 3), *c = floats(m * n, 3);
    for (int accumulate = 0; accumulate < 2; accumulate++) {
        kernels->gemm(m, n, k, a, k, 1, b, n, c, n, accumulate);
        take(c, m * n * sizeof *c);
        kernels->gemm(m, n, k, a, 1, m, b, n, c, n, accumulate);
        take(c, m * n * sizeof *c);
        kernels->gemm_transposed(m, n, k, a, k, b, k, c, n, accumulate);
        take(c, m * n * sizeof *c);
    }
    free(a), free(b), free(c);
}

static void rows(const aggregation_kernels *kernels, size_t count, size_t width) {
    float *logits = floats(count * width, 30), *bias = floats(width, 1), *p = floats(count * width, 1);
    float *sums = floats(count, 1), *x = floats(count * width, 2), *gains = floats(count * count, 1);
    kernels->bias_relu(count, width, bias, x);
    kernels->precision(count, width, bias, logits, p, sums);
    kernels->gains(count, count, width, x, logits, p, sums, gains);
    take(x, count * width * sizeof *x), take(logits, count * width * sizeof *x), take(p, count * width * sizeof *x);
    take(sums, count * sizeof *x), take(gains, count * count * sizeof *x);
    float *floors = floats(count, 1);
    kernels->likely_gains(count, count, width, x, logits, p, sums, floors, gains);
    take(floors, count * sizeof *x), take(gains, count * count * sizeof *x), free(floors);
    kernels->normal_gradients(width, x, logits, p, 1e6f, bias, sums = realloc(sums, width * sizeof *sums));
    take(bias, width * sizeof *x), take(sums, width * sizeof *x);
    float *first = floats(width, 1), *second = floats(width, 1), *gradient = floats(width, 1e4f);
    for (size_t i = 0; i < width; i++) second[i] *= second[i];
    const adam_step step = {0.9f, 0.1f, 0.999f, 0.001f, 1e-3f, 1.5f, 1e-8f};
    kernels->adam(width, x, first, second, gradient, &step);
    take(x, width * sizeof *x), take(first, width * sizeof *x), take(second, width * sizeof *x);
    free(logits), free(bias), free(p), free(sums), free(x), free(gains), free(first), free(second), free(gradient);
}

static void reference(const reference_kernels *kernels, size_t n, size_t k) {
    double x[100], w[10000], y[100] = {0}, first[100], second[100];
    for (size_t i = 0; i < 10000; i++) w[i] = 2 * uniform() - 1;
    for (size_t i = 0; i < 100; i++) x[i] = 200 * uniform() - 100, first[i] = uniform(), second[i] = uniform();
    kernels->linear(n, k, x, w, first, y);
    take(y, sizeof y);
    kernels->linear_backward(n, k, x, w, y);
    kernels->add_outer(n, k, x, y, w);
    take(w, sizeof w);
    kernels->sigmoid(100, x);
    take(x, sizeof x);
    kernels->adam(100, y, first, second, x, 1e-3, 0.03);
    take(y, sizeof y), take(first, sizeof first), take(second, sizeof second);
}

static void elementary(void) {
    for (int i = 0; i < 20000; i++) {
        const double x = 1500 * uniform() - 750, u = uniform(), size = elementary_exp(x);
        const double results[] = {
            size, elementary_expm1(x), elementary_expm1(u), elementary_log(size + u), elementary_log1p(u - 0.5),
            elementary_log1p(size), elementary_pow(u, x), elementary_pow(size + u, u), elementary_cos_turns(x),
            elementary_lgamma(20 * u), elementary_lgamma(size + u),
        };
        take(results, sizeof results);
    }
}

int main(void) {
    const char *const names[] = {"portable", "avx2", "avx512"};
    for (int i = 0; i < 3; i++) {
        if (!ck_variant_runs(names[i])) continue;
        const aggregation_kernels *kernels = aggregation_kernels_named(names[i]);
        state = 1, digest = 0xcbf29ce484222325;
        for (size_t m = 1; m < 40; m += 6)
            for (size_t n = 1; n < 140; n += 13) products(kernels, m, n, (m * n) % 300 + 1);
        for (size_t width = 1; width < 200; width += 7) rows(kernels, width % 9 + 1, width);
        reference(reference_kernels_named(names[i]), 37, 53);
        reference(reference_kernels_named(names[i]), 100, 100);
        elementary();
        printf("%016llx %s\n", (unsigned long long)digest, names[i]);
    }
}
