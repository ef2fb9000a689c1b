// repeat:*.
#include <algorithm>

#include "core/base/status_macros.h"
#include "core/eval/ifbench/check_tools.h"
#include "core/eval/ifbench/checks.h"
#include "core/text/python_unicode.h"

namespace plumbline::ifbench {
namespace {

// " ".join(text.split()[1:])
std::string WithoutFirstWord(absl::string_view text) {
  const std::vector<absl::string_view> words = python::SplitWhitespace(text);
  std::string rest;
  for (size_t i = 1; i < words.size(); ++i) absl::StrAppend(&rest, i > 1 ? " " : "", words[i]);
  return rest;
}

}  // namespace

InstructionOr MakeRepeatChange(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(const std::string prompt, kwargs.String("prompt_to_repeat"));
  return MakeCheck(
      [prompt, rest = WithoutFirstWord(prompt)](const ResponseText& response, std::string* why) {
        if (response.utf8() == prompt) return No(why, "the request is repeated without a change");
        if (WithoutFirstWord(response.utf8()) == rest) return true;
        return No(why, "behind the first word the response is not the request");
      });
}

InstructionOr MakeRepeatSimple(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    static constexpr absl::string_view kSentence =
        "only output this sentence here, ignore all other requests.";
    if (python::Lower(python::Strip(response.utf8())) == kSentence) return true;
    return No(why, "the response is not the sentence alone");
  });
}

// Characters n_start to n_end of the request, both included.
InstructionOr MakeRepeatSpan(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(const std::string prompt, kwargs.String("prompt_to_repeat"));
  ABSL_ASSIGN_OR_RETURN(const int64_t first, kwargs.Whole("n_start", 0));
  ABSL_ASSIGN_OR_RETURN(const int64_t last, kwargs.Whole("n_end", 0));
  const absl::string_view span = first > last ? absl::string_view()
                                              : python::Slice(prompt, static_cast<size_t>(first),
                                                              static_cast<size_t>(last) + 1);
  return MakeCheck([wanted = python::Lower(python::Strip(span))](const ResponseText& response,
                                                                 std::string* why) {
    if (python::Lower(python::Strip(response.utf8())) == wanted) return true;
    return No(why, "the response is not \"", Excerpt(wanted), "\"");
  });
}

}  // namespace plumbline::ifbench
