#include "core/eval/task.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/names.h"

namespace plumbline {

const std::vector<std::string>& Capabilities() {
  static const auto& names = *new std::vector<std::string>{"instruction_following",
                                                           "numeric",
                                                           "knowledge",
                                                           "reasoning",
                                                           "code",
                                                           "style",
                                                           "language",
                                                           "safety",
                                                           "other"};
  return names;
}

bool IsTaskName(absl::string_view name) { return IsName(name, 128); }

absl::string_view QuestionOf(const TaskItem& item) {
  if (item.prompt.format == PromptFormat::kChat) {
    return item.prompt.messages.empty() ? absl::string_view()
                                        : absl::string_view(item.prompt.messages.back().content);
  }
  const absl::string_view text = item.prompt.text;
  return text.substr(std::min(item.question_offset, text.size()));
}

absl::Status ValidateCapability(absl::string_view capability) {
  const std::vector<std::string>& names = Capabilities();
  if (std::find(names.begin(), names.end(), capability) != names.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("capability \"", capability, "\" is not one of ", absl::StrJoin(names, ", ")));
}

}  // namespace plumbline
