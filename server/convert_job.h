// proto <-> core: jobs, their events and verdicts. Pure functions; requests were validated before
// (validation.h).
#ifndef PLUMBLINE_SERVER_CONVERT_JOB_H_
#define PLUMBLINE_SERVER_CONVERT_JOB_H_

#include "core/jobs/job.h"
#include "core/jobs/job_plan.h"
#include "plumbline/v1/evaluation.pb.h"

namespace plumbline {

JobSpec FromProto(const v1::CreateJobRequest& request);

v1::JobState ToProto(JobState state);
// False for JOB_STATE_UNSPECIFIED and numbers that are no state.
bool FromProto(v1::JobState state, JobState* out);
v1::GateStatus ToProto(GateStatus status);

v1::Subject ToProto(const PinnedSubject& subject);
v1::PinnedTask ToProto(const PinnedTask& task);
v1::Job ToProto(const Job& job);
// What validate_only answers: the job that would be made, without an id.
v1::Job ToProto(const JobPlan& plan, const v1::CreateJobRequest& request);

// `job` is what the verdict's indices refer to.
v1::Verdict ToProto(const Verdict& verdict, const Job& job);
// A stored event. A state change carries `job` as it was then: its state, error, gate and
// timestamps; the counters are the ones of `job`.
v1::JobEvent ToProto(const JobEvent& event, const Job& job);
v1::JobEvent Heartbeat(int64_t last_sequence);

// The prompt of a task's item for people: the text, or the turns of a chat with their roles where
// there is more than one.
std::string RenderForPeople(const Prompt& prompt);

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_CONVERT_JOB_H_
