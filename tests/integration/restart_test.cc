// What survives: kill -9 in mid-job, a swap in mid-job, SIGTERM, a full disk; and the metrics of a
// server that has just started.
#include <gmock/gmock.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "tests/integration/demo_fixture.h"

namespace plumbline {
namespace {

using testing::HasSubstr;

class RestartTest : public DemoTest {};

constexpr int kKills = 12;

TEST_F(RestartTest, KillNineInMidJobLosesAndDoublesNothing) {
  const int limit = 8;
  History expected;
  ASSERT_NO_FATAL_FAILURE(Undisturbed(JobRequest("undisturbed", limit), &expected));
  ASSERT_EQ(expected.by_prompt.size(), 4u * 2 * limit);

  ASSERT_NO_FATAL_FAILURE(StartServer(DataDir("killed")));
  int kills = 0;
  // A job may end before it was killed often enough: then another one follows.
  for (int job = 0; kills < kKills; ++job) {
    ASSERT_LT(job, 2 * kKills) << "the jobs end before they can be killed";
    const v1::CreateJobRequest request = JobRequest(absl::StrCat("job-", job), limit);
    std::string id = CreateJob(request);
    History history;
    while (!history.ended) {
      const bool disturb = kills < kKills;
      const grpc::Status status = Watch(id, disturb ? 1 + kills % 4 : 1 << 30, history);
      if (history.ended) break;
      ASSERT_TRUE(disturb) << status.error_message();
      server_->Kill();
      ++kills;
      ASSERT_NO_FATAL_FAILURE(StartServer(DataDir("killed")));
      // A client that does not know whether its call came through asks again: the same job.
      EXPECT_EQ(CreateJob(request), id);
    }
    EXPECT_EQ(history.state, v1::JOB_STATE_SUCCEEDED);
    EXPECT_EQ(history.by_prompt, expected.by_prompt);
    // Sequences: created, running, the verdicts, succeeded; Record() checked that none is missing.
    EXPECT_EQ(history.last, history.verdicts + 3);
  }
}

TEST_F(RestartTest, ASwapAndAKillInMidJobChangeNoVerdict) {
  History expected;
  ASSERT_NO_FATAL_FAILURE(Undisturbed(JobRequest("undisturbed", 6), &expected));
  ASSERT_NO_FATAL_FAILURE(StartServer(DataDir("swapped")));
  const v1::CreateJobRequest request = JobRequest("swapped", 6);
  const std::string id = CreateJob(request);
  History history;
  Watch(id, 2, history);
  ASSERT_TRUE(LoadAdapter("instruct", "arithmetic").ok());
  Watch(id, 2, history);
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(StartServer(DataDir("swapped")));
  const grpc::Status status = Watch(id, 1 << 30, history);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(history.by_prompt, expected.by_prompt);
}

TEST_F(RestartTest, TermDrainsAndTheNextServerGoesOn) {
  History expected;
  ASSERT_NO_FATAL_FAILURE(Undisturbed(JobRequest("undisturbed", 6), &expected));
  ASSERT_NO_FATAL_FAILURE(StartServer(DataDir("drained"), {"--drain-timeout", "0.2"}));
  const std::string id = CreateJob(JobRequest("drained", 6));
  History history;
  Watch(id, 1, history);
  EXPECT_EQ(server_->Stop(SIGTERM), 0) << server_->log();
  EXPECT_THAT(server_->log(), HasSubstr("stopped"));
  ASSERT_NO_FATAL_FAILURE(StartServer(DataDir("drained")));
  const grpc::Status status = Watch(id, 1 << 30, history);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(history.by_prompt, expected.by_prompt);
}

TEST_F(RestartTest, AFullDiskStopsTheJobNotTheServer) {
  ASSERT_NO_FATAL_FAILURE(StartServer(DataDir("full"), {"--max-database-pages", "90"}));
  const std::string id = CreateJob(JobRequest("full", 60));
  // The job cannot be stored any more at some point; what was reported before stays.
  History history;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  v1::WatchJobRequest watch;
  watch.set_id(id);
  const auto reader = evaluation_->WatchJob(&context, watch);
  v1::JobEvent event;
  while (reader->Read(&event)) Record(event, history);
  const grpc::Status ended = reader->Finish();
  EXPECT_FALSE(ended.ok() && history.state == v1::JOB_STATE_SUCCEEDED);
  EXPECT_LT(history.verdicts, 480);
  grpc::ClientContext list_context;
  SetDeadline(list_context);
  v1::ListModelsResponse models;
  const grpc::Status listed = models_->ListModels(&list_context, v1::ListModelsRequest(), &models);
  EXPECT_TRUE(listed.ok()) << listed.error_message() << "; the watch ended with "
                           << ended.error_message() << "\n"
                           << server_->log();
  EXPECT_EQ(models.models_size(), 1);
  EXPECT_THAT(HttpGet(server_->metrics_address(), "/metrics"), HasSubstr("plumbline_"));
  if (history.state == v1::JOB_STATE_FAILED) return;
  // With room again it goes on.
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(StartServer(DataDir("full")));
  const grpc::Status status = Watch(id, 1 << 30, history);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(history.by_prompt.size(), 480u);
}

TEST_F(RestartTest, MetricsOfAServerThatHasJustStartedAreCompleteAndClean) {
  ASSERT_NO_FATAL_FAILURE(StartServer(DataDir("metrics")));
  WatchToEnd(CreateJob(JobRequest("metrics", 4)));
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(StartServer(DataDir("metrics")));
  const std::string text = HttpGet(server_->metrics_address(), "/metrics");
  for (const char* adapter : {"base", "instruct", "arithmetic", "format"}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("adapter=\"", adapter, "\"")));
  }
  EXPECT_THAT(text, HasSubstr("plumbline_score_ratio{"));
  EXPECT_THAT(text, HasSubstr("plumbline_score_delta_ratio{"));
  if (std::system("command -v promtool > /dev/null") != 0) GTEST_SKIP() << "no promtool";
  const std::string file = dir_.Write("metrics.txt", text);
  const std::string output = dir_.Join("promtool.txt");
  EXPECT_EQ(
      std::system(absl::StrCat("promtool check metrics < ", file, " > ", output, " 2>&1").c_str()),
      0);
  EXPECT_EQ(ReadFileOrDie(output), "");
}

class StartTest : public DemoTest {};

// One line on stderr and exit code 1.
void ExpectOneLine(const absl::StatusOr<std::unique_ptr<ServerProcess>>& started,
                   const std::string& what) {
  ASSERT_FALSE(started.ok());
  ASSERT_THAT(started.status(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(what)));
  const std::string message(started.status().message());
  EXPECT_THAT(message, testing::StartsWith("exit code 1: plumblined: "));
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 1) << message;
}

TEST_F(StartTest, WhatIsInUseOrUnreadableIsOneLine) {
  ASSERT_NO_FATAL_FAILURE(StartServer(DataDir("a")));
  ExpectOneLine(ServerProcess::Start(binary_, dir_.Join("p2"), Flags(DataDir("a"))),
                "data director");
  std::vector<std::string> flags = {"--data-dir", DataDir("b"), "--listen",
                                    server_->grpc_address()};
  ExpectOneLine(ServerProcess::Start(binary_, dir_.Join("p2"), flags), "Address already in use");
  flags = {"--data-dir", DataDir("c"), "--model", "x=" + dir_.Join("nowhere")};
  ExpectOneLine(ServerProcess::Start(binary_, dir_.Join("p2"), flags), "nowhere");
  dir_.Write("pickle/config.json", "{}");
  flags = {"--data-dir", DataDir("d"), "--model", "x=" + dir_.Join("pickle")};
  ExpectOneLine(ServerProcess::Start(binary_, dir_.Join("p2"), flags), "pickle");
}

TEST_F(StartTest, AnAdapterOfAnotherBaseIsRefusedByName) {
  ASSERT_NO_FATAL_FAILURE(StartServer(DataDir("a")));
  const grpc::Status status = LoadAdapter("wrong", "wrong-base");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  EXPECT_EQ(ReasonOf(FromGrpcStatus(status)), "ADAPTER_REJECTED");
  EXPECT_THAT(status.error_message(), HasSubstr("lora_"));
}

}  // namespace
}  // namespace plumbline
