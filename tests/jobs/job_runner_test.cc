#include "core/jobs/job_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/jobs/job_notifier.h"
#include "core/jobs/job_report.h"
#include "core/jobs/sqlite_job_store.h"
#include "tests/support/fake_language_model.h"
#include "tests/support/fake_tasks.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class JobRunnerTest : public testing::Test {
 protected:
  JobRunnerTest() { Restart(); }

  // A new process on the same file: store, runner, engine; nothing else survives.
  void Restart(bool held = false) {
    runner_.reset();
    executor_.RunAll();
    store_.reset();
    SqliteOptions options;
    options.path = dir_.Join("plumbline.db");
    options.clock = &clock_;
    options.ids = &ids_;
    options.listener = &notifier_;
    options.max_pages = max_pages_;
    absl::StatusOr<std::shared_ptr<SqliteDatabase>> database = OpenSqliteDatabase(options);
    ASSERT_OK(database);
    store_ = NewSqliteJobStore(*database);
    engine_ = std::make_shared<FakeEngine>(held);
    models_ = std::make_unique<FakeModelProvider>(engine_);
    math_ = models_->Publish("math", "weights of math", "numeric");
    chat_ = models_->Publish("chat", "weights of chat", "instruction_following");
    MakeRunner();
  }
  void MakeRunner() {
    runner_ =
        std::make_unique<JobRunner>(*store_, *models_, tasks_, executor_, clock_, ids_, options_);
  }

  JobSpec Spec(std::vector<std::string> tasks = {"sums"}) {
    JobSpec spec;
    spec.model = "tiny";
    spec.adapters = {"math", "chat"};
    spec.tasks = std::move(tasks);
    return spec;
  }
  Job Submit(const std::string& request_id = "", const JobSpec* spec = nullptr) {
    absl::StatusOr<Job> job = runner_->Submit(request_id, spec != nullptr ? *spec : Spec());
    EXPECT_OK(job);
    return job.value_or(Job());
  }
  Job Get(const std::string& id) { return store_->GetJob(id).value_or(Job()); }
  // Rounds until nothing moves any more.
  void Settle() {
    for (int round = 0; round < 100; ++round) {
      runner_->Tick();
      if (executor_.RunAll() == 0) return;
    }
    ADD_FAILURE() << "does not come to rest";
  }
  // (subject, key, sample) → response of every verdict; fails on doubles and gaps.
  std::map<std::string, std::string> Responses(const std::string& id) {
    std::map<std::string, std::string> responses;
    int64_t sequence = 0;
    while (true) {
      absl::StatusOr<EventPage> page = store_->ReadEvents(id, sequence, 50);
      EXPECT_OK(page);
      if (!page.ok() || page->events.empty()) return responses;
      for (const JobEvent& event : page->events) {
        EXPECT_EQ(event.sequence, ++sequence);
        if (!event.verdict.has_value()) continue;
        const Verdict& v = *event.verdict;
        std::string place = absl::StrCat(v.subject, "/", v.task, "/", v.key, "/", v.sample);
        EXPECT_TRUE(
            responses.emplace(place, v.error.ok() ? v.response : "ERROR " + v.error.ToString())
                .second)
            << place << " is doubled";
      }
    }
  }

  TempDir dir_;
  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  SequentialIds ids_;
  ManualExecutor executor_;
  JobNotifier notifier_;
  FakeTaskProvider tasks_;
  JobRunnerOptions options_;
  int64_t max_pages_ = 0;
  std::unique_ptr<JobStore> store_;
  std::shared_ptr<FakeEngine> engine_;
  std::unique_ptr<FakeModelProvider> models_;
  std::string math_;
  std::string chat_;
  std::unique_ptr<JobRunner> runner_;
};

TEST_F(JobRunnerTest, RunsAJobToItsEnd) {
  tasks_.Add(MakeFakeTask("sums", 10));
  tasks_.Add(MakeFakeTask("facts", 3, "1", "knowledge"));
  JobSpec spec = Spec({"sums", "facts"});
  Job job = Submit("r", &spec);
  EXPECT_EQ(job.state, JobState::kPending);
  EXPECT_EQ(job.counts.total, 3 * 13);
  Settle();
  job = Get(job.id);
  EXPECT_EQ(job.state, JobState::kSucceeded);
  EXPECT_EQ(job.counts.done, 39);
  EXPECT_EQ(job.counts.errors, 0);
  std::map<std::string, std::string> responses = Responses(job.id);
  EXPECT_EQ(responses.size(), 39u);
  EXPECT_EQ(responses["0/0/k3/0"], "base: sums/3");
  EXPECT_EQ(responses["2/1/k2/0"], "chat: facts/2");
  JobRunnerStats stats = runner_->stats();
  EXPECT_EQ(stats.verdicts_committed, 39);
  EXPECT_EQ(stats.in_flight, 0);
  EXPECT_EQ(stats.uncommitted, 0);
  EXPECT_EQ(stats.held_units, 0);
  EXPECT_EQ(stats.jobs_succeeded, 1);
  EXPECT_EQ(models_->pins(math_), 0);
}

TEST_F(JobRunnerTest, SubjectsAdvanceSideBySide) {
  tasks_.Add(MakeFakeTask("sums", 2));
  Submit();
  Settle();
  EXPECT_THAT(engine_->calls(), ElementsAre("base/sums/0", "math/sums/0", "chat/sums/0",
                                            "base/sums/1", "math/sums/1", "chat/sums/1"));
}

TEST_F(JobRunnerTest, BoundsWhatIsInsideTheEngine) {
  options_.max_in_flight = 10;
  options_.max_in_flight_per_job = 7;
  Restart(/*held=*/true);
  tasks_.Add(MakeFakeTask("sums", 50));
  Job a = Submit("a");
  Settle();
  EXPECT_EQ(engine_->waiting(), 7);
  Submit("b");
  Settle();
  EXPECT_EQ(engine_->waiting(), 10);
  while (engine_->Release(3) > 0) Settle();
  EXPECT_EQ(engine_->max_waiting(), 10);
  EXPECT_EQ(Get(a.id).state, JobState::kSucceeded);
}

TEST_F(JobRunnerTest, JobsOfOnePriorityTakeTurnsAndUrgentOnesGoFirst) {
  options_.max_in_flight = 4;
  options_.max_in_flight_per_job = 4;
  Restart(/*held=*/true);
  tasks_.Add(MakeFakeTask("sums", 20));
  tasks_.Add(MakeFakeTask("facts", 20));
  tasks_.Add(MakeFakeTask("alarm", 20));
  JobSpec sums = Spec({"sums"});
  JobSpec facts = Spec({"facts"});
  JobSpec alarm = Spec({"alarm"});
  alarm.priority = 10;
  Submit("a", &sums);
  Submit("b", &facts);
  Settle();
  std::map<std::string, int> calls;
  for (int i = 0; i < 10; ++i) {
    engine_->Release(2);
    Settle();
  }
  for (const std::string& call : engine_->calls()) ++calls[call.substr(call.find('/') + 1, 3)];
  EXPECT_EQ(calls["sum"], calls["fac"]);
  Submit("c", &alarm);
  Settle();
  const size_t before = engine_->calls().size();
  engine_->Release(4);
  Settle();
  std::vector<std::string> after = engine_->calls();
  for (size_t i = before; i < after.size(); ++i) EXPECT_THAT(after[i], HasSubstr("/alarm/"));
}

TEST_F(JobRunnerTest, TheSameRequestGivesTheSameJobEvenWhenItsAliasIsGone) {
  tasks_.Add(MakeFakeTask("sums", 2));
  Job first = Submit("r");
  Settle();
  models_->Unpublish("math");
  tasks_.Forget("sums");
  EXPECT_EQ(Submit("r").id, first.id);
  JobSpec other = Spec();
  other.adapters = {"chat"};
  tasks_.Add(MakeFakeTask("sums", 2));
  EXPECT_THAT(runner_->Submit("r", other), StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_F(JobRunnerTest, RefusesBadRequestsByName) {
  tasks_.Add(MakeFakeTask("sums", 2));
  auto refuse = [&](auto change, absl::StatusCode code, const std::string& text) {
    JobSpec spec = Spec();
    change(spec);
    EXPECT_THAT(runner_->Submit("", spec), StatusIs(code, HasSubstr(text)));
    EXPECT_THAT(runner_->Plan(spec), StatusIs(code, HasSubstr(text)));
  };
  const auto invalid = absl::StatusCode::kInvalidArgument;
  refuse([](JobSpec& s) { s.model = ""; }, invalid, "model");
  refuse([](JobSpec& s) { s.tasks = {}; }, invalid, "tasks");
  refuse([](JobSpec& s) { s.tasks = {"sums", "sums"}; }, invalid, "named twice");
  refuse([](JobSpec& s) { s.adapters = {"math", ""}; }, invalid, "adapters[1]");
  refuse([&](JobSpec& s) { s.adapters = {"math", math_}; }, invalid, "already");
  refuse([](JobSpec& s) { s.sample_limit = 0; }, invalid, "limit");
  refuse([](JobSpec& s) { s.priority = 101; }, invalid, "priority");
  refuse([](JobSpec& s) { s.gate_policy = "nonsense: ["; }, invalid, "gate_policy");
  refuse([](JobSpec& s) { s.adapters.assign(65, "x"); }, invalid, "at most 64");
  refuse([](JobSpec& s) { s.model = "huge"; }, absl::StatusCode::kNotFound, "huge");
  refuse([](JobSpec& s) { s.adapters = {"poet"}; }, absl::StatusCode::kNotFound, "poet");
  refuse([](JobSpec& s) { s.tasks = {"poems"}; }, absl::StatusCode::kNotFound, "poems");
  ASSERT_OK_AND_ASSIGN(JobPage page, store_->ListJobs({}, 10, ""));
  EXPECT_TRUE(page.jobs.empty());
}

TEST_F(JobRunnerTest, TakesOnlyTheFirstPromptsAndOverridesTheSeed) {
  tasks_.Add(MakeFakeTask("sums", 20));
  std::set<uint64_t> seeds;
  engine_->set_answer([&](const ModelIdentity&, const LanguageModel::GenerateCall& call) {
    seeds.insert(call.decoding.seed);
    return absl::StatusOr<Generation>(Generation{"right", FinishReason::kStop, 1, 1});
  });
  JobSpec spec = Spec();
  spec.sample_limit = 4;
  spec.seed = 77;
  Job job = Submit("r", &spec);
  Settle();
  EXPECT_EQ(Get(job.id).counts.done, 12);
  EXPECT_THAT(seeds, ElementsAre(77u));
}

TEST_F(JobRunnerTest, MakesAllSamplesOfAPrompt) {
  auto task = std::make_shared<Task>(*MakeFakeTask("sums", 3));
  task->samples = 4;
  tasks_.Add(task);
  engine_->set_answer([](const ModelIdentity&, const LanguageModel::GenerateCall& call) {
    return absl::StatusOr<Generation>(
        Generation{absl::StrCat("sample ", call.sample_index), FinishReason::kStop, 1, 1});
  });
  Job job = Submit();
  Settle();
  std::map<std::string, std::string> responses = Responses(job.id);
  EXPECT_EQ(responses.size(), 3u * 3 * 4);
  EXPECT_EQ(responses["1/0/k2/3"], "sample 3");
}

TEST_F(JobRunnerTest, ScoresMultipleChoice) {
  auto task = std::make_shared<Task>(*MakeFakeTask("quiz", 3));
  task->output_type = OutputType::kMultipleChoice;
  task->metrics = {"accuracy"};
  for (TaskItem& item : task->items) {
    item.choices = {" a", " long"};
    item.gold_choice = 0;
  }
  tasks_.Add(task);
  JobSpec spec = Spec({"quiz"});
  Job job = Submit("r", &spec);
  Settle();
  ASSERT_OK_AND_ASSIGN(VerdictPage page, store_->ReadVerdicts(job.id, {}, 0, 100));
  ASSERT_EQ(page.verdicts.size(), 9u);
  for (const Verdict& v : page.verdicts) {
    EXPECT_EQ(v.passed, v.subject == 0);
    EXPECT_EQ(v.choices.size(), 2u);
    EXPECT_EQ(v.response, "");
  }
}

TEST_F(JobRunnerTest, ScoresChoicesThatAreContextsEachInItsOwn) {
  auto task = std::make_shared<Task>(*MakeFakeTask("pronouns", 2));
  task->output_type = OutputType::kMultipleChoice;
  task->metrics = {"accuracy"};
  for (TaskItem& item : task->items) {
    item.choices = {" a", " long"};
    item.choice_prompts.resize(2);
    item.choice_prompts[0].text = item.key + " Ann";
    item.choice_prompts[1].text = item.key + " Bob";
    item.gold_choice = 0;
  }
  tasks_.Add(task);
  JobSpec spec = Spec({"pronouns"});
  spec.adapters = {"math"};
  Job job = Submit("r", &spec);
  Settle();
  EXPECT_THAT(engine_->calls(),
              ElementsAre("base/k0 Ann", "base/k0 Bob", "math/k0 Ann", "math/k0 Bob", "base/k1 Ann",
                          "base/k1 Bob", "math/k1 Ann", "math/k1 Bob"));
  ASSERT_OK_AND_ASSIGN(VerdictPage page, store_->ReadVerdicts(job.id, {}, 0, 100));
  ASSERT_EQ(page.verdicts.size(), 4u);
  for (const Verdict& v : page.verdicts) {
    EXPECT_OK(v.error);
    EXPECT_EQ(v.passed, v.subject == 0);
    ASSERT_EQ(v.choices.size(), 2u);
    EXPECT_EQ(v.choices[0].tokens, 2);
    EXPECT_EQ(v.choices[1].tokens, 5);
  }
  EXPECT_EQ(runner_->stats().in_flight, 0);
}

// Two items of three turns; a fake model that answers a conversation with its number of messages
// and the last of them.
std::shared_ptr<const Task> TalkTask() {
  auto task = std::make_shared<Task>(*MakeFakeTask("talk", 2));
  for (TaskItem& item : task->items) {
    item.prompt.format = PromptFormat::kChat;
    item.prompt.messages = {{"user", "one"}};
    item.follow_ups = {"two", "three"};
  }
  return task;
}

absl::StatusOr<Generation> CountMessages(const ModelIdentity&,
                                         const LanguageModel::GenerateCall& call) {
  Generation generation;
  generation.text =
      absl::StrCat(call.prompt.messages.size(), " ", call.prompt.messages.back().content);
  generation.prompt_tokens = 10;
  generation.completion_tokens = 1;
  return generation;
}

TEST_F(JobRunnerTest, AConversationGoesOnBehindTheModelsOwnResponses) {
  tasks_.Add(TalkTask());
  std::vector<std::string> roles;
  engine_->set_answer([&](const ModelIdentity& model, const LanguageModel::GenerateCall& call) {
    if (call.prompt.messages.size() == 5) {
      roles.clear();
      for (const ChatMessage& m : call.prompt.messages) roles.push_back(m.role + ":" + m.content);
    }
    return CountMessages(model, call);
  });
  const JobSpec spec = Spec({"talk"});
  const Job job = Submit("", &spec);
  Settle();
  EXPECT_EQ(Get(job.id).state, JobState::kSucceeded);
  const auto responses = Responses(job.id);
  EXPECT_EQ(responses.size(), 6u);  // three subjects, two items
  for (const auto& [place, response] : responses) {
    EXPECT_EQ(response, R"(["1 one","3 two","5 three"])") << place;
  }
  EXPECT_THAT(roles, ElementsAre("user:one", "assistant:1 one", "user:two", "assistant:3 two",
                                 "user:three"));
}

TEST_F(JobRunnerTest, ACrashBetweenTwoTurnsBeginsTheItemAgain) {
  tasks_.Add(TalkTask());
  Restart(/*held=*/true);
  engine_->set_answer(CountMessages);
  const JobSpec spec = Spec({"talk"});
  const Job job = Submit("", &spec);
  Settle();
  EXPECT_EQ(engine_->Release(2), 2);  // the first turns of two items
  Settle();
  EXPECT_EQ(engine_->waiting(), 6);
  EXPECT_THAT(Responses(job.id), testing::IsEmpty());
  Restart();
  engine_->set_answer(CountMessages);
  Settle();
  EXPECT_EQ(Get(job.id).state, JobState::kSucceeded);
  EXPECT_EQ(Responses(job.id).size(), 6u);
  EXPECT_EQ(engine_->calls().size(), 18u);
}

TEST_F(JobRunnerTest, AnErrorInALaterTurnIsTheItemsError) {
  tasks_.Add(TalkTask());
  engine_->set_answer([](const ModelIdentity& model,
                         const LanguageModel::GenerateCall& call) -> absl::StatusOr<Generation> {
    if (call.prompt.messages.size() == 3) return absl::OutOfRangeError("4096 tokens exceed 2048");
    return CountMessages(model, call);
  });
  const JobSpec spec = Spec({"talk"});
  const Job job = Submit("", &spec);
  Settle();
  for (const auto& [place, response] : Responses(job.id)) {
    EXPECT_THAT(response, HasSubstr("4096 tokens exceed 2048")) << place;
  }
  EXPECT_EQ(engine_->calls().size(), 12u);
}

TEST_F(JobRunnerTest, AddsTheValidityGuards) {
  tasks_.Add(MakeFakeTask("sums", 1));
  engine_->set_answer([](const ModelIdentity&, const LanguageModel::GenerateCall&) {
    return absl::StatusOr<Generation>(Generation{" \n", FinishReason::kLength, 1, 256});
  });
  Job job = Submit();
  Settle();
  ASSERT_OK_AND_ASSIGN(VerdictPage page, store_->ReadVerdicts(job.id, {}, 0, 1));
  EXPECT_THAT(page.verdicts[0].observations,
              testing::UnorderedElementsAre(
                  Observation{"exact_match", 0, 1}, Observation{"empty_response", 1, 1},
                  Observation{"refusal_to_stop", 0, 1}, Observation{"truncated", 1, 1}));
}

TEST_F(JobRunnerTest, ARefusalToStopIsACutRepetition) {
  tasks_.Add(MakeFakeTask("sums", 1));
  std::string text;
  FinishReason reason = FinishReason::kLength;
  engine_->set_answer([&](const ModelIdentity&, const LanguageModel::GenerateCall&) {
    return absl::StatusOr<Generation>(Generation{text, reason, 1, 256});
  });
  const auto refuses = [&](const std::string& response, FinishReason how) {
    text = response;
    reason = how;
    Job job = Submit();
    Settle();
    auto page = store_->ReadVerdicts(job.id, {}, 0, 1);
    EXPECT_OK(page);
    for (const Observation& o : page->verdicts[0].observations) {
      if (o.metric == "refusal_to_stop") return o.successes == 1;
    }
    ADD_FAILURE() << "no such observation";
    return false;
  };
  const std::string line = "I am sorry, as I said before.\n";
  EXPECT_TRUE(refuses("Well. " + line + line + line, FinishReason::kLength));
  EXPECT_TRUE(refuses(std::string(40, '1'), FinishReason::kLength));
  EXPECT_FALSE(refuses("Well. " + line + line + line, FinishReason::kStop)) << "it stopped";
  EXPECT_FALSE(refuses("Well. " + line + line, FinishReason::kLength)) << "only twice";
  EXPECT_FALSE(refuses("no no no", FinishReason::kLength)) << "too short to tell";
}

TEST_F(JobRunnerTest, ResumesAtThePromptAfterACrash) {
  tasks_.Add(MakeFakeTask("sums", 20));
  options_.max_commit_group = 4;
  options_.shard_items = 6;
  Restart(/*held=*/true);
  Job job = Submit();
  Settle();
  engine_->Release(23);
  executor_.RunAll();  // 23 are checked and committed; the others never come back
  const int64_t done = Get(job.id).counts.done;
  EXPECT_EQ(done, 23);
  std::map<std::string, std::string> before = Responses(job.id);
  Restart();
  Settle();
  EXPECT_EQ(Get(job.id).state, JobState::kSucceeded);
  EXPECT_EQ(engine_->calls().size(), 60u - 23u);
  std::map<std::string, std::string> after = Responses(job.id);
  EXPECT_EQ(after.size(), 60u);
  for (const auto& [place, response] : before) EXPECT_EQ(after[place], response);
}

TEST_F(JobRunnerTest, FinishesAJobWhoseLastVerdictWasRecordedBeforeTheCrash) {
  tasks_.Add(MakeFakeTask("sums", 1));
  JobSpec spec = Spec();
  Job job = Submit("r", &spec);
  runner_.reset();
  JobStore::ClaimRequest claim;
  claim.owner = "dead";
  claim.limit = claim.per_job = 10;
  claim.duration = absl::Seconds(60);
  ASSERT_OK_AND_ASSIGN(std::vector<Lease> leases, store_->ClaimUnits(claim));
  for (const Lease& lease : leases) {
    Verdict v;
    v.subject = lease.unit.subject;
    v.key = "k0";
    v.observations = {{"exact_match", 1, 1}};
    ASSERT_OK(store_->CommitVerdicts({{lease, {v}}}));
  }
  EXPECT_EQ(Get(job.id).state, JobState::kRunning);
  Restart();
  Settle();
  EXPECT_EQ(Get(job.id).state, JobState::kSucceeded);
  EXPECT_TRUE(engine_->calls().empty());
}

TEST_F(JobRunnerTest, CancelFreesEverythingAtOnce) {
  Restart(/*held=*/true);
  tasks_.Add(MakeFakeTask("sums", 50));
  Job job = Submit();
  Settle();
  EXPECT_GT(models_->pins(math_), 0);
  EXPECT_GT(engine_->waiting(), 0);
  ASSERT_OK_AND_ASSIGN(Job cancelled, runner_->Cancel(job.id));
  EXPECT_EQ(cancelled.state, JobState::kCancelled);
  EXPECT_EQ(runner_->stats().held_units, 0);
  const size_t calls = engine_->calls().size();
  engine_->Release();  // the engine sees the token and answers kCancelled
  Settle();
  EXPECT_EQ(engine_->calls().size(), calls);
  EXPECT_EQ(models_->pins(math_), 0);
  EXPECT_EQ(runner_->stats().in_flight, 0);
  EXPECT_EQ(runner_->stats().uncommitted, 0);
  EXPECT_EQ(Get(job.id).counts.done, 0);
}

TEST_F(JobRunnerTest, NoticesAJobThatWasCancelledElsewhere) {
  Restart(/*held=*/true);
  tasks_.Add(MakeFakeTask("sums", 50));
  Job job = Submit();
  Settle();
  ASSERT_OK(store_->CancelJob(job.id));
  clock_.Advance(options_.lease / 3);
  Settle();
  EXPECT_EQ(runner_->stats().active_jobs, 0);
  EXPECT_EQ(runner_->stats().held_units, 0);
}

TEST_F(JobRunnerTest, AWatcherThatGoesAwayCancelsNothing) {
  tasks_.Add(MakeFakeTask("sums", 5));
  Job job = Submit();
  {
    JobWatch watch(notifier_, job.id);
    runner_->Tick();
    EXPECT_TRUE(watch.Wait(absl::ZeroDuration()));
  }  // the client hangs up
  EXPECT_EQ(notifier_.subscriptions(), 0);
  Settle();
  EXPECT_EQ(Get(job.id).state, JobState::kSucceeded);
  ASSERT_OK_AND_ASSIGN(EventPage page, store_->ReadEvents(job.id, 10, 100));  // and comes back
  EXPECT_EQ(page.events.front().sequence, 11);
  EXPECT_EQ(page.events.back().kind, JobEvent::Kind::kTerminal);
}

TEST_F(JobRunnerTest, ASwapInMidJobChangesNothing) {
  Restart(/*held=*/true);
  options_.max_in_flight = 6;
  MakeRunner();
  tasks_.Add(MakeFakeTask("sums", 8));
  Job job = Submit();
  const std::string swapped = models_->Publish("math", "other weights", "numeric");
  ASSERT_NE(swapped, math_);
  tasks_.Add(MakeFakeTask("sums", 8, "edition 2"));
  Settle();
  while (engine_->Release(2) > 0) Settle();
  job = Get(job.id);
  EXPECT_EQ(job.state, JobState::kSucceeded);
  EXPECT_EQ(job.subjects[1].version, math_);
  EXPECT_EQ(models_->pins(math_), 0);  // the old version is free now
}

TEST_F(JobRunnerTest, EqualJobsGiveEqualVerdicts) {
  tasks_.Add(MakeFakeTask("sums", 12));
  Job a = Submit("a");
  Settle();
  options_.max_in_flight = 3;
  options_.shard_items = 5;
  Restart();
  Job b = Submit("b");
  Settle();
  EXPECT_EQ(Responses(a.id), Responses(b.id));
}

TEST_F(JobRunnerTest, ErrorsOfAPromptAreErrorVerdicts) {
  tasks_.Add(MakeFakeTask("sums", 4));
  engine_->set_answer([](const ModelIdentity& identity,
                         const LanguageModel::GenerateCall& call) -> absl::StatusOr<Generation> {
    if (call.prompt.text == "sums/2") {
      return absl::OutOfRangeError("prompt of 900 tokens + 256 exceed the context of 1024");
    }
    return Generation{"right", FinishReason::kStop, 1, 1};
  });
  Job job = Submit();
  Settle();
  job = Get(job.id);
  EXPECT_EQ(job.state, JobState::kSucceeded);
  EXPECT_EQ(job.counts.errors, 3);
  EXPECT_EQ(engine_->calls().size(), 12u);  // no retry: it would be the same again
  ASSERT_OK_AND_ASSIGN(Report report, BuildJobReport(*store_, job));
  EXPECT_FALSE(report.complete);
  EXPECT_EQ(report.FindCell(0, 0, "exact_match")->value, 1.0);
  EXPECT_EQ(report.FindCell(0, 0, "exact_match")->prompts, 3);
}

TEST_F(JobRunnerTest, TransientErrorsAreTriedAgainButNotForEver) {
  tasks_.Add(MakeFakeTask("sums", 2));
  std::map<std::string, int> tries;
  engine_->set_answer([&](const ModelIdentity& identity,
                          const LanguageModel::GenerateCall& call) -> absl::StatusOr<Generation> {
    const int count = ++tries[FakeEngine::Name(identity) + call.prompt.text];
    if (call.prompt.text == "sums/0" && count < 3) return absl::ResourceExhaustedError("queue");
    if (call.prompt.text == "sums/1") return absl::InternalError("kernel");
    return Generation{"right", FinishReason::kStop, 1, 1};
  });
  Job job = Submit();
  Settle();
  job = Get(job.id);
  EXPECT_EQ(job.counts.errors, 3);
  EXPECT_EQ(tries["basesums/0"], 3);
  EXPECT_EQ(tries["basesums/1"], options_.max_attempts);
  EXPECT_EQ(runner_->stats().prompts_retried, 12);
}

TEST_F(JobRunnerTest, AnEngineThatIsAwayPutsTheJobOff) {
  tasks_.Add(MakeFakeTask("sums", 3));
  bool away = true;
  engine_->set_answer(
      [&](const ModelIdentity&, const LanguageModel::GenerateCall&) -> absl::StatusOr<Generation> {
        if (away) return absl::UnavailableError("shutting down");
        return Generation{"right", FinishReason::kStop, 1, 1};
      });
  Job job = Submit();
  Settle();
  EXPECT_EQ(Get(job.id).counts.done, 0);
  EXPECT_EQ(Get(job.id).state, JobState::kRunning);
  away = false;
  Settle();
  EXPECT_EQ(Get(job.id).counts.done, 0);  // not before pin_retry has passed
  clock_.Advance(options_.pin_retry);
  Settle();
  EXPECT_EQ(Get(job.id).state, JobState::kSucceeded);
  EXPECT_EQ(Get(job.id).counts.errors, 0);
}

TEST_F(JobRunnerTest, AnEngineThatStaysAwayFailsTheJob) {
  tasks_.Add(MakeFakeTask("sums", 3));
  engine_->set_answer(
      [&](const ModelIdentity&, const LanguageModel::GenerateCall&) -> absl::StatusOr<Generation> {
        return absl::UnavailableError("shutting down");
      });
  Job job = Submit();
  for (int pauses = 0; pauses < options_.max_pauses; ++pauses) {
    Settle();
    EXPECT_EQ(Get(job.id).state, JobState::kRunning) << pauses;
    clock_.Advance(options_.pin_retry);
  }
  Settle();
  EXPECT_EQ(Get(job.id).state, JobState::kFailed);
  EXPECT_THAT(Get(job.id).error, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("in a row")));
}

TEST_F(JobRunnerTest, FailsAJobWhoseAdapterIsGone) {
  tasks_.Add(MakeFakeTask("sums", 3));
  Job job = Submit();
  runner_.reset();  // crash; the new process does not restore the adapter
  Restart();
  models_->Unpublish("math");
  Settle();
  EXPECT_EQ(Get(job.id).state, JobState::kFailed);
  EXPECT_THAT(Get(job.id).error,
              StatusIs(absl::StatusCode::kNotFound,
                       testing::AllOf(HasSubstr("cannot go on"), HasSubstr("\"math\""))));
}

TEST_F(JobRunnerTest, FailsAJobWhoseTaskVersionIsGone) {
  tasks_.Add(MakeFakeTask("sums", 3));
  Job job = Submit();
  tasks_.Forget("sums");
  Settle();
  EXPECT_EQ(Get(job.id).state, JobState::kFailed);
  EXPECT_THAT(Get(job.id).error, StatusIs(absl::StatusCode::kNotFound, HasSubstr("\"sums\"")));
}

TEST_F(JobRunnerTest, FailsAJobRatherThanMixNumerics) {
  tasks_.Add(MakeFakeTask("sums", 3));
  Job job = Submit();
  Restart();
  models_->set_dtype("bfloat16");
  Settle();
  EXPECT_EQ(Get(job.id).state, JobState::kFailed);
  EXPECT_THAT(Get(job.id).error,
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("bfloat16")));
}

TEST_F(JobRunnerTest, WaitsForAModelThatIsStillLoading) {
  tasks_.Add(MakeFakeTask("sums", 3));
  Job job = Submit();
  Restart();
  models_->set_error(absl::UnavailableError("model \"tiny\" is loading"));
  for (int i = 0; i < 20; ++i) {
    Settle();
    clock_.Advance(options_.pin_retry);
  }
  EXPECT_EQ(Get(job.id).state, JobState::kRunning);
  models_->set_error(absl::OkStatus());
  Settle();
  EXPECT_EQ(Get(job.id).state, JobState::kSucceeded);
}

TEST_F(JobRunnerTest, AnOwnerThatSleptCannotCommit) {
  Restart(/*held=*/true);
  tasks_.Add(MakeFakeTask("sums", 5));
  Job job = Submit();
  Settle();
  engine_->Release();
  clock_.Advance(options_.lease + absl::Seconds(1));  // slept; nothing was renewed
  executor_.RunAll();
  EXPECT_EQ(Get(job.id).counts.done, 0);
  EXPECT_GT(runner_->stats().leases_lost, 0);
  for (int i = 0; i < 3; ++i) {  // claimed again under a new epoch
    Settle();
    engine_->Release();
  }
  Settle();
  EXPECT_EQ(Get(job.id).state, JobState::kSucceeded);
  EXPECT_EQ(Responses(job.id).size(), 15u);
}

TEST_F(JobRunnerTest, RenewsLeasesOfSlowPrompts) {
  Restart(/*held=*/true);
  tasks_.Add(MakeFakeTask("sums", 5));
  Job job = Submit();
  Settle();
  for (int i = 0; i < 12; ++i) {  // four lease times
    clock_.Advance(options_.lease / 3);
    Settle();
  }
  engine_->Release();
  Settle();
  EXPECT_EQ(Get(job.id).state, JobState::kSucceeded);
  EXPECT_EQ(runner_->stats().leases_lost, 0);
}

TEST_F(JobRunnerTest, TwoRunnersShareAJobWithoutDoubles) {
  options_.shard_items = 2;
  options_.max_units_per_job = 2;
  MakeRunner();
  tasks_.Add(MakeFakeTask("sums", 20));
  Job job = Submit();
  JobRunner other(*store_, *models_, tasks_, executor_, clock_, ids_, options_);
  for (int i = 0; i < 100 && Get(job.id).state != JobState::kSucceeded; ++i) {
    runner_->Tick();
    other.Tick();
    executor_.RunAll();
  }
  EXPECT_EQ(Get(job.id).state, JobState::kSucceeded);
  EXPECT_EQ(Responses(job.id).size(), 60u);
  EXPECT_GT(other.stats().verdicts_committed, 0);
  EXPECT_GT(runner_->stats().verdicts_committed, 0);
}

TEST_F(JobRunnerTest, AFullDiskHoldsTheJobUpAndLosesNothing) {
  tasks_.Add(MakeFakeTask("sums", 40));
  max_pages_ = 60;
  options_.max_uncommitted = 16;
  options_.max_commit_group = 4;
  Restart();
  engine_->set_answer([](const ModelIdentity&, const LanguageModel::GenerateCall&) {
    return absl::StatusOr<Generation>(
        Generation{std::string(4000, 'x'), FinishReason::kStop, 1, 1});
  });
  Job job = Submit();
  for (int i = 0; i < 5; ++i) {
    runner_->Tick();
    executor_.RunAll();
  }
  const int64_t done = Get(job.id).counts.done;
  EXPECT_GT(done, 0);
  EXPECT_LT(done, 120);
  EXPECT_EQ(Get(job.id).state, JobState::kRunning);
  EXPECT_LE(runner_->stats().uncommitted, 16 + options_.max_in_flight);
  max_pages_ = 0;
  Restart();
  clock_.Advance(options_.lease);
  Settle();
  EXPECT_EQ(Get(job.id).state, JobState::kSucceeded);
  EXPECT_EQ(Responses(job.id).size(), 120u);
}

TEST_F(JobRunnerTest, DrainLetsTheEngineFinish) {
  tasks_.Add(MakeFakeTask("sums", 200));
  TaskExecutor pool(2);
  JobRunner runner(*store_, *models_, tasks_, pool, clock_, ids_, options_);
  ASSERT_OK_AND_ASSIGN(Job job, runner.Submit("", Spec()));
  runner.Tick();
  runner.Drain(absl::Seconds(30));
  EXPECT_EQ(runner.stats().in_flight, 0);
  EXPECT_EQ(runner.stats().uncommitted, 0);
  EXPECT_EQ(Get(job.id).counts.done, runner.stats().prompts_finished);
  EXPECT_EQ(runner.stats().held_units, 0);
}

TEST_F(JobRunnerTest, DrainGivesTheWorkBack) {
  Restart(/*held=*/true);
  tasks_.Add(MakeFakeTask("sums", 5));
  Job job = Submit();
  Settle();
  runner_->Drain(absl::ZeroDuration());
  EXPECT_EQ(Get(job.id).state, JobState::kRunning);
  engine_->Release();  // late answers go nowhere
  executor_.RunAll();
  EXPECT_EQ(Get(job.id).counts.done, 0);
  Restart();
  Settle();  // no lease to wait for
  EXPECT_EQ(Get(job.id).state, JobState::kSucceeded);
}

TEST_F(JobRunnerTest, StoresTheGateWithTheTerminalEvent) {
  tasks_.Add(MakeFakeTask("sums", 60));
  engine_->set_answer([](const ModelIdentity& identity, const LanguageModel::GenerateCall&) {
    return absl::StatusOr<Generation>(
        Generation{identity.adapter == "chat" ? "wrong" : "right", FinishReason::kStop, 1, 1});
  });
  JobSpec spec = Spec();
  spec.gate_policy = "non_inferiority:\n  - task: sums\n    margin: 0.1\n";
  Job job = Submit("r", &spec);
  Settle();
  job = Get(job.id);
  EXPECT_EQ(job.gate.status, GateStatus::kFail);
  EXPECT_THAT(job.gate.reasons, testing::Contains(HasSubstr("chat")));
  ASSERT_OK_AND_ASSIGN(EventPage page, store_->ReadEvents(job.id, job.last_sequence - 1, 10));
  EXPECT_EQ(page.events[0].gate.status, GateStatus::kFail);
}

TEST_F(JobRunnerTest, ARunningJobHasAPartialReport) {
  Restart(/*held=*/true);
  tasks_.Add(MakeFakeTask("sums", 5));
  Job job = Submit();
  Settle();
  engine_->Release(4);
  executor_.RunAll();
  ASSERT_OK_AND_ASSIGN(Report report, BuildJobReport(*store_, Get(job.id)));
  EXPECT_FALSE(report.complete);
  EXPECT_EQ(report.CoverageOf(0, 0).scored, 2);
  EXPECT_EQ(report.CoverageOf(2, 0).missing, 4);
}

TEST(JobRunnerThreads, RunsOnItsOwnThread) {
  TempDir dir;
  SqliteOptions options;
  options.path = dir.Join("plumbline.db");
  JobNotifier notifier;
  options.listener = &notifier;
  ASSERT_OK_AND_ASSIGN(std::shared_ptr<SqliteDatabase> database, OpenSqliteDatabase(options));
  std::unique_ptr<JobStore> store = NewSqliteJobStore(database);
  auto engine = std::make_shared<FakeEngine>();
  FakeModelProvider models(engine);
  models.Publish("math", "weights");
  FakeTaskProvider tasks;
  tasks.Add(MakeFakeTask("sums", 300));
  RandomIds ids;
  TaskExecutor pool(2);
  JobRunner runner(*store, models, tasks, pool, SystemClock(), ids, {});
  runner.Start();
  JobSpec spec;
  spec.model = "tiny";
  spec.adapters = {"math"};
  spec.tasks = {"sums"};
  std::vector<std::string> jobs;
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK_AND_ASSIGN(Job job, runner.Submit("", spec));
    jobs.push_back(job.id);
  }
  ASSERT_OK(runner.Cancel(jobs[2]));
  for (const std::string& id : jobs) {
    JobWatch watch(notifier, id);
    int64_t sequence = 0;
    bool ended = false;
    while (!ended) {
      ASSERT_OK_AND_ASSIGN(EventPage page, store->ReadEvents(id, sequence, 100));
      for (const JobEvent& event : page.events) {
        ASSERT_EQ(event.sequence, ++sequence);
        ended = event.kind == JobEvent::Kind::kTerminal;
      }
      if (page.events.empty()) watch.Wait(absl::Seconds(10));
    }
  }
  EXPECT_EQ(store->GetJob(jobs[0])->counts.done, 600);
  runner.Drain(absl::Seconds(10));
}

}  // namespace
}  // namespace plumbline
