#include "core/lora/python_regex.h"

#include <cctype>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace plumbline {
namespace {

constexpr size_t kMaxPatternBytes = 16 * 1024;
constexpr int64_t kMaxMemoryBytes = 8 << 20;

absl::Status Unsupported(absl::string_view pattern, absl::string_view what) {
  return absl::UnimplementedError(
      absl::StrCat("regular expression \"", pattern, "\": ", what, " is not supported"));
}

// Rewrites \Z (Python's end of text) to \z (RE2's) and refuses what the two read differently.
// Module names hold no newline, so $ means the same in both.
absl::StatusOr<std::string> Translate(absl::string_view pattern) {
  std::string result;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const absl::string_view rest = pattern.substr(i);
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      const char next = pattern[++i];
      if (next >= '1' && next <= '9' && !in_class) return Unsupported(pattern, "a back-reference");
      if (absl::StrContains("CQEpPzhHRXKGkLlU", absl::string_view(&next, 1))) {
        return Unsupported(pattern, absl::StrCat("\\", absl::string_view(&next, 1)));
      }
      absl::StrAppend(&result, "\\", next == 'Z' ? "z" : absl::string_view(&next, 1));
      continue;
    }
    if (in_class) {
      if (absl::StartsWith(rest, "[:")) return Unsupported(pattern, "a POSIX class [: in a set");
      if (pattern[i] == ']') in_class = false;
    } else if (pattern[i] == '[') {
      in_class = true;
      result.push_back('[');
      // "[]…" and "[^]…": the bracket is a member, in both languages.
      if (i + 1 < pattern.size() && pattern[i + 1] == '^') result.push_back(pattern[++i]);
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') result.push_back(pattern[++i]);
      continue;
    } else {
      for (absl::string_view group : {"(?=", "(?!", "(?<=", "(?<!", "(?>", "(?(", "(?P=", "(?#"}) {
        if (absl::StartsWith(rest, group)) return Unsupported(pattern, group);
      }
      if (absl::StartsWith(rest, "{,")) return Unsupported(pattern, "{, without a lower bound");
      for (absl::string_view possessive : {"*+", "++", "?+", "}+"}) {
        if (absl::StartsWith(rest, possessive)) {
          return Unsupported(pattern, absl::StrCat(possessive, " (possessive)"));
        }
      }
    }
    result.push_back(pattern[i]);
  }
  return result;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RE2>> CompilePythonRegex(absl::string_view pattern,
                                                        absl::string_view prefix,
                                                        absl::string_view suffix) {
  if (pattern.size() > kMaxPatternBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a regular expression of ", pattern.size(),
                                                   " bytes, the limit is ", kMaxPatternBytes));
  }
  absl::StatusOr<std::string> translated = Translate(pattern);
  if (!translated.ok()) return translated.status();
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxMemoryBytes);
  auto regex = std::make_unique<RE2>(absl::StrCat(prefix, *translated, suffix), options);
  if (!regex->ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", pattern, "\" is not a regular expression: ", regex->error()));
  }
  return regex;
}

}  // namespace plumbline
