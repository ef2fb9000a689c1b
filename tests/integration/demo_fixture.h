// plumblined with the demo's model, adapters and tasks, and what its tests do with it.
#ifndef PLUMBLINE_TESTS_INTEGRATION_DEMO_FIXTURE_H_
#define PLUMBLINE_TESTS_INTEGRATION_DEMO_FIXTURE_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "plumbline/v1/adapter.grpc.pb.h"
#include "plumbline/v1/evaluation.grpc.pb.h"
#include "plumbline/v1/model.grpc.pb.h"
#include "server/status_conversion.h"
#include "tests/integration/server_process.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {

class DemoTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto binary = ServerBinary();
    if (!binary.has_value()) GTEST_SKIP() << "no plumblined in $PLUMBLINE_BIN_DIR";
    if (!std::filesystem::exists(Demo("models/plumb-tiny/model.safetensors"))) {
      GTEST_SKIP() << "no demo model in deploy/demo/models/plumb-tiny";
    }
    binary_ = *binary;
  }

  static std::string Demo(const std::string& path) {
    return std::filesystem::absolute("deploy/demo/" + path).string();
  }
  std::string DataDir(const std::string& name) const { return dir_.Join(name); }

  std::vector<std::string> Flags(const std::string& data_dir) const {
    std::vector<std::string> flags = {"--data-dir", data_dir,
                                      "--model",    "tiny=" + Demo("models/plumb-tiny"),
                                      "--tasks",    Demo("tasks")};
    if (!std::filesystem::exists(data_dir)) {  // later the catalog has them
      for (const char* alias : {"instruct", "arithmetic", "format"}) {
        flags.push_back("--adapter");
        flags.push_back(absl::StrCat("tiny/", alias, "=", Demo(absl::StrCat("adapters/", alias))));
      }
    }
    return flags;
  }

  void StartServer(const std::string& data_dir, std::vector<std::string> more = {}) {
    std::vector<std::string> flags = Flags(data_dir);
    flags.insert(flags.end(), more.begin(), more.end());
    ASSERT_OK_AND_ASSIGN(server_, ServerProcess::Start(binary_, dir_.Join("ports"), flags));
    channel_ = grpc::CreateChannel(server_->grpc_address(), grpc::InsecureChannelCredentials());
    evaluation_ = v1::EvaluationService::NewStub(channel_);
    adapters_ = v1::AdapterService::NewStub(channel_);
    models_ = v1::ModelService::NewStub(channel_);
  }

  static void SetDeadline(grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(5));
  }

  static v1::CreateJobRequest JobRequest(const std::string& request_id, int limit) {
    v1::CreateJobRequest request;
    request.set_request_id(request_id);
    request.set_model("tiny");
    for (const char* alias : {"instruct", "arithmetic", "format"}) request.add_adapters(alias);
    request.add_tasks("demo_arithmetic");
    request.add_tasks("demo_instructions");
    request.set_limit(limit);
    return request;
  }
  std::string CreateJob(const v1::CreateJobRequest& request) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::Job job;
    const grpc::Status status = evaluation_->CreateJob(&context, request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job.id();
  }
  grpc::Status LoadAdapter(const std::string& alias, const std::string& folder) {
    return LoadAdapterFrom(alias, Demo("adapters/" + folder));
  }
  grpc::Status LoadAdapterFrom(const std::string& alias, const std::string& path) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::LoadAdapterRequest request;
    request.set_model("tiny");
    request.set_alias(alias);
    request.set_path(path);
    v1::LoadAdapterResponse response;
    return adapters_->LoadAdapter(&context, request, &response);
  }

  // Everything a job has sent, over all the times it was watched.
  struct History {
    int64_t last = 0;
    int verdicts = 0;
    bool ended = false;
    v1::JobState state = v1::JOB_STATE_UNSPECIFIED;
    // "<adapter>/<version>/<task>/<key>/<sample>" -> response, observations and error.
    std::map<std::string, std::string> by_prompt;
  };
  static void Record(const v1::JobEvent& event, History& history) {
    if (event.has_heartbeat()) return;
    EXPECT_EQ(event.sequence(), history.last + 1) << "a gap or a repetition";
    history.last = event.sequence();
    if (event.has_state_change()) {
      history.state = event.state_change().state();
      return;
    }
    const v1::Verdict& v = event.verdict();
    ++history.verdicts;
    std::string text = absl::StrCat(v.response(), "|", v.finish_reason(), "|", v.prompt_tokens(),
                                    "|", v.completion_tokens(), "|", v.error().message());
    for (const v1::Observation& o : v.observations()) {
      absl::StrAppend(&text, "|", o.metric(), "=", o.successes(), "/", o.trials());
    }
    const bool is_new = history.by_prompt
                            .emplace(absl::StrCat(v.adapter(), "/", v.adapter_version(), "/",
                                                  v.task(), "/", v.key(), "/", v.sample()),
                                     text)
                            .second;
    EXPECT_TRUE(is_new) << "a verdict was recorded twice: " << v.DebugString();
  }
  // Watches on from where `history` is until `enough` new verdicts have come or the stream ends.
  grpc::Status Watch(const std::string& id, int enough, History& history) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::WatchJobRequest request;
    request.set_id(id);
    request.set_after_sequence(history.last);
    const auto reader = evaluation_->WatchJob(&context, request);
    const int until = history.verdicts + enough;
    v1::JobEvent event;
    while (history.verdicts < until && reader->Read(&event)) Record(event, history);
    if (history.verdicts >= until) context.TryCancel();
    const grpc::Status status = reader->Finish();
    history.ended = status.ok();
    return status;
  }
  History WatchToEnd(const std::string& id) {
    History history;
    const grpc::Status status = Watch(id, 1 << 30, history);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return history;
  }
  // The job nobody disturbs: what the others must equal.
  void Undisturbed(const v1::CreateJobRequest& request, History* history) {
    ASSERT_NO_FATAL_FAILURE(StartServer(DataDir("undisturbed")));
    *history = WatchToEnd(CreateJob(request));
    server_.reset();
  }

  TempDir dir_;
  std::string binary_;
  std::unique_ptr<ServerProcess> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::EvaluationService::Stub> evaluation_;
  std::unique_ptr<v1::AdapterService::Stub> adapters_;
  std::unique_ptr<v1::ModelService::Stub> models_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_INTEGRATION_DEMO_FIXTURE_H_
