#include "core/text/chat_template.h"

#include <fstream>
#include <iterator>
#include <optional>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace plumbline {
namespace {

using Json = nlohmann::ordered_json;

std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

// What apply_chat_template does to a message first: keys that are null vanish, and reasoning is
// known under its old and its new names.
absl::StatusOr<Json> NormalizeMessages(const Json& messages) {
  if (!messages.is_array()) return absl::InvalidArgumentError("chat messages: not an array");
  Json normalized = Json::array();
  for (const Json& message : messages) {
    if (!message.is_object()) {
      return absl::InvalidArgumentError(
          "chat messages: every message must be an object with role and content");
    }
    Json kept = Json::object();
    for (const auto& [key, value] : message.items()) {
      if (!value.is_null()) kept[key] = value;
    }
    for (const char* name : {"reasoning_content", "thinking", "reasoning"}) {
      if (!kept.contains(name)) continue;
      const Json reasoning = kept[name];
      Json aliased = Json::object();
      aliased["thinking"] = reasoning;
      aliased.update(kept);
      aliased["reasoning_content"] = reasoning;
      kept = std::move(aliased);
      break;
    }
    normalized.push_back(std::move(kept));
  }
  return normalized;
}

}  // namespace

ChatTemplate::ChatTemplate(std::string source, std::unique_ptr<const TextTemplate> compiled,
                           std::vector<std::pair<std::string, std::string>> named_tokens)
    : source_(std::move(source)),
      compiled_(std::move(compiled)),
      named_tokens_(std::move(named_tokens)) {}

absl::StatusOr<std::unique_ptr<const ChatTemplate>> ChatTemplate::Load(const std::string& model_dir,
                                                                       const Clock& clock) {
  ABSL_ASSIGN_OR_RETURN(TokenizerConfig config, TokenizerConfig::Load(model_dir));
  std::string name = absl::StrCat(model_dir, "/chat_template.jinja");
  std::optional<std::string> source = ReadFile(name);
  if (!source) {
    name = absl::StrCat(model_dir, "/tokenizer_config.json: chat_template");
    source = std::move(config.chat_template);
  }
  if (!source) {
    return absl::NotFoundError(
        absl::StrCat("load chat template \"", model_dir,
                     "\": neither chat_template.jinja nor chat_template in "
                     "tokenizer_config.json; use prompt_format: plain with this model"));
  }
  return Compile(*source, name, std::move(config.named_tokens), clock);
}

absl::StatusOr<std::unique_ptr<const ChatTemplate>> ChatTemplate::Compile(
    absl::string_view source, absl::string_view name,
    std::vector<std::pair<std::string, std::string>> named_tokens, const Clock& clock) {
  TemplateOptions options;
  options.dialect = TemplateDialect::kChat;
  options.clock = &clock;
  ABSL_ASSIGN_OR_RETURN(auto compiled, TextTemplate::Compile(source, name, options));
  return std::unique_ptr<const ChatTemplate>(
      new ChatTemplate(std::string(source), std::move(compiled), std::move(named_tokens)));
}

absl::StatusOr<std::string> ChatTemplate::Render(const Json& messages,
                                                 const ChatRenderOptions& options) const {
  Json variables = Json::object();
  for (const auto& [name, token] : named_tokens_) variables[name] = token;
  variables["tools"] = nullptr;
  variables["documents"] = nullptr;
  variables["add_generation_prompt"] = options.add_generation_prompt;
  if (!options.variables.is_object()) {
    return absl::InvalidArgumentError(
        "render chat template: the extra variables must be an object");
  }
  variables.update(options.variables);
  ABSL_ASSIGN_OR_RETURN(variables["messages"], NormalizeMessages(messages));
  return compiled_->Render(variables);
}

}  // namespace plumbline
