// tokenizer_config.json, special_tokens_map.json and added_tokens.json: which tokens begin, end and
// pad a sequence. Both forms of a token are read: "</s>" and {"content": "</s>", ...}.
#ifndef PLUMBLINE_CORE_TEXT_TOKENIZER_CONFIG_H_
#define PLUMBLINE_CORE_TEXT_TOKENIZER_CONFIG_H_

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace plumbline {

// A plain value. Texts of tokens, not ids: Tokenizer::TokenId gives those.
struct TokenizerConfig {
  std::optional<std::string> bos_token;
  std::optional<std::string> eos_token;
  std::optional<std::string> pad_token;
  std::optional<std::string> unk_token;
  std::vector<std::string> additional_special_tokens;
  // What the file says; absent when it says nothing (then the post-processor of tokenizer.json
  // decides).
  std::optional<bool> add_bos_token;
  std::optional<bool> add_eos_token;
  std::optional<int64_t>
      model_max_length;  // absent where the file has transformers' "very large" 1e30
  // Every special token by its name ("bos_token", ...; model-specific ones such as "image_token"
  // too), in the file's order: the variables a chat template sees.
  std::vector<std::pair<std::string, std::string>> named_tokens;
  // What transformers makes tokens even where tokenizer.json lacks them, with ids of their own: all
  // of them must be tokens of tokenizer.json. Text, and where it stands: "file: key".
  std::vector<std::pair<std::string, std::string>> added_tokens;
  // "chat_template" when it is a string, or the one named "default" when it is a list of {name,
  // template}.
  std::optional<std::string> chat_template;

  // Reads the files in `model_dir` that are there: a folder without any gives an empty config.
  // tokenizer_config.json wins over special_tokens_map.json. InvalidArgument names file and key.
  // Unimplemented: split_special_tokens.
  static absl::StatusOr<TokenizerConfig> Load(const std::string& model_dir);
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_TOKENIZER_CONFIG_H_
