#include "core/text/language.h"

#include "core/base/status_macros.h"
#include "core/text/hf_result.h"

namespace plumbline {

absl::StatusOr<std::string> DetectLanguage(absl::string_view text) {
  auto language = TakeHfResult(plumbline_hf_detect_language(HfBytes(text), text.size()));
  if (!language.ok()) return Annotate(language.status(), "detect language");
  return language;
}

}  // namespace plumbline
