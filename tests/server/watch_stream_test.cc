// WatchJob over the wire: replay, follow, resume, heartbeats, clients that go away, shutdown.
#include <future>
#include <thread>

#include "tests/server/server_fixture.h"

namespace plumbline {
namespace {

using grpc::StatusCode;

class WatchStreamTest : public ServerTest {
 protected:
  WatchStreamTest() { engine_ = std::make_shared<FakeEngine>(/*held=*/true); }

  // A running job of the base whose 6 prompts wait in the engine.
  std::string StartHeldJob() {
    v1::Job job;
    EXPECT_THAT(CreateJob(JobRequest({}), &job), IsRpcOk());
    while (engine_->waiting() < 6) std::this_thread::yield();
    return job.id();
  }

  struct Watch {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::JobEvent>> reader;
    // The next event that is no heartbeat.
    v1::JobEvent Next() {
      v1::JobEvent event;
      do {
        EXPECT_TRUE(reader->Read(&event));
      } while (event.has_heartbeat());
      return event;
    }
    v1::JobEvent NextHeartbeat() {
      v1::JobEvent event;
      do {
        EXPECT_TRUE(reader->Read(&event));
      } while (!event.has_heartbeat());
      return event;
    }
  };
  std::unique_ptr<Watch> Open(const std::string& id, int64_t after) {
    auto watch = std::make_unique<Watch>();
    SetDeadline(watch->context);
    v1::WatchJobRequest request;
    request.set_id(id);
    request.set_after_sequence(after);
    watch->reader = evaluation_->WatchJob(&watch->context, request);
    return watch;
  }
};

TEST_F(WatchStreamTest, ReplaysFollowsAndEndsWithTheTerminalEvent) {
  const std::string id = StartHeldJob();
  auto watch = Open(id, 0);
  EXPECT_EQ(watch->Next().state_change().state(), v1::JOB_STATE_PENDING);
  EXPECT_EQ(watch->Next().state_change().state(), v1::JOB_STATE_RUNNING);
  for (int i = 0; i < 6; ++i) {
    engine_->Release(1);  // one at a time: each is followed live
    const v1::JobEvent event = watch->Next();
    EXPECT_EQ(event.sequence(), 3 + i);
    EXPECT_EQ(event.verdict().sequence(), 3 + i);
    EXPECT_EQ(event.verdict().task(), "sums");
  }
  const v1::JobEvent last = watch->Next();
  EXPECT_EQ(last.sequence(), 9);
  EXPECT_EQ(last.state_change().state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(last.state_change().done_verdicts(), 6);
  v1::JobEvent none;
  EXPECT_FALSE(watch->reader->Read(&none));
  EXPECT_THAT(watch->reader->Finish(), IsRpcOk());
}

TEST_F(WatchStreamTest, ResumesAfterAnySequence) {
  const std::string id = StartHeldJob();
  engine_->Release();
  for (int64_t after = 0; after <= 9; ++after) {
    grpc::Status status;
    const std::vector<v1::JobEvent> events = WatchToEnd(id, after, &status);
    EXPECT_THAT(status, IsRpcOk());
    if (after == 9) break;  // nothing comes after the terminal event
    ASSERT_EQ(events.size(), static_cast<size_t>(9 - after));
    for (size_t i = 0; i < events.size(); ++i) {
      EXPECT_EQ(events[i].sequence(), after + 1 + static_cast<int64_t>(i));
    }
  }
}

TEST_F(WatchStreamTest, ErrorsComeAtOnce) {
  const std::string id = StartHeldJob();
  grpc::Status status;
  WatchToEnd(id, 1000, &status);
  EXPECT_THAT(status, IsRpcError(StatusCode::OUT_OF_RANGE, "SEQUENCE_IN_FUTURE"));
  WatchToEnd(id, -1, &status);
  EXPECT_THAT(status, IsRpcError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD"));
  WatchToEnd("job-none", 0, &status);
  EXPECT_THAT(status, IsRpcError(StatusCode::NOT_FOUND, "JOB_NOT_FOUND"));
  WatchToEnd("", 0, &status);
  EXPECT_THAT(status, IsRpcError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD"));
}

TEST_F(WatchStreamTest, HeartbeatsCarryTheLastSequence) {
  const std::string id = StartHeldJob();
  auto watch = Open(id, 0);
  watch->Next();
  watch->Next();
  EXPECT_EQ(watch->NextHeartbeat().sequence(), 2);
  EXPECT_EQ(watch->NextHeartbeat().sequence(), 2);
  engine_->Release(1);
  EXPECT_EQ(watch->Next().sequence(), 3);
  EXPECT_EQ(watch->NextHeartbeat().sequence(), 3);
  auto resumed = Open(id, 3);
  EXPECT_EQ(resumed->NextHeartbeat().sequence(), 3);
  engine_->Release();
}

TEST_F(WatchStreamTest, AClientThatGoesAwayCancelsNothing) {
  const std::string id = StartHeldJob();
  auto watch = Open(id, 0);
  watch->Next();
  watch->context.TryCancel();
  EXPECT_EQ(watch->reader->Finish().error_code(), StatusCode::CANCELLED);
  engine_->Release();
  grpc::Status status;
  const std::vector<v1::JobEvent> events = WatchToEnd(id, 1, &status);
  EXPECT_THAT(status, IsRpcOk());
  ASSERT_EQ(events.size(), 8u);
  EXPECT_EQ(events.back().state_change().state(), v1::JOB_STATE_SUCCEEDED);
}

TEST_F(WatchStreamTest, ManyWatchersAndASlowOneSeeTheSame) {
  const std::string id = StartHeldJob();
  auto slow = Open(id, 0);  // reads nothing until all is over
  std::vector<std::future<std::vector<v1::JobEvent>>> watchers;
  for (int i = 0; i < 20; ++i) {
    watchers.push_back(std::async(std::launch::async, [&] {
      grpc::Status status;
      return WatchToEnd(id, 0, &status);
    }));
  }
  engine_->Release();
  for (auto& watcher : watchers) {
    const std::vector<v1::JobEvent> events = watcher.get();
    ASSERT_EQ(events.size(), 9u);
    for (size_t i = 0; i < 9; ++i) EXPECT_EQ(events[i].sequence(), static_cast<int64_t>(i + 1));
  }
  for (int i = 1; i <= 9; ++i) EXPECT_EQ(slow->Next().sequence(), i);
  EXPECT_THAT(slow->reader->Finish(), IsRpcOk());
}

TEST_F(WatchStreamTest, ACancelledJobEndsItsStreams) {
  const std::string id = StartHeldJob();
  auto watch = Open(id, 2);
  v1::CancelJobRequest request;
  request.set_id(id);
  v1::Job job;
  ASSERT_THAT(Call(*evaluation_, &v1::EvaluationService::Stub::CancelJob, request, &job),
              IsRpcOk());
  const v1::JobEvent last = watch->Next();
  EXPECT_EQ(last.state_change().state(), v1::JOB_STATE_CANCELLED);
  EXPECT_THAT(watch->reader->Finish(), IsRpcOk());
  engine_->Release();
}

TEST_F(WatchStreamTest, ShutdownEndsStreamsAndTheNextServerGoesOn) {
  const std::string id = StartHeldJob();
  auto watch = Open(id, 0);
  watch->Next();
  watch->Next();
  engine_->Release(2);
  EXPECT_EQ(watch->Next().sequence(), 3);
  EXPECT_EQ(watch->Next().sequence(), 4);
  server_->Shutdown(absl::ZeroDuration());
  v1::JobEvent event;
  while (watch->reader->Read(&event)) EXPECT_TRUE(event.has_heartbeat());
  EXPECT_THAT(watch->reader->Finish(), IsRpcError(StatusCode::UNAVAILABLE, "SERVER_SHUTTING_DOWN"));
  engine_->Release();  // what was given up
  Restart();
  auto again = Open(id, 4);
  while (engine_->waiting() < 4) std::this_thread::yield();
  engine_->Release();
  for (int64_t sequence = 5; sequence <= 9; ++sequence) {
    const v1::JobEvent next = again->Next();
    EXPECT_EQ(next.sequence(), sequence);
  }
  EXPECT_THAT(again->reader->Finish(), IsRpcOk());
}

}  // namespace
}  // namespace plumbline
