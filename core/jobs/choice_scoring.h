// Asks a model for the log-likelihoods of a multiple-choice item: one call where the choices
// continue one context, one call a choice where each has a context of its own (WinoGrande).
#ifndef PLUMBLINE_CORE_JOBS_CHOICE_SCORING_H_
#define PLUMBLINE_CORE_JOBS_CHOICE_SCORING_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "core/eval/language_model.h"
#include "core/eval/task.h"

namespace plumbline {

// Returns at once. `done` gets one log-likelihood a choice, in the order of item.choices, exactly
// once: from an engine thread after the last call has ended, in whatever order they end, or before
// this returns (item.choice_prompts is neither empty nor as long as item.choices: Internal).
//
// Errors are the engine's. Where several calls fail, one that says nothing about the item
// (Cancelled, Unavailable) goes before the others, then the first choice's; never a part of the
// choices.
void ScoreChoices(LanguageModel& model, const TaskItem& item,
                  std::shared_ptr<const CancelToken> cancel, const CallOrigin& origin,
                  std::function<void(absl::StatusOr<std::vector<LogLikelihood>>)> done);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_CHOICE_SCORING_H_
