// The keys that say how responses are generated: generation_kwargs and repeats.
#include <iterator>
#include <set>

#include "absl/strings/str_cat.h"
#include "core/eval/task_file/task_config_internal.h"

namespace plumbline {
namespace {

// The token limit's names; of several lm-eval takes the first that is given.
constexpr const char* kLimitKeys[] = {"max_gen_toks", "max_new_tokens", "max_tokens",
                                      "max_completion_tokens"};

}  // namespace

absl::Status ConfigParser::ReadGeneration() {
  Decoding& decoding = config_.decoding;
  decoding.max_new_tokens = HasInstructionRows(config_.checker) ? 1280 : 256;
  if (!HasInstructionRows(config_.checker)) decoding.stop = {config_.fewshot_delimiter};
  const ConfigNode* repeats = root_.Find("repeats");
  if (repeats != nullptr) {
    ABSL_ASSIGN_OR_RETURN(int64_t samples, repeats->Integer(1, 1024));
    config_.samples = static_cast<int>(samples);
  }
  const ConfigNode* kwargs = root_.Find("generation_kwargs");
  if (config_.output_type == OutputType::kMultipleChoice) {
    if (config_.samples > 1) {
      return repeats->Error("a choice's log-likelihood is always the same: remove it");
    }
    return absl::OkStatus();
  }
  if (kwargs != nullptr) ABSL_RETURN_IF_ERROR(ReadDecoding(*kwargs));
  if (config_.samples > 1 && decoding.temperature == 0) {
    return repeats->Error(
        "is greater than 1 and decoding is greedy: every response would be the same; set do_sample "
        "and temperature in generation_kwargs");
  }
  return absl::OkStatus();
}

absl::Status ConfigParser::ReadStops(const ConfigNode& kwargs) {
  for (const auto& [key, node] : kwargs.map()) {
    if (key != "until") continue;
    config_.decoding.stop.clear();  // null is no stop at all; the default is for an absent key
    if (node.is_null()) continue;
    ABSL_ASSIGN_OR_RETURN(config_.decoding.stop, node.Strings());
    for (const std::string& stop : config_.decoding.stop) {
      if (stop.empty()) {
        return node.Error(
            "an empty stop string ends every response after its first token in lm-eval: remove it, "
            "or set max_gen_toks: 1");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status ConfigParser::ReadDecoding(const ConfigNode& kwargs) {
  Decoding& decoding = config_.decoding;
  std::set<std::string> keys = {"until", "do_sample", "temperature", "top_k",
                                "top_p", "seed",      "num_beams"};
  keys.insert(std::begin(kLimitKeys), std::end(kLimitKeys));
  ABSL_RETURN_IF_ERROR(kwargs.CheckKeys(keys));
  ABSL_RETURN_IF_ERROR(ReadStops(kwargs));
  const ConfigNode* beams = kwargs.Find("num_beams");
  if (beams != nullptr && !beams->Integer(1, 1).ok()) {
    return beams->Error("is not 1, and beam search is not supported");
  }
  for (const char* key : kLimitKeys) {
    const ConfigNode* max_tokens = kwargs.Find(key);
    if (max_tokens == nullptr) continue;
    ABSL_ASSIGN_OR_RETURN(int64_t limit, max_tokens->Integer(1, 1 << 20));
    decoding.max_new_tokens = static_cast<int>(limit);
    break;
  }
  const ConfigNode* temperature = kwargs.Find("temperature");
  if (temperature != nullptr) {
    ABSL_ASSIGN_OR_RETURN(decoding.temperature, temperature->Number(0, 100));
  }
  const ConfigNode* do_sample = kwargs.Find("do_sample");
  if (do_sample != nullptr) {
    ABSL_ASSIGN_OR_RETURN(bool sample, do_sample->Bool());
    if (!sample) decoding.temperature = 0;
    if (sample && temperature == nullptr) decoding.temperature = 1;
  }
  const ConfigNode* top_k = kwargs.Find("top_k");
  if (top_k != nullptr) {
    ABSL_ASSIGN_OR_RETURN(int64_t k, top_k->Integer(0, 1 << 20));
    decoding.top_k = static_cast<int>(k);
  }
  const ConfigNode* top_p = kwargs.Find("top_p");
  if (top_p != nullptr) {
    ABSL_ASSIGN_OR_RETURN(decoding.top_p, top_p->Number(1e-9, 1));
  }
  const ConfigNode* seed = kwargs.Find("seed");
  if (seed != nullptr) {
    ABSL_ASSIGN_OR_RETURN(int64_t value, seed->Integer(0, INT64_MAX));
    decoding.seed = static_cast<uint64_t>(value);
  }
  return absl::OkStatus();
}

}  // namespace plumbline
