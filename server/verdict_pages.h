// Pages of verdicts: ListVerdicts without gRPC.
//
// A page token is "<last sequence>.<digest of job and filter>": a token that comes with another
// filter is refused instead of silently skipping verdicts.
#ifndef PLUMBLINE_SERVER_VERDICT_PAGES_H_
#define PLUMBLINE_SERVER_VERDICT_PAGES_H_

#include "absl/status/status.h"
#include "core/jobs/job.h"
#include "core/jobs/job_store.h"
#include "core/jobs/task_provider.h"
#include "plumbline/v1/evaluation.pb.h"

namespace plumbline {

// Fills `response` with the page that `request` asks for. A page ends at page_size verdicts or
// before 3 MiB, but has at least one verdict if there is one. Errors: InvalidArgument
// (INVALID_FIELD, LIMIT_EXCEEDED, INVALID_PAGE_TOKEN), NotFound (ADAPTER_NOT_FOUND,
// TASK_NOT_FOUND: not in this job).
absl::Status FillVerdictPage(JobStore& store, TaskProvider& tasks, const Job& job,
                             const v1::ListVerdictsRequest& request,
                             v1::ListVerdictsResponse* response);

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_VERDICT_PAGES_H_
