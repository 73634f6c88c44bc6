#pragma once

// Which instructions the kernels use: "portable", "avx2" or "avx512". The variable IMPROMPTU_KERNELS names a variant for
// the whole process; without it, or where it names none that this processor runs, the fastest is used.

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

// The variable's name.
#define CK_VARIANT_VARIABLE "IMPROMPTU_KERNELS"

// Whether this build has the variant and this processor runs it.
int ck_variant_runs(const char *name);

// What the variable names if this processor runs it, else the fastest that it runs. Tuning uses this one always: its
// variants agree within rounding alone, so a run must not change from one to another.
const char *ck_variant_at_start(void);

// The variant that the aggregation uses: that of the start until another is chosen.
const char *ck_variant_chosen(void);

// Has the aggregation use another variant from now on, in all threads; 0 when this processor does not run it, and all stays
// as it was.
int ck_variant_choose(const char *name);

// What the variable says, NULL when it is not set.
const char *_Nullable ck_variant_asked_for(void);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
