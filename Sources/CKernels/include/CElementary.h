#pragma once

// Elementary functions in float64 that give the same bits on every machine: sums, products, quotients and shifts of
// IEEE 754 alone, in a fixed order, and nothing of the system's library. Errors are in units of the last place of the
// result (ulp) as the tests measure them. NaN gives NaN.

#ifdef __cplusplus
extern "C" {
#endif

// eˣ; error below 0.7 ulp, below 1.2 where the result is subnormal.
double elementary_exp(double x);

// eˣ − 1; error below 1.4 ulp.
double elementary_expm1(double x);

// The natural logarithm, −∞ at 0 and NaN below; error below 0.6 ulp.
double elementary_log(double x);

// log(1 + x), −∞ at −1 and NaN below; error below 0.9 ulp.
double elementary_log1p(double x);

// xʸ for x ≥ 0, NaN below; 1 where y = 0 or x = 1; error below 1 ulp, below 1.5 where the result is subnormal.
double elementary_pow(double x, double y);

// cos(2πx) for |x| ≤ 2⁵², NaN beyond; error below 1 ulp.
double elementary_cos_turns(double x);

// log Γ(x) for x > 0, NaN elsewhere; error below 8e-15 · max(1, |result|).
double elementary_lgamma(double x);

#ifdef __cplusplus
}
#endif
