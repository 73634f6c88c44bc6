#include "CKernelVariants.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *const fastest_first[] = {"avx512", "avx2", "portable"};
enum { count = sizeof fastest_first / sizeof *fastest_first };

int ck_variant_runs(const char *name) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (strcmp(name, "avx512") == 0)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    if (strcmp(name, "avx2") == 0) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return strcmp(name, "portable") == 0;
}

// The constant of that name, NULL when this processor does not run it.
static const char *running(const char *name) {
    for (int i = 0; i < count; i++)
        if (strcmp(name, fastest_first[i]) == 0 && ck_variant_runs(name)) return fastest_first[i];
    return NULL;
}

const char *ck_variant_asked_for(void) { return getenv(CK_VARIANT_VARIABLE); }

const char *ck_variant_at_start(void) {
    const char *asked = ck_variant_asked_for();
    const char *variant = asked ? running(asked) : NULL;
    for (int i = 0; !variant; i++) variant = running(fastest_first[i]);
    return variant;
}

static _Atomic(const char *) chosen;

const char *ck_variant_chosen(void) {
    const char *variant = atomic_load(&chosen);
    if (variant) return variant;
    variant = ck_variant_at_start();
    // Whoever chose meanwhile is right.
    const char *none = NULL;
    return atomic_compare_exchange_strong(&chosen, &none, variant) ? variant : none;
}

int ck_variant_choose(const char *name) {
    const char *variant = running(name);
    if (variant) atomic_store(&chosen, variant);
    return variant != NULL;
}
