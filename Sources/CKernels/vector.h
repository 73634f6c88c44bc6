// The vocabulary of one variant's kernels. Included by a variant_*.c that has defined
//   VL    floats in a vector (divides 16)
//   ROWS  rows of the largest tile
//   PANELS panels of 16 columns of the largest tile
//   FUSED 1 where the machine has a fused multiply-add
#include <math.h>
#include <string.h>

#include "CTuningKernels.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

typedef float vec __attribute__((ext_vector_type(VL)));
typedef int32_t ivec __attribute__((ext_vector_type(VL)));

INLINE vec load(const float *p) {
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void store(float *p, vec v) { memcpy(p, &v, sizeof v); }

INLINE vec splat(float x) { return (vec)x; }

/// a b + c.
INLINE vec fma_(vec a, vec b, vec c) {
#if FUSED
    return __builtin_elementwise_fma(a, b, c);
#else
    return a * b + c;
#endif
}

INLINE vec larger(vec a, vec b) { return a > b ? a : b; }
INLINE vec smaller(vec a, vec b) { return a < b ? a : b; }

/// The sum of the lanes, by halves.
INLINE float sum(vec v) {
    float lane[VL];
    store(lane, v);
    UNROLL for (int half = VL / 2; half > 0; half /= 2) {
        UNROLL for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    }
    return lane[0];
}

/// The largest lane.
INLINE float largest(vec v) {
    float lane[VL];
    store(lane, v);
    float most = lane[0];
    UNROLL for (int i = 1; i < VL; i++) most = lane[i] > most ? lane[i] : most;
    return most;
}

/// 1 in the lanes of columns below `width`, 0 beyond, for the vector that starts at `column` < width.
INLINE vec columns_below(size_t column, size_t width) {
    static const float ones_then_zeros[2 * VL] = {[0 ... VL - 1] = 1};
    size_t valid = width - column;
    return load(ones_then_zeros + (valid < VL ? VL - valid : 0));
}

/// e^x to 2e-7 relative, for x in [-87, 88]; clamped beyond.
/// e^x = 2^n e^r, n = round(x / log 2), |r| <= log(2) / 2, e^r by a minimax polynomial.
INLINE vec exponential(vec x) {
    x = smaller(larger(x, splat(-87.0f)), splat(88.0f));
    const float shifter = 12582912.0f;  // 1.5 * 2^23: adding it leaves the rounded value in the low bits
    vec shifted = fma_(x, splat(1.44269504f), splat(shifter));
    vec n = shifted - shifter;
    vec r = fma_(n, splat(-0.693145752f), x);
    r = fma_(n, splat(-1.42860677e-6f), r);
    vec p = splat(1.383674081e-03f);
    p = fma_(p, r, splat(8.374898356e-03f));
    p = fma_(p, r, splat(4.166823182e-02f));
    p = fma_(p, r, splat(1.666641919e-01f));
    p = fma_(p, r, splat(4.999999203e-01f));
    p = fma_(p, r, splat(1.000000037e+00f));
    p = fma_(p, r, splat(1.000000001e+00f));
    ivec bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 23) + 0x3f800000;
    vec power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}
