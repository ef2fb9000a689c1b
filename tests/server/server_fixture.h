// A real server with a fake model over real TCP on port 0, and the stubs of its services.
#ifndef PLUMBLINE_TESTS_SERVER_SERVER_FIXTURE_H_
#define PLUMBLINE_TESTS_SERVER_SERVER_FIXTURE_H_

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "plumbline/v1/adapter.grpc.pb.h"
#include "plumbline/v1/evaluation.grpc.pb.h"
#include "plumbline/v1/model.grpc.pb.h"
#include "plumbline/v1/task.grpc.pb.h"
#include "server/server.h"
#include "server/status_conversion.h"
#include "tests/support/fake_model_host.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {

// The error has this code and this ErrorInfo reason.
MATCHER_P2(IsRpcError, code, reason, "has the code and the reason") {
  *result_listener << arg.error_code() << " " << ReasonOf(FromGrpcStatus(arg)) << ": "
                   << arg.error_message();
  return arg.error_code() == code && ReasonOf(FromGrpcStatus(arg)) == reason;
}
MATCHER(IsRpcOk, "is OK") {
  *result_listener << arg.error_code() << ": " << arg.error_message();
  return arg.ok();
}

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    dir_.Write("model/config.json", "{}");
    dir_.Write("other-model/config.json", "{}");
    dir_.Write("a1/adapter_config.json", "first");
    dir_.Write("a2/adapter_config.json", "second");
    dir_.Write("bad/adapter_config.json", "bad tensor");
    dir_.Write("tasks/sums.yaml", SumsYaml("sums"));
    dir_.Write("tasks/sums.jsonl", SumsRows(6));
    config_.listen = "127.0.0.1:0";
    config_.metrics_listen = "";
    config_.data_dir = dir_.Join("data");
    config_.task_dirs = {dir_.Join("tasks")};
    config_.heartbeat_interval = absl::Milliseconds(20);
    LoadModelOptions model;
    model.name = "tiny";
    model.path = dir_.Join("model");
    config_.models = {model};
  }

  static std::string SumsYaml(const std::string& name) {
    return absl::StrCat(
        "task: ", name,
        "\nversion: 1\ncapability: numeric\ndataset_path: json\n"
        "dataset_kwargs: {data_files: {test: sums.jsonl}}\ntest_split: test\n"
        "output_type: generate_until\nprompt_format: plain\ndoc_to_text: \"{{question}}\"\n"
        "doc_to_target: \"{{answer}}\"\n"
        "generation_kwargs: {until: [], max_gen_toks: 8, do_sample: false}\nchecker: numeric\n");
  }
  static std::string SumsRows(int rows) {
    std::string out;
    for (int i = 0; i < rows; ++i) {
      absl::StrAppend(&out, "{\"question\": \"1+", i, "\", \"answer\": \"", 1 + i, "\"}\n");
    }
    return out;
  }

  absl::Status StartServer() {
    auto server = Server::Start(
        config_, [this](const std::string& store) -> absl::StatusOr<std::unique_ptr<ModelHost>> {
          auto host = std::make_unique<FakeModelHost>(engine_, store);
          host_ = host.get();
          return host;
        });
    if (!server.ok()) return server.status();
    server_ = *std::move(server);
    auto channel = grpc::CreateChannel(server_->grpc_address(), grpc::InsecureChannelCredentials());
    channel_ = channel;
    models_ = v1::ModelService::NewStub(channel);
    adapters_ = v1::AdapterService::NewStub(channel);
    tasks_ = v1::TaskService::NewStub(channel);
    evaluation_ = v1::EvaluationService::NewStub(channel);
    return absl::OkStatus();
  }
  void SetUp() override { ASSERT_OK(StartServer()); }
  void Restart() {
    server_.reset();
    ASSERT_OK(StartServer());
  }

  // One call with a deadline that only a hanging test reaches.
  template <typename Stub, typename Request, typename Response>
  grpc::Status Call(Stub& stub,
                    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    SetDeadline(context);
    return (stub.*method)(&context, request, response);
  }
  static void SetDeadline(grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  }

  grpc::Status LoadAdapter(const std::string& alias, const std::string& folder,
                           v1::LoadAdapterResponse* response) {
    v1::LoadAdapterRequest request;
    request.set_model("tiny");
    request.set_alias(alias);
    request.set_path(dir_.Join(folder));
    request.set_nominal_target("numeric");
    grpc::ClientContext context;
    SetDeadline(context);
    return adapters_->LoadAdapter(&context, request, response);
  }

  static v1::CreateJobRequest JobRequest(const std::vector<std::string>& adapters) {
    v1::CreateJobRequest request;
    request.set_model("tiny");
    for (const std::string& adapter : adapters) request.add_adapters(adapter);
    request.add_tasks("sums");
    return request;
  }
  grpc::Status CreateJob(const v1::CreateJobRequest& request, v1::Job* job) {
    grpc::ClientContext context;
    SetDeadline(context);
    return evaluation_->CreateJob(&context, request, job);
  }
  // Follows the job to its end and returns the events without heartbeats.
  std::vector<v1::JobEvent> WatchToEnd(const std::string& id, int64_t after, grpc::Status* status) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::WatchJobRequest request;
    request.set_id(id);
    request.set_after_sequence(after);
    auto reader = evaluation_->WatchJob(&context, request);
    std::vector<v1::JobEvent> events;
    v1::JobEvent event;
    while (reader->Read(&event)) {
      if (!event.has_heartbeat()) events.push_back(event);
    }
    *status = reader->Finish();
    return events;
  }

  TempDir dir_;
  ServerConfig config_;
  std::shared_ptr<FakeEngine> engine_ = std::make_shared<FakeEngine>();
  FakeModelHost* host_ = nullptr;  // owned by the server
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::ModelService::Stub> models_;
  std::unique_ptr<v1::AdapterService::Stub> adapters_;
  std::unique_ptr<v1::TaskService::Stub> tasks_;
  std::unique_ptr<v1::EvaluationService::Stub> evaluation_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_SERVER_SERVER_FIXTURE_H_
