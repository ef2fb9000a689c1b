#include "core/eval/ifbench/check_tools.h"

#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

#include "core/eval/ifeval/checks.h"
#include "core/text/python_unicode.h"

namespace plumbline::ifbench {
namespace {

class FunctionInstruction : public ifeval::Instruction {
 public:
  explicit FunctionInstruction(Check check) : check_(std::move(check)) {}
  bool Follows(const ResponseText& response, ifeval::Policy, std::string* why) const override {
    return check_(response, why);
  }

 private:
  const Check check_;
};

}  // namespace

ifeval::InstructionOr MakeCheck(Check check) {
  return std::make_unique<FunctionInstruction>(std::move(check));
}

bool AtLeast(int64_t found, int64_t wanted, absl::string_view noun, std::string* why) {
  if (found >= wanted) return true;
  ifeval::ExplainCount(found, "at least", wanted, noun, why);
  return false;
}

std::string RemovePunctuation(absl::string_view text) {
  std::string kept;
  kept.reserve(text.size());
  for (char c : text) {
    if (kPunctuation.find(c) == absl::string_view::npos) kept.push_back(c);
  }
  return kept;
}

std::vector<absl::string_view> PlainWords(const ResponseText& response, bool lower,
                                          std::string* storage) {
  *storage = RemovePunctuation(lower ? absl::string_view(response.lower()) : response.utf8());
  return python::SplitWhitespace(*storage);
}

char32_t FirstCharacter(absl::string_view text) {
  size_t at = 0;
  return python::NextCodePoint(text, &at);
}

char32_t LastCharacter(absl::string_view text) {
  size_t at = text.size();
  return python::PreviousCodePoint(text, &at);
}

int64_t CountPart(absl::string_view text, absl::string_view part) {
  if (part.empty()) return static_cast<int64_t>(python::Length(text)) + 1;
  int64_t count = 0;
  for (size_t at = text.find(part); at != absl::string_view::npos;
       at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

std::string AsciiFold(absl::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfkd = icu::Normalizer2::getNFKDInstance(error);
  if (U_FAILURE(error)) return std::string(text);  // ICU without its data: can't be
  const icu::UnicodeString decomposed = nfkd->normalize(
      icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int>(text.size()))),
      error);
  std::string ascii;
  for (int32_t i = 0; i < decomposed.length(); ++i) {
    const char16_t c = decomposed.charAt(i);
    if (c < 0x80) ascii.push_back(static_cast<char>(c));
  }
  return ascii;
}

std::string Excerpt(absl::string_view text) {
  const absl::string_view head = python::Slice(text, 0, 60);
  return absl::StrCat(head, head.size() < text.size() ? "…" : "");
}

}  // namespace plumbline::ifbench
