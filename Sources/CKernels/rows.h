// Kernels that treat each row, or each element, by itself.

static void normalize(size_t rows, size_t width, float epsilon, const float *x, size_t x_stride, float *y,
                      size_t y_stride, float *inverse_deviation) {
    for (size_t r = 0; r < rows; r++, x += x_stride, y += y_stride) {
        vec total = splat(0);
        for (size_t j = 0; j < width; j += VL) total += load(x + j);
        const float mean = sum(total) / (float)width;
        vec squares = splat(0);
        for (size_t j = 0; j < width; j += VL) {
            vec centred = (load(x + j) - mean) * columns_below(j, width);
            squares = fma_(centred, centred, squares);
        }
        const float factor = 1.0f / sqrtf(sum(squares) / (float)width + epsilon);
        for (size_t j = 0; j < width; j += VL) store(y + j, (load(x + j) - mean) * factor * columns_below(j, width));
        inverse_deviation[r] = factor;
    }
}

static void normalize_backward(size_t rows, size_t width, const float *y, size_t y_stride,
                               const float *inverse_deviation, const float *dy, size_t dy_stride, float *dx,
                               size_t dx_stride) {
    for (size_t r = 0; r < rows; r++, y += y_stride, dy += dy_stride, dx += dx_stride) {
        vec total = splat(0), product = splat(0);
        for (size_t j = 0; j < width; j += VL) {
            vec g = load(dy + j);
            total += g;
            product = fma_(g, load(y + j), product);
        }
        const float mean = sum(total) / (float)width, slope = sum(product) / (float)width;
        for (size_t j = 0; j < width; j += VL) {
            vec g = fma_(load(y + j), splat(-slope), load(dy + j) - mean) * columns_below(j, width);
            store(dx + j, fma_(g, splat(inverse_deviation[r]), load(dx + j)));
        }
    }
}

static void scale_and_shift(size_t rows, size_t width, const float *scale, const float *shift, float *x,
                            size_t x_stride) {
    for (size_t r = 0; r < rows; r++, x += x_stride) {
        for (size_t j = 0; j < width; j += VL) store(x + j, fma_(load(x + j), load(scale + j), load(shift + j)));
    }
}

/// Phi(x), the distribution function of the standard normal: 1/2 + c p(2 c^2 / 25 - 1), c = x clamped to [-5, 5],
/// p fitted to 3e-8 (1 - Phi(5) = 3e-7).
INLINE vec normal_distribution(vec x) {
    vec c = smaller(larger(x, splat(-5.0f)), splat(5.0f));
    vec u = fma_(c * c, splat(0.08f), splat(-1.0f));
    vec p = splat(-2.533982466e-04f);
    p = fma_(p, u, splat(7.105077158e-04f));
    p = fma_(p, u, splat(-8.407488672e-04f));
    p = fma_(p, u, splat(1.442983038e-03f));
    p = fma_(p, u, splat(-3.587441505e-03f));
    p = fma_(p, u, splat(6.696588773e-03f));
    p = fma_(p, u, splat(-1.066148187e-02f));
    p = fma_(p, u, splat(1.626872652e-02f));
    p = fma_(p, u, splat(-2.340416151e-02f));
    p = fma_(p, u, splat(3.146995969e-02f));
    p = fma_(p, u, splat(-4.042706317e-02f));
    p = fma_(p, u, splat(5.151843963e-02f));
    p = fma_(p, u, splat(-7.029678599e-02f));
    p = fma_(p, u, splat(1.413638124e-01f));
    return fma_(c, p, splat(0.5f));
}

/// f(x) and f'(x) of one vector.
INLINE vec activation(const ck_activation kind, vec x, vec *derivative) {
    if (kind == ck_gelu) {
        vec cumulative = normal_distribution(x);
        vec density = exponential(-0.5f * x * x) * 0.398942280f;
        *derivative = fma_(x, density, cumulative);
        return x * cumulative;
    }
    // Both others are x s(z(x)), so f' = s + x s (1 - s) z'.
    vec z, slope;
    if (kind == ck_gelu_tanh) {
        const float scale = 1.59576912f, cubic = 0.044715f;
        vec square = x * x;
        z = scale * x * fma_(square, splat(cubic), splat(1));
        slope = scale * fma_(square, splat(3 * cubic), splat(1));
    } else {
        z = 1.702f * x;
        slope = splat(1.702f);
    }
    vec e = exponential(-z);
    vec s = 1.0f / (1.0f + e);
    *derivative = fma_(x * s * (e * s), slope, s);  // 1 - s = e s
    return x * s;
}

INLINE void activate_all(const ck_activation kind, size_t count, float *x, float *derivative) {
    vec slope;
    if (derivative) {
        for (size_t i = 0; i < count; i += VL) {
            store(x + i, activation(kind, load(x + i), &slope));
            store(derivative + i, slope);
        }
    } else {
        for (size_t i = 0; i < count; i += VL) store(x + i, activation(kind, load(x + i), &slope));
    }
}

static void activate(ck_activation kind, size_t count, float *x, float *derivative) {
    switch (kind) {
    case ck_gelu: activate_all(ck_gelu, count, x, derivative); break;
    case ck_gelu_tanh: activate_all(ck_gelu_tanh, count, x, derivative); break;
    case ck_quick_gelu: activate_all(ck_quick_gelu, count, x, derivative); break;
    }
}

/// Applies `finish` to rows of C; its slopes have the same index in their buffer as C's elements in theirs.
static void finish_rows(const ck_finish *finish, size_t rows, size_t columns, float *c, float *slopes, size_t stride) {
    for (size_t r = 0; r < rows; r++, c += stride) {
        if (finish->kind == ck_activate) {
            activate(finish->activation, columns, c, slopes);
        } else {
            for (size_t j = 0; j < columns; j += VL) store(c + j, load(c + j) * load(slopes + j));
        }
        if (slopes) slopes += stride;
    }
}

/// The inner product of two vectors of any length.
INLINE float dot(size_t count, const float *a, const float *b) {
    vec total = splat(0);
    size_t i = 0;
    for (; i + VL <= count; i += VL) total = fma_(load(a + i), load(b + i), total);
    float result = sum(total);
    for (; i < count; i++) result += a[i] * b[i];
    return result;
}

/// y += factor x, vectors of any length.
INLINE void add_scaled(size_t count, float factor, const float *x, float *y) {
    size_t i = 0;
    for (; i + VL <= count; i += VL) store(y + i, fma_(splat(factor), load(x + i), load(y + i)));
    for (; i < count; i++) y[i] += factor * x[i];
}

static void linear(size_t rows, size_t in, size_t out, const float *x, size_t x_stride, const float *w,
                   const float *bias, float *y, size_t y_stride) {
    for (size_t o = 0; o < out; o++) {
        for (size_t r = 0; r < rows; r++) {
            y[r * y_stride + o] = (bias ? bias[o] : 0) + dot(in, x + r * x_stride, w + o * in);
        }
    }
}

static void linear_input_gradient(size_t rows, size_t in, size_t out, const float *dy, size_t dy_stride, const float *w,
                                  float *dx, size_t dx_stride) {
    for (size_t r = 0; r < rows; r++) {
        float *row = dx + r * dx_stride;
        memset(row, 0, in * sizeof(float));
        for (size_t o = 0; o < out; o++) add_scaled(in, dy[r * dy_stride + o], w + o * in, row);
    }
}

static void linear_weight_gradient(size_t rows, size_t in, size_t out, const float *dy, size_t dy_stride,
                                   const float *x, size_t x_stride, float *dw) {
    for (size_t o = 0; o < out; o++) {
        for (size_t r = 0; r < rows; r++) add_scaled(in, dy[r * dy_stride + o], x + r * x_stride, dw + o * in);
    }
}
