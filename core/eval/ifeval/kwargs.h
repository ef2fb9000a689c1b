// Typed access to an instruction's arguments, with errors that name the argument.
#ifndef PLUMBLINE_CORE_EVAL_IFEVAL_KWARGS_H_
#define PLUMBLINE_CORE_EVAL_IFEVAL_KWARGS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline::ifeval {

// "less than" or "at least", with a threshold.
struct Bound {
  bool less_than = false;
  int64_t threshold = 0;
  bool Holds(int64_t count) const { return less_than ? count < threshold : count >= threshold; }
};

// Reads arguments; remembers which were read so that Finish() can name the others.
class Kwargs {
 public:
  // `object` is borrowed.
  explicit Kwargs(const nlohmann::json& object) : object_(object) {}

  absl::StatusOr<int64_t> Count(absl::string_view name);  // a whole number >= 1
  // A whole number >= `least`, 0 included: for references that replace only null by a random value.
  absl::StatusOr<int64_t> Whole(absl::string_view name, int64_t least);
  absl::StatusOr<double> NonNegative(absl::string_view name);                // any number >= 0
  absl::StatusOr<std::string> String(absl::string_view name);                // not empty
  absl::StatusOr<std::vector<std::string>> Strings(absl::string_view name);  // not empty
  absl::StatusOr<Bound> ReadBound(absl::string_view count_name, absl::string_view relation_name);
  // InvalidArgument for an argument with a value that nothing read.
  absl::Status Finish() const;

 private:
  // Present and not null.
  absl::StatusOr<const nlohmann::json*> FindGiven(absl::string_view name);
  // The same, and not what Python's truth test drops either.
  absl::StatusOr<const nlohmann::json*> Find(absl::string_view name);

  const nlohmann::json& object_;
  std::set<std::string> read_;
};

}  // namespace plumbline::ifeval

#endif  // PLUMBLINE_CORE_EVAL_IFEVAL_KWARGS_H_
