// detectable_content:* and detectable_format:*. The fixed patterns that are simple are matched by
// hand (each says which), the others by the Python regex engine.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/eval/ifeval/checks.h"
#include "core/eval/pyre/regex.h"
#include "core/text/python_json.h"

namespace plumbline::ifeval {
namespace {

constexpr size_t kNpos = absl::string_view::npos;

PyRegexFlags MultiLine() {
  PyRegexFlags flags;
  flags.multi_line = true;
  return flags;
}

class NumberPlaceholders : public Instruction {
 public:
  explicit NumberPlaceholders(int64_t wanted) : wanted_(wanted) {}
  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    const int64_t count = Count(response.utf8());
    if (count >= wanted_) return true;
    ExplainCount(count, "at least", wanted_, "[placeholder]", why);
    return false;
  }

 private:
  // len(re.findall(r"\[.*?\]", text)): the nearest ] in the same line.
  static int64_t Count(absl::string_view text) {
    int64_t count = 0;
    for (size_t at = text.find('['); at != kNpos; at = text.find('[', at)) {
      const size_t end = text.find_first_of("]\n", at + 1);
      if (end == kNpos) break;
      count += text[end] == ']';
      at = end;
    }
    return count;
  }
  const int64_t wanted_;
};

class Postscript : public Instruction {
 public:
  Postscript(std::string marker, PyRegex regex)
      : marker_(std::move(marker)), regex_(std::move(regex)) {}

  static InstructionOr Make(Kwargs& kwargs) {
    ABSL_ASSIGN_OR_RETURN(std::string marker, kwargs.String("postscript_marker"));
    marker = std::string(python::Strip(marker));
    std::string pattern;
    if (marker == "P.P.S") {
      pattern = R"(\s*p\.\s?p\.\s?s.*$)";
    } else if (marker == "P.S.") {
      pattern = R"(\s*p\.\s?s\..*$)";
    } else {
      pattern = absl::StrCat("\\s*", python::Lower(marker), ".*$");
    }
    ABSL_ASSIGN_OR_RETURN(PyRegex regex, PyRegex::Compile(pattern, MultiLine()));
    return std::make_unique<Postscript>(std::move(marker), std::move(regex));
  }

  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    if (regex_.Search(python::ToCodePoints(response.lower()))) return true;
    if (why != nullptr) *why = absl::StrCat("no postscript that starts with \"", marker_, "\"");
    return false;
  }

 private:
  const std::string marker_;
  const PyRegex regex_;
};

// `***`, `- - -` and the like: a line of three or more of one mark is a rule in Markdown.
bool IsHorizontalRule(std::u32string_view line) {
  char32_t mark = 0;
  int marks = 0;
  for (char32_t c : line) {
    if (python::IsSpace(c)) continue;
    if (mark == 0) mark = c;
    if (c != mark) return false;
    ++marks;
  }
  return marks >= 3 && (mark == '-' || mark == '*');
}

class NumberBulletLists : public Instruction {
 public:
  explicit NumberBulletLists(int64_t wanted) : wanted_(wanted) {}

  bool has_fix() const override { return true; }
  bool Follows(const ResponseText& response, Policy policy, std::string* why) const override {
    static const PyRegex& stars = *new PyRegex(*PyRegex::Compile(R"(^\s*\*[^\*].*$)", MultiLine()));
    static const PyRegex& dashes = *new PyRegex(*PyRegex::Compile(R"(^\s*-.*$)", MultiLine()));
    int64_t count = 0;
    for (const PyRegex* regex : {&stars, &dashes}) {
      if (policy == Policy::kReference) {
        count += static_cast<int64_t>(regex->Count(response.code_points()));
        continue;
      }
      for (const PyMatch& match : regex->FindAll(response.code_points())) {
        const std::u32string_view text(response.code_points());
        count += !IsHorizontalRule(text.substr(match.begin(), match.end() - match.begin()));
      }
    }
    if (count == wanted_) return true;
    ExplainCount(count, "exactly", wanted_, "bullet", why);
    return false;
  }

 private:
  const int64_t wanted_;
};

class ConstrainedResponse : public Instruction {
 public:
  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    for (absl::string_view option :
         {"My answer is yes.", "My answer is no.", "My answer is maybe."}) {
      if (absl::StrContains(response.utf8(), option)) return true;
    }
    if (why != nullptr) {
      *why =
          "none of \"My answer is yes.\", \"My answer is no.\", \"My answer is maybe.\" is there";
    }
    return false;
  }
};

class NumberHighlightedSections : public Instruction {
 public:
  explicit NumberHighlightedSections(int64_t wanted) : wanted_(wanted) {}
  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    const int64_t count = CountSingle(response.utf8()) + CountDouble(response.utf8());
    if (count >= wanted_) return true;
    ExplainCount(count, "at least", wanted_, "*highlighted section*", why);
    return false;
  }

 private:
  // Matches of r"\*[^\n\*]*\*" that are not blank inside.
  static int64_t CountSingle(absl::string_view text) {
    int64_t count = 0;
    for (size_t at = text.find('*'); at != kNpos; at = text.find('*', at)) {
      const size_t end = text.find_first_of("*\n", at + 1);
      if (end == kNpos) break;
      if (text[end] == '*') {
        count += !python::Strip(text.substr(at + 1, end - at - 1)).empty();
        at = end + 1;
      } else {
        at = end;
      }
    }
    return count;
  }
  // Matches of r"\*\*[^\n\*]*\*\*" that are not blank inside.
  static int64_t CountDouble(absl::string_view text) {
    int64_t count = 0;
    for (size_t at = text.find("**"); at != kNpos; at = text.find("**", at)) {
      const size_t end = text.find_first_of("*\n", at + 2);
      if (end == kNpos) break;
      if (text.substr(end, 2) == "**") {
        count += !python::Strip(text.substr(at + 2, end - at - 2)).empty();
        at = end + 2;
      } else {
        at = end == at + 2 ? at + 1 : end;
      }
    }
    return count;
  }
  const int64_t wanted_;
};

class MultipleSections : public Instruction {
 public:
  MultipleSections(std::string splitter, PyRegex regex, int64_t wanted)
      : splitter_(std::move(splitter)), regex_(std::move(regex)), wanted_(wanted) {}

  static InstructionOr Make(Kwargs& kwargs) {
    ABSL_ASSIGN_OR_RETURN(std::string splitter, kwargs.String("section_spliter"));
    ABSL_ASSIGN_OR_RETURN(int64_t wanted, kwargs.Count("num_sections"));
    splitter = std::string(python::Strip(splitter));
    ABSL_ASSIGN_OR_RETURN(PyRegex regex,
                          PyRegex::Compile(absl::StrCat("\\s?", splitter, "\\s?\\d+\\s?")));
    return std::make_unique<MultipleSections>(std::move(splitter), std::move(regex), wanted);
  }

  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    // len(re.split(...)) - 1: groups in the pattern are parts of their own.
    const int64_t count =
        static_cast<int64_t>(regex_.Count(response.code_points())) * (1 + regex_.group_count());
    if (count >= wanted_) return true;
    if (why != nullptr) {
      *why = absl::StrCat("found ", count, " sections marked \"", splitter_, " X\", want at least ",
                          wanted_);
    }
    return false;
  }

 private:
  const std::string splitter_;
  const PyRegex regex_;
  const int64_t wanted_;
};

class JsonFormat : public Instruction {
 public:
  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    absl::string_view text = python::Strip(response.utf8());
    for (absl::string_view fence : {"```json", "```Json", "```JSON", "```"}) {
      text = absl::StripPrefix(text, fence);
    }
    text = python::Strip(absl::StripSuffix(text, "```"));
    // Where Python gives up at the depth (RecursionError) the reference ends with an exception;
    // here the response is not followed.
    if (PythonJsonLoads(text) == PythonJson::kAccepted) return true;
    if (why != nullptr) *why = "the response is not JSON";
    return false;
  }
};

class Title : public Instruction {
 public:
  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    absl::string_view text = response.utf8();
    while (!text.empty()) {
      const size_t end = text.find('\n');
      if (HasTitle(text.substr(0, end))) return true;
      if (end == kNpos) break;
      text.remove_prefix(end + 1);
    }
    if (why != nullptr) *why = "no title in <<double angular brackets>>";
    return false;
  }

 private:
  // A match of r"<<[^\n]+>>" is, in its line, from the first << to the last >>.
  static bool HasTitle(absl::string_view line) {
    const size_t begin = line.find("<<");
    const size_t end = line.rfind(">>");
    if (begin == kNpos || end == kNpos || end < begin + 3) return false;
    const absl::string_view match = line.substr(begin, end + 2 - begin);
    return !python::Strip(python::RightStrip(python::LeftStrip(match, "<"), ">")).empty();
  }
};

}  // namespace

InstructionOr MakeNumberPlaceholders(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(int64_t wanted, kwargs.Count("num_placeholders"));
  return std::make_unique<NumberPlaceholders>(wanted);
}
InstructionOr MakePostscript(Kwargs& kwargs) { return Postscript::Make(kwargs); }
InstructionOr MakeNumberBulletLists(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(int64_t wanted, kwargs.Count("num_bullets"));
  return std::make_unique<NumberBulletLists>(wanted);
}
InstructionOr MakeConstrainedResponse(Kwargs&) { return std::make_unique<ConstrainedResponse>(); }
InstructionOr MakeNumberHighlightedSections(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(int64_t wanted, kwargs.Count("num_highlights"));
  return std::make_unique<NumberHighlightedSections>(wanted);
}
InstructionOr MakeMultipleSections(Kwargs& kwargs) { return MultipleSections::Make(kwargs); }
InstructionOr MakeJsonFormat(Kwargs&) { return std::make_unique<JsonFormat>(); }
InstructionOr MakeTitle(Kwargs&) { return std::make_unique<Title>(); }

}  // namespace plumbline::ifeval
