#include "core/jobs/choice_scoring.h"

#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"

namespace plumbline {
namespace {

using Scores = absl::StatusOr<std::vector<LogLikelihood>>;

// The answers of one item's calls. Each call writes its own place; the one that brings `missing` to
// 0 sees them all.
struct Gathering {
  explicit Gathering(size_t calls) : answers(calls, Scores(absl::UnknownError(""))) {}

  std::vector<Scores> answers;
  std::atomic<size_t> missing{answers.size()};
  std::function<void(Scores)> done;
};

Scores Assemble(const std::vector<Scores>& answers) {
  for (const Scores& answer : answers) {
    if (absl::IsCancelled(answer.status()) || absl::IsUnavailable(answer.status())) return answer;
  }
  std::vector<LogLikelihood> scores;
  for (size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].ok()) return answers[i];
    if (answers[i]->size() != 1) {
      return absl::InternalError(absl::StrCat("the engine gave ", answers[i]->size(),
                                              " scores for choice ", i, ", want 1"));
    }
    scores.push_back(answers[i]->front());
  }
  return scores;
}

}  // namespace

void ScoreChoices(LanguageModel& model, const TaskItem& item,
                  std::shared_ptr<const CancelToken> cancel, const CallOrigin& origin,
                  std::function<void(Scores)> done) {
  if (item.choice_prompts.empty()) {
    model.LogLikelihoods({item.prompt, item.choices, std::move(cancel), origin}, std::move(done));
    return;
  }
  if (item.choice_prompts.size() != item.choices.size()) {
    done(absl::InternalError(absl::StrCat("prompt \"", item.key, "\" has ",
                                          item.choice_prompts.size(), " contexts for ",
                                          item.choices.size(), " choices")));
    return;
  }
  auto gathering = std::make_shared<Gathering>(item.choices.size());
  gathering->done = std::move(done);
  for (size_t i = 0; i < item.choices.size(); ++i) {
    model.LogLikelihoods({item.choice_prompts[i], {item.choices[i]}, cancel, origin},
                         [gathering, i](Scores answer) {
                           gathering->answers[i] = std::move(answer);
                           if (gathering->missing.fetch_sub(1) != 1) return;
                           gathering->done(Assemble(gathering->answers));
                         });
  }
}

}  // namespace plumbline
