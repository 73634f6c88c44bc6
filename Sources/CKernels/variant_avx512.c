// Two tables: avx512, and avx512bf16, which multiplies pairs of bfloat16 in one instruction.
#if defined(__x86_64__)
#define VL 16
#define ROWS 8
#define PANELS 3
#define FUSED 1

#include <immintrin.h>
#include <math.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#include "vector.h"

#include "rows.h"

#include "matrix.h"

#include "attention.h"

#define VARIANT avx512
#define PAIRED 0
#define NAMED(name) name##_unpacked
#include "matrix_bfloat16.h"
#pragma clang attribute pop

#include "table.h"

#define AVX512_BF16 "avx512bf16,avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"
#pragma clang attribute push(__attribute__((target(AVX512_BF16))), apply_to = function)
#define VARIANT avx512bf16
#define PAIRED 1
#define NAMED(name) name##_paired
#include "matrix_bfloat16.h"
#pragma clang attribute pop

#include "table.h"
#endif
