// The last include of a variant_*.c: its kernels under the name in VARIANT, with products as NAMED says.
#define STRING_(x) #x
#define STRING(x) STRING_(x)
#define TABLE_(variant) ck_kernels_##variant
#define TABLE(variant) TABLE_(variant)

const ck_kernels TABLE(VARIANT) = {
    .name = STRING(VARIANT),
    .multiply = NAMED(multiply),
    .normalize = normalize,
    .normalize_backward = normalize_backward,
    .scale_and_shift = scale_and_shift,
    .activate = activate,
    .attend = attend,
    .attend_backward = attend_backward,
    .linear = linear,
    .linear_input_gradient = linear_input_gradient,
    .linear_weight_gradient = linear_weight_gradient,
    .peak_operations = NAMED(peak_operations),
};

#undef STRING_
#undef STRING
#undef TABLE_
#undef TABLE
#undef VARIANT
#undef PAIRED
#undef NAMED
