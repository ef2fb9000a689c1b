#include "client/job_watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/fake_evaluation_service.h"

namespace plumbline::client {
namespace {

using testing::ElementsAre;

class JobWatcherTest : public testing::Test {
 protected:
  WatchResult Watch(WatchOptions options) {
    TestServer server(&service_);
    Connection connection(ConnectionOptions{.address = server.address()});
    options.job_id = "job-1";
    return WatchJob(
        connection, interrupt_, options,
        [this](const v1::JobEvent& event) { sequences_.push_back(event.sequence()); },
        [this](const std::string& notice) { notices_.push_back(notice); });
  }

  Interrupt interrupt_;
  FakeEvaluationService service_;
  std::vector<int64_t> sequences_;
  std::vector<std::string> notices_;
};

TEST_F(JobWatcherTest, SeesEveryEventOnceAndTheEnd) {
  const WatchResult result = Watch({});
  EXPECT_EQ(result.end, WatchEnd::kTerminal);
  EXPECT_EQ(result.job.state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_THAT(sequences_, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(notices_, ElementsAre());
}

TEST_F(JobWatcherTest, ContinuesAfterTheLastSequenceWhenTheServerGoesAway) {
  service_.break_after = 3;
  const WatchResult result = Watch({});
  EXPECT_EQ(result.end, WatchEnd::kTerminal);
  EXPECT_THAT(service_.starts, ElementsAre(0, 3));
  EXPECT_THAT(sequences_, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(notices_.size(), 2u);
}

TEST_F(JobWatcherTest, StartsWhereItIsTold) {
  EXPECT_EQ(Watch({.after_sequence = 4}).end, WatchEnd::kTerminal);
  EXPECT_THAT(sequences_, ElementsAre(5, 6));
}

TEST_F(JobWatcherTest, GivesUpWaitingAtTheTimeout) {
  service_.never_ends = true;
  const WatchResult result = Watch({.timeout = std::chrono::milliseconds(300)});
  EXPECT_EQ(result.end, WatchEnd::kTimedOut);
  EXPECT_EQ(result.last_sequence, 5);
}

TEST_F(JobWatcherTest, GivesUpWithoutAServer) {
  Connection connection(ConnectionOptions{.address = "127.0.0.1:1"});
  const WatchResult result = WatchJob(
      connection, interrupt_, {.job_id = "job-1", .reconnect_for = std::chrono::milliseconds(200)},
      [](const v1::JobEvent&) {}, [](const std::string&) {});
  EXPECT_EQ(result.end, WatchEnd::kError);
  EXPECT_EQ(result.error.error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace plumbline::client
