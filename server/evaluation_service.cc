#include "server/evaluation_service.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/eval/gate/gate.h"
#include "core/eval/task_hints.h"
#include "core/jobs/job_report.h"
#include "server/calls.h"
#include "server/convert_job.h"
#include "server/convert_report.h"
#include "server/status_conversion.h"
#include "server/utf8.h"
#include "server/validation.h"
#include "server/verdict_pages.h"

namespace plumbline {
namespace {

// Jobs are read in small pages, so that a reply can end before it grows too large.
constexpr int kJobsOfARead = 50;

absl::Status JobError(const absl::Status& status, absl::string_view id) {
  if (!absl::IsNotFound(status)) return status;
  return WithReason(status, "JOB_NOT_FOUND", {{"job", std::string(id)}});
}

absl::StatusOr<GatePolicy> ParsePolicy(const std::string& text) {
  absl::StatusOr<GatePolicy> policy = ParseGatePolicy(text);
  if (policy.ok()) return policy;
  return WithReason(Annotate(policy.status(), "gate_policy"), "GATE_POLICY_INVALID");
}

// A job that cannot be planned because its policy does not fit it (core/jobs/job_plan.h).
absl::Status PlanError(const absl::Status& status) {
  if (!absl::IsInvalidArgument(status) || !absl::StartsWith(status.message(), "gate_policy: "))
    return status;
  return WithReason(status, "GATE_POLICY_INVALID");
}

}  // namespace

absl::StatusOr<Job> EvaluationServiceImpl::FindJob(absl::string_view id) {
  ABSL_RETURN_IF_ERROR(ValidateJobId(id));
  absl::StatusOr<Job> job = store_.GetJob(id);
  if (!job.ok()) return JobError(job.status(), id);
  return job;
}

grpc::ServerUnaryReactor* EvaluationServiceImpl::CreateJob(grpc::CallbackServerContext* context,
                                                           const v1::CreateJobRequest* request,
                                                           v1::Job* response) {
  return RunBlocking(context, calls_, [=, this] { return DoCreateJob(*request, response); });
}

absl::Status EvaluationServiceImpl::DoCreateJob(const v1::CreateJobRequest& request,
                                                v1::Job* response) {
  ABSL_RETURN_IF_ERROR(Validate(request));
  if (!request.gate_policy().empty()) {
    ABSL_ASSIGN_OR_RETURN(const GatePolicy policy, ParsePolicy(request.gate_policy()));
    if (policy.baseline.kind == GateBaseline::kJob) {
      ABSL_RETURN_IF_ERROR(
          Annotate(FindJob(policy.baseline.name).status(), "gate_policy: baseline"));
    }
  }
  const JobSpec spec = FromProto(request);
  if (request.validate_only()) {
    const absl::StatusOr<JobPlan> plan = runner_.Plan(spec);
    if (!plan.ok()) return PlanError(plan.status());
    *response = ToProto(*plan, request);
    return absl::OkStatus();
  }
  absl::StatusOr<Job> job = runner_.Submit(request.request_id(), spec);
  if (absl::IsAlreadyExists(job.status())) {
    return WithReason(job.status(), "REQUEST_ID_REUSED", {{"request_id", request.request_id()}});
  }
  if (!job.ok()) return PlanError(job.status());
  *response = ToProto(*job);
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* EvaluationServiceImpl::GetJob(grpc::CallbackServerContext* context,
                                                        const v1::GetJobRequest* request,
                                                        v1::Job* response) {
  return RunBlocking(context, calls_, [=, this]() -> absl::Status {
    ABSL_ASSIGN_OR_RETURN(Job job, FindJob(request->id()));
    *response = ToProto(job);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* EvaluationServiceImpl::ListJobs(grpc::CallbackServerContext* context,
                                                          const v1::ListJobsRequest* request,
                                                          v1::ListJobsResponse* response) {
  return RunBlocking(context, calls_, [=, this] { return DoListJobs(*request, response); });
}

absl::Status EvaluationServiceImpl::DoListJobs(const v1::ListJobsRequest& request,
                                               v1::ListJobsResponse* response) {
  ABSL_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size(), 50));
  JobFilter filter;
  if (request.state() != v1::JOB_STATE_UNSPECIFIED) {
    JobState state;
    if (!FromProto(request.state(), &state)) {
      return WithReason(absl::InvalidArgumentError(
                            absl::StrCat("state: ", request.state(), " is not a job state")),
                        "INVALID_FIELD", {{"field", "state"}});
    }
    filter.states.push_back(state);
  }
  std::string token = request.page_token();
  int64_t bytes = 0;
  do {
    const int wanted = std::min(page_size - response->jobs_size(), kJobsOfARead);
    absl::StatusOr<JobPage> page = store_.ListJobs(filter, wanted, token);
    if (absl::IsInvalidArgument(page.status())) {
      return WithReason(page.status(), "INVALID_PAGE_TOKEN");
    }
    ABSL_RETURN_IF_ERROR(page.status());
    for (const Job& job : page->jobs) {
      *response->add_jobs() = ToProto(job);
      bytes += response->jobs(response->jobs_size() - 1).ByteSizeLong();
    }
    token = page->next_page_token;
  } while (!token.empty() && response->jobs_size() < page_size && bytes < kLimits.page_bytes / 2);
  response->set_next_page_token(token);
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* EvaluationServiceImpl::CancelJob(grpc::CallbackServerContext* context,
                                                           const v1::CancelJobRequest* request,
                                                           v1::Job* response) {
  return RunBlocking(context, calls_, [=, this]() -> absl::Status {
    ABSL_RETURN_IF_ERROR(ValidateJobId(request->id()));
    absl::StatusOr<Job> job = runner_.Cancel(request->id());
    if (!job.ok()) return JobError(job.status(), request->id());
    *response = ToProto(*job);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* EvaluationServiceImpl::DeleteJob(grpc::CallbackServerContext* context,
                                                           const v1::DeleteJobRequest* request,
                                                           v1::DeleteJobResponse*) {
  return RunBlocking(context, calls_, [=, this]() -> absl::Status {
    ABSL_RETURN_IF_ERROR(ValidateJobId(request->id()));
    const absl::Status status = store_.DeleteJob(request->id());
    if (absl::IsFailedPrecondition(status)) {
      return WithReason(status, "JOB_ACTIVE", {{"job", request->id()}});
    }
    return JobError(status, request->id());
  });
}

grpc::ServerWriteReactor<v1::JobEvent>* EvaluationServiceImpl::WatchJob(
    grpc::CallbackServerContext*, const v1::WatchJobRequest* request) {
  return watches_.Start(*request);
}

grpc::ServerUnaryReactor* EvaluationServiceImpl::ListVerdicts(
    grpc::CallbackServerContext* context, const v1::ListVerdictsRequest* request,
    v1::ListVerdictsResponse* response) {
  return RunBlocking(context, calls_, [=, this]() -> absl::Status {
    ABSL_ASSIGN_OR_RETURN(Job job, FindJob(request->id()));
    return FillVerdictPage(store_, tasks_, job, *request, response);
  });
}

grpc::ServerUnaryReactor* EvaluationServiceImpl::GetReport(grpc::CallbackServerContext* context,
                                                           const v1::GetReportRequest* request,
                                                           v1::Report* response) {
  return RunBlocking(context, calls_, [=, this] { return DoGetReport(*request, response); });
}

// What the report says because it knows the tasks: groups, hints, and their files if asked for.
absl::Status EvaluationServiceImpl::AddTaskFacts(const Job& job, const ReportInput& input,
                                                 bool configs, v1::Report* response) {
  std::vector<std::shared_ptr<const Task>> held;
  std::vector<const Task*> by_index;  // null: gone
  std::vector<AskedTask> asked;
  for (const PinnedTask& pinned : job.tasks) {
    absl::StatusOr<std::shared_ptr<const Task>> task = tasks_.Version(pinned.name, pinned.version);
    by_index.push_back(task.ok() ? task->get() : nullptr);
    if (!task.ok() && configs) return task.status();
    if (absl::IsNotFound(task.status())) continue;
    ABSL_RETURN_IF_ERROR(task.status());
    asked.push_back({task->get(), static_cast<size_t>(pinned.items)});
    held.push_back(*std::move(task));
  }
  ABSL_ASSIGN_OR_RETURN(const std::vector<ReportGroup> groups, BuildGroups(input, by_index));
  for (const ReportGroup& group : groups) *response->add_groups() = ToProto(group, job);
  for (const TaskHint& hint : FindTaskHints(asked)) {
    v1::TaskHint* out = response->add_hints();
    out->set_task(held[static_cast<size_t>(hint.task)]->name);
    out->set_kind(std::string(TaskHintName(hint.kind)));
    if (hint.other_task >= 0) out->set_other_task(held[static_cast<size_t>(hint.other_task)]->name);
    out->set_prompts(static_cast<int64_t>(hint.prompts));
    for (const std::string& key : hint.keys) out->add_keys(ToValidUtf8(key));
  }
  for (size_t i = 0; configs && i < held.size(); ++i) {
    v1::TaskConfig* config = response->add_task_configs();
    config->set_task(held[i]->name);
    config->set_config(ToValidUtf8(held[i]->config));
    config->set_total_prompts(static_cast<int32_t>(held[i]->items.size()));
  }
  return absl::OkStatus();
}

absl::Status EvaluationServiceImpl::DoGetReport(const v1::GetReportRequest& request,
                                                v1::Report* response) {
  ABSL_ASSIGN_OR_RETURN(Job job, FindJob(request.id()));
  const std::string& text =
      request.gate_policy().empty() ? job.spec.gate_policy : request.gate_policy();
  std::optional<GatePolicy> policy;
  if (!text.empty()) {
    ABSL_ASSIGN_OR_RETURN(policy, ParsePolicy(text));
  }
  ABSL_ASSIGN_OR_RETURN(const ReportInput input, ReadReportInput(store_, job));
  ABSL_ASSIGN_OR_RETURN(Report report, BuildReport(input));
  std::optional<GateResult> gate;
  if (policy.has_value()) {
    ABSL_ASSIGN_OR_RETURN(gate, EvaluateJobGate(store_, &models_, job, *policy, report));
  }
  *response = ToProto(job, report, gate);
  ABSL_RETURN_IF_ERROR(AddTaskFacts(job, input, request.include_task_configs(), response));
  return CheckReplySize(response->ByteSizeLong(), "make jobs with fewer adapters or tasks");
}

}  // namespace plumbline
