#if defined(__x86_64__)
#define KERNELS aggregation_kernels_avx512
#define COLUMNS 4
#define FUSED 1
#define LANE_MASKS 512

#include <immintrin.h>
#include <stdint.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#include "network.h"
#pragma clang attribute pop
#endif
