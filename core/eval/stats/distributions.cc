#include "core/eval/stats/distributions.h"

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace plumbline {

double NormalCdf(double z) {
  if (std::isinf(z)) return z > 0 ? 1.0 : 0.0;
  return boost::math::cdf(boost::math::normal(), z);
}

double NormalQuantile(double p) { return boost::math::quantile(boost::math::normal(), p); }

double NormalCritical(double confidence) { return -NormalQuantile((1 - confidence) / 2); }

double StudentCdf(double t, double degrees) {
  if (std::isinf(t)) return t > 0 ? 1.0 : 0.0;
  return boost::math::cdf(boost::math::students_t(degrees), t);
}

double StudentQuantile(double p, double degrees) {
  return boost::math::quantile(boost::math::students_t(degrees), p);
}

double BinomialCdf(int64_t k, int64_t n, double p) {
  if (k < 0) return 0;
  if (k >= n) return 1;
  return boost::math::cdf(boost::math::binomial_distribution<>(static_cast<double>(n), p),
                          static_cast<double>(k));
}

double BinomialPmf(int64_t k, int64_t n, double p) {
  if (k < 0 || k > n) return 0;
  return boost::math::pdf(boost::math::binomial_distribution<>(static_cast<double>(n), p),
                          static_cast<double>(k));
}

}  // namespace plumbline
