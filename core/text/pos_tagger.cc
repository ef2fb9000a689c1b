#include "core/text/pos_tagger.h"

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/text/language_data.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

// Per feature the weight of each tag, in the file's order: sums of doubles depend on the order.
struct Tagger {
  std::vector<std::string> tags;  // sorted, so that of equal scores the last is the reference's
  absl::flat_hash_map<std::string, std::vector<std::pair<int, double>>> weights;
  absl::flat_hash_map<std::string, std::string> known;  // words that have one tag
};

// Takes {"feature": {"TAG": weight}} as it is read: the whole document as a tree would take 100 MB.
class WeightReader : public nlohmann::json::json_sax_t {
 public:
  WeightReader(const std::map<std::string, int>& places, Tagger& tagger)
      : places_(places), tagger_(tagger) {}

  bool start_object(std::size_t) override {
    ++depth_;
    return true;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool key(string_t& name) override {
    if (depth_ == 1) {
      feature_ = &tagger_.weights[name];
    } else {
      const auto place = places_.find(name);
      if (place == places_.end()) return false;
      place_ = place->second;
    }
    return true;
  }
  bool number_float(number_float_t value, const string_t&) override { return Add(value); }
  bool number_integer(number_integer_t value) override { return Add(static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Add(static_cast<double>(value)); }
  bool null() override { return false; }
  bool boolean(bool) override { return false; }
  bool string(string_t&) override { return false; }
  bool binary(binary_t&) override { return false; }
  bool start_array(std::size_t) override { return false; }
  bool end_array() override { return false; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

 private:
  bool Add(double weight) {
    if (depth_ != 2) return false;
    feature_->emplace_back(place_, weight);
    return true;
  }

  const std::map<std::string, int>& places_;
  Tagger& tagger_;
  std::vector<std::pair<int, double>>* feature_ = nullptr;
  int place_ = 0;
  int depth_ = 0;
};

const Tagger& TheTagger() {
  static const auto& tagger = *[] {
    auto* made = new Tagger;
    std::map<std::string, int> places;
    for (absl::string_view tag : absl::StrSplit(TaggerClasses(), '\n', absl::SkipEmpty())) {
      places.emplace(std::string(tag), 0);
    }
    for (auto& [tag, place] : places) {
      place = static_cast<int>(made->tags.size());
      made->tags.push_back(tag);
    }
    const absl::string_view weights = TaggerWeights();
    made->weights.reserve(80'000);
    WeightReader reader(places, *made);
    nlohmann::json::sax_parse(weights.begin(), weights.end(), &reader);
    const absl::string_view text = TaggerKnownWords();
    const nlohmann::json known = nlohmann::json::parse(text.begin(), text.end());
    for (const auto& [word, tag] : known.items()) made->known.emplace(word, tag.get<std::string>());
    return made;
  }();
  return tagger;
}

std::string Normalize(absl::string_view word) {
  if (word.find('-') != absl::string_view::npos && word.front() != '-') return "!HYPHEN";
  if (python::IsDigit(word) && python::Length(word) == 4) return "!YEAR";
  if (!word.empty() && python::IsDigit(python::Slice(word, 0, 1))) return "!DIGITS";
  return python::Lower(word);
}

// word[-3:]
std::string Suffix(absl::string_view word) {
  const size_t length = python::Length(word);
  return std::string(python::Slice(word, length < 3 ? 0 : length - 3, length));
}

}  // namespace

std::string FirstPartOfSpeech(const std::vector<std::string>& tokens) {
  const Tagger& tagger = TheTagger();
  const std::string& word = tokens.at(0);
  const auto known = tagger.known.find(word);
  if (known != tagger.known.end() && !known->second.empty()) return known->second;
  const std::string normal = Normalize(word);
  const std::string next = tokens.size() > 1 ? Normalize(tokens[1]) : "-END-";
  const std::string after = tokens.size() > 2   ? Normalize(tokens[2])
                            : tokens.size() > 1 ? "-END-"
                                                : "-END2-";
  // In front of the first word stand -START- and -START2-, as words and as tags. (As words they are
  // in this order; as tags the nearer one is -START-.)
  const std::string features[] = {"bias",
                                  absl::StrCat("i suffix ", Suffix(word)),
                                  absl::StrCat("i pref1 ", python::Slice(word, 0, 1)),
                                  "i-1 tag -START-",
                                  "i-2 tag -START2-",
                                  "i tag+i-2 tag -START- -START2-",
                                  absl::StrCat("i word ", normal),
                                  absl::StrCat("i-1 tag+i word -START- ", normal),
                                  "i-1 word -START2-",
                                  "i-1 suffix T2-",
                                  "i-2 word -START-",
                                  absl::StrCat("i+1 word ", next),
                                  absl::StrCat("i+1 suffix ", Suffix(next)),
                                  absl::StrCat("i+2 word ", after)};
  std::vector<double> scores(tagger.tags.size(), 0);
  for (const std::string& feature : features) {
    const auto weights = tagger.weights.find(feature);
    if (weights == tagger.weights.end()) continue;
    for (const auto& [tag, weight] : weights->second) scores[static_cast<size_t>(tag)] += weight;
  }
  size_t best = 0;
  for (size_t i = 1; i < scores.size(); ++i) {
    if (scores[i] >= scores[best]) best = i;
  }
  return tagger.tags[best];
}

}  // namespace plumbline
