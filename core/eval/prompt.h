// What a model is asked: a prompt before its rendering. The model renders it, because the chat
// template and the tokenizer belong to the model, not to the task.
#ifndef PLUMBLINE_CORE_EVAL_PROMPT_H_
#define PLUMBLINE_CORE_EVAL_PROMPT_H_

#include <string>
#include <vector>

namespace plumbline {

struct ChatMessage {
  std::string role;  // "system", "user" or "assistant"
  std::string content;
};

enum class PromptFormat {
  kPlain,  // `text` is tokenised as it is, with the tokenizer's special tokens (BOS) where it adds
           // them
  kChat,  // `messages` go through the model's chat template with a generation prompt; a leading BOS
          // is not doubled
};

// Few-shot examples are already inside: earlier turns of a chat, or earlier text of a plain prompt.
struct Prompt {
  PromptFormat format = PromptFormat::kPlain;
  std::string text;                   // kPlain
  std::vector<ChatMessage> messages;  // kChat; not empty
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_PROMPT_H_
