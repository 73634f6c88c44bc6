// CRC32 by folding with carry-less multiplication where the processor has it, several times as fast as zlib's tables;
// elsewhere, and for what is shorter than a fold, zlib does it.
//
// Bytes are a polynomial over GF(2), and x^n mod P distributes over its parts: 64 bytes are kept as four polynomials of
// 128 bits, and each step multiplies them by x^512 mod P (in two halves) and adds the next 64 bytes. Then the four fold
// into one, and one of 128 bits into 32 by Barrett's reduction. After Gopal and others, "Fast CRC Computation for Generic
// Polynomials Using PCLMULQDQ Instruction" (Intel, 2009), with bits reflected.
#include "checksum.h"

#include <zlib.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define FOLDS __attribute__((target("pclmul,sse4.1")))

// Both halves of `x` times those of `k`, plus `y`.
FOLDS static inline __m128i fold(__m128i x, __m128i k, __m128i y) {
    __m128i low = _mm_clmulepi64_si128(x, k, 0x00);
    __m128i high = _mm_clmulepi64_si128(x, k, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), y);
}

FOLDS static inline __m128i load(const uint8_t *bytes) { return _mm_loadu_si128((const __m128i *)bytes); }

// `count` is a multiple of 16 and at least 64; `crc` is the bare remainder, without the inversions.
FOLDS static uint32_t fold_all(uint32_t crc, const uint8_t *bytes, size_t count) {
    const __m128i by512 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);  // x^(512-32), x^(512+32) mod P
    const __m128i by128 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);  // x^(128-32), x^(128+32) mod P
    const __m128i by64 = _mm_set_epi64x(0, 0x0163cd6124);              // x^64 mod P
    const __m128i barrett = _mm_set_epi64x(0x01f7011641, 0x01db710641);  // x^64 / P, P
    const __m128i low32 = _mm_set_epi32(0, -1, 0, -1);

    __m128i a = _mm_xor_si128(load(bytes), _mm_cvtsi32_si128((int)crc));
    __m128i b = load(bytes + 16), c = load(bytes + 32), d = load(bytes + 48);
    bytes += 64;
    count -= 64;
    for (; count >= 64; bytes += 64, count -= 64) {
        a = fold(a, by512, load(bytes));
        b = fold(b, by512, load(bytes + 16));
        c = fold(c, by512, load(bytes + 32));
        d = fold(d, by512, load(bytes + 48));
    }
    a = fold(a, by128, b);
    a = fold(a, by128, c);
    a = fold(a, by128, d);
    for (; count >= 16; bytes += 16, count -= 16) a = fold(a, by128, load(bytes));

    // 128 bits to 96, to 64, then Barrett.
    a = _mm_xor_si128(_mm_srli_si128(a, 8), _mm_clmulepi64_si128(a, by128, 0x10));
    a = _mm_xor_si128(_mm_srli_si128(a, 4), _mm_clmulepi64_si128(_mm_and_si128(a, low32), by64, 0x00));
    __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(a, low32), barrett, 0x10);
    quotient = _mm_clmulepi64_si128(_mm_and_si128(quotient, low32), barrett, 0x00);
    return (uint32_t)_mm_extract_epi32(_mm_xor_si128(a, quotient), 1);
}
#endif

uint32_t checksum_crc32(uint32_t crc, const uint8_t *bytes, size_t count) {
#if defined(__x86_64__)
    if (count >= 64 && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1")) {
        size_t folded = count & ~(size_t)15;
        crc = ~fold_all(~crc, bytes, folded);
        bytes += folded;
        count -= folded;
    }
#endif
    return count == 0 ? crc : (uint32_t)crc32_z(crc, bytes, count);
}
