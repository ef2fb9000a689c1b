#include "core/eval/ifeval/loose_variants.h"

#include "absl/strings/str_replace.h"

namespace plumbline::ifeval {

LooseVariants::LooseVariants(absl::string_view response) {
  const size_t first_end = response.find('\n');
  const size_t last_begin = response.rfind('\n');
  const bool one_line = first_end == absl::string_view::npos;
  const absl::string_view no_first = one_line ? "" : response.substr(first_end + 1);
  const absl::string_view no_last = one_line ? "" : response.substr(0, last_begin);
  const absl::string_view no_both =
      one_line || first_end == last_begin
          ? ""
          : response.substr(first_end + 1, last_begin - first_end - 1);
  Add(response);
  for (absl::string_view part : {no_first, no_last, no_both}) Add(python::Strip(part));
  const size_t plain = texts_.size();
  for (size_t i = 0; i < plain; ++i) {
    Add(absl::StrReplaceAll(texts_[i]->utf8(), {{"*", ""}}));
  }
}

void LooseVariants::Add(absl::string_view text) {
  if (python::Strip(text).empty()) return;
  for (const auto& known : texts_) {
    if (known->utf8() == text) return;
  }
  texts_.push_back(std::make_unique<ResponseText>(std::string(text)));
}

}  // namespace plumbline::ifeval
