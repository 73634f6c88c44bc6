#if defined(__x86_64__)
#define KERNELS reference_kernels_avx512

#include <math.h>
#include <stdint.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#include "reference.h"
#pragma clang attribute pop
#endif
