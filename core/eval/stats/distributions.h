// The handful of distribution functions the statistics need, over Boost.Math, which stays out of
// headers.
#ifndef PLUMBLINE_CORE_EVAL_STATS_DISTRIBUTIONS_H_
#define PLUMBLINE_CORE_EVAL_STATS_DISTRIBUTIONS_H_

#include <cstdint>

namespace plumbline {

double NormalCdf(double z);       // P(Z <= z); z may be +-infinity
double NormalQuantile(double p);  // p in (0, 1)
// The two-sided critical value: NormalQuantile(1 - (1 - confidence) / 2). Confidence in (0, 1).
double NormalCritical(double confidence);
double StudentCdf(double t, double degrees);
double StudentQuantile(double p, double degrees);    // degrees > 0
double BinomialCdf(int64_t k, int64_t n, double p);  // P(X <= k); 0 for k < 0, 1 for k >= n
double BinomialPmf(int64_t k, int64_t n, double p);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_STATS_DISTRIBUTIONS_H_
