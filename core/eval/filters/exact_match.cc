#include "core/eval/filters/exact_match.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

void DropTrailingNuls(std::string& text) {
  while (!text.empty() && text.back() == '\0') text.pop_back();
}

template <typename Predicate>
void Drop(std::string& text, Predicate predicate) {
  text.erase(std::remove_if(text.begin(), text.end(), predicate), text.end());
}

}  // namespace

std::string NormalizeForExactMatch(absl::string_view text, const ExactMatchOptions& options) {
  std::string result(text);
  for (const PyRegex& regex : options.regexes_to_ignore) {
    result = python::ToUtf8(regex.Remove(python::ToCodePoints(result)));
    DropTrailingNuls(result);
  }
  DropTrailingNuls(result);
  if (options.ignore_case) {
    const size_t length = python::Length(result);
    const std::string lower = python::Lower(result);
    result = std::string(python::Slice(lower, 0, length));
    DropTrailingNuls(result);
  }
  if (options.ignore_punctuation) {
    Drop(result, [](char c) { return absl::ascii_ispunct(static_cast<unsigned char>(c)); });
  }
  if (options.ignore_numbers) Drop(result, [](char c) { return c >= '0' && c <= '9'; });
  DropTrailingNuls(result);
  return result;
}

bool ExactMatch(absl::string_view prediction, absl::string_view reference,
                const ExactMatchOptions& options) {
  return NormalizeForExactMatch(prediction, options) == NormalizeForExactMatch(reference, options);
}

}  // namespace plumbline
