// The order of waiting requests, and what goes into a step: pure functions of their inputs.
#include "core/engine/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "core/engine/step_plan.h"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Queue = FairQueue<std::string>;

// Takes up to `room` items and names them in order.
std::vector<std::string> Take(Queue& queue, int room) {
  std::vector<std::string> taken;
  queue.Serve([&](std::string& item) {
    if (static_cast<int>(taken.size()) == room) return Queue::Answer::kFull;
    taken.push_back(item);
    return Queue::Answer::kTaken;
  });
  return taken;
}

TEST(FairQueueTest, OneClientIsFirstComeFirstServed) {
  Queue queue;
  for (const char* name : {"1", "2", "3"}) queue.Push({0, "a", 10}, name);
  EXPECT_THAT(Take(queue, 2), ElementsAre("1", "2"));
  EXPECT_THAT(Take(queue, 9), ElementsAre("3"));
  EXPECT_TRUE(queue.empty());
}

TEST(FairQueueTest, ClientsTakeTurnsHoweverMuchOneOfThemHasQueued) {
  Queue queue;
  for (int i = 0; i < 100; ++i) queue.Push({0, "a", 10}, "a");
  queue.Push({0, "b", 10}, "b");
  queue.Push({0, "b", 10}, "b");
  EXPECT_THAT(Take(queue, 5), ElementsAre("a", "b", "a", "b", "a"));
}

TEST(FairQueueTest, SharesAreOfTokensNotOfRequests) {
  Queue queue;
  for (int i = 0; i < 20; ++i) queue.Push({0, "long", 40}, "L");
  for (int i = 0; i < 20; ++i) queue.Push({0, "short", 10}, "s");
  const std::vector<std::string> order = Take(queue, 15);
  EXPECT_EQ(std::count(order.begin(), order.end(), "L"), 3);
  EXPECT_EQ(std::count(order.begin(), order.end(), "s"), 12);
}

TEST(FairQueueTest, WhoComesLateStartsLevelAndSavesNothingUp) {
  Queue queue;
  for (int i = 0; i < 50; ++i) queue.Push({0, "a", 10}, "a");
  Take(queue, 30);
  for (int i = 0; i < 50; ++i) queue.Push({0, "b", 10}, "b");
  const std::vector<std::string> order = Take(queue, 10);
  EXPECT_EQ(std::count(order.begin(), order.end(), "b"), 5);
}

TEST(FairQueueTest, WhatWasNotUsedIsGivenBack) {
  Queue queue;
  for (int i = 0; i < 20; ++i) queue.Push({0, "a", 100}, "a");
  for (int i = 0; i < 20; ++i) queue.Push({0, "b", 100}, "b");
  EXPECT_THAT(Take(queue, 2), ElementsAre("a", "b"));
  queue.Settle({0, "a", 100}, 10);  // its response ended after ten tokens
  EXPECT_THAT(Take(queue, 2), ElementsAre("a", "b"));
  queue.Settle({0, "a", 100}, 10);
  queue.Settle({0, "b", 100}, 100);
  EXPECT_THAT(Take(queue, 3), ElementsAre("a", "a", "b"));
}

TEST(FairQueueTest, PriorityIsStrict) {
  Queue queue;
  queue.Push({0, "a", 1}, "normal");
  queue.Push({-5, "a", 1}, "low");
  queue.Push({7, "b", 1000}, "high 1");
  queue.Push({7, "b", 1000}, "high 2");
  EXPECT_THAT(Take(queue, 9), ElementsAre("high 1", "high 2", "normal", "low"));
}

TEST(FairQueueTest, NobodyOvertakesWhatDoesNotFit) {
  Queue queue;
  queue.Push({1, "a", 1}, "large");
  queue.Push({0, "b", 1}, "small");
  std::vector<std::string> offered;
  queue.Serve([&](std::string& item) {
    offered.push_back(item);
    return Queue::Answer::kFull;
  });
  EXPECT_THAT(offered, ElementsAre("large"));
}

TEST(FairQueueTest, WhatHasToWaitIsPassedByOthers) {
  Queue queue;
  queue.Push({0, "a", 1}, "needs 1's prefix");
  queue.Push({0, "a", 1}, "own");
  queue.Push({0, "b", 1}, "b");
  std::vector<std::string> taken;
  queue.Serve([&](std::string& item) {
    if (item == "needs 1's prefix") return Queue::Answer::kLater;
    taken.push_back(item);
    return Queue::Answer::kTaken;
  });
  EXPECT_THAT(taken, testing::UnorderedElementsAre("own", "b"));
  EXPECT_THAT(Take(queue, 9), ElementsAre("needs 1's prefix"));
}

TEST(FairQueueTest, RemovesWhatIsCancelled) {
  Queue queue;
  for (const char* name : {"1", "2", "3", "4"}) queue.Push({0, name, 1}, name);
  queue.RemoveIf([](const std::string& item) { return item == "2" || item == "4"; });
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_THAT(Take(queue, 9), ElementsAre("1", "3"));
  EXPECT_THAT(Take(queue, 9), IsEmpty());
}

// Over a long random run every client that always has work gets its share of tokens.
TEST(FairQueueTest, SharesAreEvenOverTime) {
  std::mt19937 random(3);
  const std::vector<int> sizes = {5, 50, 400};
  Queue queue;
  std::map<std::string, int64_t> given;
  std::vector<std::pair<Ticket, int64_t>> running;
  for (int round = 0; round < 4000; ++round) {
    for (size_t c = 0; c < sizes.size(); ++c) {
      const std::string name(1, static_cast<char>('a' + c));
      const int64_t tokens = 1 + static_cast<int64_t>(random() % sizes[c]);
      queue.Push({0, name, tokens}, name + std::to_string(tokens));
    }
    queue.Serve([&](std::string& item) {
      if (running.size() == 8) return Queue::Answer::kFull;
      const Ticket ticket{0, item.substr(0, 1), std::stoll(item.substr(1))};
      const int64_t used = 1 + static_cast<int64_t>(random() % ticket.tokens);
      given[ticket.client] += used;
      running.emplace_back(ticket, used);
      return Queue::Answer::kTaken;
    });
    std::shuffle(running.begin(), running.end(), random);
    queue.Settle(running.back().first, running.back().second);
    running.pop_back();
  }
  // "a" asks for little: it gets all it asks for, and the others share what is left.
  EXPECT_NEAR(static_cast<double>(given["b"]) / static_cast<double>(given["c"]), 1, 0.15);
}

TEST(StepPlanTest, DecodingComesFirstWhateverThePrompts) {
  const std::vector<StepCandidate> candidates = {
      {5000, false, 100}, {1, true, -100}, {3, false, 0}, {1, true, 0}};
  EXPECT_THAT(PlanStep(candidates, 8), ElementsAre(6, 1, 0, 1));
  EXPECT_THAT(PlanStep(candidates, 2), ElementsAre(0, 1, 0, 1));
}

TEST(StepPlanTest, PromptsFillUpByPriorityThenInOrder) {
  const std::vector<StepCandidate> candidates = {
      {4, false, 0}, {4, false, 0}, {4, false, 9}, {0, true, 0}};
  EXPECT_THAT(PlanStep(candidates, 10), ElementsAre(4, 2, 4, 0));
  EXPECT_THAT(PlanStep({}, 10), IsEmpty());
}

}  // namespace
}  // namespace plumbline
