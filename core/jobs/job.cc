#include "core/jobs/job.h"

#include "core/base/sha256.h"
#include "core/jobs/job_json.h"

namespace plumbline {

std::string JobSpecDigest(const JobSpec& spec) { return Sha256Hex(JobSpecToJson(spec)); }

absl::string_view JobStateName(JobState state) {
  switch (state) {
    case JobState::kPending:
      return "PENDING";
    case JobState::kRunning:
      return "RUNNING";
    case JobState::kSucceeded:
      return "SUCCEEDED";
    case JobState::kFailed:
      return "FAILED";
    case JobState::kCancelled:
      return "CANCELLED";
  }
  return "UNKNOWN";
}

int64_t PlannedVerdicts(const std::vector<PinnedSubject>& subjects,
                        const std::vector<PinnedTask>& tasks) {
  int64_t responses = 0;
  for (const PinnedTask& task : tasks) responses += int64_t{task.items} * task.samples;
  return responses * static_cast<int64_t>(subjects.size());
}

}  // namespace plumbline
