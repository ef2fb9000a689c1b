// A model's chat template: turns in, the exact text that transformers'
// apply_chat_template(tokenize=False) gives out. Encode that text with add_special_tokens = false:
// the template writes BOS itself.
#ifndef PLUMBLINE_CORE_TEXT_CHAT_TEMPLATE_H_
#define PLUMBLINE_CORE_TEXT_CHAT_TEMPLATE_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/clock.h"
#include "core/text/template.h"
#include "core/text/tokenizer_config.h"

namespace plumbline {

struct ChatRenderOptions {
  // Ends the text where the assistant's answer begins.
  bool add_generation_prompt = true;
  // More variables (an object: "tools", "documents", "enable_thinking", ...). They win over the
  // tokens' names.
  nlohmann::ordered_json variables = nlohmann::ordered_json::object();
};

// Immutable and thread-safe.
class ChatTemplate {
 public:
  // Reads chat_template.jinja, else "chat_template" of tokenizer_config.json, in `model_dir`, and
  // the special tokens the template may name. NotFound when the model has no template. `clock` is
  // borrowed.
  static absl::StatusOr<std::unique_ptr<const ChatTemplate>> Load(
      const std::string& model_dir, const Clock& clock = SystemClock());
  // From parts: a template's source and the tokens ("bos_token", "<s>") it sees.
  static absl::StatusOr<std::unique_ptr<const ChatTemplate>> Compile(
      absl::string_view source, absl::string_view name,
      std::vector<std::pair<std::string, std::string>> named_tokens,
      const Clock& clock = SystemClock());

  // The text of a conversation: an array of {"role", "content", ...} as transformers takes it.
  // InvalidArgument with the template's line and message when the template refuses it.
  absl::StatusOr<std::string> Render(const nlohmann::ordered_json& messages,
                                     const ChatRenderOptions& options = {}) const;

  const std::string& source() const { return source_; }

 private:
  ChatTemplate(std::string source, std::unique_ptr<const TextTemplate> compiled,
               std::vector<std::pair<std::string, std::string>> named_tokens);

  const std::string source_;
  const std::unique_ptr<const TextTemplate> compiled_;
  const std::vector<std::pair<std::string, std::string>> named_tokens_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_CHAT_TEMPLATE_H_
