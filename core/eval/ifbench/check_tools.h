// What the constraints share: an instruction made of a function, explanations, and the reference's
// ways to take words out of a text.
#ifndef PLUMBLINE_CORE_EVAL_IFBENCH_CHECK_TOOLS_H_
#define PLUMBLINE_CORE_EVAL_IFBENCH_CHECK_TOOLS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/eval/ifeval/instruction.h"

namespace plumbline::ifbench {

using ifeval::ResponseText;

// Whether a response, which is not blank, follows; *why where it does not and why is not null.
// Thread-safe: it captures constants only.
using Check = std::function<bool(const ResponseText& response, std::string* why)>;

ifeval::InstructionOr MakeCheck(Check check);

// Notes why a response does not follow; false, so that a check can return it.
template <typename... Parts>
bool No(std::string* why, const Parts&... parts) {
  if (why != nullptr) *why = absl::StrCat(parts...);
  return false;
}

// found >= wanted, with "found 3 pronouns, want at least 5" where not.
bool AtLeast(int64_t found, int64_t wanted, absl::string_view noun, std::string* why);

// Python's string.punctuation: the 32 of ASCII.
inline constexpr absl::string_view kPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
inline constexpr absl::string_view kPunctuationAndSpace = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ";

// text.translate(str.maketrans("", "", string.punctuation)).
std::string RemovePunctuation(absl::string_view text);
// value.translate(...).split(), lowercased first or not: views into `storage`, which it fills.
std::vector<absl::string_view> PlainWords(const ResponseText& response, bool lower,
                                          std::string* storage);

// text[0] and text[-1]; text is not empty.
char32_t FirstCharacter(absl::string_view text);
char32_t LastCharacter(absl::string_view text);

// text.count(part): without overlaps; of an empty part one more than there are characters.
int64_t CountPart(absl::string_view text, absl::string_view part);

// unicodedata.normalize("NFKD", text).encode("ASCII", "ignore").
std::string AsciiFold(absl::string_view text);

// A text at most 60 characters long, for explanations.
std::string Excerpt(absl::string_view text);

}  // namespace plumbline::ifbench

#endif  // PLUMBLINE_CORE_EVAL_IFBENCH_CHECK_TOOLS_H_
