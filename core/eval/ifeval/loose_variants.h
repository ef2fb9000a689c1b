// The texts that the loose reading of a response accepts: {whole, without its first line, without
// its last, without both} × {as is, without asterisks}. The line-dropped ones are stripped.
#ifndef PLUMBLINE_CORE_EVAL_IFEVAL_LOOSE_VARIANTS_H_
#define PLUMBLINE_CORE_EVAL_IFEVAL_LOOSE_VARIANTS_H_

#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/eval/ifeval/response_text.h"

namespace plumbline::ifeval {

// Thread-compatible.
class LooseVariants {
 public:
  // `response` is well-formed UTF-8.
  explicit LooseVariants(absl::string_view response);

  // The original first unless it is blank; equal ones only once and blank ones not at all, since
  // they decide nothing. Empty exactly when the response is blank.
  const std::vector<std::unique_ptr<ResponseText>>& texts() const { return texts_; }

 private:
  void Add(absl::string_view text);

  std::vector<std::unique_ptr<ResponseText>> texts_;
};

}  // namespace plumbline::ifeval

#endif  // PLUMBLINE_CORE_EVAL_IFEVAL_LOOSE_VARIANTS_H_
