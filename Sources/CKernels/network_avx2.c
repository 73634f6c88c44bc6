#if defined(__x86_64__)
#define KERNELS aggregation_kernels_avx2
#define COLUMNS 1
#define FUSED 1
#define LANE_MASKS 256

#include <immintrin.h>
#include <stdint.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "network.h"
#pragma clang attribute pop
#endif
