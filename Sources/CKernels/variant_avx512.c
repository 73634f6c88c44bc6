#if defined(__x86_64__)
#define VARIANT avx512
#define VL 16
#define ROWS 8
#define PANELS 3
#define FUSED 1

#include <math.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#include "vector.h"

#include "rows.h"

#include "matrix.h"

#include "attention.h"
#pragma clang attribute pop

#include "table.h"
#endif
