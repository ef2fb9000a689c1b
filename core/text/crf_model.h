// A first-order conditional random field in CRFsuite's file format, for tagging. What it does is
// what CRFsuite's tagger does, in the same order of additions, so that the labels are equal.
//
// A sequence's item has attributes (strings, each of weight 1); an attribute's score for each label
// and the score of each label behind each other are the model. The labels of a sequence are those
// of the largest sum.
#ifndef PLUMBLINE_CORE_TEXT_CRF_MODEL_H_
#define PLUMBLINE_CORE_TEXT_CRF_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace plumbline {

// Immutable, thread-safe.
class CrfModel {
 public:
  // `bytes` must outlive the model. InvalidArgument says what is wrong with them.
  static absl::StatusOr<CrfModel> Parse(absl::string_view bytes);

  static constexpr int kNone = -1;

  size_t labels() const { return labels_.size(); }
  int Label(absl::string_view name) const;      // kNone where the model has no such label
  int Attribute(absl::string_view name) const;  // kNone likewise

  // Adds an attribute's scores to an item's, [labels()]. kNone adds nothing.
  void AddScores(int attribute, absl::Span<double> scores) const;

  // The labels of the sequence whose items have these scores, [T, labels()] row by row.
  std::vector<int> Decode(absl::Span<const double> scores) const;

 private:
  struct Weight {
    int label = 0;
    double weight = 0;
  };

  std::vector<absl::string_view> labels_;
  absl::flat_hash_map<absl::string_view, int> attributes_;
  std::vector<uint32_t> first_weight_;  // [attributes + 1], into weights_
  std::vector<Weight> weights_;
  std::vector<double> transitions_;  // [from, to]
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_CRF_MODEL_H_
