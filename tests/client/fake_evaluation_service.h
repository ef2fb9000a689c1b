// An EvaluationService over real TCP whose answers a test scripts: for the client's own behaviour.
#ifndef PLUMBLINE_TESTS_CLIENT_FAKE_EVALUATION_SERVICE_H_
#define PLUMBLINE_TESTS_CLIENT_FAKE_EVALUATION_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "plumbline/v1/evaluation.grpc.pb.h"

namespace plumbline::client {

// Job "job-1" with `total` verdicts, then its end.
class FakeEvaluationService : public v1::EvaluationService::Service {
 public:
  v1::JobState end_state = v1::JOB_STATE_SUCCEEDED;
  v1::GateStatus gate = v1::GATE_STATUS_UNSPECIFIED;
  int64_t total = 5;
  int64_t break_after =
      0;  // the first stream ends with UNAVAILABLE after this many events; 0: never
  bool never_ends = false;      // heartbeats instead of the end
  grpc::Status create_error;    // not OK: CreateJob's answer
  std::vector<int64_t> starts;  // after_sequence of each WatchJob
  v1::CreateJobRequest created;
  v1::Report report;                  // GetReport's answer besides job, model and gate
  std::vector<v1::Verdict> verdicts;  // ListVerdicts' answers, one a page
  v1::ListVerdictsRequest listed;

  grpc::Status CreateJob(grpc::ServerContext*, const v1::CreateJobRequest* request,
                         v1::Job* response) override {
    created = *request;
    if (!create_error.ok()) return create_error;
    *response = JobIn(v1::JOB_STATE_PENDING, 0);
    return grpc::Status::OK;
  }

  grpc::Status GetReport(grpc::ServerContext*, const v1::GetReportRequest* request,
                         v1::Report* response) override {
    *response = report;
    response->set_job_id(request->id());
    response->set_model("tiny");
    response->mutable_gate()->set_status(gate);
    return grpc::Status::OK;
  }

  grpc::Status ListVerdicts(grpc::ServerContext*, const v1::ListVerdictsRequest* request,
                            v1::ListVerdictsResponse* response) override {
    listed = *request;
    const size_t page = request->page_token().empty() ? 0 : std::stoul(request->page_token());
    if (page < verdicts.size()) *response->add_verdicts() = verdicts[page];
    if (page + 1 < verdicts.size()) response->set_next_page_token(std::to_string(page + 1));
    return grpc::Status::OK;
  }

  grpc::Status WatchJob(grpc::ServerContext* context, const v1::WatchJobRequest* request,
                        grpc::ServerWriter<v1::JobEvent>* writer) override {
    starts.push_back(request->after_sequence());
    const bool breaks = break_after > 0 && starts.size() == 1;
    for (int64_t sequence = request->after_sequence() + 1; sequence <= total; ++sequence) {
      v1::JobEvent event;
      event.set_sequence(sequence);
      event.mutable_verdict()->set_sequence(sequence);
      event.mutable_verdict()->set_task("t");
      event.mutable_verdict()->set_key(std::to_string(sequence));
      event.mutable_verdict()->set_passed(sequence % 2 == 0);
      writer->Write(event);
      if (breaks && sequence == break_after) return {grpc::StatusCode::UNAVAILABLE, "going down"};
    }
    while (never_ends && !context->IsCancelled()) {
      v1::JobEvent heartbeat;
      heartbeat.set_sequence(total);
      heartbeat.mutable_heartbeat();
      writer->Write(heartbeat);
      gpr_sleep_until(
          gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_millis(20, GPR_TIMESPAN)));
    }
    if (never_ends) return grpc::Status::CANCELLED;
    v1::JobEvent last;
    last.set_sequence(total + 1);
    *last.mutable_state_change() = JobIn(end_state, total);
    writer->Write(last);
    return grpc::Status::OK;
  }

 private:
  v1::Job JobIn(v1::JobState state, int64_t done) const {
    v1::Job job;
    job.set_id("job-1");
    job.set_state(state);
    job.set_total_verdicts(total);
    job.set_done_verdicts(done);
    job.set_gate_status(state == v1::JOB_STATE_SUCCEEDED ? gate : v1::GATE_STATUS_UNSPECIFIED);
    return job;
  }
};

// Serves a service on a free port of loopback while it lives.
class TestServer {
 public:
  explicit TestServer(grpc::Service* service,
                      const std::shared_ptr<grpc::ServerCredentials>& credentials =
                          grpc::InsecureServerCredentials()) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", credentials, &port_);
    builder.RegisterService(service);
    server_ = builder.BuildAndStart();
  }
  ~TestServer() { server_->Shutdown(std::chrono::system_clock::now()); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace plumbline::client

#endif  // PLUMBLINE_TESTS_CLIENT_FAKE_EVALUATION_SERVICE_H_
