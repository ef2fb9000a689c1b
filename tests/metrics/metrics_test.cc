#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <regex>
#include <string>

#include "core/jobs/executor.h"
#include "core/jobs/job_runner.h"
#include "core/jobs/sqlite_job_store.h"
#include "core/metrics/metered_job_store.h"
#include "core/metrics/metrics_server.h"
#include "core/metrics/runtime_collector.h"
#include "core/metrics/score_collector.h"
#include "tests/metrics/http_get.h"
#include "tests/support/fake_language_model.h"
#include "tests/support/fake_tasks.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Text(const prometheus::Collectable& collectable) {
  return prometheus::TextSerializer().Serialize(collectable.Collect());
}

// A store with the jobs that a test runs through a real runner and a fake model.
class MetricsTest : public testing::Test {
 protected:
  MetricsTest() {
    Reopen();
    tasks_.Add(MakeFakeTask("sums", 60, "1", "numeric"));
    tasks_.Add(MakeFakeTask("orders", 60, "1", "instruction_following"));
    models_.Publish("math", "weights", "numeric");
    models_.Publish("twin", "other weights");
    // The base is right on the first half of each task; "math" on all sums and no order.
    engine_->set_answer([](const ModelIdentity& identity, const LanguageModel::GenerateCall& call) {
      const std::string& prompt = call.prompt.text;
      const int number = std::atoi(prompt.substr(prompt.find('/') + 1).c_str());
      bool right = number < 30;
      if (identity.adapter == "math") right = prompt[0] == 's';
      return absl::StatusOr<Generation>(
          Generation{right ? "right" : "wrong", FinishReason::kStop, 5, 2});
    });
  }
  void Reopen() {
    store_.reset();
    SqliteOptions options;
    options.path = dir_.Join("plumbline.db");
    options.clock = &clock_;
    options.ids = &ids_;
    absl::StatusOr<std::shared_ptr<SqliteDatabase>> database = OpenSqliteDatabase(options);
    ASSERT_OK(database);
    store_ = NewSqliteJobStore(*database);
  }
  Job RunJob(JobStore& store, const std::string& policy = "",
             std::vector<std::string> tasks = {"sums", "orders"}) {
    JobRunner runner(store, models_, tasks_, executor_, clock_, ids_, {});
    JobSpec spec;
    spec.model = "tiny";
    spec.adapters = {"math"};
    spec.tasks = std::move(tasks);
    spec.gate_policy = policy;
    absl::StatusOr<Job> job = runner.Submit("", spec);
    EXPECT_OK(job);
    for (int i = 0; i < 10; ++i) {
      runner.Tick();
      executor_.RunAll();
    }
    return store.GetJob(job->id).value_or(Job());
  }

  TempDir dir_;
  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  SequentialIds ids_;
  ManualExecutor executor_;
  std::shared_ptr<FakeEngine> engine_ = std::make_shared<FakeEngine>();
  FakeModelProvider models_{engine_};
  FakeTaskProvider tasks_;
  std::unique_ptr<JobStore> store_;
};

constexpr char kPolicy[] = "non_inferiority:\n  - task: orders\n    margin: 0.1\n";

TEST_F(MetricsTest, NoScoresBeforeTheFirstResult) {
  ScoreCollector scores(*store_);
  ASSERT_OK(scores.Refresh());
  EXPECT_THAT(Text(scores), Not(HasSubstr("plumbline_score_ratio")));
  EXPECT_THAT(Text(scores), HasSubstr("plumbline_score_cells_dropped 0"));
}

TEST_F(MetricsTest, ShowsTheMatrixDriftLabelAndGate) {
  ASSERT_EQ(RunJob(*store_, kPolicy).state, JobState::kSucceeded);
  ScoreCollector scores(*store_);
  ASSERT_OK(scores.Refresh());
  const std::string text = Text(scores);
  const std::string math = "{model=\"tiny\",adapter=\"math\"";
  EXPECT_THAT(text, HasSubstr("plumbline_score_ratio" + math +
                              ",task=\"sums\",metric=\"exact_match\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("plumbline_score_ratio{model=\"tiny\",adapter=\"base\",task=\"sums\","
                              "metric=\"exact_match\"} 0.5\n"));
  EXPECT_THAT(text, HasSubstr("plumbline_baseline_score_ratio" + math +
                              ",task=\"orders\",metric=\"exact_match\"} 0.5\n"));
  EXPECT_THAT(text, HasSubstr("plumbline_score_delta_ratio" + math +
                              ",task=\"orders\",metric=\"exact_match\"} -0.5\n"));
  EXPECT_THAT(text, HasSubstr("plumbline_score_delta_ci_upper_ratio" + math));
  EXPECT_THAT(text, HasSubstr("plumbline_drift_ratio" + math + "} -1\n"));
  EXPECT_THAT(text, HasSubstr("plumbline_gate_status" + math + ",status=\"FAIL\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("plumbline_gate_status" + math + ",status=\"PASS\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("plumbline_label_verdict" + math + ",verdict=\"SUPPORTED\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("plumbline_last_success_timestamp_seconds" + math));
  // Guards are no scores: an alert on a falling score must not fire on fewer empty responses.
  EXPECT_THAT(text, HasSubstr("plumbline_validity_ratio" + math +
                              ",task=\"sums\",metric=\"empty_response\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("plumbline_validity_ratio" + math +
                              ",task=\"sums\",metric=\"execution_error\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("plumbline_validity_ratio" + math +
                              ",task=\"sums\",metric=\"too_long\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("plumbline_score_delta_ratio" + math +
                                  ",task=\"sums\",metric=\"empty_response\"")));
}

TEST_F(MetricsTest, ShowsWhatTheTasksGiveAway) {
  auto leaky = std::make_shared<Task>(*MakeFakeTask("leaky", 4, "1", "knowledge"));
  leaky->items[1].prompt.text = leaky->items[0].prompt.text;
  leaky->items[2].target = "leaky/2";  // its question
  leaky->items[3].prompt.text = "sums/3";
  tasks_.Add(leaky);
  RunJob(*store_, "", {"sums", "leaky"});
  ScoreCollector scores(*store_);
  ASSERT_OK(scores.Refresh());
  EXPECT_THAT(Text(scores), Not(HasSubstr("plumbline_task_hint_ratio")));  // no prompts
  scores.UseTasks(&tasks_);
  ASSERT_OK(scores.Refresh());
  const std::string text = Text(scores);
  const auto line = [](const std::string& task, const std::string& hint, const std::string& value) {
    return "plumbline_task_hint_ratio{task=\"" + task + "\",hint=\"" + hint + "\"} " + value + "\n";
  };
  EXPECT_THAT(text, HasSubstr(line("leaky", "duplicate_prompt", "0.5")));
  EXPECT_THAT(text, HasSubstr(line("leaky", "answer_in_prompt", "0.25")));
  EXPECT_THAT(text, HasSubstr(line("leaky", "example_is_prompt", "0")));
  EXPECT_THAT(text, HasSubstr(line("leaky", "prompt_in_other_task", "0.25")));
  EXPECT_THAT(text, HasSubstr(line("sums", "duplicate_prompt", "0")));
  tasks_.Forget("leaky");  // its prompts are gone, its scores stay
  scores.UseTasks(&tasks_);
  ASSERT_OK(scores.Refresh());
  EXPECT_THAT(Text(scores), Not(HasSubstr("{task=\"leaky\",hint=")));
  EXPECT_THAT(Text(scores), HasSubstr("task=\"leaky\",metric=\"exact_match\"}"));
  scores.UseTasks(nullptr);
}

TEST_F(MetricsTest, IsTheSameRightAfterARestart) {
  RunJob(*store_, kPolicy);
  std::string before, after;
  {
    ScoreCollector scores(*store_);
    ASSERT_OK(scores.Refresh());
    before = Text(scores);
  }
  Reopen();
  ScoreCollector scores(*store_);
  ASSERT_OK(scores.Refresh());
  EXPECT_EQ(Text(scores), before);
}

TEST_F(MetricsTest, FollowsNewResultsAndDeletedOnes) {
  prometheus::Registry registry;
  ScoreCollector* scores_pointer = nullptr;
  std::unique_ptr<JobStore> metered = NewMeteredJobStore(
      *store_, registry, clock_, [&] { scores_pointer->ScheduleRefresh(executor_); });
  ScoreCollector scores(*metered);
  scores_pointer = &scores;
  Job first = RunJob(*metered);
  EXPECT_THAT(Text(scores), HasSubstr("adapter=\"math\",task=\"sums\",metric=\"exact_match\"} 1"));
  clock_.Advance(absl::Seconds(1));
  engine_->set_answer([](const ModelIdentity&, const LanguageModel::GenerateCall&) {
    return absl::StatusOr<Generation>(Generation{"wrong", FinishReason::kStop, 5, 2});
  });
  Job second = RunJob(*metered, "", {"sums"});
  EXPECT_THAT(Text(scores), HasSubstr("adapter=\"math\",task=\"sums\",metric=\"exact_match\"} 0"));
  EXPECT_THAT(Text(scores), HasSubstr("task=\"orders\""));  // of the first job, still the newest
  ASSERT_OK(metered->DeleteJob(second.id));
  executor_.RunAll();
  EXPECT_THAT(Text(scores), HasSubstr("adapter=\"math\",task=\"sums\",metric=\"exact_match\"} 1"));
  EXPECT_THAT(Text(registry), HasSubstr("plumbline_store_call_seconds_count{call=\"commit\"}"));
}

TEST_F(MetricsTest, BoundsTheNumberOfSeriesAndCountsTheRest) {
  RunJob(*store_);  // base and math, two tasks: four cells
  ScoreCollector scores(*store_, /*max_cells=*/3);
  ASSERT_OK(scores.Refresh());
  EXPECT_THAT(Text(scores), HasSubstr("plumbline_score_cells_dropped 1\n"));
  RuntimeSources sources;
  sources.max_adapters = 2;
  sources.adapters = [] {
    return std::vector<AdapterFigures>{{"tiny", "", "a", 1, 1, absl::Seconds(1)},
                                       {"tiny", "x", "b", 1, 1, absl::Seconds(1)},
                                       {"tiny", "y", "c", 1, 1, absl::Seconds(1)}};
  };
  const std::string text = Text(RuntimeCollector(sources));
  EXPECT_THAT(text, HasSubstr("plumbline_adapter_series_dropped 1\n"));
  EXPECT_THAT(text, HasSubstr("plumbline_adapters_resident 3\n"));
  EXPECT_THAT(text, HasSubstr("adapter=\"y\""));
  EXPECT_THAT(text, Not(HasSubstr("adapter=\"\"")));
}

RuntimeSources AllSources(JobStore& store) {
  RuntimeSources sources;
  sources.version = "0.1.0";
  sources.store = [&store] { return store.Stats(); };
  sources.runner = [] {
    JobRunnerStats stats;
    stats.prompts_finished = 17;
    return stats;
  };
  sources.engine = [] {
    EngineFigures engine;
    engine.model = "tiny";
    engine.prompt_tokens = 100;
    engine.steps = 10;
    engine.rows = 65;
    return std::vector<EngineFigures>{engine};
  };
  sources.adapters = [] {
    return std::vector<AdapterFigures>{
        {"tiny", "math", std::string(64, 'a'), 4096, 2, absl::Milliseconds(250)}};
  };
  sources.watch_streams = [] { return int64_t{3}; };
  return sources;
}

TEST_F(MetricsTest, ShowsHowTheProcessWorks) {
  RunJob(*store_);
  const std::string text = Text(RuntimeCollector(AllSources(*store_)));
  for (const char* line :
       {"plumbline_jobs{state=\"SUCCEEDED\"} 1\n", "plumbline_jobs{state=\"RUNNING\"} 0\n",
        "plumbline_prompts_total 17\n",
        "plumbline_tokens_total{model=\"tiny\",kind=\"prompt\"} 100",
        "plumbline_engine_mean_batch_rows{model=\"tiny\"} 6.5\n",
        "plumbline_verdicts_recorded_total 240\n", "plumbline_watch_streams 3\n",
        "plumbline_adapter_pins{model=\"tiny\",adapter=\"math\",version=\"aaaaaaaaaaaa\"} 2\n",
        "plumbline_adapter_load_seconds{model=\"tiny\",adapter=\"math\",version=\"aaaaaaaaaaaa\"} "
        "0.25\n",
        "plumbline_build_info{version=\"0.1.0\"} 1\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_F(MetricsTest, ASourceThatFailsIsCountedAndLeftOut) {
  RuntimeSources sources;
  sources.store = []() -> absl::StatusOr<StoreStats> { return absl::UnavailableError("disk"); };
  RuntimeCollector collector(sources);
  EXPECT_THAT(Text(collector), HasSubstr("plumbline_metric_source_failures_total 1\n"));
  EXPECT_THAT(Text(collector), Not(HasSubstr("plumbline_jobs")));
}

TEST_F(MetricsTest, CountsTheStoresFaultsOnly) {
  prometheus::Registry registry;
  std::unique_ptr<JobStore> metered = NewMeteredJobStore(*store_, registry, clock_, {});
  EXPECT_THAT(metered->GetJob("job-x"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Text(registry), HasSubstr("plumbline_store_call_errors_total{call=\"get\"} 0"));
}

TEST_F(MetricsTest, ServesOnAFreePort) {
  auto collector = std::make_shared<RuntimeCollector>(AllSources(*store_));
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<MetricsServer> server,
                       MetricsServer::Start("127.0.0.1:0", {collector}));
  EXPECT_THAT(server->address(), testing::MatchesRegex("127\\.0\\.0\\.1:[1-9][0-9]*"));
  EXPECT_THAT(HttpGet(server->address(), "/metrics"), HasSubstr("plumbline_prompts_total 17"));
}

TEST_F(MetricsTest, APortInUseIsAnErrorAndNoAbort) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<MetricsServer> server,
                       MetricsServer::Start("127.0.0.1:0", {}));
  EXPECT_THAT(MetricsServer::Start(server->address(), {}),
              StatusIs(absl::StatusCode::kUnavailable,
                       testing::AllOf(HasSubstr(server->address()), HasSubstr("in use"))));
}

TEST_F(MetricsTest, RefusesWhatIsNoAddress) {
  for (const char* address : {"", "9464", ":9464", "127.0.0.1:x", "127.0.0.1:70000", "nowhere:1"}) {
    EXPECT_THAT(MetricsServer::Start(address, {}), StatusIs(absl::StatusCode::kInvalidArgument))
        << address;
  }
}

TEST_F(MetricsTest, PromtoolFindsNothingToComplainOf) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "promtool is not installed (Debian package prometheus)";
  }
  auto registry = std::make_shared<prometheus::Registry>();
  std::unique_ptr<JobStore> metered = NewMeteredJobStore(*store_, *registry, clock_, {});
  RunJob(*metered, kPolicy);
  auto scores = std::make_shared<ScoreCollector>(*metered);
  ASSERT_OK(scores->Refresh());
  auto runtime = std::make_shared<RuntimeCollector>(AllSources(*metered));
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<MetricsServer> server,
                       MetricsServer::Start("127.0.0.1:0", {scores, runtime, registry}));
  HttpGet(server->address(), "/metrics");  // the second scrape shows the first one's own figures
  const std::string text = HttpGet(server->address(), "/metrics");
  ASSERT_THAT(text, HasSubstr("plumbline_score_ratio"));
  const std::string file = dir_.Write("metrics.txt", text);
  const std::string output = dir_.Join("promtool.txt");
  const int code =
      std::system(("promtool check metrics < " + file + " > " + output + " 2>&1").c_str());
  EXPECT_EQ(code, 0) << ReadFileOrDie(output);
  EXPECT_EQ(ReadFileOrDie(output), "");
}

// An alert or a panel on a metric that nobody exports stays silent for ever.
TEST_F(MetricsTest, EveryMetricOfTheAlertsAndTheDashboardIsExported) {
  auto registry = std::make_shared<prometheus::Registry>();
  std::unique_ptr<JobStore> metered = NewMeteredJobStore(*store_, *registry, clock_, {});
  RunJob(*metered, kPolicy);
  ScoreCollector scores(*metered);
  scores.UseTasks(&tasks_);
  ASSERT_OK(scores.Refresh());
  const RuntimeCollector runtime(AllSources(*metered));
  const std::string exported = Text(scores) + Text(runtime) + Text(*registry);
  for (const char* file :
       {"deploy/prometheus/alerts.yml", "deploy/grafana/dashboards/plumbline.json"}) {
    const std::string text = ReadFileOrDie(file);
    const std::regex name("plumbline_[a-z_]+[a-z]");
    for (std::sregex_iterator it(text.begin(), text.end(), name), end; it != end; ++it)
      EXPECT_THAT(exported, HasSubstr("# TYPE " + it->str() + " ")) << file;
  }
}

}  // namespace
}  // namespace plumbline
