// Scoring responses that someone else generated: no server, no model.
//
// Rows that say why the response ended ("finish_reason": "stop" or "length", in any case, as
// servers and `plumbline job verdicts` write it) have the guards `truncated` and `refusal_to_stop`
// too; the others have only those that the text shows.
//
// The responses are JSONL rows {"key" or "prompt", "response"} (for items with several turns
// {"key", "responses"}: one a turn; for tasks with several responses a prompt likewise, one a
// response, or a row a response): a row belongs to the item with that
// key (an integer key in decimal), or to the one whose prompt is exactly that text. A row that is
// malformed or ambiguous is an error that names it; a well-formed row for an item the task does not
// have is reported in `unmatched`, never quietly left out. A row may have kMaxResponseRowBytes, a
// file kMaxResponseFileBytes (who reads it asks for no more); memory is a few times the file.
#ifndef PLUMBLINE_CORE_EVAL_OFFLINE_CHECK_H_
#define PLUMBLINE_CORE_EVAL_OFFLINE_CHECK_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/eval/observation.h"
#include "core/eval/task.h"

namespace plumbline {

// A response is as long as a model made it: 16 times a row of a task's data.
inline constexpr size_t kMaxResponseRowBytes = size_t{64} << 20;
inline constexpr size_t kMaxResponseFileBytes = size_t{1} << 30;

struct OfflineItem {
  size_t index = 0;  // place in Task::items
  std::string key;
  std::string response;            // of several turns or samples: EncodeTurns
  std::vector<std::string> turns;  // one a turn; empty for an item of one turn
  // Task::samples of them where there are as many; empty where there is one response.
  std::vector<std::string> samples;
  // Whether the token limit cut it, by sample; nothing where the rows do not say.
  std::vector<std::optional<bool>> truncated;
  std::vector<CheckResult> sample_results;  // by sample
  CheckResult result;                       // of several samples: MergeSamples
};

struct OfflineCheck {
  std::vector<OfflineItem> items;         // the items that have a response, in the task's order
  size_t missing = 0;                     // items of the task without one
  std::vector<std::string> missing_keys;  // the first 20 of those
  // Rows with an "error" (a text or an object): they could not be executed, so nothing of them is
  // scored.
  size_t errors = 0;
  size_t unmatched = 0;                     // rows for a key or prompt the task does not have
  std::vector<std::string> unmatched_rows;  // the first 20 of those: "<file>:<line>: <what>"
};

struct OfflineOptions {
  // An item without a response and a row without an item are errors; otherwise they are counted in
  // `missing` and `unmatched`.
  bool require_all = false;
  int threads = 1;  // > 0; the result does not depend on it
};

// Checks every response. `file` stands in messages. InvalidArgument "<file>:<line>: ...": not JSON,
// no response, neither key nor prompt, a key with the prompt of another item, a prompt that several
// items share, two rows for one item, or
// no row at all that fits the task, or a number of responses that is not the item's number of
// turns (of an item of one turn: the task's samples), or one response where a metric takes one of
// several. ResourceExhausted: a row above the limit. Unimplemented names a response that the
// checker can't score. FailedPrecondition for a task that generates nothing (multiple_choice) and
// for an empty file.
absl::StatusOr<OfflineCheck> CheckResponses(const Task& task, absl::string_view responses,
                                            absl::string_view file,
                                            const OfflineOptions& options = {});

// The pooled value of a metric over items: Σ successes / Σ trials, with the number of trials. A
// metric without observations is absent.
struct MetricTotal {
  std::string metric;
  double successes = 0;
  int64_t trials = 0;
  int64_t prompts = 0;
  double value() const { return successes / static_cast<double>(trials); }
};
// In the order of first appearance.
std::vector<MetricTotal> SumMetrics(const std::vector<OfflineItem>& items);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_OFFLINE_CHECK_H_
