#include "core/base/strict_json.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace plumbline {
namespace {

using Json = nlohmann::ordered_json;

// Calls `see(i)` for every byte outside of strings and for the quotes that begin one, until it says
// no.
template <typename See>
void ForEachOutside(absl::string_view text, See see) {
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    in_string = c == '"';
    if (!see(i)) return;
  }
}

// The byte where a value is nested too deep, or npos. Before the parser sees the text, since it
// would build what it then could not take down.
size_t TooDeepAt(absl::string_view text, int limit) {
  int depth = 0;
  size_t deep = absl::string_view::npos;
  ForEachOutside(text, [&](size_t i) {
    if (text[i] == '[' || text[i] == '{') ++depth;
    if (text[i] == ']' || text[i] == '}') --depth;
    if (depth > limit) deep = i;
    return depth <= limit;
  });
  return deep;
}

// Where the key number `count` (from 1) begins: a string with a colon behind it.
size_t KeyAt(absl::string_view text, size_t count) {
  size_t begin = 0;
  ForEachOutside(text, [&](size_t i) {
    if (text[i] == '"') begin = i;
    return text[i] != ':' || --count > 0;
  });
  return begin;
}

// Watches the parser for what is wrong with an object's keys.
class KeyWatch {
 public:
  explicit KeyWatch(size_t limit) : limit_(limit) {}

  // Whether the parser shall keep what it read: after the first problem, nothing.
  bool See(nlohmann::json::parse_event_t event, const Json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (!problem_.empty()) return false;
    if (event == Event::object_start) open_.emplace_back();
    if (event == Event::object_end) open_.pop_back();
    if (event != Event::key) return true;
    ++keys_;
    const auto& key = parsed.get_ref<const std::string&>();
    if (!open_.back().insert(key).second) {
      problem_ = absl::StrCat("key \"", key, "\" stands twice in one object");
    } else if (open_.back().size() > limit_) {
      problem_ = absl::StrCat("an object has more than ", limit_, " keys");
    }
    return problem_.empty();
  }

  const std::string& problem() const { return problem_; }
  size_t keys() const { return keys_; }  // seen up to the problem

 private:
  const size_t limit_;
  std::vector<std::set<std::string>> open_;
  std::string problem_;
  size_t keys_ = 0;
};

}  // namespace

absl::StatusOr<Json> ParseStrictJson(absl::string_view text, const JsonLimits& limits,
                                     size_t* error_byte) {
  const auto error = [error_byte](size_t byte, absl::string_view message) {
    if (error_byte != nullptr) *error_byte = byte;
    return absl::InvalidArgumentError(message);
  };
  const size_t deep = TooDeepAt(text, limits.depth);
  if (deep != absl::string_view::npos) {
    return error(deep, absl::StrCat("nested more than ", limits.depth, " deep"));
  }
  KeyWatch watch(limits.keys);
  try {
    Json value = Json::parse(text.begin(), text.end(),
                             [&watch](int, nlohmann::json::parse_event_t event, Json& parsed) {
                               return watch.See(event, parsed);
                             });
    if (watch.problem().empty()) return value;
    return error(KeyAt(text, watch.keys()), watch.problem());
  } catch (const nlohmann::json::parse_error& e) {
    // "[json.exception.parse_error.101] parse error at line 1, column 5: ..."
    absl::string_view message = e.what();
    const size_t end = message.find("] ");
    if (end != absl::string_view::npos) message.remove_prefix(end + 2);
    return error(e.byte == 0 ? 0 : e.byte - 1, absl::StrCat("not JSON: ", message));
  } catch (const nlohmann::json::exception& e) {
    return error(0, absl::StrCat("not JSON: ", e.what()));
  }
}

}  // namespace plumbline
