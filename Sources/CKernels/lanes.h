// Sixteen floats side by side, with the same results in every variant.
#include <stdint.h>
#include <string.h>

// Every product and sum is written as it is to be rounded, so that all variants give the same bits.
#pragma STDC FP_CONTRACT OFF
// All functions here are inlined, so how their vectors would be passed does not matter.
#pragma clang diagnostic ignored "-Wpsabi"

#define INLINE static inline __attribute__((always_inline))

typedef float lanes __attribute__((ext_vector_type(16)));
typedef float half_lanes __attribute__((ext_vector_type(8)));
typedef int32_t lane_words __attribute__((ext_vector_type(16)));

INLINE lanes splat(float x) { return (lanes)x; }

INLINE lanes load(const float *p) {
    lanes v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void store(float *p, lanes v) { memcpy(p, &v, sizeof v); }

// The first `count` of 16 floats, at most 16, zeros behind them; and the other way. What lies behind is not touched.
#if LANE_MASKS == 512
INLINE __mmask16 first_lanes(size_t count) { return (__mmask16)((1u << count) - 1); }
INLINE lanes load_some(const float *p, size_t count) { return (lanes)_mm512_maskz_loadu_ps(first_lanes(count), p); }
INLINE void store_some(float *p, lanes v, size_t count) {
    _mm512_mask_storeu_ps(p, first_lanes(count), (__m512)v);
}
#elif LANE_MASKS == 256
INLINE __m256i mask_from(size_t first, size_t count) {
    static const int32_t ones_then_zeros[32] = {[0 ... 15] = -1};
    return _mm256_loadu_si256((const __m256i *)(ones_then_zeros + 16 - count + first));
}
INLINE lanes load_some(const float *p, size_t count) {
    lanes v;
    v.lo = (half_lanes)_mm256_maskload_ps(p, mask_from(0, count));
    v.hi = (half_lanes)_mm256_maskload_ps(p + 8, mask_from(8, count));
    return v;
}
INLINE void store_some(float *p, lanes v, size_t count) {
    _mm256_maskstore_ps(p, mask_from(0, count), (__m256)v.lo);
    _mm256_maskstore_ps(p + 8, mask_from(8, count), (__m256)v.hi);
}
#else
INLINE lanes load_some(const float *p, size_t count) {
    float some[16] = {0};
    for (size_t i = 0; i < count; i++) some[i] = p[i];
    return load(some);
}
INLINE void store_some(float *p, lanes v, size_t count) {
    float some[16];
    store(some, v);
    for (size_t i = 0; i < count; i++) p[i] = some[i];
}
#endif

// The first `count` lanes, at most 16, zeros behind them.
INLINE lanes keep(lanes v, size_t count) {
    const lane_words number = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return number < (lane_words)(int32_t)count ? v : splat(0);
}

// A block of 16, where the compiler knows that it is one, or what is left at the end of a row.
INLINE lanes load_block(const float *p, size_t count) { return count == 16 ? load(p) : load_some(p, count); }
INLINE void store_block(float *p, lanes v, size_t count) {
    if (count == 16)
        store(p, v);
    else
        store_some(p, v, count);
}

// Each lane held within ±limit; NaN, which no finite value ever becomes, at the limit.
INLINE lanes held(lanes v, float limit) {
    v = v < splat(limit) ? v : splat(limit);
    return v > splat(-limit) ? v : splat(-limit);
}

// The sum of all lanes, by halves.
INLINE float sum_of_lanes(lanes v) {
    half_lanes eight = v.lo + v.hi;
    __attribute__((ext_vector_type(4))) float four = eight.lo + eight.hi;
    __attribute__((ext_vector_type(2))) float two = four.lo + four.hi;
    return two.x + two.y;
}

// a · b + c rounded once, for machines that cannot: the product is exact in float64; the sum is rounded there to an odd
// last digit where it is not exact, so that the rounding to float32 sees on which side it lies (Boldo and Melquiond 2008).
typedef float four_floats __attribute__((ext_vector_type(4)));
typedef double four_doubles __attribute__((ext_vector_type(4)));
typedef uint64_t four_words __attribute__((ext_vector_type(4)));

INLINE four_floats fused_by_four(four_floats a, four_floats b, four_floats c) {
    const four_doubles product = __builtin_convertvector(a, four_doubles) * __builtin_convertvector(b, four_doubles);
    const four_doubles addend = __builtin_convertvector(c, four_doubles);
    four_doubles sum = product + addend;
    const four_doubles part = sum - product;
    const four_doubles lost = (product - (sum - part)) + (addend - part);
    four_words bits, lost_bits;
    memcpy(&bits, &sum, sizeof bits);
    memcpy(&lost_bits, &lost, sizeof lost_bits);
    const four_words towards = 1 - 2 * ((bits ^ lost_bits) >> 63);
    const four_words inexact = __builtin_convertvector((lost < 0) | (lost > 0), four_words);
    bits += towards & inexact & ((bits & 1) - 1);
    memcpy(&sum, &bits, sizeof sum);
    return __builtin_convertvector(sum, four_floats);
}

INLINE float fused_without_hardware_once(float a, float b, float c) { return fused_by_four(a, b, c).x; }

INLINE lanes fused_without_hardware(lanes a, lanes b, lanes c) {
    lanes result;
    result.lo.lo = fused_by_four(a.lo.lo, b.lo.lo, c.lo.lo);
    result.lo.hi = fused_by_four(a.lo.hi, b.lo.hi, c.lo.hi);
    result.hi.lo = fused_by_four(a.hi.lo, b.hi.lo, c.hi.lo);
    result.hi.hi = fused_by_four(a.hi.hi, b.hi.hi, c.hi.hi);
    return result;
}
