// A response as the checks see it: one text and what several checks derive from it, computed once.
#ifndef PLUMBLINE_CORE_EVAL_IFEVAL_RESPONSE_TEXT_H_
#define PLUMBLINE_CORE_EVAL_IFEVAL_RESPONSE_TEXT_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/text/language.h"
#include "core/text/python_unicode.h"

namespace plumbline::ifeval {

// Thread-compatible: one lives on the stack of one check.
class ResponseText {
 public:
  // `utf8` must be well-formed (python::DecodeReplacing makes it so).
  explicit ResponseText(std::string utf8) : utf8_(std::move(utf8)) {}

  absl::string_view utf8() const { return utf8_; }
  bool blank() const { return python::Strip(utf8_).empty(); }

  const std::u32string& code_points() const {
    if (!code_points_.has_value()) code_points_ = python::ToCodePoints(utf8_);
    return *code_points_;
  }
  // str.lower().
  const std::string& lower() const {
    if (!lower_.has_value()) lower_ = python::Lower(utf8_);
    return *lower_;
  }
  // langdetect's code; empty where it raises an error.
  const std::string& language() const {
    if (!language_.has_value()) language_ = DetectLanguage(utf8_).value_or("");
    return *language_;
  }

 private:
  std::string utf8_;
  mutable std::optional<std::u32string> code_points_;
  mutable std::optional<std::string> lower_;
  mutable std::optional<std::string> language_;
};

}  // namespace plumbline::ifeval

#endif  // PLUMBLINE_CORE_EVAL_IFEVAL_RESPONSE_TEXT_H_
