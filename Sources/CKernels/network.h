// The kernels of CAggregationKernels.h for one instruction set. The only include of a network_*.c that has defined
//   KERNELS  the name of its table
//   COLUMNS  the vectors of 16 floats that a tile of the product is wide
//   FUSED    1 where its instructions multiply and add with one rounding
//   LANE_MASKS  the bits of its masked loads and stores: 512, 256, or 0 for none
#include "CAggregationKernels.h"

#include "lanes.h"

// The rows of a product's tile, and the depth of what is laid out beside a product.
#define ROWS 6
#define DEPTH 128
// After how many columns it is first asked whether a gain can reach its floor; then after twice as many each time.
#define FIRST_LOOK 64

// a · b + c, rounded once.
INLINE lanes fused(lanes a, lanes b, lanes c) {
#if FUSED
    return __builtin_elementwise_fma(a, b, c);
#else
    return fused_without_hardware(a, b, c);
#endif
}

// c[rows, 16 · columns] (+)= a · b, with `rows` and `columns` known to the compiler, so that the sums stay in registers.
INLINE void tile(const int rows, const int columns, size_t k, const float *a, size_t a_row, size_t a_column,
                 const float *b, size_t ldb, float *c, size_t ldc, int accumulate) {
    lanes sum[ROWS][COLUMNS];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < columns; j++) sum[i][j] = accumulate ? load(c + i * ldc + 16 * j) : splat(0);
    for (size_t p = 0; p < k; p++) {
        lanes right[COLUMNS];
#pragma clang loop unroll(full)
        for (int j = 0; j < columns; j++) right[j] = load(b + p * ldb + 16 * j);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
            const lanes left = splat(a[i * a_row + p * a_column]);
#pragma clang loop unroll(full)
            for (int j = 0; j < columns; j++) sum[i][j] = fused(left, right[j], sum[i][j]);
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < columns; j++) store(c + i * ldc + 16 * j, sum[i][j]);
}

// A tile of at most ROWS rows and COLUMNS vectors.
static void any_tile(size_t rows, size_t columns, size_t k, const float *a, size_t a_row, size_t a_column,
                     const float *b, size_t ldb, float *c, size_t ldc, int accumulate) {
#define CASE(r, v)                                                                                                     \
    case (r) * 8 + (v):                                                                                                \
        tile(r, v, k, a, a_row, a_column, b, ldb, c, ldc, accumulate);                                           \
        break;
    switch (rows * 8 + columns) {
        CASE(1, 1) CASE(2, 1) CASE(3, 1) CASE(4, 1) CASE(5, 1) CASE(6, 1)
#if COLUMNS > 1
        CASE(1, 2) CASE(2, 2) CASE(3, 2) CASE(4, 2) CASE(5, 2) CASE(6, 2)
        CASE(1, 3) CASE(2, 3) CASE(3, 3) CASE(4, 3) CASE(5, 3) CASE(6, 3)
        CASE(1, 4) CASE(2, 4) CASE(3, 4) CASE(4, 4) CASE(5, 4) CASE(6, 4)
#endif
    }
#undef CASE
}

// The last n < 16 columns of a product, which do not fill a vector.
#if FUSED
// They are laid out beside it in blocks of DEPTH.
static void narrow_gemm(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column, const float *b,
                        size_t ldb, float *c, size_t ldc, int accumulate) {
    float block[DEPTH * 16] = {0}, result[ROWS * 16] = {0};
    for (size_t first = 0; first < k || first == 0; first += DEPTH) {
        const size_t depth = k - first < DEPTH ? k - first : DEPTH;
        for (size_t p = 0; p < depth; p++)
            for (size_t j = 0; j < n; j++) block[p * 16 + j] = b[(first + p) * ldb + j];
        for (size_t i = 0; i < m; i += ROWS) {
            const size_t rows = m - i < ROWS ? m - i : ROWS;
            const int goes_on = accumulate || first > 0;
            for (size_t r = 0; r < rows && goes_on; r++)
                for (size_t j = 0; j < n; j++) result[r * 16 + j] = c[(i + r) * ldc + j];
            any_tile(rows, 1, depth, a + i * a_row + first * a_column, a_row, a_column, block, 16, result, 16, goes_on);
            for (size_t r = 0; r < rows; r++)
                for (size_t j = 0; j < n; j++) c[(i + r) * ldc + j] = result[r * 16 + j];
        }
    }
}
#else
static void narrow_gemm(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column, const float *b,
                        size_t ldb, float *c, size_t ldc, int accumulate) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            float sum = accumulate ? c[i * ldc + j] : 0;
            for (size_t p = 0; p < k; p++)
                sum = fused_without_hardware_once(a[i * a_row + p * a_column], b[p * ldb + j], sum);
            c[i * ldc + j] = sum;
        }
}
#endif

static void gemm(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column, const float *b,
                 size_t ldb, float *c, size_t ldc, int accumulate) {
    const size_t whole = n - n % 16;
    for (size_t j = 0; j < whole; j += 16 * COLUMNS) {
        const size_t vectors = whole - j < 16 * COLUMNS ? (whole - j) / 16 : COLUMNS;
        for (size_t i = 0; i < m; i += ROWS)
            any_tile(m - i < ROWS ? m - i : ROWS, vectors, k, a + i * a_row, a_row, a_column, b + j, ldb,
                     c + i * ldc + j, ldc, accumulate);
    }
    if (whole < n)
        narrow_gemm(m, n - whole, k, a, a_row, a_column, b + whole, ldb, c + whole, ldc, accumulate);
}

// cᵀ = b · aᵀ, so that the running index of the vectors is the row of a: aᵀ is laid out in blocks of DEPTH.
static void gemm_transposed(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
                            float *c, size_t ldc, int accumulate) {
    enum { wide = 16 * COLUMNS };
    float turned[DEPTH * wide], result[ROWS * wide];
    for (size_t i = 0; i < m; i += wide) {
        const size_t rows = m - i < wide ? m - i : wide, vectors = (rows + 15) / 16;
        for (size_t first = 0; first < k; first += DEPTH) {
            const size_t depth = k - first < DEPTH ? k - first : DEPTH;
            for (size_t p = 0; p < depth; p++)
                for (size_t r = 0; r < 16 * vectors; r++)
                    turned[p * wide + r] = r < rows ? a[(i + r) * lda + first + p] : 0;
            for (size_t j = 0; j < n; j += ROWS) {
                const size_t columns = n - j < ROWS ? n - j : ROWS;
                any_tile(columns, vectors, depth, b + j * ldb + first, ldb, 1, turned, wide, result, wide, 0);
                for (size_t r = 0; r < rows; r++)
                    for (size_t q = 0; q < columns; q++) {
                        float *target = c + (i + r) * ldc + j + q;
                        *target = accumulate || first > 0 ? *target + result[q * wide + r] : result[q * wide + r];
                    }
            }
        }
    }
}

static void bias_relu(size_t rows, size_t columns, const float *bias, float *y) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            const float value = y[i * columns + j] + bias[j];
            y[i * columns + j] = value > 0 ? value : 0;
        }
}

// eˣ for |x| ≤ 80: x = n log 2 + r, eʳ by a polynomial that is best on |r| ≤ log(2) / 2.
INLINE lanes exponential(lanes x) {
    // Adding 1.5 · 2²³ leaves the rounded value in the low bits.
    const lanes shifter = splat(12582912.0f);
    const lanes shifted = fused(x, splat(1.44269504f), shifter);
    const lanes n = shifted - shifter;
    lanes r = fused(n, splat(-0.693145752f), x);
    r = fused(n, splat(-1.42860677e-6f), r);
    lanes y = splat(1.383674081e-3f);
    y = fused(y, r, splat(8.374898356e-3f));
    y = fused(y, r, splat(4.166823182e-2f));
    y = fused(y, r, splat(1.666641919e-1f));
    y = fused(y, r, splat(4.999999203e-1f));
    y = fused(y, r, splat(1));
    y = fused(y, r, splat(1));
    lane_words bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 23) + 0x3f800000;
    lanes power;
    memcpy(&power, &bits, sizeof power);
    return y * power;
}

// The natural logarithm of a normal positive number: x = 2ⁿ (1 + f) with 1 + f in [√½, √2), and
// log(1 + f) = f − f²/2 + f³ · a polynomial that is best there.
INLINE lanes logarithm(lanes x) {
    // What √2 lacks to 2 carries into the exponent for all above √2.
    const int32_t root_half = 0x3f3504f3;
    lane_words bits;
    memcpy(&bits, &x, sizeof bits);
    bits += 0x3f800000 - root_half;
    const lanes n = __builtin_convertvector((bits >> 23) - 127, lanes);
    bits = (bits & 0x007fffff) + root_half;
    lanes m;
    memcpy(&m, &bits, sizeof m);
    const lanes f = m - 1, z = f * f;
    lanes y = splat(-7.903644e-2f);
    y = fused(y, f, splat(1.2623739e-1f));
    y = fused(y, f, splat(-1.299849e-1f));
    y = fused(y, f, splat(1.4214356e-1f));
    y = fused(y, f, splat(-1.6641247e-1f));
    y = fused(y, f, splat(2.0001048e-1f));
    y = fused(y, f, splat(-2.5000307e-1f));
    y = fused(y, f, splat(3.333333e-1f));
    y = y * f * z;
    y = fused(n, splat(1.42860677e-6f), y);
    y = fused(z, splat(-0.5f), y);
    return fused(n, splat(0.693145752f), f + y);
}

INLINE lanes precision_block(const float *bias, float *logits, float *precision, size_t count) {
    const lanes x = held(load_block(logits, count) + load_block(bias, count), 20);
    const lanes p = 1 + exponential(-x);
    store_block(logits, x, count);
    store_block(precision, p, count);
    return logarithm(p);
}

static void precision(size_t rows, size_t columns, const float *bias, float *logits, float *precision,
                      float *log_sum) {
    const size_t rest = columns % 16, whole = columns - rest;
    for (size_t i = 0; i < rows; i++, logits += columns, precision += columns) {
        lanes sum = splat(0);
        for (size_t j = 0; j < whole; j += 16) sum -= precision_block(bias + j, logits + j, precision + j, 16);
        if (rest) sum -= keep(precision_block(bias + whole, logits + whole, precision + whole, rest), rest);
        log_sum[i] = sum_of_lanes(sum);
    }
}

// sum[l] += (x[l] − mean)² · precision for a block of some rows of x, their number known to the compiler.
INLINE void squares_block(const int rows, const float *x, size_t stride, const float *mean, const float *precision,
                          lanes *sum, size_t count) {
    const lanes m = load_block(mean, count), p = load_block(precision, count);
#pragma clang loop unroll(full)
    for (int l = 0; l < rows; l++) {
        const lanes residual = load_block(x + l * stride, count) - m;
        sum[l] = fused(residual * residual, p, sum[l]);
    }
}

// The gains of some rows of x for one prompt. Several at once, because each sum waits for itself.
INLINE void gains_of_rows(const int rows, size_t width, const float *x, const float *mean, const float *precision,
                          float offset, float *gains, size_t stride) {
    const size_t rest = width % 16, whole = width - rest;
    lanes sum[4] = {splat(0), splat(0), splat(0), splat(0)};
    for (size_t d = 0; d < whole; d += 16) squares_block(rows, x + d, width, mean + d, precision + d, sum, 16);
    if (rest) squares_block(rows, x + whole, width, mean + whole, precision + whole, sum, rest);
#pragma clang loop unroll(full)
    for (int l = 0; l < rows; l++) gains[l * stride] = offset - 0.5f * sum_of_lanes(sum[l]);
}

static void gains(size_t locals, size_t pool, size_t width, const float *local, const float *prompts,
                  const float *precision, const float *offset, float *gains) {
    for (size_t i = 0; i < pool; i++) {
        const float *mean = prompts + i * width, *p = precision + i * width;
        size_t l = 0;
        for (; l + 4 <= locals; l += 4)
            gains_of_rows(4, width, local + l * width, mean, p, offset[i], gains + l * pool + i, pool);
        for (; l < locals; l++)
            gains_of_rows(1, width, local + l * width, mean, p, offset[i], gains + l * pool + i, pool);
    }
}

// The same for some rows of x, if one of their gains can reach its floor; else the gains are −∞. No square is negative, so
// what a part of the columns gives is at least the gain.
INLINE void likely_gains_of_rows(const int rows, size_t width, const float *x, const float *mean, const float *precision,
                                 float offset, float *floors, float *gains, size_t stride) {
    const size_t rest = width % 16, whole = width - rest;
    lanes sum[4] = {splat(0), splat(0), splat(0), splat(0)};
    size_t next = FIRST_LOOK;
    for (size_t d = 0; d < whole; d += 16) {
        if (d == next) {
            int is_likely = 0;
#pragma clang loop unroll(full)
            for (int l = 0; l < rows; l++) is_likely |= offset - 0.5f * sum_of_lanes(sum[l]) >= floors[l];
            if (!is_likely) {
#pragma clang loop unroll(full)
                for (int l = 0; l < rows; l++) gains[l * stride] = -__builtin_inff();
                return;
            }
            next *= 2;
        }
        squares_block(rows, x + d, width, mean + d, precision + d, sum, 16);
    }
    if (rest) squares_block(rows, x + whole, width, mean + whole, precision + whole, sum, rest);
#pragma clang loop unroll(full)
    for (int l = 0; l < rows; l++) {
        const float gain = offset - 0.5f * sum_of_lanes(sum[l]), floor = aggregation_gain_floor(gain);
        gains[l * stride] = gain;
        if (floor > floors[l]) floors[l] = floor;
    }
}

static void likely_gains(size_t locals, size_t pool, size_t width, const float *local, const float *prompts,
                         const float *precision, const float *offset, float *floors, float *gains) {
    for (size_t i = 0; i < pool; i++) {
        const float *mean = prompts + i * width, *p = precision + i * width;
        size_t l = 0;
        for (; l + 4 <= locals; l += 4)
            likely_gains_of_rows(4, width, local + l * width, mean, p, offset[i], floors + l, gains + l * pool + i,
                                 pool);
        for (; l < locals; l++)
            likely_gains_of_rows(1, width, local + l * width, mean, p, offset[i], floors + l, gains + l * pool + i,
                                 pool);
    }
}

INLINE void normal_gradients_block(const float *x, const float *mean, const float *precision, float limit,
                                   float *by_mean, float *by_logit, size_t count) {
    const lanes residual = load_block(x, count) - load_block(mean, count);
    const lanes p = load_block(precision, count);
    // d(½ log σ)/dx = ½ (1 − σ), d(½ r²/σ)/dx = −½ r² (1 − σ)/σ, and (1 − σ)/σ = p − 1.
    const lanes slope = 0.5f * (p - 1) * fused(-residual, residual, 1 / p);
    store_block(by_mean, held(-residual * p, limit), count);
    store_block(by_logit, held(slope, limit), count);
}

static void normal_gradients(size_t width, const float *x, const float *mean, const float *precision, float limit,
                             float *by_mean, float *by_logit) {
    const size_t rest = width % 16, whole = width - rest;
    for (size_t d = 0; d < whole; d += 16)
        normal_gradients_block(x + d, mean + d, precision + d, limit, by_mean + d, by_logit + d, 16);
    if (rest)
        normal_gradients_block(x + whole, mean + whole, precision + whole, limit, by_mean + whole, by_logit + whole,
                               rest);
}

INLINE void adam_block(float *parameters, float *first, float *second, const float *gradient, adam_step s,
                       size_t count) {
    const lanes g = held(load_block(gradient, count), ADAM_LARGEST_GRADIENT);
    const lanes m = fused(splat(s.beta1), load_block(first, count), s.rest1 * g);
    const lanes v = fused(splat(s.beta2), load_block(second, count), s.rest2 * g * g);
    const lanes divisor = fused(__builtin_elementwise_sqrt(v), splat(s.scale), splat(s.epsilon));
    const lanes moved = load_block(parameters, count) - s.step * m / divisor;
    store_block(first, m, count);
    store_block(second, v, count);
    store_block(parameters, held(moved, ADAM_LARGEST_VALUE), count);
}

static void adam(size_t count, float *parameters, float *first, float *second, const float *gradient,
                 const adam_step *step) {
    const adam_step s = *step;
    const size_t rest = count % 16, whole = count - rest;
    for (size_t i = 0; i < whole; i += 16) adam_block(parameters + i, first + i, second + i, gradient + i, s, 16);
    if (rest) adam_block(parameters + whole, first + whole, second + whole, gradient + whole, s, rest);
}

const aggregation_kernels KERNELS = {
    gemm, gemm_transposed, bias_relu, precision, gains, likely_gains, normal_gradients, adam,
};
