// Vectors of four floats: SSE2 on x86-64, NEON on arm64, whatever the compiler makes of them elsewhere.
#define VARIANT portable
#define VL 4
#if defined(__aarch64__)
#define ROWS 4
#define FUSED 1
#else
#define ROWS 2
#define FUSED 0
#endif
#define PANELS 1

#include "vector.h"

#include "rows.h"

#include "matrix.h"

#include "attention.h"

#define PAIRED 0
#define NAMED(name) name##_unpacked
#include "matrix_bfloat16.h"

#include "table.h"
