#include "core/eval/math/math_checker.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/eval/math/latex_answer.h"
#include "core/eval/math/symbolic.h"
#include "core/eval/metrics.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

constexpr size_t kNpos = absl::string_view::npos;

// What hendrycks_math compares.
absl::string_view ReferenceAnswer(absl::string_view response) {
  const size_t first = response.find('$');
  const size_t last = response.rfind('$');
  if (first == last) return response;
  return response.substr(first + 1, last - first - 1);
}

absl::string_view Inside(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  while (!text.empty() && (text.back() == '.' || text.back() == '$')) text.remove_suffix(1);
  while (!text.empty() && (text.front() == '$' || text.front() == ':')) text.remove_prefix(1);
  return absl::StripAsciiWhitespace(text);
}

struct Found {
  std::string answer;
  bool extracted = true;
};

Found FindAnswer(absl::string_view response) {
  const auto boxed = LastBoxed(response);
  if (boxed.has_value()) {
    auto inside = RemoveBoxed(*boxed);
    if (inside.has_value()) return {std::string(Inside(*inside))};
  }
  const std::string lower = absl::AsciiStrToLower(response);
  const size_t phrase = lower.rfind("answer is");
  if (phrase != kNpos) {
    const absl::string_view behind = response.substr(phrase + 9);
    return {std::string(Inside(behind.substr(0, behind.find('\n'))))};
  }
  const size_t last = response.rfind('$');
  if (last != kNpos && last > 0) {
    const size_t open = response.rfind('$', last - 1);
    if (open != kNpos) return {std::string(Inside(response.substr(open + 1, last - open - 1)))};
  }
  absl::string_view text = absl::StripAsciiWhitespace(response);
  const size_t line = text.rfind('\n');
  if (line != kNpos) text.remove_prefix(line + 1);
  return {std::string(Inside(text)), false};
}

}  // namespace

absl::StatusOr<std::shared_ptr<const MathChecker>> MathChecker::Make(
    const std::vector<std::string>& targets) {
  std::vector<Target> read;
  for (const std::string& text : targets) {
    Target target;
    target.answer = std::string(absl::StripAsciiWhitespace(python::DecodeReplacing(text)));
    const auto boxed = LastBoxed(target.answer);
    const auto inside = boxed.has_value() ? RemoveBoxed(*boxed) : std::nullopt;
    if (inside.has_value()) target.answer = *inside;
    if (target.answer.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("item ", read.size(), ": the target has no answer"));
    }
    target.value = LatexValue(target.answer);
    read.push_back(std::move(target));
  }
  return std::shared_ptr<const MathChecker>(new MathChecker(std::move(read)));
}

const std::vector<std::string>& MathChecker::Metrics() {
  static const auto& metrics =
      *new std::vector<std::string>{std::string(kMathMatch), std::string(kMathReference)};
  return metrics;
}

CheckResult MathChecker::CheckResponse(size_t index, absl::string_view response) const {
  const Target& target = targets_.at(index);
  const std::string text = python::DecodeReplacing(response);
  const Found found = FindAnswer(text);
  bool match = !found.answer.empty() && HendrycksEquivalent(found.answer, target.answer);
  if (!match && target.value.has_value()) {
    const auto value = LatexValue(found.answer);
    match = value.has_value() && NumbersMatch(*value, *target.value, {}, {});
  }
  match = match || (!found.answer.empty() && SymbolicallyEqual(found.answer, target.answer));
  CheckResult result;
  auto observe = [&result](absl::string_view metric, bool success) {
    result.observations.push_back({std::string(metric), success ? 1.0 : 0.0, 1});
  };
  observe(kMathMatch, match);
  observe(kMathReference, HendrycksEquivalent(ReferenceAnswer(text), target.answer));
  observe(kExtractionFailure, !found.extracted);
  observe(kEmptyResponse, python::Strip(text).empty());
  result.extracted = found.answer;
  return result;
}

}  // namespace plumbline
