// Single numbers in bfloat16: the upper half of a float32.
#pragma once
#include <stdint.h>
#include <string.h>

/// The most rows in one block of packed weights.
#define DEEPEST_BLOCK 768

static inline uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/// The bits of a float32 rounded to bfloat16, in their upper half, as vcvtneps2bf16 has them: to nearest even, subnormal
/// numbers to zero, NaN to a quiet one.
static inline uint32_t rounded_bits(float value) {
    const uint32_t bits = bits_of(value), magnitude = bits & 0x7fffffff;
    if (magnitude < 0x00800000) return bits & 0x80000000;
    if (magnitude > 0x7f800000) return (bits & 0xffff0000) | 0x00400000;
    return (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
}

/// Two rounded numbers in one word, the first in its lower half.
static inline uint32_t pair_of(float even, float odd) { return rounded_bits(odd) | rounded_bits(even) >> 16; }
