#include "core/jobs/job_check.h"

#include <algorithm>
#include <exception>
#include <functional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/eval/metrics.h"
#include "core/eval/turns.h"
#include "core/eval/validity.h"

namespace plumbline {
namespace {

// Runs the checker and takes its result over into the verdict.
void Apply(const Task& task, const std::function<CheckResult()>& check, Verdict& verdict) {
  try {
    CheckResult result = check();
    if (!result.error.ok()) {
      verdict.error = std::move(result.error);
      return;
    }
    verdict.observations = std::move(result.observations);
    verdict.outcomes = std::move(result.outcomes);
    verdict.extracted = std::move(result.extracted);
  } catch (const std::exception& error) {
    verdict.error =
        absl::InternalError(absl::StrCat("checker ", std::string(task.checker->version()),
                                         " threw on prompt \"", verdict.key, "\": ", error.what()));
  }
}

Verdict Start(const Task& task, const absl::Status& status, Verdict verdict) {
  const TaskItem& item = task.items.at(static_cast<size_t>(verdict.item));
  verdict.key = item.key;
  verdict.checker_version = std::string(task.checker->version());
  verdict.error = status;
  return verdict;
}

}  // namespace

bool PrimaryMetricMet(const Task& task, const std::vector<Observation>& observations) {
  if (task.metrics.empty()) return false;
  bool seen = false;
  for (const Observation& o : observations) {
    if (o.metric != task.metrics[0]) continue;
    if (o.successes < o.trials) return false;
    seen = true;
  }
  return seen;
}

Verdict CheckGeneration(const Task& task, const absl::StatusOr<Generation>& answer,
                        Verdict verdict) {
  verdict = Start(task, answer.status(), std::move(verdict));
  if (!answer.ok()) return verdict;
  verdict.response = answer->text;
  verdict.finish_reason = answer->finish_reason;
  verdict.prompt_tokens = answer->prompt_tokens;
  verdict.completion_tokens = answer->completion_tokens;
  Apply(
      task,
      [&] { return task.checker->CheckResponse(static_cast<size_t>(verdict.item), answer->text); },
      verdict);
  if (!verdict.error.ok()) return verdict;
  AddGuard(kEmptyResponse, absl::StripAsciiWhitespace(answer->text).empty(), verdict.observations);
  const bool truncated = answer->finish_reason == FinishReason::kLength;
  AddGuard(kTruncated, truncated, verdict.observations);
  AddGuard(kRefusalToStop, truncated && RepeatsItself(answer->text), verdict.observations);
  verdict.passed = PrimaryMetricMet(task, verdict.observations);
  return verdict;
}

Verdict CheckConversation(const Task& task, const absl::StatusOr<std::vector<Generation>>& turns,
                          Verdict verdict) {
  verdict = Start(task, turns.status(), std::move(verdict));
  if (!turns.ok()) return verdict;
  std::vector<std::string> responses;
  bool truncated = false;
  bool stuck = false;
  for (const Generation& turn : *turns) {
    responses.push_back(turn.text);
    verdict.prompt_tokens += turn.prompt_tokens;
    verdict.completion_tokens += turn.completion_tokens;
    if (turn.finish_reason != FinishReason::kLength) continue;
    truncated = true;
    stuck = stuck || RepeatsItself(turn.text);
  }
  verdict.response = EncodeTurns(responses);
  verdict.finish_reason = truncated ? FinishReason::kLength : FinishReason::kStop;
  Apply(
      task, [&] { return task.checker->CheckTurns(static_cast<size_t>(verdict.item), responses); },
      verdict);
  if (!verdict.error.ok()) return verdict;
  AddGuard(kTruncated, truncated, verdict.observations);
  AddGuard(kRefusalToStop, stuck, verdict.observations);
  verdict.passed = PrimaryMetricMet(task, verdict.observations);
  return verdict;
}

Verdict CheckChoices(const Task& task, const absl::StatusOr<std::vector<LogLikelihood>>& answer,
                     Verdict verdict) {
  verdict = Start(task, answer.status(), std::move(verdict));
  if (!answer.ok()) return verdict;
  const size_t wanted = task.items.at(static_cast<size_t>(verdict.item)).choices.size();
  if (answer->size() != wanted) {
    verdict.error = absl::InternalError(
        absl::StrCat("the engine scored ", answer->size(), " of ", wanted, " choices"));
    return verdict;
  }
  verdict.choices = *answer;
  for (const LogLikelihood& choice : *answer) verdict.completion_tokens += choice.tokens;
  Apply(
      task, [&] { return task.checker->CheckChoices(static_cast<size_t>(verdict.item), *answer); },
      verdict);
  if (!verdict.error.ok()) return verdict;
  verdict.passed = PrimaryMetricMet(task, verdict.observations);
  return verdict;
}

std::vector<std::string> VerdictMetrics(const Task& task) {
  const TaskItem& item = task.items.front();
  Verdict verdict;
  if (task.output_type == OutputType::kMultipleChoice) {
    verdict = CheckChoices(task, std::vector<LogLikelihood>(item.choices.size()), verdict);
  } else if (item.follow_ups.empty()) {
    verdict = CheckGeneration(task, Generation(), verdict);
  } else {
    verdict = CheckConversation(task, std::vector<Generation>(item.follow_ups.size() + 1), verdict);
  }
  std::vector<std::string> metrics = task.metrics;
  for (const Observation& o : verdict.observations) {
    if (std::find(metrics.begin(), metrics.end(), o.metric) == metrics.end())
      metrics.push_back(o.metric);
  }
  return metrics;
}

}  // namespace plumbline
