#include "core/jobs/job_notifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"

namespace plumbline {
namespace {

TEST(JobNotifierTest, WakesSubscribersOfTheJobAndOfAll) {
  JobNotifier notifier;
  std::vector<std::string> heard;
  auto record = [&](const char* who) {
    return [&heard, who](absl::string_view job, int64_t sequence) {
      heard.push_back(absl::StrCat(who, ":", job, "@", sequence));
    };
  };
  auto a = notifier.Subscribe("a", record("a"));
  auto all = notifier.Subscribe("", record("all"));
  notifier.OnEvents("a", 3, JobState::kRunning);
  notifier.OnEvents("b", 1, JobState::kPending);
  EXPECT_EQ(notifier.subscriptions(), 2);
  a.reset();
  notifier.OnEvents("a", 4, JobState::kRunning);
  EXPECT_THAT(heard, testing::ElementsAre("a:a@3", "all:a@3", "all:b@1", "all:a@4"));
  all.reset();
  EXPECT_EQ(notifier.subscriptions(), 0);
}

TEST(JobNotifierTest, AWatchRemembersWhatCameBetweenItsWaits) {
  JobNotifier notifier;
  JobWatch watch(notifier, "a");
  EXPECT_FALSE(watch.Wait(absl::ZeroDuration()));
  notifier.OnEvents("a", 1, JobState::kRunning);
  notifier.OnEvents("a", 2, JobState::kRunning);
  EXPECT_TRUE(watch.Wait(absl::ZeroDuration()));
  EXPECT_FALSE(watch.Wait(absl::ZeroDuration()));
}

TEST(JobNotifierTest, NoCallbackAfterTheEndOfASubscription) {
  JobNotifier notifier;
  std::atomic<bool> stop{false};
  std::thread announcer([&] {
    for (int64_t sequence = 0; !stop; ++sequence) {
      notifier.OnEvents("a", sequence, JobState::kRunning);
    }
  });
  for (int i = 0; i < 2000; ++i) {
    auto value = std::make_unique<int64_t>(0);
    auto subscription = notifier.Subscribe(
        "a", [raw = value.get()](absl::string_view, int64_t sequence) { *raw = sequence; });
    subscription.reset();
    value.reset();  // a later callback would write into freed memory (asan, tsan)
  }
  stop = true;
  announcer.join();
  EXPECT_EQ(notifier.subscriptions(), 0);
}

}  // namespace
}  // namespace plumbline
