#include "core/engine/prompt_encoder.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/model/config_reader.h"
#include "core/text/tokenizer_config.h"

namespace plumbline {
namespace {

// "eos_token_id": a number, a list or null.
absl::Status ReadEnds(const std::string& path, absl::flat_hash_set<int32_t>& ends) {
  if (!std::filesystem::exists(path)) return absl::OkStatus();
  ABSL_ASSIGN_OR_RETURN(ConfigReader config, ConfigReader::Open(path));
  if (!config.Has("eos_token_id")) return absl::OkStatus();
  const nlohmann::json& value = config.json()["eos_token_id"];
  for (const nlohmann::json& id : value.is_array() ? value : nlohmann::json::array({value})) {
    ConfigReader one({{"eos_token_id", id}}, config.where());
    // -1 is how some exporters write "none".
    ends.insert(static_cast<int32_t>(one.Int("eos_token_id", -1, int64_t{1} << 24)));
    ABSL_RETURN_IF_ERROR(one.status());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<const PromptEncoder>> PromptEncoder::Load(
    const std::string& directory, int64_t vocabulary) {
  auto encoder = std::unique_ptr<PromptEncoder>(new PromptEncoder);
  encoder->vocabulary_ = vocabulary;
  ABSL_ASSIGN_OR_RETURN(encoder->tokenizer_, Tokenizer::Load(directory));
  absl::StatusOr<std::unique_ptr<const ChatTemplate>> chat = ChatTemplate::Load(directory);
  if (chat.ok()) {
    encoder->chat_ = *std::move(chat);
  } else if (!absl::IsNotFound(chat.status())) {
    return Annotate(chat.status(), absl::StrCat(directory, ": chat template"));
  }
  ABSL_RETURN_IF_ERROR(
      ReadEnds(absl::StrCat(directory, "/generation_config.json"), encoder->end_tokens_));
  ABSL_RETURN_IF_ERROR(ReadEnds(absl::StrCat(directory, "/config.json"), encoder->end_tokens_));
  ABSL_ASSIGN_OR_RETURN(const TokenizerConfig config, TokenizerConfig::Load(directory));
  for (const auto& [token, place] : config.added_tokens) {
    if (encoder->tokenizer_->TokenId(token)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(directory, "/", place, ": \"", token,
                     "\" is not in tokenizer.json; transformers writes both: "
                     "AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)"));
  }
  for (const std::optional<std::string>& token : {config.eos_token, config.bos_token}) {
    if (!token) continue;
    const std::optional<int32_t> id = encoder->tokenizer_->TokenId(*token);
    if (!id) continue;
    encoder->start_token_ = *id;  // BOS comes last and wins
    if (token == config.eos_token) encoder->end_tokens_.insert(*id);
  }
  return std::unique_ptr<const PromptEncoder>(std::move(encoder));
}

absl::StatusOr<std::pair<std::string, bool>> PromptEncoder::Render(const Prompt& prompt) const {
  if (prompt.format == PromptFormat::kPlain) return std::make_pair(prompt.text, true);
  if (chat_ == nullptr) {
    return absl::FailedPreconditionError(
        "the model has no chat template (chat_template.jinja, or chat_template in "
        "tokenizer_config.json): use plain prompts");
  }
  if (prompt.messages.empty()) return absl::InvalidArgumentError("the prompt has no messages");
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  for (const ChatMessage& message : prompt.messages) {
    messages.push_back({{"role", message.role}, {"content", message.content}});
  }
  ABSL_ASSIGN_OR_RETURN(std::string text, chat_->Render(messages));
  return std::make_pair(std::move(text), false);
}

absl::StatusOr<std::vector<int32_t>> PromptEncoder::EncodeText(const std::string& text,
                                                               bool special) const {
  ABSL_ASSIGN_OR_RETURN(std::vector<int32_t> ids, tokenizer_->Encode(text, special));
  for (int32_t id : ids) {
    if (id < 0 || id >= vocabulary_) {
      return absl::InvalidArgumentError(absl::StrCat("the tokenizer gives id ", id,
                                                     " and the model's vocabulary is ", vocabulary_,
                                                     ": tokenizer.json belongs to another model"));
    }
  }
  return ids;
}

absl::StatusOr<std::vector<int32_t>> PromptEncoder::Encode(const Prompt& prompt) const {
  ABSL_ASSIGN_OR_RETURN(const auto rendered, Render(prompt));
  ABSL_ASSIGN_OR_RETURN(std::vector<int32_t> ids, EncodeText(rendered.first, rendered.second));
  if (ids.empty()) return absl::InvalidArgumentError("the prompt is empty");
  return ids;
}

absl::StatusOr<PromptEncoder::Split> PromptEncoder::EncodeChoices(
    const Prompt& context, const std::vector<std::string>& continuations) const {
  if (continuations.empty()) return absl::InvalidArgumentError("there are no continuations");
  ABSL_ASSIGN_OR_RETURN(auto rendered, Render(context));
  auto& [text, special] = rendered;
  // Trailing spaces move to the continuations: tokenizers join a space with the word behind it.
  const size_t kept = text.find_last_not_of(" \t\n\r\f\v") + 1;
  const std::string moved = text.substr(kept);
  const std::string stem = text.substr(0, kept);
  Split split;
  if (!stem.empty()) {
    ABSL_ASSIGN_OR_RETURN(split.context, EncodeText(stem, special));
  }
  const bool bare = split.context.empty();
  if (bare) {
    if (start_token_ < 0 || start_token_ >= vocabulary_) {
      return absl::InvalidArgumentError(
          "the context is empty and the tokenizer has neither BOS nor EOS");
    }
    split.context = {start_token_};
  }
  for (const std::string& continuation : continuations) {
    ABSL_ASSIGN_OR_RETURN(std::vector<int32_t> whole,
                          EncodeText(absl::StrCat(stem, moved, continuation), special && !bare));
    const size_t begin = bare ? 0 : std::min(split.context.size(), whole.size());
    split.continuations.emplace_back(whole.begin() + static_cast<int64_t>(begin), whole.end());
    if (split.continuations.back().empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("continuation \"", continuation, "\" adds no token to the context"));
    }
  }
  return split;
}

}  // namespace plumbline
