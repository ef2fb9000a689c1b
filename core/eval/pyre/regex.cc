#include "core/eval/pyre/regex.h"

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/eval/pyre/ast.h"
#include "core/eval/pyre/machine.h"
#include "core/eval/pyre/program.h"
#include "core/text/python_unicode.h"

namespace plumbline {

PyRegex::PyRegex(std::shared_ptr<const pyre::Program> program) : program_(std::move(program)) {}
PyRegex::~PyRegex() = default;

absl::StatusOr<PyRegex> PyRegex::Compile(absl::string_view utf8_pattern, PyRegexFlags flags) {
  return Compile(std::u32string_view(python::ToCodePoints(utf8_pattern)), flags);
}

absl::StatusOr<PyRegex> PyRegex::Compile(std::u32string_view pattern, PyRegexFlags flags) {
  const std::string name = python::ToUtf8(std::u32string(pattern));
  auto compile = [&]() -> absl::StatusOr<pyre::Program> {
    ABSL_ASSIGN_OR_RETURN(pyre::Ast ast, pyre::Parse(pattern, flags));
    return pyre::CompileProgram(ast, name);
  };
  absl::StatusOr<pyre::Program> program = compile();
  if (!program.ok()) {
    const std::string shown = name.size() > 200 ? absl::StrCat(name.substr(0, 200), "…") : name;
    return Annotate(program.status(), absl::StrCat("regular expression \"", shown, "\""));
  }
  return PyRegex(std::make_shared<const pyre::Program>(*std::move(program)));
}

bool PyRegex::Search(std::u32string_view text) const {
  return pyre::Machine(*program_, text, 0).Find(0, false);
}

namespace {

// Calls visit(machine) for every match, as re.finditer finds them: after an empty match the next
// one at the same place must not be empty.
template <typename Visit>
void ForEachMatch(const pyre::Program& program, std::u32string_view text, int slots, Visit visit) {
  pyre::Machine machine(program, text, slots);
  size_t from = 0;
  bool after_empty = false;
  while (from <= text.size() && machine.Find(from, after_empty)) {
    if (!visit(machine.slots())) return;
    after_empty = machine.slots()[0] == machine.slots()[1];
    from = machine.slots()[1];
  }
}

}  // namespace

size_t PyRegex::Count(std::u32string_view text) const {
  size_t count = 0;
  ForEachMatch(*program_, text, 2, [&](const std::vector<size_t>&) {
    ++count;
    return true;
  });
  return count;
}

std::vector<PyMatch> PyRegex::FindAll(std::u32string_view text, size_t limit) const {
  std::vector<PyMatch> matches;
  if (limit == 0) return matches;
  ForEachMatch(*program_, text, 2 * (program_->groups + 1), [&](const std::vector<size_t>& slots) {
    PyMatch match;
    for (size_t i = 0; i + 1 < slots.size(); i += 2) {
      const bool took_part = slots[i] != PyMatch::kNoGroup && slots[i + 1] != PyMatch::kNoGroup;
      match.groups.push_back(took_part ? PyMatch::Span{slots[i], slots[i + 1]} : PyMatch::Span{});
    }
    matches.push_back(std::move(match));
    return matches.size() < limit;
  });
  return matches;
}

std::vector<std::vector<std::u32string>> PyRegex::FindAllStrings(std::u32string_view text) const {
  std::vector<std::vector<std::u32string>> result;
  for (const PyMatch& match : FindAll(text)) {
    std::vector<std::u32string> element;
    for (size_t i = match.groups.size() > 1 ? 1 : 0; i < match.groups.size(); ++i) {
      const PyMatch::Span& span = match.groups[i];
      if (span.begin == PyMatch::kNoGroup) {
        element.emplace_back();
      } else {
        element.emplace_back(text.substr(span.begin, span.end - span.begin));
      }
    }
    result.push_back(std::move(element));
  }
  return result;
}

std::u32string PyRegex::Remove(std::u32string_view text) const {
  std::u32string result;
  size_t from = 0;
  ForEachMatch(*program_, text, 2, [&](const std::vector<size_t>& slots) {
    result.append(text.substr(from, slots[0] - from));
    from = slots[1];
    return true;
  });
  result.append(text.substr(from));
  return result;
}

std::vector<std::u32string_view> PyRegex::Split(std::u32string_view text) const {
  std::vector<std::u32string_view> parts;
  size_t from = 0;
  ForEachMatch(*program_, text, 2, [&](const std::vector<size_t>& slots) {
    parts.push_back(text.substr(from, slots[0] - from));
    from = slots[1];
    return true;
  });
  parts.push_back(text.substr(from));
  return parts;
}

int PyRegex::group_count() const { return program_->groups; }
const std::string& PyRegex::pattern() const { return program_->pattern; }

}  // namespace plumbline
