// Whatever the compiler makes of vectors of 16 floats: SSE2 on x86-64, NEON on arm64.
#define KERNELS aggregation_kernels_portable
#define COLUMNS 1
#if defined(__aarch64__)
#define FUSED 1
#else
#define FUSED 0
#endif
#define LANE_MASKS 0

#include "network.h"
