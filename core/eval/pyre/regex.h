// Python's `re` over Unicode text, in bounded time.
//
// IFEval passes a task's keywords to re.search, and lm-eval's filters are Python patterns, so a
// verdict depends on Python's syntax and Unicode rules: RE2's \b and \w are ASCII, ICU's case
// folding differs. This engine parses exactly what CPython 3.11's re parses and runs it as an NFA
// in lock step: O(text × pattern), leftmost, first alternative first, the same spans and groups
// that backtracking finds. Look-around is one more pass over the text. What no NFA can do in
// bounded time (back-references, groups that capture inside look-around, atomic groups and
// possessive repeats, conditionals) is refused by name when the pattern is compiled. All matches of
// a text (FindAll, Count, Remove, Split) are bounded too: work beyond 2^26 steps plus four passes
// over the text ends the search as if nothing more matched. Only a hostile pattern on a text of
// more than some 5,000 characters comes there; CPython would take hours.
#ifndef PLUMBLINE_CORE_EVAL_PYRE_REGEX_H_
#define PLUMBLINE_CORE_EVAL_PYRE_REGEX_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

namespace pyre {
struct Program;
}  // namespace pyre

struct PyRegexFlags {
  bool ignore_case = false;  // re.IGNORECASE
  bool multi_line = false;   // re.MULTILINE
  bool dot_all = false;      // re.DOTALL
};

// One match: half-open code point offsets. groups[0] is the match itself; a group that took no part
// is {kNoGroup, kNoGroup}.
struct PyMatch {
  static constexpr size_t kNoGroup = static_cast<size_t>(-1);
  struct Span {
    size_t begin = kNoGroup;
    size_t end = kNoGroup;
  };
  std::vector<Span> groups;
  size_t begin() const { return groups[0].begin; }
  size_t end() const { return groups[0].end; }
};

// Immutable, thread-safe. Text is UTF-32 code points, lone surrogates allowed.
class PyRegex {
 public:
  // InvalidArgument with Python's own message and position where re.compile raises; Unimplemented
  // names the construct where Python accepts and this engine does not; ResourceExhausted where
  // counted repeats make the program longer than 20,000 instructions.
  static absl::StatusOr<PyRegex> Compile(absl::string_view utf8_pattern, PyRegexFlags flags = {});
  static absl::StatusOr<PyRegex> Compile(std::u32string_view pattern, PyRegexFlags flags = {});

  PyRegex(PyRegex&&) noexcept = default;
  PyRegex& operator=(PyRegex&&) noexcept = default;
  PyRegex(const PyRegex&) = default;
  PyRegex& operator=(const PyRegex&) = default;
  ~PyRegex();

  // bool(re.search(pattern, text)).
  bool Search(std::u32string_view text) const;
  // len(re.findall(pattern, text)).
  size_t Count(std::u32string_view text) const;
  // list(re.finditer(pattern, text)); with `limit` at most so many.
  std::vector<PyMatch> FindAll(std::u32string_view text,
                               size_t limit = static_cast<size_t>(-1)) const;
  // re.findall's elements: the match, or the only group, or (as a tuple) all groups; a group that
  // took no part is empty.
  std::vector<std::vector<std::u32string>> FindAllStrings(std::u32string_view text) const;
  // re.sub(pattern, "", text).
  std::u32string Remove(std::u32string_view text) const;
  // re.split(pattern, text) of a pattern without groups.
  std::vector<std::u32string_view> Split(std::u32string_view text) const;

  int group_count() const;  // without group 0
  const std::string& pattern() const;

 private:
  explicit PyRegex(std::shared_ptr<const pyre::Program> program);
  std::shared_ptr<const pyre::Program> program_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_PYRE_REGEX_H_
