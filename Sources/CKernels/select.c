#include <string.h>

#include "CTuningKernels.h"

extern const ck_kernels ck_kernels_portable;
#if defined(__x86_64__)
extern const ck_kernels ck_kernels_avx2, ck_kernels_avx512;
#endif

const ck_kernels *ck_kernels_named(const char *name) {
    if (!ck_variant_runs(name)) return NULL;
#if defined(__x86_64__)
    if (strcmp(name, "avx512") == 0) return &ck_kernels_avx512;
    if (strcmp(name, "avx2") == 0) return &ck_kernels_avx2;
#endif
    return &ck_kernels_portable;
}

const ck_kernels *ck_kernels_best(void) { return ck_kernels_named(ck_variant_chosen()); }
