#include <string.h>

#include "CTuningKernels.h"

extern const ck_kernels ck_kernels_portable;
#if defined(__x86_64__)
extern const ck_kernels ck_kernels_avx2, ck_kernels_avx512;

static int has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

static int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif

const ck_kernels *ck_kernels_named(const char *name) {
#if defined(__x86_64__)
    if (strcmp(name, "avx512") == 0) return has_avx512() ? &ck_kernels_avx512 : NULL;
    if (strcmp(name, "avx2") == 0) return has_avx2() ? &ck_kernels_avx2 : NULL;
#endif
    return strcmp(name, "portable") == 0 ? &ck_kernels_portable : NULL;
}

const ck_kernels *ck_kernels_best(void) {
    static const char *const fastest_first[] = {"avx512", "avx2"};
    for (size_t i = 0; i < sizeof fastest_first / sizeof *fastest_first; i++) {
        const ck_kernels *kernels = ck_kernels_named(fastest_first[i]);
        if (kernels) return kernels;
    }
    return &ck_kernels_portable;
}
