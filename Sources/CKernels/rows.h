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

/// Phi(x) and its density phi(x), from one exponential.
/// 1 - Phi(u) = e^(-u^2/2) p(t), t = 1 / (1 + 0.3 u), u >= 0; p fitted to 6e-8 relative.
INLINE vec normal_distribution(vec x, vec *density) {
    vec u = x < 0 ? -x : x;
    vec bell = exponential(-0.5f * x * x);
    vec t = 1.0f / fma_(u, splat(0.3f), splat(1));
    vec p = splat(3.827106132e-02f);
    p = fma_(p, t, splat(-1.686437954e-01f));
    p = fma_(p, t, splat(2.275784896e-01f));
    p = fma_(p, t, splat(-7.526602081e-02f));
    p = fma_(p, t, splat(1.416759973e-01f));
    p = fma_(p, t, splat(9.505101038e-02f));
    p = fma_(p, t, splat(1.218259085e-01f));
    p = fma_(p, t, splat(1.195009942e-01f));
    p = fma_(p, t, splat(6.383270821e-06f));
    vec beyond = bell * p;
    *density = bell * 0.398942280f;
    return x < 0 ? beyond : 1.0f - beyond;
}

/// f(x) and f'(x) of one vector.
INLINE vec activation(const ck_activation kind, vec x, vec *derivative) {
    if (kind == ck_gelu) {
        vec density, cumulative = normal_distribution(x, &density);
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
    vec s = 1.0f / (1.0f + exponential(-z));
    *derivative = fma_(x * s * (1.0f - s), slope, s);
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

static void scale_elements(size_t count, float *x, const float *y) {
    for (size_t i = 0; i < count; i += VL) store(x + i, load(x + i) * load(y + i));
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
