#pragma once
#include <stddef.h>
#include <stdint.h>

#include "CKernelVariants.h"

// Kernels of a frozen transformer: forward, and backward to the activations only (the weights never change, so they are
// packed once). All numbers are float32, but for weights that are packed in bfloat16 (ck_precision). A matrix of
// activations is row-major, its row stride is a multiple of 16
// floats, and the columns between its width and its stride hold zeros; so no kernel needs a column remainder.
// Each element of a result is summed in one order that depends on neither the number of rows nor the thread, so results
// are the same bits however the rows are split.

/// Columns of a panel of packed weights, and the granularity of every row stride.
#define CK_PANEL 16

/// What the weights of a product are rounded to, and with them the activations that they are multiplied by.
///
/// In bfloat16 both factors are rounded to 8 significant bits, to nearest even, subnormal numbers to zero. Their products
/// are exact in float32, and are added up in float32 by pairs of rows of W, in each pair the odd row first. That is what
/// the instruction vdpbf16ps computes, so all variants agree but for sums below 2^-126, which it takes for zero.
typedef enum ck_precision { ck_float32, ck_bfloat16 } ck_precision;

/// A frozen matrix W [depth, columns], packed in blocks of depth and panels of 16 columns.
typedef struct ck_matrix {
    size_t depth;    ///< rows of W: the summed dimension
    size_t columns;  ///< columns of W, padded to a multiple of 16
    size_t block;    ///< rows of W in one block of depth (the last may have fewer), even in bfloat16
    ck_precision precision;
    /// `ck_packed_count` words of 4 bytes on a 64-byte boundary. In bfloat16 a word holds two rows of a column, the odd
    /// one in its upper half.
    const void *_Nonnull panels;
} ck_matrix;

/// One multi-head attention over one image. Head h of a row starts at column h * head_stride.
typedef struct ck_attention {
    size_t queries, keys;  ///< rows of the queries and of the keys and values
    size_t heads;
    size_t head_stride;  ///< columns of a head, padded to a multiple of 16; the padding holds zeros
    size_t query_stride, key_stride;  ///< row strides of the queries, and of the keys and values
    const float *_Nonnull q;  ///< already scaled by 1 / sqrt(head width), which is folded into the query weights
    const float *_Nonnull k;
    const float *_Nonnull v;
    /// Softmax rows [heads, queries, padded keys]: written by forward, read by backward.
    float *_Nonnull probabilities;
    float *_Nonnull scratch;  ///< `ck_attention_scratch_count` floats
} ck_attention;

typedef enum ck_activation { ck_gelu, ck_gelu_tanh, ck_quick_gelu } ck_activation;

/// What `multiply` does to each element of its result while it is near.
typedef struct ck_finish {
    enum ck_finish_kind {
        ck_activate,  ///< c = f(c), f'(c) to `slopes` unless it is null
        ck_scale      ///< c = c * slopes
    } kind;
    ck_activation activation;
    float *_Nullable slopes;  ///< in the rows and columns of C
} ck_finish;

/// One implementation of all kernels.
typedef struct ck_kernels {
    const char *_Nonnull name;

    /// C = A W (+ bias) (+ C if `accumulate`), then `finish` unless it is null; factors in the precision of W.
    /// A: [rows, depth], C: [rows, columns], bias: [columns] or null.
    void (*_Nonnull multiply)(size_t rows, const float *_Nonnull a, size_t a_stride, const ck_matrix *_Nonnull w,
                              const float *_Nullable bias, float *_Nonnull c, size_t c_stride, int accumulate,
                              const ck_finish *_Nullable finish);

    /// y = (x - mean) * r, r = 1 / sqrt(variance + epsilon), for each row of `width` values; r goes to `inverse_deviation`.
    void (*_Nonnull normalize)(size_t rows, size_t width, float epsilon, const float *_Nonnull x, size_t x_stride,
                               float *_Nonnull y, size_t y_stride, float *_Nonnull inverse_deviation);

    /// dx += r * (dy - mean(dy) - y * mean(dy * y)), the gradient of `normalize`.
    void (*_Nonnull normalize_backward)(size_t rows, size_t width, const float *_Nonnull y, size_t y_stride,
                                        const float *_Nonnull inverse_deviation, const float *_Nonnull dy,
                                        size_t dy_stride, float *_Nonnull dx, size_t dx_stride);

    /// x = x * scale + shift for each row of `width` values; scale and shift are padded as a row is.
    void (*_Nonnull scale_and_shift)(size_t rows, size_t width, const float *_Nonnull scale,
                                     const float *_Nonnull shift, float *_Nonnull x, size_t x_stride);

    /// x = f(x), and f'(x) to `derivative` unless it is null.
    /// gelu: x Phi(x). gelu_tanh: x s(1.5957691 (x + 0.044715 x^3)). quick_gelu: x s(1.702 x). s(z) = 1 / (1 + e^-z).
    /// `count` is a multiple of 16.
    void (*_Nonnull activate)(ck_activation kind, size_t count, float *_Nonnull x, float *_Nullable derivative);

    /// O = softmax(Q K^T) V for each head. O: [queries, heads * head_stride].
    void (*_Nonnull attend)(const ck_attention *_Nonnull attention, float *_Nonnull o, size_t o_stride);

    /// From dO to dQ, dK and dV (overwritten).
    /// dV = P^T dO; dP = dO V^T; dS = P (dP - rowsum(dP P)); dQ = dS K; dK = dS^T Q.
    void (*_Nonnull attend_backward)(const ck_attention *_Nonnull attention, const float *_Nonnull d_o,
                                     size_t o_stride, float *_Nonnull dq, size_t dq_stride, float *_Nonnull dk,
                                     float *_Nonnull dv, size_t dk_stride);

    /// A trained layer y = x W^T (+ bias). x: [rows, in], W: [out, in] without padding, bias: [out] or null.
    void (*_Nonnull linear)(size_t rows, size_t in, size_t out, const float *_Nonnull x, size_t x_stride,
                            const float *_Nonnull w, const float *_Nullable bias, float *_Nonnull y, size_t y_stride);

    /// dx = dy W.
    void (*_Nonnull linear_input_gradient)(size_t rows, size_t in, size_t out, const float *_Nonnull dy,
                                           size_t dy_stride, const float *_Nonnull w, float *_Nonnull dx,
                                           size_t dx_stride);

    /// dW += dy^T x, rows in ascending order.
    void (*_Nonnull linear_weight_gradient)(size_t rows, size_t in, size_t out, const float *_Nonnull dy,
                                            size_t dy_stride, const float *_Nonnull x, size_t x_stride,
                                            float *_Nonnull dw);

    /// Runs the multiply-adds that `multiply` is made of in that precision on registers alone, for the peak speed of a
    /// thread. Returns the floating point operations done: `rounds` times a constant. `sink` receives one value.
    double (*_Nonnull peak_operations)(ck_precision precision, size_t rounds, float *_Nonnull sink);
} ck_kernels;

/// The kernels named "avx512bf16", "avx512", "avx2" or "portable"; null when this machine cannot run them or the name is
/// unknown. "avx512bf16" is "avx512" with the instruction for pairs of bfloat16.
const ck_kernels *_Nullable ck_kernels_named(const char *_Nonnull name);

/// The kernels of the variant in use, the fastest unless another was chosen (CKernelVariants.h). Of "avx512" and
/// "avx512bf16" it is the one with the higher peak in bfloat16, measured once, since some processors take four times as
/// long for the instruction as others.
const ck_kernels *_Nonnull ck_kernels_best(void);

/// The words of 4 bytes that the packed form of a [depth, columns] matrix takes.
size_t ck_packed_count(size_t depth, size_t columns, ck_precision precision);

/// Packs W, whose element (i, j) is source[i * row_stride + j * column_stride].
ck_matrix ck_pack(size_t depth, size_t columns, ck_precision precision, const float *_Nonnull source,
                  size_t row_stride, size_t column_stride, void *_Nonnull panels);

/// Packs the transpose of a packed W whose first `columns` columns count, in the same precision; `panels` takes
/// `ck_packed_count(columns, w->depth, w->precision)` words.
ck_matrix ck_pack_transpose(const ck_matrix *_Nonnull w, size_t columns, void *_Nonnull panels);

/// The scratch floats that `attend` and `attend_backward` need.
size_t ck_attention_scratch_count(size_t queries, size_t keys, size_t head_stride);

/// Weighted cross-entropy of rows of logits z + adjustment (-infinity removes a class), w the weight of the row's label:
/// losses[r] = -w log softmax(z_r + adjustment)[label_r], gradient = (softmax - onehot) * w * scale
/// (zero where that is below 1e-16), predictions[r] = argmax z_r. `gradient` may be null. adjustment and weights: [classes].
void ck_cross_entropy(size_t rows, size_t classes, const float *_Nonnull logits, size_t stride,
                      const int32_t *_Nonnull labels, const float *_Nonnull adjustment, const float *_Nonnull weights,
                      double scale, float *_Nullable gradient, double *_Nonnull losses,
                      int32_t *_Nonnull predictions);

/// Threads that wait for work. The thread that calls `ck_pool_run` works too, as worker 0.
typedef struct ck_pool ck_pool;

/// A pool of `workers` (at least 1) workers, `workers` - 1 threads; null when the system refuses to start them.
ck_pool *_Nullable ck_pool_create(size_t workers);
void ck_pool_destroy(ck_pool *_Nonnull pool);

/// Calls work(context, worker, item) once for each item below `items`, several at once, and returns when all are done.
/// One thread at a time may run work in a pool.
void ck_pool_run(ck_pool *_Nonnull pool, size_t items, void (*_Nonnull work)(void *_Nonnull, size_t, size_t),
                 void *_Nonnull context);
