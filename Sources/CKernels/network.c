#include <string.h>

#include "CAggregationKernels.h"

extern const aggregation_kernels aggregation_kernels_portable;
#if defined(__x86_64__)
extern const aggregation_kernels aggregation_kernels_avx2, aggregation_kernels_avx512;
#endif

const aggregation_kernels *aggregation_kernels_named(const char *name) {
    if (!ck_variant_runs(name)) return NULL;
#if defined(__x86_64__)
    if (strcmp(name, "avx512") == 0) return &aggregation_kernels_avx512;
    if (strcmp(name, "avx2") == 0) return &aggregation_kernels_avx2;
#endif
    return &aggregation_kernels_portable;
}

const aggregation_kernels *aggregation_kernels_chosen(void) { return aggregation_kernels_named(ck_variant_chosen()); }
