#if defined(__x86_64__)
#define VARIANT avx2
#define VL 8
#define ROWS 6
#define PANELS 1
#define FUSED 1

#include <math.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "vector.h"

#include "rows.h"

#include "matrix.h"

#include "attention.h"

#define PAIRED 0
#define NAMED(name) name##_unpacked
#include "matrix_bfloat16.h"
#pragma clang attribute pop

#include "table.h"
#endif
