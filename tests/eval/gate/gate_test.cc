#include "core/eval/gate/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/eval/gate/gate_json.h"
#include "tests/eval/report/report_fixture.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// One adapter on 500 instruction prompts and 500 sums; the base passes 200 of each.
class GateTest : public testing::Test, protected ReportFixture {
 protected:
  GateTest() {
    adapter_ = AddAdapter("a", "instruction_following");
    ifeval_ = AddTask("ifeval", "instruction_following", {"pla_strict"}, 500);
    sums_ = AddTask("sums", "numeric", {"numeric_match"}, 500);
    AnswerBase(ifeval_, 200);
    AnswerBase(sums_, 200);
  }
  void Adapter(int gained, int lost, int sums_gained = 5, int sums_lost = 5) {
    AnswerPaired(adapter_, ifeval_, 200, gained, lost);
    AnswerPaired(adapter_, sums_, 200, sums_gained, sums_lost);
  }
  GateResult Evaluate(const char* yaml) {
    auto policy = ParseGatePolicy(yaml);
    EXPECT_OK(policy);
    auto report = BuildReport(input);
    EXPECT_OK(report);
    return EvaluateGate(*policy, *report);
  }
  GateStatus Status(const char* yaml) { return Evaluate(yaml).status; }

  int adapter_, ifeval_, sums_;
};

constexpr char kNonInferior[] = "non_inferiority: [{margin: 0.05}]";

TEST_F(GateTest, PassListsItsChecksAndNoReason) {
  Adapter(60, 10);
  const GateResult result =
      Evaluate("name: n\nnon_inferiority: [{margin: 0.05}]\nlabel: SUPPORTED");
  EXPECT_EQ(result.status, GateStatus::kPass);
  EXPECT_EQ(result.policy, "n");
  EXPECT_THAT(result.reasons, IsEmpty());
  ASSERT_EQ(result.subjects.size(), 1u);
  EXPECT_EQ(result.subjects[0].checks.size(), 4u);  // complete, two tasks, label
}

TEST_F(GateTest, FloorPassesByTheLowerLimitFailsBySignificance) {
  Adapter(0, 0);  // 0.4, interval about 0.358 to 0.444
  EXPECT_EQ(Status("floors: [{task: ifeval, at_least: 0.35}]"), GateStatus::kPass);
  EXPECT_EQ(Status("floors: [{task: ifeval, at_least: 0.39}]"), GateStatus::kInconclusive);
  EXPECT_EQ(Status("floors: [{task: ifeval, at_least: 0.41}]"), GateStatus::kInconclusive);
  EXPECT_EQ(Status("floors: [{task: ifeval, at_least: 0.50}]"), GateStatus::kFail);
  EXPECT_EQ(Status("floors: [{task: ifeval, at_least: 0.39, using: point}]"), GateStatus::kPass);
  EXPECT_EQ(Status("floors: [{task: ifeval, at_least: 0.41, using: point}]"), GateStatus::kFail);
  EXPECT_EQ(Status("floors: [{at_least: 0}]"), GateStatus::kPass);
}

TEST_F(GateTest, NonInferiorityNeedsProofEitherWay) {
  Adapter(15, 15);
  EXPECT_EQ(Status(kNonInferior), GateStatus::kPass);
  EXPECT_EQ(Status("non_inferiority: [{margin: 0.01}]"), GateStatus::kInconclusive);
  const GateResult none = Evaluate("non_inferiority: [{margin: 0}]");
  EXPECT_THAT(none.reasons, testing::Contains(HasSubstr("want its lower limit above +0")));
}

TEST_F(GateTest, RegressionBeyondTheMarginFails) {
  Adapter(5, 80);
  const GateResult result = Evaluate(kNonInferior);
  EXPECT_EQ(result.status, GateStatus::kFail);
  ASSERT_EQ(result.reasons.size(), 1u);
  EXPECT_THAT(result.reasons[0], HasSubstr("a: ifeval pla_strict: -0.1500 against the baseline"));
  EXPECT_THAT(result.reasons[0], HasSubstr("shown to miss it"));
}

TEST_F(GateTest, SmallRegressionIsInconclusive) {
  Adapter(15, 40);
  const GateResult result = Evaluate(kNonInferior);
  EXPECT_EQ(result.status, GateStatus::kInconclusive);
  EXPECT_THAT(result.reasons, ElementsAre(HasSubstr("too few prompts to tell")));
}

TEST_F(GateTest, LabelRules) {
  Adapter(10, 60);
  EXPECT_EQ(Status("label: SUPPORTED"), GateStatus::kFail);
  EXPECT_EQ(Status("label: [SUPPORTED, CONTRADICTED]"), GateStatus::kPass);
  input.subjects[adapter_].nominal_target = "";
  EXPECT_EQ(Status("label: SUPPORTED"), GateStatus::kInconclusive);
}

TEST_F(GateTest, ExecutionErrorIsNeverAPass) {
  Adapter(60, 10);
  input.verdicts.back().execution_error = true;
  const GateResult result = Evaluate(kNonInferior);
  EXPECT_EQ(result.status, GateStatus::kInconclusive);
  EXPECT_THAT(result.reasons,
              ElementsAre(HasSubstr("499 of 500 responses scored, 1 execution errors, 0 missing")));
}

TEST_F(GateTest, MissingPromptOfTheBaselineIsNeverAPass) {
  Adapter(60, 10);
  input.verdicts.erase(input.verdicts.begin());
  EXPECT_THAT(Evaluate(kNonInferior).reasons, ElementsAre(HasSubstr("plumb-tiny has 499 of 500")));
}

TEST_F(GateTest, MissingTaskMetricOrSubjectIsInconclusive) {
  Adapter(60, 10);
  EXPECT_EQ(Status("floors: [{task: code, at_least: 0.1}]"), GateStatus::kInconclusive);
  EXPECT_EQ(Status("floors: [{task: ifeval, metric: ila_strict, at_least: 0.1}]"),
            GateStatus::kInconclusive);
  EXPECT_EQ(Status("floors: [{metric: ila_strict, at_least: 0}]"), GateStatus::kInconclusive);
  EXPECT_EQ(Status("require_tasks: [{task: code}]"), GateStatus::kInconclusive);
  EXPECT_EQ(Status("require_tasks: [{task: ifeval, min_prompts: 501}]"), GateStatus::kInconclusive);
  EXPECT_EQ(Status("require_tasks: [{task: ifeval, min_prompts: 500}]"), GateStatus::kPass);
  EXPECT_EQ(Status("validity: [{metric: truncated, at_most: 1}]"), GateStatus::kInconclusive);
  EXPECT_EQ(Status("subjects: [b]\nfloors: [{at_least: 0}]"), GateStatus::kInconclusive);
  EXPECT_EQ(Status("subjects: [a, b]\nfloors: [{at_least: 0}]"), GateStatus::kInconclusive);
}

TEST_F(GateTest, MetricMissingForTheSubjectOnlyIsInconclusive) {
  Adapter(60, 10);
  for (ReportVerdict& v : input.verdicts) {
    if (v.subject == 0) v.observations.push_back({"extra", 1, 1});
  }
  EXPECT_EQ(Status("floors: [{metric: extra, at_least: 0}]"), GateStatus::kInconclusive);
}

TEST_F(GateTest, NobodyToJudgeIsInconclusive) {
  input.subjects.pop_back();
  EXPECT_THAT(Evaluate("floors: [{at_least: 0}]").reasons,
              ElementsAre(HasSubstr("no subject to judge")));
}

TEST_F(GateTest, WithoutABaselineNothingIsNonInferior) {
  Adapter(60, 10);
  input.baseline = -1;
  EXPECT_EQ(Status(kNonInferior), GateStatus::kInconclusive);
  EXPECT_EQ(Status("floors: [{task: ifeval, at_least: 0.3}]"),
            GateStatus::kPass);  // base and adapter
}

// A caller that forgets to look the baseline up gets no pass.
TEST_F(GateTest, ABaselineThatWasNotLookedUpIsInconclusive) {
  Adapter(60, 10);
  const GateResult result = Evaluate("non_inferiority: [{margin: 0.05}]\nbaseline: {alias: prod}");
  EXPECT_EQ(result.status, GateStatus::kInconclusive);
  EXPECT_THAT(result.reasons, ElementsAre(HasSubstr("was not looked up")));
}

TEST_F(GateTest, ValidityIsAFactOfTheRun) {
  Adapter(60, 10);
  for (ReportVerdict& v : input.verdicts) {
    const bool empty = v.subject == adapter_ && v.task == sums_ && v.key < Key(20);
    v.observations.push_back({"empty_response", empty ? 1.0 : 0.0, 1});
  }
  EXPECT_EQ(Status("validity: [{metric: empty_response, at_most: 0.04}]"), GateStatus::kPass);
  EXPECT_EQ(Status("validity: [{metric: empty_response, at_most: 0.039}]"), GateStatus::kFail);
  EXPECT_EQ(Status("validity: [{task: ifeval, metric: empty_response, at_most: 0}]"),
            GateStatus::kPass);
}

TEST_F(GateTest, FailIsHolmAdjusted) {
  Adapter(0, 0);
  // 0.4 against 0.445: p is 0.021 alone, not below 0.025 as one of two rules.
  EXPECT_EQ(Status("floors: [{task: ifeval, at_least: 0.445}]"), GateStatus::kFail);
  EXPECT_EQ(Status("floors: [{task: ifeval, at_least: 0.445}, {task: sums, at_least: 0.1}]"),
            GateStatus::kInconclusive);
}

TEST_F(GateTest, WorstSubjectDecidesAndFailComesFirst) {
  Adapter(60, 10);
  const int bad = AddAdapter("bad", "");
  AnswerPaired(bad, ifeval_, 200, 0, 150);
  AnswerPaired(bad, sums_, 200, 15, 40);
  const GateResult result = Evaluate(kNonInferior);
  EXPECT_EQ(result.status, GateStatus::kFail);
  EXPECT_EQ(result.subjects[0].status, GateStatus::kPass);
  EXPECT_EQ(result.subjects[1].status, GateStatus::kFail);
  EXPECT_THAT(result.reasons, ElementsAre(HasSubstr("bad: ifeval"), HasSubstr("bad: sums")));
  const auto json = GateResultToJson(result);
  EXPECT_EQ(json["status"], "FAIL");
  EXPECT_EQ(json["subjects"][1]["checks"][1]["rule"], "non_inferiority");
  EXPECT_TRUE(json["subjects"][0]["checks"][0]["task"].is_null());
}

}  // namespace
}  // namespace plumbline
