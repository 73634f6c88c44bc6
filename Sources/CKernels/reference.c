#include <string.h>

#include "CReferenceKernels.h"

extern const reference_kernels reference_kernels_portable;
#if defined(__x86_64__)
extern const reference_kernels reference_kernels_avx2, reference_kernels_avx512;
#endif

const reference_kernels *reference_kernels_named(const char *name) {
    if (!ck_variant_runs(name)) return NULL;
#if defined(__x86_64__)
    if (strcmp(name, "avx512") == 0) return &reference_kernels_avx512;
    if (strcmp(name, "avx2") == 0) return &reference_kernels_avx2;
#endif
    return &reference_kernels_portable;
}

const reference_kernels *reference_kernels_chosen(void) { return reference_kernels_named(ck_variant_chosen()); }
