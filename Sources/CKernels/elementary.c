#include "CElementary.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

// A product and a sum that the compiler rounds together are one thing on this machine and another on that.
#pragma STDC FP_CONTRACT OFF

// log 2 in two parts; multiples of the first by whole numbers below 2¹² are exact.
#define LN2_HIGH 0x1.62e42fefa3000p-1
#define LN2_LOW 0x1.3de6af278ece6p-42
#define LOG2_E 0x1.71547652b82fep+0
#define HALF_LOG_TWO_PI 0x1.d67f1c864beb5p-1

static uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double value_of(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// 2ⁿ for a normal result.
static double power_of_two(int n) { return value_of((uint64_t)(n + 1023) << 52); }

// x · 2ⁿ, rounded once, for |n| below 2200.
static double scaled(double x, int n) {
    while (n > 1023) x *= 0x1p1023, n -= 1023;
    // Small steps stay exact until the last, since x is near 1.
    while (n < -1000) x *= 0x1p-500, n += 500;
    return x * power_of_two(n);
}

// x without the lower half of its digits.
static double upper_half(double x) { return value_of(bits_of(x) & 0xfffffffff8000000); }

// A number as the sum of two, the second below half a last place of the first.
typedef struct {
    double high, low;
} pair;

// a + b for |a| ≥ |b|.
static pair sum_of(double a, double b) {
    const double sum = a + b;
    return (pair){sum, b - (sum - a)};
}

// a · b (Dekker 1971).
static pair product_of(double a, double b) {
    const double product = a * b;
    const double ah = upper_half(a), al = a - ah, bh = upper_half(b), bl = b - bh;
    return (pair){product, ((ah * bh - product) + ah * bl + al * bh) + al * bl};
}

// Σ r^k / (k + 2)! for |r| ≤ 0.35, so that eʳ = 1 + r + r² times it.
static double exponential_tail(double r) {
    double y = 1.0 / 87178291200.0;
    y = y * r + 1.0 / 6227020800.0;
    y = y * r + 1.0 / 479001600.0;
    y = y * r + 1.0 / 39916800.0;
    y = y * r + 1.0 / 3628800.0;
    y = y * r + 1.0 / 362880.0;
    y = y * r + 1.0 / 40320.0;
    y = y * r + 1.0 / 5040.0;
    y = y * r + 1.0 / 720.0;
    y = y * r + 1.0 / 120.0;
    y = y * r + 1.0 / 24.0;
    y = y * r + 1.0 / 6.0;
    return y * r + 0.5;
}

// x + low = n log 2 + r, |r| ≤ 0.35, r as a pair.
static int reduced(double x, double low, pair *r) {
    const int n = (int)(x * LOG2_E + (x < 0 ? -0.5 : 0.5));
    const double above = x - n * LN2_HIGH, below = n * LN2_LOW - low;
    r->high = above - below;
    r->low = (above - r->high) - below;
    return n;
}

// e^(x + low) for |x| below 800.
static double exponential_of(double x, double low) {
    pair r;
    const int n = reduced(x, low, &r);
    const pair one = sum_of(1, r.high);
    const double tail = r.high * r.high * exponential_tail(r.high) + (r.low + r.low * r.high);
    return scaled(one.high + (one.low + tail), n);
}

double elementary_exp(double x) {
    if (x != x) return x;
    if (x > 710) return INFINITY;
    if (x < -746) return 0;
    return exponential_of(x, 0);
}

double elementary_expm1(double x) {
    if (x != x) return x;
    if (x > 710) return INFINITY;
    if (x < -40) return -1;
    pair r;
    const int n = reduced(x, 0, &r);
    const double tail = r.high * r.high * exponential_tail(r.high) + (r.low + r.low * r.high);
    if (n == 0) return r.high + tail;
    if (n > 60) return scaled(1 + (r.high + tail), n);
    // 2ⁿ − 1 + 2ⁿ (r + tail), the first part exact for |n| ≤ 52 and then small beside its own error.
    const double power = power_of_two(n);
    const double whole = power - 1;
    const double lost = n > 0 ? (power - whole) - 1 : (-1 - whole) + power;
    return whole + (power * r.high + (power * tail + lost));
}

// Σ 2 z^k / (2k + 1) from k = 1, for z ≤ 0.03: log((1 + s) / (1 − s)) = 2 s + s times it, z = s².
static double logarithm_tail(double z) {
    double y = 2.0 / 25;
    y = y * z + 2.0 / 23;
    y = y * z + 2.0 / 21;
    y = y * z + 2.0 / 19;
    y = y * z + 2.0 / 17;
    y = y * z + 2.0 / 15;
    y = y * z + 2.0 / 13;
    y = y * z + 2.0 / 11;
    y = y * z + 2.0 / 9;
    y = y * z + 2.0 / 7;
    y = y * z + 2.0 / 5;
    y = y * z + 2.0 / 3;
    return y * z;
}

// x = 2ⁿ m with m in [√½, √2); returns m. x is positive and finite.
static double mantissa_of(double x, int *n) {
    *n = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        *n = -54;
    }
    uint64_t bits = bits_of(x);
    // Adding what √2 lacks to 2 carries into the exponent for all above √2.
    bits += 0x3ff0000000000000 - 0x3fe6a09e667f3bcd;
    *n += (int)(bits >> 52) - 1023;
    return value_of((bits & 0x000fffffffffffff) + 0x3fe6a09e667f3bcd);
}

// n log 2 + log(1 + f) + c for 1 + f in [√½, √2] and a c below a last place of 1.
static double logarithm_of(int n, double f, double c) {
    const double s = f / (2 + f);
    // log(1 + f) = f − f²/2 + s (f²/2 + tail), with f² exact.
    const double h = upper_half(f);
    const double half_square = 0.5 * h * h, rest = 0.5 * (f - h) * (f + h);
    const pair lead = sum_of(f, -half_square);
    const double small = s * ((half_square + rest) + logarithm_tail(s * s)) + (lead.low - rest) + (c + n * LN2_LOW);
    if (n == 0) return lead.high + small;
    const pair whole = sum_of(n * LN2_HIGH, lead.high);
    return whole.high + (whole.low + small);
}

double elementary_log(double x) {
    if (!(x > 0)) return x == 0 ? -INFINITY : NAN;
    if (x == INFINITY) return x;
    int n;
    const double m = mantissa_of(x, &n);
    return logarithm_of(n, m - 1, 0);
}

double elementary_log1p(double x) {
    if (!(x > -1)) return x == -1 ? -INFINITY : NAN;
    if (x == INFINITY) return x;
    if (x > -0.29 && x < 0.41) return x == 0 ? x : logarithm_of(0, x, 0);
    const double sum = 1 + x;
    // What the sum lost, in parts of it.
    const double lost = (x < 1 ? x - (sum - 1) : 1 - (sum - x)) / sum;
    int n;
    const double m = mantissa_of(sum, &n);
    return logarithm_of(n, m - 1, lost);
}

// log x to 2⁻⁶⁴ of itself, for a positive and finite x.
static pair precise_logarithm(double x) {
    int n;
    const double f = mantissa_of(x, &n) - 1;
    // s = f / (2 + f): a quotient, and what it lacks.
    const pair below = sum_of(2, f);
    const double s = f / below.high;
    const pair back = product_of(s, below.high);
    const double s_low = (((f - back.high) - back.low) - s * below.low) / below.high;
    // z = s², and z (1/3 + z (1/5 + …)) with its first term in full.
    pair z = product_of(s, s);
    z.low += 2 * s * s_low;
    double y = 1.0 / 27;
    for (int k = 25; k >= 5; k -= 2) y = y * z.high + 1.0 / k;
    const pair third = sum_of(0x1.5555555555555p-2, y * z.high + 0x1.5555555555555p-56);
    pair q = product_of(third.high, z.high);
    q.low += third.high * z.low + third.low * z.high;
    // 2 s (1 + q) + n log 2
    const pair sq = product_of(s, q.high);
    const double sq_low = sq.low + s * q.low + s_low * q.high;
    const pair head = sum_of(s, sq.high);
    const double head_low = head.low + (sq_low + s_low);
    if (n == 0) return sum_of(2 * head.high, 2 * head_low);
    const pair whole = sum_of(n * LN2_HIGH, 2 * head.high);
    return sum_of(whole.high, whole.low + (2 * head_low + n * LN2_LOW));
}

double elementary_pow(double x, double y) {
    if (y == 0 || x == 1) return 1;
    if (!(x >= 0) || y != y) return NAN;
    if (x == 0 || x == INFINITY) return (x == 0) == (y > 0) ? 0 : INFINITY;
    const pair log = precise_logarithm(x);
    const double estimate = y * log.high;
    if (estimate > 710) return INFINITY;
    if (estimate < -746) return 0;
    // A y so large that it cannot be split has an estimate beyond these bounds, because |log x| is at least 2⁻⁵³.
    const pair product = product_of(y, log.high);
    return exponential_of(product.high, product.low + y * log.low);
}

double elementary_cos_turns(double x) {
    if (!(x >= -0x1p52 && x <= 0x1p52)) return NAN;
    if (x < 0) x = -x;
    // In quarters of a turn: what is left is within ±½ of one, and exact.
    const int64_t quarter = (int64_t)(4 * x + 0.5);
    const double r = x - 0.25 * (double)quarter;
    // a + a_low = 2πr
    const pair a = product_of(r, 0x1.921fb54442d18p+2);
    const double a_low = a.low + r * 0x1.1a62633145c07p-52;
    const double z = a.high * a.high;
    double y;
    if (quarter & 1) {
        y = 1.0 / 355687428096000.0;
        y = 1.0 / 1307674368000.0 - y * z;
        y = 1.0 / 6227020800.0 - y * z;
        y = 1.0 / 39916800.0 - y * z;
        y = 1.0 / 362880.0 - y * z;
        y = 1.0 / 5040.0 - y * z;
        y = 1.0 / 120.0 - y * z;
        y = 1.0 / 6.0 - y * z;
        y = a.high + (a_low - a.high * z * y);
        return (quarter & 2) ? y : 0 - y;
    }
    y = 1.0 / 6402373705728000.0;
    y = 1.0 / 20922789888000.0 - y * z;
    y = 1.0 / 87178291200.0 - y * z;
    y = 1.0 / 479001600.0 - y * z;
    y = 1.0 / 3628800.0 - y * z;
    y = 1.0 / 40320.0 - y * z;
    y = 1.0 / 720.0 - y * z;
    y = 1.0 / 24.0 - y * z;
    // 1 − z/2 in full.
    const pair one = sum_of(1, -0.5 * z);
    y = one.high + (one.low + (z * z * y - a.high * a_low));
    return (quarter & 2) ? -y : y;
}

double elementary_lgamma(double x) {
    if (!(x > 0)) return NAN;
    // Γ(x) = Γ(x + n) / (x (x + 1) … (x + n − 1)), and Stirling's series from 10 on.
    double product = 1;
    for (; x < 10; x += 1) product *= x;
    const double inverse = 1 / x, z = inverse * inverse;
    double series = -3617.0 / 122400;
    series = series * z + 1.0 / 156;
    series = series * z - 691.0 / 360360;
    series = series * z + 1.0 / 1188;
    series = series * z - 1.0 / 1680;
    series = series * z + 1.0 / 1260;
    series = series * z - 1.0 / 360;
    series = series * z + 1.0 / 12;
    const double log_x = elementary_log(x);
    return (x - 0.5) * (log_x - 1) - 0.5 + HALF_LOG_TWO_PI + series * inverse - elementary_log(product);
}
