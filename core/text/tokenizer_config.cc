#include "core/text/tokenizer_config.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace plumbline {
namespace {

using Json = nlohmann::ordered_json;

// The file's object; null when there is no file.
absl::StatusOr<Json> ReadObject(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return Json();
  Json value = Json::parse(stream, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat("read \"", path, "\": not a JSON object"));
  }
  return value;
}

// The text of a token in either form, or nothing.
std::optional<std::string> TokenOf(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.contains("content") && value["content"].is_string()) {
    return value["content"].get<std::string>();
  }
  return std::nullopt;
}

void SetNamed(const std::string& name, const std::string& token, TokenizerConfig* config) {
  for (auto& [known, value] : config->named_tokens) {
    if (known == name) {
      value = token;
      return;
    }
  }
  config->named_tokens.emplace_back(name, token);
}

void ReadTokens(const Json& file, TokenizerConfig* config) {
  for (const auto& [key, value] : file.items()) {
    if (absl::EndsWith(key, "_token")) {
      if (const auto token = TokenOf(value)) SetNamed(key, *token, config);
    }
  }
  // transformers 5 writes a model's own tokens here, by name.
  for (const char* key : {"extra_special_tokens", "model_specific_special_tokens"}) {
    if (!file.contains(key) || !file[key].is_object()) continue;
    for (const auto& [name, value] : file[key].items()) {
      if (const auto token = TokenOf(value)) SetNamed(name, *token, config);
    }
  }
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
    if (!file.contains(key) || !file[key].is_array()) continue;
    config->additional_special_tokens.clear();
    for (const Json& value : file[key]) {
      if (const auto token = TokenOf(value)) config->additional_special_tokens.push_back(*token);
    }
  }
}

constexpr char kDecoder[] = "added_tokens_decoder";

void AddTokens(const Json& file, absl::string_view name, const char* key, TokenizerConfig* config) {
  if (!file.contains(key) || !file[key].is_structured()) return;
  for (const Json& value : file[key]) {
    const auto token = TokenOf(value);
    if (token && !token->empty()) {
      config->added_tokens.emplace_back(*token, absl::StrCat(name, ": ", key));
    }
  }
}

// As transformers: added_tokens_decoder makes it leave the two older files unread.
absl::Status ReadAddedTokens(const std::string& model_dir, const Json& file, const Json& tokens,
                             TokenizerConfig* config) {
  constexpr const char* kSpecial[] = {"additional_special_tokens", "extra_special_tokens"};
  const bool has_decoder = file.contains(kDecoder);
  if (has_decoder) AddTokens(file, "tokenizer_config.json", kDecoder, config);
  for (const char* key : kSpecial) {
    AddTokens(file, "tokenizer_config.json", key, config);
    if (!has_decoder && !file.contains(key)) {
      AddTokens(tokens, "special_tokens_map.json", key, config);
    }
  }
  if (has_decoder) return absl::OkStatus();
  ABSL_ASSIGN_OR_RETURN(const Json added,
                        ReadObject(absl::StrCat(model_dir, "/added_tokens.json")));
  if (!added.is_object()) return absl::OkStatus();
  for (const auto& [token, id] : added.items()) {
    if (!token.empty()) config->added_tokens.emplace_back(token, "added_tokens.json");
  }
  return absl::OkStatus();
}

std::optional<bool> BoolOf(const Json& file, const char* key) {
  if (file.contains(key) && file[key].is_boolean()) return file[key].get<bool>();
  return std::nullopt;
}

std::optional<std::string> Named(const TokenizerConfig& config, absl::string_view name) {
  for (const auto& [known, token] : config.named_tokens) {
    if (known == name) return token;
  }
  return std::nullopt;
}

absl::StatusOr<std::optional<std::string>> ChatTemplateOf(const Json& file) {
  if (!file.contains("chat_template") || file["chat_template"].is_null()) return std::nullopt;
  const Json& value = file["chat_template"];
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) {
    return absl::InvalidArgumentError(
        "chat_template: must be a string or a list of {name, template}");
  }
  std::optional<std::string> chosen;
  for (const Json& entry : value) {
    if (!entry.is_object() || !entry.contains("name") || !entry.contains("template") ||
        !entry["template"].is_string()) {
      return absl::InvalidArgumentError(
          "chat_template: every entry of the list needs \"name\" and \"template\"");
    }
    if (entry["name"] == "default") chosen = entry["template"].get<std::string>();
  }
  if (!chosen)
    return absl::InvalidArgumentError("chat_template: no entry of the list is named \"default\"");
  return chosen;
}

}  // namespace

absl::StatusOr<TokenizerConfig> TokenizerConfig::Load(const std::string& model_dir) {
  TokenizerConfig config;
  ABSL_ASSIGN_OR_RETURN(const Json tokens,
                        ReadObject(absl::StrCat(model_dir, "/special_tokens_map.json")));
  if (tokens.is_object()) ReadTokens(tokens, &config);

  const std::string path = absl::StrCat(model_dir, "/tokenizer_config.json");
  ABSL_ASSIGN_OR_RETURN(const Json file, ReadObject(path));
  if (file.is_object()) {
    ReadTokens(file, &config);
    if (BoolOf(file, "split_special_tokens").value_or(false)) {
      return absl::UnimplementedError(absl::StrCat(
          path,
          ": split_special_tokens: true is not supported: a chat template's special tokens "
          "would be spelt out; set it to false, or remove it"));
    }
    config.add_bos_token = BoolOf(file, "add_bos_token");
    config.add_eos_token = BoolOf(file, "add_eos_token");
    if (file.contains("model_max_length") && file["model_max_length"].is_number_integer()) {
      const int64_t length = file["model_max_length"].get<int64_t>();
      if (length > 0) config.model_max_length = length;
    }
    auto chat_template = ChatTemplateOf(file);
    if (!chat_template.ok())
      return Annotate(chat_template.status(), absl::StrCat("read \"", path, "\""));
    config.chat_template = *std::move(chat_template);
  }
  ABSL_RETURN_IF_ERROR(ReadAddedTokens(model_dir, file, tokens, &config));
  config.bos_token = Named(config, "bos_token");
  config.eos_token = Named(config, "eos_token");
  config.pad_token = Named(config, "pad_token");
  config.unk_token = Named(config, "unk_token");
  return config;
}

}  // namespace plumbline
