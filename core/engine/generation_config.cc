#include "core/engine/generation_config.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "core/model/config_reader.h"

namespace plumbline {
namespace {

// A number other than this is applied by transformers' generate(), greedy or not.
struct Neutral {
  const char* key;
  double value;
};
constexpr Neutral kNumbers[] = {
    {"repetition_penalty", 1},
    {"encoder_repetition_penalty", 1},
    {"no_repeat_ngram_size", 0},
    {"encoder_no_repeat_ngram_size", 0},
    {"num_beams", 1},
    {"penalty_alpha", 0},
    {"min_length", 0},
    {"min_new_tokens", 0},
    {"guidance_scale", 1},
    {"forced_bos_token_id", -1},
    {"forced_eos_token_id", -1},
};
// The same for anything but null and empty ones.
constexpr const char* kOthers[] = {
    "bad_words_ids",       "suppress_tokens",     "begin_suppress_tokens",
    "sequence_bias",       "forced_decoder_ids",  "exponential_decay_length_penalty",
    "stop_strings",        "watermarking_config", "dola_layers",
    "forced_eos_token_id",
};

std::string Sentence(const std::string& key, const nlohmann::json& value) {
  std::string shown = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (shown.size() > 40) shown = "...";
  return absl::StrCat(
      "generation_config.json: ", key, " ", shown,
      " is not applied: greedy texts differ from those of transformers and lm-eval, which apply "
      "it; take it out there to compare (docs/models.md)");
}

}  // namespace

std::vector<std::string> UnappliedDecoding(const std::string& directory) {
  std::vector<std::string> warnings;
  const absl::StatusOr<ConfigReader> config =
      ConfigReader::Open(absl::StrCat(directory, "/generation_config.json"));
  if (!config.ok()) return warnings;
  const nlohmann::json& json = config->json();
  for (const auto& [key, neutral] : kNumbers) {
    const auto found = json.find(key);
    if (found == json.end() || !found->is_number() || found->get<double>() == neutral) continue;
    warnings.push_back(Sentence(key, *found));
  }
  for (const char* key : kOthers) {
    const auto found = json.find(key);
    if (found == json.end() || found->is_null() || found->is_number() || found->empty()) continue;
    warnings.push_back(Sentence(key, *found));
  }
  return warnings;
}

}  // namespace plumbline
