#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "CTuningKernels.h"

extern const ck_kernels ck_kernels_portable;
#if defined(__x86_64__)
extern const ck_kernels ck_kernels_avx2, ck_kernels_avx512, ck_kernels_avx512bf16;
#endif

const ck_kernels *ck_kernels_named(const char *name) {
#if defined(__x86_64__)
    if (strcmp(name, "avx512bf16") == 0) {
        return ck_variant_runs("avx512") && __builtin_cpu_supports("avx512bf16") ? &ck_kernels_avx512bf16 : NULL;
    }
#endif
    if (!ck_variant_runs(name)) return NULL;
#if defined(__x86_64__)
    if (strcmp(name, "avx512") == 0) return &ck_kernels_avx512;
    if (strcmp(name, "avx2") == 0) return &ck_kernels_avx2;
#endif
    return &ck_kernels_portable;
}

/// The fewest nanoseconds of a few short runs for each operation in bfloat16.
static double pace(const ck_kernels *kernels) {
    enum { runs = 8, rounds = 500 };
    double best = 0;
    for (int run = 0; run < runs; run++) {
        struct timespec start, end;
        float sink = 0.5f;
        clock_gettime(CLOCK_MONOTONIC, &start);
        const double operations = kernels->peak_operations(ck_bfloat16, rounds, &sink);
        clock_gettime(CLOCK_MONOTONIC, &end);
        const double time = 1e9 * (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec);
        if (run == 0 || time / operations < best) best = time / operations;
    }
    return best;
}

const ck_kernels *ck_kernels_best(void) {
    const ck_kernels *kernels = ck_kernels_named(ck_variant_at_start());
    const ck_kernels *paired = ck_kernels_named("avx512bf16");
    if (!paired || strcmp(kernels->name, "avx512") != 0) return kernels;
    static _Atomic(const ck_kernels *) faster;
    const ck_kernels *known = atomic_load(&faster);
    if (known) return known;
    known = pace(paired) < pace(kernels) ? paired : kernels;
    // Whoever measured first is right: all threads use one.
    const ck_kernels *none = NULL;
    return atomic_compare_exchange_strong(&faster, &none, known) ? known : none;
}
