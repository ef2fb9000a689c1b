#include "core/eval/gate/gate_lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

GatePolicy Policy(const std::string& yaml) {
  absl::StatusOr<GatePolicy> policy = ParseGatePolicy(yaml);
  EXPECT_OK(policy);
  return policy.ok() ? *policy : GatePolicy();
}

// ifeval with 541 prompts and sums with 20; adapters v7 (labelled) and raw.
GateScope Scope() {
  return {{{"ifeval", "instruction_following", 541, {"pla_strict", "ila_strict", "truncated"}},
           {"sums", "numeric", 20, {"numeric_match", "extraction_failure", "truncated"}}},
          {{"v7", "numeric"}, {"raw", ""}}};
}

absl::StatusOr<GatePlan> Plan(const std::string& yaml) { return PlanGate(Policy(yaml), Scope()); }

TEST(GateLint, ThePolicyByItselfIsToldInWords) {
  const GatePlan plan = DescribeGate(Policy(R"(
subjects: [v7]
require_tasks: [{task: ifeval, min_prompts: 500}]
floors: [{task: ifeval, metric: pla_strict, at_least: 0.2}, {at_least: 0.5, using: point}]
baseline: {alias: prod}
non_inferiority: [{margin: 0.03}]
label: [SUPPORTED, NOT_SUPPORTED]
validity: [{metric: truncated, at_most: 0.01}]
)"));
  EXPECT_THAT(
      plan.rules,
      ElementsAre("judges v7, against adapter prod",
                  "require_tasks: ifeval: 500 prompts scored or more",
                  "floors: ifeval pla_strict: lower limit of the interval at least 0.2",
                  "floors: every task (primary metric): score at least 0.5",
                  "non_inferiority: every task (primary metric): a loss of less than 0.03 against "
                  "adapter prod",
                  "label: SUPPORTED or NOT_SUPPORTED",
                  "validity: every task truncated: at most 0.01 of the responses"));
  EXPECT_THAT(plan.warnings, IsEmpty());
}

TEST(GateLint, RulesThatSayNothingOrTooMuchAreWarnedOf) {
  EXPECT_THAT(
      DescribeGate(Policy("floors: [{at_least: 0}, {at_least: 1, metric: accuracy}]\n"
                          "non_inferiority: [{margin: 0}]\n"
                          "validity: [{metric: truncated, at_most: 1}]\n"
                          "label: [SUPPORTED, NOT_SUPPORTED, CONTRADICTED]\n"))
          .warnings,
      ElementsAre(HasSubstr("at_least 0 always passes"),
                  HasSubstr("at_least 1 cannot PASS: the lower limit of a perfect score is below"),
                  HasSubstr("margin 0 passes only where a gain is proved"),
                  HasSubstr("every verdict but INCONCLUSIVE is accepted"),
                  HasSubstr("at_most 1 always passes")));
}

TEST(GateLint, NamesThatTheJobDoesNotHaveAreRefusedWithTheNearest) {
  for (const auto& [yaml, message] : std::vector<std::pair<std::string, std::string>>{
           {"floors:\n  - {task: ifval, at_least: 0.2}",
            "gate policy:2: floors: the job has no task \"ifval\"; did you mean \"ifeval\"? "
            "There are: ifeval, sums"},
           {"require_tasks:\n  - {task: mmlu}",
            "gate policy:2: require_tasks: the job has no task \"mmlu\"; there are: ifeval, sums"},
           {"non_inferiority: [{task: ifeval, metric: pla_strct, margin: 0.1}]",
            "gate policy:1: non_inferiority: task ifeval has no metric \"pla_strct\"; did you mean "
            "\"pla_strict\"? There are: pla_strict, ila_strict, truncated"},
           {"floors: [{metric: pla, at_least: 0.1}]",
            "gate policy:1: floors: no task of the job has the metric \"pla\"; did you mean "
            "\"pla_strict\"?"},
           {"validity: [{task: ifeval, metric: extraction_failure, at_most: 0.1}]",
            "task ifeval has no metric \"extraction_failure\""},
           {"subjects: [v8]\nlabel: SUPPORTED",
            "subjects: the job has no adapter \"v8\"; did you mean \"v7\"? There are: v7, raw"}}) {
    EXPECT_THAT(Plan(yaml), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  }
}

TEST(GateLint, ARuleForAllIsToldForEachTaskThatHasTheMetric) {
  ASSERT_OK_AND_ASSIGN(const GatePlan plan, Plan("floors: [{at_least: 0.2}]\n"
                                                 "validity: [{metric: extraction_failure, "
                                                 "at_most: 0.1}]\n"));
  EXPECT_THAT(plan.rules,
              ElementsAre("judges every adapter, against the base",
                          "floors: ifeval pla_strict: lower limit of the interval at least 0.2",
                          "floors: sums numeric_match: lower limit of the interval at least 0.2",
                          "validity: sums extraction_failure: at most 0.1 of the responses"));
  EXPECT_THAT(plan.warnings, IsEmpty());
}

TEST(GateLint, WhatThisJobCannotShowIsWarnedOf) {
  const auto warnings = [](const std::string& yaml) {
    absl::StatusOr<GatePlan> plan = Plan(yaml);
    EXPECT_OK(plan);
    return plan.ok() ? plan->warnings : std::vector<std::string>();
  };
  EXPECT_THAT(warnings("require_tasks: [{task: sums, min_prompts: 21}]"),
              ElementsAre(HasSubstr("the job asks 20 prompts of the 21 required")));
  EXPECT_THAT(
      warnings("floors: [{task: sums, at_least: 0.9}]"),
      ElementsAre(HasSubstr("with 20 prompts the lower limit of a perfect score is 0.839")));
  EXPECT_THAT(warnings("floors: [{task: ifeval, at_least: 0.9}]"), IsEmpty());
  EXPECT_THAT(warnings("floors: [{task: sums, at_least: 0.9, using: point}]"), IsEmpty());
  EXPECT_THAT(warnings("non_inferiority: [{margin: 0.05}]"),
              ElementsAre(HasSubstr("sums numeric_match: with 20 prompts an adapter whose answers "
                                    "are all equal to the baseline's has an interval of ±0.161")));
  EXPECT_THAT(
      warnings("floors: [{at_least: 0.2}, {task: ifeval, metric: pla_strict, at_least: 0.1}]"),
      ElementsAre(HasSubstr("floors: two rules are held against ifeval pla_strict")));
  EXPECT_THAT(warnings("label: SUPPORTED"),
              ElementsAre(HasSubstr("adapter raw declares no label")));
  EXPECT_THAT(warnings("subjects: [v7]\nlabel: SUPPORTED"), IsEmpty());
  GateScope scope = Scope();
  scope.tasks.pop_back();
  EXPECT_THAT(PlanGate(Policy("subjects: [v7]\nlabel: SUPPORTED"), scope)->warnings,
              ElementsAre(HasSubstr("no task of the job measures numeric")));
  scope.subjects.clear();
  EXPECT_THAT(PlanGate(Policy("floors: [{at_least: 0.1}]"), scope)->warnings,
              ElementsAre(HasSubstr("the job has no adapter to judge")));
}

}  // namespace
}  // namespace plumbline
