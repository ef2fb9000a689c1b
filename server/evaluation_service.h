// plumbline.v1.EvaluationService: jobs, their events, verdicts and reports.
#ifndef PLUMBLINE_SERVER_EVALUATION_SERVICE_H_
#define PLUMBLINE_SERVER_EVALUATION_SERVICE_H_

#include "absl/status/status.h"
#include "core/jobs/executor.h"
#include "core/jobs/job_runner.h"
#include "core/jobs/job_store.h"
#include "core/jobs/task_provider.h"
#include "plumbline/v1/evaluation.grpc.pb.h"
#include "server/watch_stream.h"

namespace plumbline {

// Thread-safe. Everything given must outlive the gRPC server.
class EvaluationServiceImpl : public v1::EvaluationService::CallbackService {
 public:
  // `calls` runs what blocks for a query or, in CreateJob, for loading a stored adapter version.
  EvaluationServiceImpl(JobStore& store, JobRunner& runner, ModelProvider& models,
                        TaskProvider& tasks, WatchHub& watches, Executor& calls)
      : store_(store),
        runner_(runner),
        models_(models),
        tasks_(tasks),
        watches_(watches),
        calls_(calls) {}

  grpc::ServerUnaryReactor* CreateJob(grpc::CallbackServerContext* context,
                                      const v1::CreateJobRequest* request,
                                      v1::Job* response) override;
  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* context,
                                   const v1::GetJobRequest* request, v1::Job* response) override;
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context,
                                     const v1::ListJobsRequest* request,
                                     v1::ListJobsResponse* response) override;
  grpc::ServerUnaryReactor* CancelJob(grpc::CallbackServerContext* context,
                                      const v1::CancelJobRequest* request,
                                      v1::Job* response) override;
  grpc::ServerUnaryReactor* DeleteJob(grpc::CallbackServerContext* context,
                                      const v1::DeleteJobRequest* request,
                                      v1::DeleteJobResponse* response) override;
  grpc::ServerWriteReactor<v1::JobEvent>* WatchJob(grpc::CallbackServerContext* context,
                                                   const v1::WatchJobRequest* request) override;
  grpc::ServerUnaryReactor* ListVerdicts(grpc::CallbackServerContext* context,
                                         const v1::ListVerdictsRequest* request,
                                         v1::ListVerdictsResponse* response) override;
  grpc::ServerUnaryReactor* GetReport(grpc::CallbackServerContext* context,
                                      const v1::GetReportRequest* request,
                                      v1::Report* response) override;

 private:
  absl::Status DoCreateJob(const v1::CreateJobRequest& request, v1::Job* response);
  absl::Status DoListJobs(const v1::ListJobsRequest& request, v1::ListJobsResponse* response);
  absl::Status DoGetReport(const v1::GetReportRequest& request, v1::Report* response);
  absl::Status AddTaskFacts(const Job& job, const ReportInput& input, bool configs,
                            v1::Report* response);
  absl::StatusOr<Job> FindJob(absl::string_view id);

  JobStore& store_;
  JobRunner& runner_;
  ModelProvider& models_;  // resolves the alias of a gate's baseline
  TaskProvider& tasks_;
  WatchHub& watches_;
  Executor& calls_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_EVALUATION_SERVICE_H_
