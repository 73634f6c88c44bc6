// C = A W for weights in bfloat16 (ck_precision says how it rounds). Included once for each way to multiply a pair, with
//   PAIRED  1 for one instruction for both products of a pair (vdpbf16ps), 0 for two fused multiply-adds in float32
//   NAMED(name)  the name of a function for that way

#if PAIRED
typedef uint32_t NAMED(factor);
enum { NAMED(factors) = 1 };
#else
typedef float NAMED(factor);
enum { NAMED(factors) = 2 };
#endif

/// Rounds `depth` values of a row, zeros behind them to a whole vector.
INLINE void NAMED(round_row)(size_t depth, const float *a, NAMED(factor) *target) {
    for (size_t p = 0; p < depth; p += VL) {
        float some[VL] = {0};
        if (depth - p < VL) memcpy(some, a + p, (depth - p) * sizeof(float));
        const vec values = load(depth - p < VL ? some : a + p);
#if PAIRED
        const __m256bh pairs = _mm512_cvtneps_pbh((__m512)values);
        memcpy(target + p / 2, &pairs, sizeof pairs);
#else
        store(target + p, rounded(values));
#endif
    }
}

/// One tile of `height` rows and `panels` panels of 16 columns: C (+)= bias + A B for `pairs` pairs of rows of B.
INLINE void NAMED(tile)(const int height, const int panels, size_t pairs, const NAMED(factor) *a, size_t row_step,
                        const uint32_t *b, const float *bias, float *c, size_t c_stride, int accumulate) {
    enum { per_panel = CK_PANEL / VL, most = PANELS * per_panel };
    const int width = panels * per_panel;
    const size_t panel_step = pairs * CK_PANEL;
    vec sums[ROWS][most];
    UNROLL for (int j = 0; j < width; j++) {
        vec start = bias ? load(bias + j * VL) : splat(0);
        UNROLL for (int i = 0; i < height; i++) sums[i][j] = start;
    }
    for (size_t p = 0; p < pairs; p++) {
        uvec row[most];
        UNROLL for (int j = 0; j < width; j++) {
            memcpy(&row[j], b + p * CK_PANEL + (j / per_panel) * panel_step + (j % per_panel) * VL, sizeof row[j]);
        }
        UNROLL for (int j = 0; j < panels; j++) __builtin_prefetch(b + (p + 8) * CK_PANEL + j * panel_step);
#if PAIRED
        UNROLL for (int i = 0; i < height; i++) {
            const __m512bh pair = (__m512bh)_mm512_set1_epi32((int)a[i * row_step + p]);
            UNROLL for (int j = 0; j < width; j++) {
                sums[i][j] = (vec)_mm512_dpbf16_ps((__m512)sums[i][j], pair, (__m512bh)row[j]);
            }
        }
#else
        vec odd[most], even[most];
        UNROLL for (int j = 0; j < width; j++) {
            odd[j] = floats_of(row[j] & 0xffff0000);
            even[j] = floats_of(row[j] << 16);
        }
        UNROLL for (int i = 0; i < height; i++) {
            const vec factor = splat(a[i * row_step + 2 * p + 1]);
            UNROLL for (int j = 0; j < width; j++) sums[i][j] = fma_(factor, odd[j], sums[i][j]);
        }
        UNROLL for (int i = 0; i < height; i++) {
            const vec factor = splat(a[i * row_step + 2 * p]);
            UNROLL for (int j = 0; j < width; j++) sums[i][j] = fma_(factor, even[j], sums[i][j]);
        }
#endif
    }
    UNROLL for (int i = 0; i < height; i++) {
        UNROLL for (int j = 0; j < width; j++) {
            float *place = c + i * c_stride + j * VL;
            store(place, accumulate ? load(place) + sums[i][j] : sums[i][j]);
        }
    }
}

/// `tile` for a height known only at run time, at most ROWS.
INLINE void NAMED(tile_of_height)(size_t height, const int panels, size_t pairs, const NAMED(factor) *a,
                                  size_t row_step, const uint32_t *b, const float *bias, float *c, size_t c_stride,
                                  int accumulate) {
#define HEIGHT(n)                                                                                       \
    case n: NAMED(tile)(n, panels, pairs, a, row_step, b, bias, c, c_stride, accumulate); break;
    switch (height) {
        HEIGHT(1)
        HEIGHT(2)
#if ROWS > 2
        HEIGHT(3)
        HEIGHT(4)
#endif
#if ROWS > 4
        HEIGHT(5)
        HEIGHT(6)
#endif
#if ROWS > 6
        HEIGHT(7)
        HEIGHT(8)
#endif
    }
#undef HEIGHT
}

/// The tiles of one group of panels, at most PANELS.
static void NAMED(tiles)(size_t height, size_t panels, size_t pairs, const NAMED(factor) *a, size_t row_step,
                         const uint32_t *b, const float *bias, float *c, size_t c_stride, int accumulate) {
#define GROUP(n)                                                                                        \
    case n: NAMED(tile_of_height)(height, n, pairs, a, row_step, b, bias, c, c_stride, accumulate); break;
    switch (panels) {
#if PANELS > 2
        GROUP(3)
#endif
#if PANELS > 1
        GROUP(2)
#endif
        GROUP(1)
    }
#undef GROUP
}

static void NAMED(multiply_bfloat16)(size_t rows, const float *a, size_t a_stride, const ck_matrix *w,
                                     const float *bias, float *c, size_t c_stride, int accumulate,
                                     const ck_finish *finish) {
    // The order of `multiply_float32`. Weights take half of the space, so twice as many panels stay in the cache, and as
    // many products share the rounding of a row.
    enum { kept = 24, row_step = DEEPEST_BLOCK * NAMED(factors) / 2 };
    const size_t panels = w->columns / CK_PANEL;
    _Alignas(64) NAMED(factor) rounded_rows[ROWS * row_step];
    for (size_t first = 0; first < panels; first += kept) {
        const size_t last = first + kept < panels ? first + kept : panels;
        for (size_t start = 0; start < w->depth; start += w->block) {
            const size_t depth = w->depth - start < w->block ? w->depth - start : w->block;
            const size_t pairs = (depth + 1) / 2;
            const uint32_t *block = (const uint32_t *)w->panels + start / 2 * w->columns;
            for (size_t i = 0; i < rows; i += ROWS) {
                const size_t height = rows - i < ROWS ? rows - i : ROWS;
                for (size_t r = 0; r < height; r++) {
                    NAMED(round_row)(depth, a + (i + r) * a_stride + start, rounded_rows + r * row_step);
                }
                for (size_t j = first, group; j < last; j += group) {
                    group = next_group(last - j);
                    NAMED(tiles)(height, group, pairs, rounded_rows, row_step, block + j * CK_PANEL * pairs,
                                 start == 0 && bias ? bias + j * CK_PANEL : NULL,
                                 c + i * c_stride + j * CK_PANEL, c_stride, accumulate || start > 0);
                }
                if (finish && start + depth == w->depth) {
                    const size_t place = i * c_stride + first * CK_PANEL;
                    finish_rows(finish, height, (last - first) * CK_PANEL, c + place,
                                finish->slopes ? finish->slopes + place : NULL, c_stride);
                }
            }
        }
    }
}

/// The table's `multiply`.
static void NAMED(multiply)(size_t rows, const float *a, size_t a_stride, const ck_matrix *w, const float *bias,
                            float *c, size_t c_stride, int accumulate, const ck_finish *finish) {
    switch (w->precision) {
    case ck_float32: multiply_float32(rows, a, a_stride, w, bias, c, c_stride, accumulate, finish); break;
    case ck_bfloat16: NAMED(multiply_bfloat16)(rows, a, a_stride, w, bias, c, c_stride, accumulate, finish); break;
    }
}

/// The table's `peak_operations`.
static double NAMED(peak_operations)(ck_precision precision, size_t rounds, float *sink) {
#if PAIRED
    if (precision == ck_bfloat16) {
        vec sums[SUMS];
        UNROLL for (int i = 0; i < SUMS; i++) sums[i] = splat((float)i);
        // Pairs of ones.
        const __m512bh factor = (__m512bh)_mm512_set1_epi32(0x3f803f80);
        for (size_t round = 0; round < rounds; round++) {
            UNROLL for (int i = 0; i < SUMS; i++) sums[i] = (vec)_mm512_dpbf16_ps((__m512)sums[i], factor, factor);
        }
        *sink = sum_of_sums(sums);
        return 4.0 * VL * SUMS * (double)rounds;
    }
#else
    (void)precision;  // both take the same instructions
#endif
    return peak_float32(rounds, sink);
}
