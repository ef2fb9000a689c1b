// How the composite parts of a job are written into text columns: compact JSON with sorted keys,
// the same bytes for equal values. Internal to the stores.
//
//   spec          {"model", "adapters": [..], "tasks": [..], "limit"?, "seed"?, "gate_policy",
//                  "labels": {..}, "priority", "display_name"}
//   observations  [["metric", successes, trials], ...]
//   outcomes      [["id", "SLsl", "explanation"], ...]   S, L: strict, loose; s, l: policy `fixed`;
//                 each '1' or '0'
//   choices       [[sum, is_greedy, tokens], ...]
//   gate          {"status": number, "reasons": [..]}; {} for none
#ifndef PLUMBLINE_CORE_JOBS_JOB_JSON_H_
#define PLUMBLINE_CORE_JOBS_JOB_JSON_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/eval/language_model.h"
#include "core/eval/observation.h"
#include "core/eval/task.h"
#include "core/jobs/job.h"

namespace plumbline {

std::string JobSpecToJson(const JobSpec& spec);
std::string ObservationsToJson(const std::vector<Observation>& observations);
std::string OutcomesToJson(const std::vector<CheckOutcome>& outcomes);
std::string ChoicesToJson(const std::vector<LogLikelihood>& choices);
std::string GateToJson(const JobGate& gate);
std::string StringsToJson(const std::vector<std::string>& strings);

// DataLoss when the text is not what the functions above wrote.
absl::StatusOr<JobSpec> JobSpecFromJson(absl::string_view json);
absl::StatusOr<std::vector<Observation>> ObservationsFromJson(absl::string_view json);
absl::StatusOr<std::vector<CheckOutcome>> OutcomesFromJson(absl::string_view json);
absl::StatusOr<std::vector<LogLikelihood>> ChoicesFromJson(absl::string_view json);
absl::StatusOr<JobGate> GateFromJson(absl::string_view json);
absl::StatusOr<std::vector<std::string>> StringsFromJson(absl::string_view json);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_JOB_JSON_H_
