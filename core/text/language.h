// Which language a text is in, as Python's langdetect 1.0.9 says with DetectorFactory.seed = 0:
// character n-grams against 55 profiles, sampled by Python's own generator. Through the Rust crate
// `langdetect`.
#ifndef PLUMBLINE_CORE_TEXT_LANGUAGE_H_
#define PLUMBLINE_CORE_TEXT_LANGUAGE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

// langdetect's code: "en", "de", "zh-cn", ... InvalidArgument where langdetect raises (a text
// without a letter it knows). `text` is UTF-8; invalid bytes count as U+FFFD. Looks at the first
// 10,000 characters, as langdetect does, so the time is bounded. Thread-safe. The first call in a
// process loads the profiles (about 0.1 s).
absl::StatusOr<std::string> DetectLanguage(absl::string_view text);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_LANGUAGE_H_
