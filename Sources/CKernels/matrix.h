// C = A B in tiles that stay in registers.

/// One tile of `height` rows and `panels` panels of 16 columns: C (+)= bias + A B.
/// A's element (i, p) is a[i * row_step + p * depth_step]; B's row p of panel j is b + p * b_step + j * panel_step.
INLINE void tile(const int height, const int panels, const int streamed, size_t depth, const float *a, size_t row_step,
                 size_t depth_step, const float *b, size_t b_step, size_t panel_step, const float *bias, float *c,
                 size_t c_stride, int accumulate) {
    enum { per_panel = CK_PANEL / VL, most = PANELS * per_panel };
    const int width = panels * per_panel;
    vec sums[ROWS][most];
    UNROLL for (int j = 0; j < width; j++) {
        vec start = bias ? load(bias + j * VL) : splat(0);
        UNROLL for (int i = 0; i < height; i++) sums[i][j] = start;
    }
    for (size_t p = 0; p < depth; p++) {
        vec row[most];
        UNROLL for (int j = 0; j < width; j++) {
            row[j] = load(b + p * b_step + (j / per_panel) * panel_step + (j % per_panel) * VL);
        }
        if (streamed) {
            UNROLL for (int j = 0; j < panels; j++) __builtin_prefetch(b + (p + 8) * b_step + j * panel_step);
        }
        UNROLL for (int i = 0; i < height; i++) {
            vec factor = splat(a[i * row_step + p * depth_step]);
            UNROLL for (int j = 0; j < width; j++) sums[i][j] = fma_(factor, row[j], sums[i][j]);
        }
    }
    UNROLL for (int i = 0; i < height; i++) {
        UNROLL for (int j = 0; j < width; j++) {
            float *place = c + i * c_stride + j * VL;
            store(place, accumulate ? load(place) + sums[i][j] : sums[i][j]);
        }
    }
}

/// `tile` for a height known only at run time, at most ROWS.
INLINE void tile_of_height(size_t height, const int panels, const int streamed, size_t depth, const float *a,
                           size_t row_step, size_t depth_step, const float *b, size_t b_step, size_t panel_step,
                           const float *bias, float *c, size_t c_stride, int accumulate) {
#define HEIGHT(n)                                                                                                   \
    case n:                                                                                                         \
        tile(n, panels, streamed, depth, a, row_step, depth_step, b, b_step, panel_step, bias, c, c_stride, accumulate); \
        break;
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

/// C [rows, 16 * panels] (+)= A B for the panels of one group, at most PANELS.
#define ROWS_OF_TILES(panels, streamed)                                                                             \
    for (size_t i = 0; i < rows; i += ROWS) {                                                                       \
        size_t height = rows - i < ROWS ? rows - i : ROWS;                                                          \
        tile_of_height(height, panels, streamed, depth, a + i * row_step, row_step, depth_step, b, b_step, panel_step, \
                       bias, c + i * c_stride, c_stride, accumulate);                                               \
    }

/// The panels of the next group when so many are left: as few groups as possible, as equal as possible, since a narrow
/// tile waits for its loads.
INLINE size_t next_group(size_t panels) {
    const size_t groups = (panels + PANELS - 1) / PANELS;
    return (panels + groups - 1) / groups;
}

/// Weights: A row-major, B packed.
static void packed_tiles(size_t rows, size_t panels, size_t depth, const float *a, size_t row_step, const float *b,
                         size_t panel_step, const float *bias, float *c, size_t c_stride, int accumulate) {
    const size_t depth_step = 1, b_step = CK_PANEL;
    switch (panels) {
#if PANELS > 2
    case 3: ROWS_OF_TILES(3, 1) break;
#endif
#if PANELS > 1
    case 2: ROWS_OF_TILES(2, 1) break;
#endif
    case 1: ROWS_OF_TILES(1, 1) break;
    }
}

static void multiply_float32(size_t rows, const float *a, size_t a_stride, const ck_matrix *w, const float *bias,
                             float *c, size_t c_stride, int accumulate, const ck_finish *finish) {
    // Twelve panels of a block of weights stay in the second-level cache while all rows pass over them, and the rows of
    // one tile stay in the first-level cache while they pass over the twelve panels.
    enum { kept = 12 };
    const size_t panels = w->columns / CK_PANEL;
    for (size_t first = 0; first < panels; first += kept) {
        const size_t last = first + kept < panels ? first + kept : panels;
        for (size_t start = 0; start < w->depth; start += w->block) {
            const size_t depth = w->depth - start < w->block ? w->depth - start : w->block;
            const float *block = (const float *)w->panels + start * w->columns;
            for (size_t i = 0; i < rows; i += ROWS) {
                const size_t height = rows - i < ROWS ? rows - i : ROWS;
                for (size_t j = first, group; j < last; j += group) {
                    group = next_group(last - j);
                    packed_tiles(height, group, depth, a + i * a_stride + start, a_stride, block + j * CK_PANEL * depth,
                                 CK_PANEL * depth, start == 0 && bias ? bias + j * CK_PANEL : NULL,
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

/// C [rows, 16 * panels] = A B on activations. A's element (i, p) is a[i * row_step + p * depth_step], B is in panels as
/// `transpose` and `copy_panels` write them: [panels, depth, 16].
INLINE void activation_tiles(size_t rows, size_t panels, size_t depth, const float *a, size_t row_step,
                             size_t depth_step, const float *b, float *c, size_t c_stride) {
    const size_t b_step = CK_PANEL, panel_step = depth * CK_PANEL;
    const float *bias = NULL;
    const int accumulate = 0;
    while (panels > 0) {
        const size_t group = next_group(panels);
        switch (group) {
#if PANELS > 2
        case 3: ROWS_OF_TILES(3, 0) break;
#endif
#if PANELS > 1
        case 2: ROWS_OF_TILES(2, 0) break;
#endif
        case 1: ROWS_OF_TILES(1, 0) break;
        }
        panels -= group;
        b += group * panel_step;
        c += group * CK_PANEL;
    }
}

/// C [rows, columns] = A [rows, depth] B [depth, columns], B in panels.
static void multiply_activations(size_t rows, size_t columns, size_t depth, const float *a, size_t a_stride,
                                 const float *b, float *c, size_t c_stride) {
    activation_tiles(rows, columns / CK_PANEL, depth, a, a_stride, 1, b, c, c_stride);
}

/// C [rows, columns] = A^T B, A [depth, rows], B [depth, columns] in panels.
static void multiply_transposed(size_t rows, size_t columns, size_t depth, const float *a, size_t a_stride,
                                const float *b, float *c, size_t c_stride) {
    activation_tiles(rows, columns / CK_PANEL, depth, a, 1, a_stride, b, c, c_stride);
}

/// As many independent sums as a tile has, so that no addition waits for the one before it.
enum { SUMS = ROWS * PANELS * CK_PANEL / VL };

INLINE float sum_of_sums(const vec *sums) {
    vec total = splat(0);
    UNROLL for (int i = 0; i < SUMS; i++) total += sums[i];
    return sum(total);
}

static double peak_float32(size_t rounds, float *sink) {
    vec sums[SUMS];
    UNROLL for (int i = 0; i < SUMS; i++) sums[i] = splat((float)i);
    vec factor = splat(*sink), term = splat(1e-3f);
    for (size_t round = 0; round < rounds; round++) {
        UNROLL for (int i = 0; i < SUMS; i++) sums[i] = fma_(sums[i], factor, term);
    }
    *sink = sum_of_sums(sums);
    return 2.0 * VL * SUMS * (double)rounds;
}
