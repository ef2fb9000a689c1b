// The search, as PyThaiNLP has it. A front of places where a word may end is kept, the first of
// them is taken, and the words that begin there are edges to further places. When the front is one
// place, everything up to it is settled: the shortest way there (breadth first, so that of equally
// short ways the one found first counts) are the words. When it is empty, no word led on.
//
// After 50 edges without such a place, only the shortest word at each place is followed: that is
// the reference's guard against a long ambiguity, and part of its results.
#include "core/text/thai_words.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <queue>

#include "absl/types/span.h"
#include "core/text/python_unicode.h"
#include "core/text/thai_clusters.h"
#include "core/text/thai_dictionary.h"

namespace plumbline {
namespace {

constexpr int kMaxEdges = 50;

bool IsLatin(char32_t c) { return c == '-' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsBlank(char32_t c) { return c == ' ' || c == '\t'; }
bool IsConsonant(char32_t c) { return c >= 0xE01 && c <= 0xE2E; }
bool IsForeign(char32_t c) {
  return !(c >= 0xE00 && c <= 0xE7F) && !IsBlank(c) && c != '\r' && c != '\n';
}

size_t SkipWhile(std::u32string_view text, size_t at, bool (*holds)(char32_t)) {
  while (at < text.size() && holds(text[at])) ++at;
  return at;
}

// \d+([,\.]\d+)* from a digit on.
size_t SkipNumber(std::u32string_view text, size_t at) {
  at = SkipWhile(text, at, python::IsDecimal);
  while (at + 1 < text.size() && (text[at] == ',' || text[at] == '.') &&
         python::IsDecimal(text[at + 1])) {
    at = SkipWhile(text, at + 1, python::IsDecimal);
  }
  return at;
}

// The end of what is not Thai and begins at `at`: Latin letters, a number (of any digits, Thai's
// too), blanks, a line break, or anything up to a space or Thai. `at` itself where nothing does.
size_t SkipForeign(std::u32string_view text, size_t at) {
  if (at == text.size()) return at;
  const char32_t c = text[at];
  if (IsLatin(c)) return SkipWhile(text, at, IsLatin);
  if (python::IsDecimal(c)) return SkipNumber(text, at);
  if (IsBlank(c)) return SkipWhile(text, at, IsBlank);
  if (c == '\n') return at + 1;
  if (c == '\r') return at + 1 < text.size() && text[at + 1] == '\n' ? at + 2 : at;
  return SkipWhile(text, at, IsForeign);
}

class Cutter {
 public:
  explicit Cutter(std::u32string_view text)
      : text_(text),
        cluster_ends_(ThaiClusterEnds(text)),
        waiting_(text.size() + 1),
        reached_(text.size() + 1) {}

  std::vector<size_t> Run() {
    front_.push(0);
    size_t settled = 0;
    while (front_.top() < text_.size()) {
      const size_t begin = front_.top();
      front_.pop();
      AddWords(begin);
      if (front_.size() == 1) {
        TakeShortestWay(settled, front_.top());
        settled = front_.top();
      } else if (front_.empty()) {
        settled = SkipUnknown(begin);
        ends_.push_back(settled);
        front_.push(settled);
      } else {
        continue;
      }
      places_.clear();
      edges_.clear();
    }
    return std::move(ends_);
  }

 private:
  // A place that was taken off the front, and its edges: up to the next place's first.
  struct Place {
    size_t at = 0;
    size_t first_edge = 0;
  };

  void AddWords(size_t begin) {
    places_.push_back({begin, edges_.size()});
    dictionary_.ForEachWordAt(text_, begin, [this](size_t end) {
      if (!cluster_ends_[end]) return true;
      edges_.push_back(end);
      if (!waiting_[end]) {
        waiting_[end] = true;  // and behind every place that will be taken before it
        front_.push(end);
      }
      return edges_.size() <= kMaxEdges;
    });
  }

  // Appends the ends of the words from start to goal.
  void TakeShortestWay(size_t start, size_t goal) {
    struct Step {
      size_t at = 0, from = 0;  // `from` indexes steps
    };
    std::vector<Step> steps = {{start, 0}};
    size_t last = 0;  // the step that leads to the goal
    for (bool found = false; !found; last += !found) {
      for (size_t end : EdgesOf(steps[last].at)) {
        found = end == goal;
        if (found) break;
        if (!reached_[end]) steps.push_back({end, last});
        reached_[end] = true;
      }
    }
    const size_t first = ends_.size();
    for (size_t i = last; i != 0; i = steps[i].from) ends_.push_back(steps[i].at);
    std::reverse(ends_.begin() + static_cast<std::ptrdiff_t>(first), ends_.end());
    ends_.push_back(goal);
  }

  absl::Span<const size_t> EdgesOf(size_t at) const {
    const auto place =
        std::lower_bound(places_.begin(), places_.end(), at,
                         [](const Place& p, size_t position) { return p.at < position; });
    if (place == places_.end() || place->at != at) return {};
    const size_t end = place + 1 == places_.end() ? edges_.size() : (place + 1)->first_edge;
    return absl::MakeConstSpan(edges_).subspan(place->first_edge, end - place->first_edge);
  }

  // The end of what begins at `begin` and is in no dictionary: the next place where something
  // foreign begins, or a word that is more than one or two consonants.
  size_t SkipUnknown(size_t begin) const {
    const size_t foreign = SkipForeign(text_, begin);
    if (foreign > begin) return foreign;
    for (size_t at = begin + 1; at < text_.size(); ++at) {
      if (cluster_ends_[at] && (BeginsWord(at) || SkipForeign(text_, at) > at)) return at;
    }
    return text_.size();
  }

  bool BeginsWord(size_t begin) const {
    bool found = false;
    dictionary_.ForEachWordAt(text_, begin, [&](size_t end) {
      const std::u32string_view word = text_.substr(begin, end - begin);
      found = cluster_ends_[end] &&
              !(word.size() <= 2 && std::all_of(word.begin(), word.end(), IsConsonant));
      return !found;
    });
    return found;
  }

  const std::u32string_view text_;
  const ThaiDictionary& dictionary_ = ThaiDictionary::Default();
  const std::vector<bool> cluster_ends_;
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> front_;
  std::vector<bool> waiting_;  // [text + 1], whether a place was put in the front
  std::vector<bool> reached_;  // [text + 1], by the search for the shortest way
  std::vector<Place> places_;  // since the last settled place, in order
  std::vector<size_t> edges_;
  std::vector<size_t> ends_;
};

// The end of the formatted number (\d+[\.\,:])+\d+ at the digit text[at], or of its digits, and
// which of them it is.
size_t NumberEnd(std::u32string_view text, size_t at, bool* formatted) {
  *formatted = false;
  at = SkipWhile(text, at, python::IsDecimal);
  while (at + 1 < text.size() && (text[at] == '.' || text[at] == ',' || text[at] == ':') &&
         python::IsDecimal(text[at + 1])) {
    at = SkipWhile(text, at + 1, python::IsDecimal);
    *formatted = true;
  }
  return at;
}

// rejoin_formatted_num: words that begin inside a formatted number become one, up to its end.
std::vector<size_t> RejoinNumbers(std::u32string_view text, const std::vector<size_t>& ends) {
  std::vector<size_t> joined;
  size_t word = 0;  // the first that is not in `joined`
  for (size_t at = 0; at < text.size();) {
    if (!python::IsDecimal(text[at])) {
      ++at;
      continue;
    }
    const size_t begin = at;
    bool formatted;
    at = NumberEnd(text, at, &formatted);
    if (!formatted) continue;
    // A word begins where the one before it ends.
    while (word < ends.size() && (word == 0 ? 0 : ends[word - 1]) < begin) {
      joined.push_back(ends[word++]);
    }
    const size_t first = word;
    while (word < ends.size() && (word == 0 ? 0 : ends[word - 1]) < at) ++word;
    if (word > first) joined.push_back(ends[word - 1]);
  }
  joined.insert(joined.end(), ends.begin() + static_cast<std::ptrdiff_t>(word), ends.end());
  return joined;
}

}  // namespace

std::vector<size_t> ThaiWordEnds(std::u32string_view text) {
  return RejoinNumbers(text, Cutter(text).Run());
}

}  // namespace plumbline
