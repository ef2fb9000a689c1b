// format:* of lists and lines.
#include <deque>
#include <map>

#include "absl/strings/match.h"
#include "core/base/status_macros.h"
#include "core/eval/ifbench/check_tools.h"
#include "core/eval/ifbench/checks.h"
#include "core/eval/ifeval/checks.h"
#include "core/text/python_unicode.h"
#include "core/text/sentences.h"

namespace plumbline::ifbench {
namespace {

// The reference removes blank lines from the list that it walks over,
//   for line in lines:
//     if not line.strip(): lines.remove(line)
// so each removal skips a line, and what goes is the first line of that very text, which may be an
// earlier one that was skipped.
std::vector<absl::string_view> WithoutBlankLines(const std::vector<absl::string_view>& lines) {
  std::vector<absl::string_view> kept;
  std::vector<bool> gone;
  std::map<absl::string_view, std::deque<size_t>> places;  // of kept blank lines, by text
  auto keep = [&](absl::string_view line) {
    if (python::Strip(line).empty()) places[line].push_back(kept.size());
    kept.push_back(line);
    gone.push_back(false);
  };
  for (size_t i = 0; i < lines.size(); ++i) {
    const bool blank = python::Strip(lines[i]).empty();
    std::deque<size_t>* earlier = nullptr;
    if (blank) {
      const auto found = places.find(lines[i]);
      if (found != places.end() && !found->second.empty()) earlier = &found->second;
    }
    if (earlier != nullptr) {
      gone[earlier->front()] = true;
      earlier->pop_front();
    }
    if (!blank || earlier != nullptr) keep(lines[i]);
    if (blank && i + 1 < lines.size()) keep(lines[++i]);
  }
  std::vector<absl::string_view> result;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (!gone[i]) result.push_back(kept[i]);
  }
  return result;
}

size_t Indentation(absl::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

}  // namespace

InstructionOr MakeLineIndent(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    const auto lines = WithoutBlankLines(python::Split(response.utf8(), "\n"));
    for (size_t i = 1; i < lines.size(); ++i) {
      const size_t before = Indentation(lines[i - 1]);
      const size_t here = Indentation(lines[i]);
      if (here <= before) {
        return No(why, "a line indented by ", here, " behind one indented by ", before);
      }
    }
    return true;
  });
}

// The separator counts wherever it stands.
InstructionOr MakeList(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(const std::string separator, kwargs.String("sep"));
  return MakeCheck([=](const ResponseText& response, std::string* why) {
    return AtLeast(CountPart(response.utf8(), separator), 2, absl::StrCat("\"", separator, "\""),
                   why);
  });
}

InstructionOr MakeThesis(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    absl::string_view text = response.utf8();
    size_t begin = text.find("<i>");
    if (begin == text.npos) begin = text.find("<em>");
    if (begin == text.npos) return No(why, "neither <i> nor <em>");
    text.remove_prefix(begin);
    size_t end = text.find("</i>");
    if (end == text.npos) end = text.find("</em>");
    if (end == text.npos) return No(why, "the italics are not closed");
    // Behind "<em" and "</em" a ">" is left over, which counts as text.
    if (python::Strip(text.substr(3, end - 3)).empty()) return No(why, "empty italics");
    if (python::Strip(text.substr(end + 4)).empty()) return No(why, "no text behind the italics");
    return true;
  });
}

InstructionOr MakeSubBullets(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    const std::vector<absl::string_view> parts = python::Split(response.utf8(), "*");
    for (size_t i = 1; i < parts.size(); ++i) {
      if (!absl::StrContains(parts[i], "-")) return No(why, "no - behind * number ", i);
    }
    return true;
  });
}

// A blank line ends the sentences as a bullet does; behind it only bullets may follow.
InstructionOr MakeNoBulletsBullets(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    bool sentences_go_on = true;
    size_t sentences = 0;
    int64_t bullets = 0;
    for (absl::string_view line : python::Split(response.utf8(), "\n")) {
      const absl::string_view text = python::Strip(line);
      if (absl::StartsWith(text, "*")) {
        sentences_go_on = false;
        if (sentences < 2) return No(why, "a bullet behind ", sentences, " sentences, want 2");
        ++bullets;
      } else if (sentences_go_on) {
        const size_t found = SentenceSpans(text).size();
        sentences_go_on = found > 0;
        sentences += found;
      } else {
        return No(why, "a line that is no bullet behind the bullets or a blank line");
      }
    }
    return AtLeast(bullets, 2, "bullet", why);
  });
}

}  // namespace plumbline::ifbench
