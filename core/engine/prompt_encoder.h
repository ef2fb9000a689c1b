// Prompts to token ids: the tokenizer, the chat template and the special tokens of one checkpoint.
//
// No torch type here.
#ifndef PLUMBLINE_CORE_ENGINE_PROMPT_ENCODER_H_
#define PLUMBLINE_CORE_ENGINE_PROMPT_ENCODER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "core/eval/prompt.h"
#include "core/text/chat_template.h"
#include "core/text/tokenizer.h"

namespace plumbline {

// Immutable, thread-safe.
class PromptEncoder {
 public:
  // Reads tokenizer.json, the chat template (none is fine) and the EOS tokens of
  // generation_config.json, config.json and tokenizer_config.json in `directory`. `vocabulary`: of
  // the model; ids beyond it are refused when they occur.
  static absl::StatusOr<std::unique_ptr<const PromptEncoder>> Load(const std::string& directory,
                                                                   int64_t vocabulary);

  // kPlain: with the tokenizer's special tokens. kChat: the rendered template with a generation
  // prompt; the template writes its own special tokens. InvalidArgument: empty, refused by the
  // template, ids beyond the model's vocabulary. FailedPrecondition: kChat without a template.
  absl::StatusOr<std::vector<int32_t>> Encode(const Prompt& prompt) const;

  // lm-eval's split of context + continuation; each part has at least one token. An empty context
  // becomes BOS, or EOS where there is no BOS. The context's ids are the same for every
  // continuation.
  struct Split {
    std::vector<int32_t> context;
    std::vector<std::vector<int32_t>> continuations;
  };
  absl::StatusOr<Split> EncodeChoices(const Prompt& context,
                                      const std::vector<std::string>& continuations) const;

  // Tokens that end a response.
  const absl::flat_hash_set<int32_t>& end_tokens() const { return end_tokens_; }
  bool has_chat_template() const { return chat_ != nullptr; }
  const std::shared_ptr<const Tokenizer>& tokenizer() const { return tokenizer_; }

 private:
  PromptEncoder() = default;
  // The text and whether special tokens are to be added.
  absl::StatusOr<std::pair<std::string, bool>> Render(const Prompt& prompt) const;
  absl::StatusOr<std::vector<int32_t>> EncodeText(const std::string& text, bool special) const;

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::unique_ptr<const ChatTemplate> chat_;
  absl::flat_hash_set<int32_t> end_tokens_;
  int32_t start_token_ = -1;  // BOS, else EOS; -1: neither
  int64_t vocabulary_ = 0;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_PROMPT_ENCODER_H_
