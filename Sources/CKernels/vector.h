// The vocabulary of one variant's kernels. Included by a variant_*.c that has defined
//   VL    floats in a vector (divides 16)
//   ROWS  rows of the largest tile
//   PANELS panels of 16 columns of the largest tile
//   FUSED 1 where the machine has a fused multiply-add
#include <math.h>
#include <string.h>

#include "CTuningKernels.h"
#include "bfloat16.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

typedef float vec __attribute__((ext_vector_type(VL)));
typedef uint32_t uvec __attribute__((ext_vector_type(VL)));

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

INLINE vec floats_of(uvec bits) {
    vec v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/// `rounded_bits` of each lane, as float32.
INLINE vec rounded(vec x) {
    uvec bits;
    memcpy(&bits, &x, sizeof bits);
    const uvec magnitude = bits & 0x7fffffff;
    uvec nearest = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
    nearest = magnitude < 0x00800000 ? bits & 0x80000000 : nearest;
    return floats_of(magnitude > 0x7f800000 ? (bits & 0xffff0000) | 0x00400000 : nearest);
}

INLINE vec larger(vec a, vec b) { return a > b ? a : b; }
INLINE vec smaller(vec a, vec b) { return a < b ? a : b; }

/// Combines the lanes of a vector by halves.
#define FOLD(name, combine)                           \
    INLINE float name(vec v) {                        \
        FOLD_WIDE(combine)                            \
        float4 four = FOLD_FOUR;                      \
        float2 two = combine(four.lo, four.hi);       \
        return combine(two.x, two.y);                 \
    }
#define ADD(a, b) ((a) + (b))
#define MOST(a, b) ((a) > (b) ? (a) : (b))

typedef float float2 __attribute__((ext_vector_type(2)));
typedef float float4 __attribute__((ext_vector_type(4)));
#if VL == 16
typedef float float8 __attribute__((ext_vector_type(8)));
#define FOLD_WIDE(combine) float8 eight = combine(v.lo, v.hi); float4 quarter = combine(eight.lo, eight.hi);
#define FOLD_FOUR quarter
#elif VL == 8
#define FOLD_WIDE(combine) float4 half = combine(v.lo, v.hi);
#define FOLD_FOUR half
#else
#define FOLD_WIDE(combine)
#define FOLD_FOUR v
#endif

FOLD(sum, ADD)
FOLD(largest, MOST)

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
    uvec bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 23) + 0x3f800000;
    return p * floats_of(bits);
}
