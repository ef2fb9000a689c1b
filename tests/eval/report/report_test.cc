#include "core/eval/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <random>

#include "core/eval/metrics.h"
#include "core/eval/report/history.h"
#include "core/eval/report/report_json.h"
#include "core/eval/stats/paired_test.h"
#include "core/eval/stats/proportion.h"
#include "tests/eval/report/report_fixture.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ReportTest : public testing::Test, protected ReportFixture {
 protected:
  Report Build(const ReportOptions& options = {}) {
    auto report = BuildReport(input, options);
    EXPECT_OK(report);
    return report.ok() ? *report : Report();
  }
  void ExpectRefused(absl::string_view what) {
    EXPECT_THAT(BuildReport(input),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(std::string(what))));
  }
};

TEST_F(ReportTest, YesNoCellIsWilsonAndDeltaIsMcNemar) {
  const int adapter = AddAdapter("a", "");
  const int task = AddTask("sums", "numeric", {"numeric_match"}, 100);
  AnswerBase(task, 30);
  AnswerPaired(adapter, task, 30, 20, 5);
  const Report report = Build();
  const ReportCell* cell = report.FindCell(adapter, task, "numeric_match");
  ASSERT_NE(cell, nullptr);
  EXPECT_EQ(cell->value, 0.45);
  EXPECT_EQ(cell->lower, WilsonInterval(45, 100, 0.95).lower);
  EXPECT_EQ(cell->method, IntervalMethod::kWilson);
  const ReportDelta* delta = report.FindDelta(adapter, task, "numeric_match");
  ASSERT_NE(delta, nullptr);
  EXPECT_NEAR(delta->value, 0.15, 1e-12);
  EXPECT_EQ(delta->gained, 20);
  EXPECT_EQ(delta->lost, 5);
  EXPECT_EQ(delta->lost_keys.size(), 5u);
  EXPECT_EQ(delta->lost_keys[0], Key(0));
  EXPECT_EQ(delta->gained_keys[0], Key(30));
  EXPECT_EQ(delta->p, McNemarExactP(20, 5));
  EXPECT_EQ(delta->p_holm, delta->p);  // the only test
  EXPECT_EQ(delta->lower, TangoInterval({100, 20, 5}, 0.95).lower);
  EXPECT_EQ(report.FindDelta(0, task, "numeric_match"), nullptr);
  EXPECT_TRUE(report.complete);
}

TEST_F(ReportTest, InstructionsOfAPromptAreAClusters) {
  const int adapter = AddAdapter("a", "");
  const int task = AddTask("ifeval", "instruction_following", {"ila_strict"}, 200);
  for (int i = 0; i < 200; ++i) {
    Observe(0, task, i, {{"ila_strict", i % 3 == 0 ? 2.0 : 0.0, 2}});
    Observe(adapter, task, i, {{"ila_strict", i % 2 == 0 ? 2.0 : 0.0, 2}});
  }
  const Report report = Build();
  const ReportCell* cell = report.FindCell(adapter, task, "ila_strict");
  EXPECT_EQ(cell->trials, 400);
  EXPECT_EQ(cell->prompts, 200);
  EXPECT_NEAR(cell->effective_n, 199, 1);  // the second instruction says nothing new
  EXPECT_EQ(cell->method, IntervalMethod::kClusterBootstrap);
  EXPECT_NEAR(cell->upper - cell->lower, 2 * 1.97 * 0.5 / std::sqrt(199.0), 0.01);
  EXPECT_EQ(report.FindDelta(adapter, task, "ila_strict")->method,
            IntervalMethod::kPairedBootstrap);
}

TEST_F(ReportTest, ExecutionErrorsAndMissingPromptsAreNotFailures) {
  const int adapter = AddAdapter("a", "numeric");
  const int task = AddTask("sums", "numeric", {"numeric_match"}, 10);
  for (int i = 0; i < 9; ++i) Observe(0, task, i, {{"numeric_match", 1, 1}});
  for (int i = 0; i < 8; ++i) {
    if (i < 3) {
      Fail(adapter, task, i);
    } else {
      Observe(adapter, task, i, {{"numeric_match", 1, 1}});
    }
  }
  const Report report = Build();
  EXPECT_EQ(report.FindCell(adapter, task, "numeric_match")->value, 1);
  EXPECT_EQ(report.FindCell(adapter, task, "numeric_match")->trials, 5);
  EXPECT_EQ(report.FindDelta(adapter, task, "numeric_match")->pairs, 5);
  const ReportCoverage& coverage = report.CoverageOf(adapter, task);
  EXPECT_EQ(coverage.scored, 5);
  EXPECT_EQ(coverage.errors, 3);
  EXPECT_EQ(coverage.missing, 2);
  EXPECT_FALSE(report.complete);
  EXPECT_EQ(report.labels[adapter].verdict, LabelVerdict::kInconclusive);
  EXPECT_THAT(report.labels[adapter].reasons[0], HasSubstr("incomplete"));
}

TEST_F(ReportTest, NothingMeasuredIsNaNAndNullInJson) {
  const int adapter = AddAdapter("a", "numeric");
  const int task = AddTask("sums", "numeric", {"numeric_match"}, 10);
  const Report report = Build();
  EXPECT_TRUE(std::isnan(report.FindCell(adapter, task, "numeric_match")->value));
  EXPECT_TRUE(std::isnan(report.FindDelta(adapter, task, "numeric_match")->value));
  EXPECT_EQ(report.labels[adapter].verdict, LabelVerdict::kInconclusive);
  const auto json = ReportToJson(report);
  EXPECT_TRUE(json["cells"][0]["value"].is_null());
  EXPECT_TRUE(json["deltas"][0]["p"].is_null());
  EXPECT_TRUE(json["labels"][1]["drift"].is_null());
}

TEST_F(ReportTest, ValidityGuardsAreReportedBesideAndNeverScores) {
  const int adapter = AddAdapter("a", "");
  const int task = AddTask("sums", "numeric", {"numeric_match"}, 50);
  for (int i = 0; i < 50; ++i) {
    Observe(0, task, i, {{"zz_other", 1, 1}, {"numeric_match", 1, 1}, {"empty_response", 0, 1}});
    Observe(
        adapter, task, i,
        {{"zz_other", 1, 1}, {"numeric_match", 1, 1}, {"empty_response", i < 30 ? 1.0 : 0.0, 1}});
  }
  const Report report = Build();
  ASSERT_EQ(report.cells.size(), 6u);
  EXPECT_EQ(report.cells[3].metric, "numeric_match");
  EXPECT_TRUE(report.cells[3].primary);
  EXPECT_EQ(report.cells[4].metric, "empty_response");
  EXPECT_TRUE(report.cells[4].validity);
  EXPECT_EQ(report.cells[5].metric, "zz_other");
  const ReportDelta* empty = report.FindDelta(adapter, task, "empty_response");
  EXPECT_NEAR(empty->value, 0.6, 1e-12);
  EXPECT_EQ(empty->p_holm, empty->p);  // a family of its own
}

TEST_F(ReportTest, HolmCountsTasksForPrimariesAndAllScoresForTheRest) {
  const int adapter = AddAdapter("a", "");
  const int sums = AddTask("sums", "numeric", {"numeric_match", "exact_match"}, 60);
  const int facts = AddTask("facts", "knowledge", {"accuracy"}, 60);
  for (int i = 0; i < 60; ++i) {
    Observe(0, sums, i, {{"numeric_match", 0, 1}, {"exact_match", 0, 1}});
    Observe(adapter, sums, i,
            {{"numeric_match", i < 8 ? 1.0 : 0.0, 1}, {"exact_match", i < 7 ? 1.0 : 0.0, 1}});
  }
  AnswerBase(facts, 30);
  AnswerPaired(adapter, facts, 30, 3, 3);
  const Report report = Build();
  const ReportDelta* primary = report.FindDelta(adapter, sums, "numeric_match");
  EXPECT_NEAR(primary->p_holm, 2 * primary->p, 1e-12);
  const ReportDelta* second = report.FindDelta(adapter, sums, "exact_match");
  EXPECT_NEAR(second->p_holm, 2 * second->p, 1e-12);  // 3 scores, the second smallest p
}

TEST_F(ReportTest, OrderOfVerdictsDoesNotMatter) {
  const int adapter = AddAdapter("a", "instruction_following");
  const int task = AddTask("ifeval", "instruction_following", {"ila_strict"}, 120, 2);
  for (int i = 0; i < 120; ++i) {
    for (int sample = 0; sample < 2; ++sample) {
      Observe(0, task, i, {{"ila_strict", static_cast<double>((i + sample) % 3), 3}}, sample);
      Observe(adapter, task, i, {{"ila_strict", static_cast<double>((i + 2 * sample) % 4), 3}},
              sample);
    }
  }
  const auto before = ReportToJson(Build());
  std::shuffle(input.verdicts.begin(), input.verdicts.end(), std::mt19937(1));
  EXPECT_EQ(ReportToJson(Build()), before);
}

TEST_F(ReportTest, SamplesGivePassAtKMajorityAndConsistency) {
  AddAdapter("a", "");
  const int task = AddTask("sums", "numeric", {"numeric_match"}, 3, 4);
  const int passed[] = {4, 1, 3};
  for (int i = 0; i < 3; ++i) {
    for (int sample = 0; sample < 4; ++sample) {
      Observe(0, task, i, {{"numeric_match", sample < passed[i] ? 1.0 : 0.0, 1}}, sample);
    }
  }
  const Report report = Build();
  const ReportCell* cell = report.FindCell(0, task, "numeric_match");
  ASSERT_TRUE(cell->samples.has_value());
  EXPECT_NEAR(cell->value, 8.0 / 12, 1e-12);
  EXPECT_NEAR(cell->samples->pass_at[0], 8.0 / 12, 1e-12);
  EXPECT_NEAR(cell->samples->pass_at[1], (1 + 0.5 + 1) / 3, 1e-12);
  EXPECT_NEAR(cell->samples->pass_at[3], 1, 1e-12);
  EXPECT_NEAR(cell->samples->majority, 2.0 / 3, 1e-12);
  EXPECT_NEAR(cell->samples->consistency, 1.0 / 3, 1e-12);
  EXPECT_EQ(cell->prompts, 3);
  EXPECT_NE(cell->method, IntervalMethod::kWilson);
}

TEST_F(ReportTest, TheMostFrequentAnswerIsVotedFor) {
  const int task = AddTask("t", "numeric", {"numeric_match"}, 3, 3);
  const auto answer = [&](int prompt, int sample, const std::string& text, bool right) {
    Observe(0, task, prompt, {{"numeric_match", right ? 1.0 : 0.0, 1}}, sample);
    input.verdicts.back().extracted = text;
  };
  answer(0, 0, "7", true), answer(0, 1, "8", false), answer(0, 2, "7", true);
  answer(1, 0, "8", false), answer(1, 1, "7", true), answer(1, 2, "9", false);  // a tie: the first
  answer(2, 0, "", false), answer(2, 1, "", false), answer(2, 2, "7", true);    // one vote
  ASSERT_OK_AND_ASSIGN(const Report report, BuildReport(input));
  const ReportCell* cell = report.FindCell(0, task, "numeric_match");
  ASSERT_TRUE(cell->samples.has_value());
  ASSERT_TRUE(cell->samples->voted.has_value());
  EXPECT_DOUBLE_EQ(*cell->samples->voted, 2.0 / 3);
  EXPECT_DOUBLE_EQ(cell->samples->majority, 1.0 / 3);
}

TEST_F(ReportTest, AMetricThatTakesOneOfSeveralResponsesHasOneTrialAPrompt) {
  const int adapter = AddAdapter("a", "");
  const int task = AddTask("t", "numeric", {"first", "vote"}, 3, 3);
  const auto answer = [&](int subject, int prompt, const std::vector<std::string>& votes) {
    for (int sample = 0; sample < 3; ++sample) {
      const std::string& vote = votes[static_cast<size_t>(sample)];
      const double right = vote == "7" ? 1 : 0;
      if (vote == "error") {
        Fail(subject, task, prompt, sample);
      } else {
        Observe(subject, task, prompt, {{"first", right, 1, 1, ""}, {"vote", right, 1, 3, vote}},
                sample);
      }
    }
  };
  answer(0, 0, {"7", "8", "8"}), answer(adapter, 0, {"8", "7", "7"});
  answer(0, 1, {"8", "9", "7"}), answer(adapter, 1, {"7", "9", "8"});  // ties: the first
  answer(0, 2, {"7", "7", "error"}), answer(adapter, 2, {"7", "7", "7"});
  ASSERT_OK_AND_ASSIGN(const Report report, BuildReport(input));
  const ReportCell* first = report.FindCell(0, task, "first");
  EXPECT_DOUBLE_EQ(first->value, 2.0 / 3);
  EXPECT_EQ(first->trials, 3);
  EXPECT_EQ(first->method, IntervalMethod::kWilson);
  EXPECT_EQ(first->samples->prompts, 2);  // of single responses, where all three are there
  EXPECT_DOUBLE_EQ(first->samples->pass_at[0], 1.0 / 3);
  const ReportCell* vote = report.FindCell(0, task, "vote");
  EXPECT_EQ(vote->trials, 2);  // the vote with an absentee does not count
  EXPECT_DOUBLE_EQ(vote->value, 0);
  EXPECT_DOUBLE_EQ(report.FindCell(adapter, task, "vote")->value, 1);
  const ReportDelta* delta = report.FindDelta(adapter, task, "vote");
  EXPECT_EQ(delta->pairs, 2);
  EXPECT_EQ(delta->method, IntervalMethod::kPairedScore);
  EXPECT_DOUBLE_EQ(delta->value, 1);
}

TEST_F(ReportTest, AMetricTakesOneResponseEverywhereOrNowhere) {
  const int task = AddTask("t", "numeric", {"m"}, 1, 2);
  Observe(0, task, 0, {{"m", 1, 1, 2, "x"}}, 0);
  Observe(0, task, 0, {{"m", 1, 1}}, 1);
  EXPECT_THAT(BuildReport(input).status().message(), HasSubstr("takes one response a prompt here"));
}

TEST_F(ReportTest, PromptsThatAreTooLongAreCountedAmongTheErrors) {
  const int task = AddTask("t", "numeric", {"numeric_match"}, 3);
  Fail(0, task, 0), Fail(0, task, 1);
  input.verdicts.back().too_long = true;
  ASSERT_OK_AND_ASSIGN(const Report report, BuildReport(input));
  EXPECT_EQ(report.CoverageOf(0, task).errors, 2);
  EXPECT_EQ(report.CoverageOf(0, task).too_long, 1);
  EXPECT_EQ(report.CoverageOf(0, task).missing, 1);
}

TEST_F(ReportTest, RefusesBadInputByPlace) {
  const int adapter = AddAdapter("a", "");
  const int task = AddTask("sums", "numeric", {"numeric_match"}, 2);
  Observe(adapter, task, 0, {{"numeric_match", 2, 1}});
  ExpectRefused("a, task sums, prompt 100000, sample 0: metric numeric_match: 2 successes of 1");
  input.verdicts.clear();
  Observe(adapter, task, 0, {{"numeric_match", std::nan(""), 1}});
  ExpectRefused("successes of 1");
  input.verdicts.clear();
  Observe(adapter, task, 0, {});
  Fail(adapter, task, 0);
  ExpectRefused("two verdicts");
  input.verdicts.clear();
  Observe(adapter, task, 0, {{"numeric_match", 1, 1}, {"numeric_match", 1, 1}});
  ExpectRefused("observed twice");
  input.verdicts.clear();
  Observe(0, task, 0, {{"numeric_match", 1, 2}});
  Observe(adapter, task, 0, {{"numeric_match", 1, 3}});
  ExpectRefused("has 3 trials here and 2");
  input.verdicts.clear();
  for (int i = 0; i < 3; ++i) Observe(0, task, i, {});
  ExpectRefused("verdicts of 3 prompts");
  input.verdicts.clear();
  Observe(7, task, 0, {});
  ExpectRefused("no such subject");
  input.verdicts.clear();
  Observe(0, task, 0, {}, 1);
  ExpectRefused("want a sample below 1");
  input.verdicts.clear();
  input.tasks[0].metrics.clear();
  ExpectRefused("no metrics");
  input.tasks.clear();
  ExpectRefused("no task");
}

TEST_F(ReportTest, RefusesBadOptions) {
  AddTask("sums", "numeric", {"numeric_match"}, 2);
  ReportOptions options;
  options.resamples = 10;
  EXPECT_THAT(BuildReport(input, options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("resamples is 10")));
  options = {};
  options.confidence = 95;
  EXPECT_THAT(BuildReport(input, options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("confidence is 95")));
}

// 4 subjects x 2 tasks x 541 prompts with IFEval's eight scores: the report is rebuilt whenever it
// is asked for.
TEST_F(ReportTest, IsFast) {
  for (const char* alias : {"a", "b", "c"}) AddAdapter(alias, "instruction_following");
  const std::vector<std::string> scores = {
      "ila_strict",       "pla_strict",       "ila_loose",       "pla_loose",
      "ila_strict_fixed", "pla_strict_fixed", "ila_loose_fixed", "pla_loose_fixed"};
  const int ifeval = AddTask("ifeval", "instruction_following", scores, 541);
  const int sums = AddTask("sums", "numeric", {"numeric_match"}, 541);
  std::mt19937 random(1);
  for (int s = 0; s < 4; ++s) {
    for (int i = 0; i < 541; ++i) {
      const int trials = 1 + i % 3;
      std::vector<Observation> o;
      for (size_t m = 0; m < scores.size(); ++m) {
        const int n = m % 2 == 0 ? trials : 1;
        o.push_back({scores[m], static_cast<double>(random() % static_cast<unsigned>(n + 1)), n});
      }
      Observe(s, ifeval, i, std::move(o));
      Observe(s, sums, i,
              {{"numeric_match", static_cast<double>(random() % 2), 1}, {"empty_response", 0, 1}});
    }
  }
  const std::clock_t start = std::clock();
  const Report report = Build();
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::printf("report over 4 x 2 x 541: %.0f ms of processor time\n", 1000 * seconds);
  EXPECT_EQ(report.cells.size(), 4u * (8 + 2));
  EXPECT_LT(seconds,
            5);  // generous: sanitizers; the figure is in docs/statistics.md
}

class HistoryTest : public ReportTest {};

TEST_F(HistoryTest, EachVersionAgainstFirstAndPrevious) {
  AddAdapter("v2", "");
  AddAdapter("v3", "");
  const int task = AddTask("sums", "numeric", {"numeric_match"}, 100);
  AnswerBase(task, 50);
  AnswerPaired(1, task, 50, 20, 0);
  AnswerPaired(2, task, 50, 0, 15);
  ASSERT_OK_AND_ASSIGN(const History history, BuildHistory(input));
  ASSERT_EQ(history.steps.size(), 3u);
  EXPECT_TRUE(history.steps[0].to_first.empty());
  EXPECT_NEAR(history.steps[1].to_first[0].value, 0.2, 1e-12);
  EXPECT_NEAR(history.steps[2].to_first[0].value, -0.15, 1e-12);
  EXPECT_NEAR(history.steps[2].to_previous[0].value, -0.35, 1e-12);
  EXPECT_EQ(history.steps[2].to_previous[0].lost, 35);
  // Two looks: the smaller p counts twice.
  EXPECT_NEAR(history.steps[2].to_previous[0].p_holm, 2 * history.steps[2].to_previous[0].p, 1e-18);
  EXPECT_EQ(history.steps[2].cells.size(), 1u);
}

}  // namespace
}  // namespace plumbline
