#include "core/engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/sha256.h"
#include "core/engine/philox.h"
#include "core/model/kernels/kernels.h"

namespace plumbline {
namespace {

struct Candidate {
  int32_t id;
  double weight;  // unnormalised probability
};

// Keeps the smallest set of most probable candidates that reaches `top_p` of the mass.
void KeepNucleus(double top_p, std::vector<Candidate>& candidates) {
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
  });
  double total = 0;
  for (const Candidate& c : candidates) total += c.weight;
  double mass = 0;
  size_t kept = 0;
  while (kept < candidates.size() && (kept == 0 || mass < top_p * total)) {
    mass += candidates[kept++].weight;
  }
  candidates.resize(kept);
}

}  // namespace

uint64_t PromptKey(absl::Span<const int32_t> tokens) {
  const std::string hex = Sha256Hex(absl::string_view(reinterpret_cast<const char*>(tokens.data()),
                                                      tokens.size() * sizeof(int32_t)));
  uint64_t key = 0;
  (void)absl::SimpleHexAtoi(absl::string_view(hex).substr(0, 16), &key);
  return key;
}

double Draw(const DrawKey& key) {
  const std::array<uint32_t, 4> bits =
      Philox({key.position, key.sample, static_cast<uint32_t>(key.prompt),
              static_cast<uint32_t>(key.prompt >> 32)},
             {static_cast<uint32_t>(key.seed), static_cast<uint32_t>(key.seed >> 32)});
  const uint64_t wide = (uint64_t{bits[0]} << 32 | bits[1]) >> 11;
  return static_cast<double>(wide) * 0x1.0p-53;
}

absl::Status ValidateDecoding(const Decoding& d) {
  const auto error = [](absl::string_view option, double value, absl::string_view range) {
    return absl::InvalidArgumentError(absl::StrCat(option, " is ", value, ", want ", range));
  };
  if (!(d.temperature >= 0 && d.temperature <= 100)) {
    return error("temperature", d.temperature, "0 to 100");
  }
  if (d.top_k < 0) return error("top_k", d.top_k, "0 or more");
  if (!(d.top_p > 0 && d.top_p <= 1)) return error("top_p", d.top_p, "(0, 1]");
  if (d.max_new_tokens <= 0) return error("max_new_tokens", d.max_new_tokens, "1 or more");
  for (const std::string& stop : d.stop) {
    if (stop.empty()) return absl::InvalidArgumentError("stop has an empty string");
  }
  return absl::OkStatus();
}

int32_t SampleToken(absl::Span<const float> logits, const Decoding& decoding, const DrawKey& key) {
  const Kernels<float>& kernels = BestKernels<float>();
  const int64_t n = static_cast<int64_t>(logits.size());
  const int64_t best = kernels.argmax(logits.data(), n);
  if (decoding.temperature == 0) return static_cast<int32_t>(best);
  float border = -std::numeric_limits<float>::infinity();
  if (decoding.top_k > 0 && decoding.top_k < n) {
    std::vector<float> values(logits.begin(), logits.end());
    std::nth_element(values.begin(), values.begin() + (decoding.top_k - 1), values.end(),
                     std::greater<float>());
    border = values[decoding.top_k - 1];
  }
  std::vector<Candidate> candidates;
  for (int64_t i = 0; i < n; ++i) {
    if (!(logits[i] >= border)) continue;
    const double weight =
        std::exp((static_cast<double>(logits[i]) - logits[best]) / decoding.temperature);
    if (weight > 0) candidates.push_back({static_cast<int32_t>(i), weight});
  }
  if (candidates.empty()) return static_cast<int32_t>(best);
  if (decoding.top_p < 1) KeepNucleus(decoding.top_p, candidates);
  double total = 0;
  for (const Candidate& c : candidates) total += c.weight;
  double left = Draw(key) * total;
  for (const Candidate& c : candidates) {
    left -= c.weight;
    if (left < 0) return c.id;
  }
  return candidates.back().id;
}

std::vector<int32_t> TopTokens(absl::Span<const float> logits, int count) {
  std::vector<int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const size_t kept = std::min<size_t>(count, ids.size());
  std::partial_sort(ids.begin(), ids.begin() + kept, ids.end(), [&](int32_t a, int32_t b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  });
  ids.resize(kept);
  return ids;
}

}  // namespace plumbline
