#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/eval/gate/gate.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(GatePolicyTest, ReadsEverySection) {
  ASSERT_OK_AND_ASSIGN(const GatePolicy policy, ParseGatePolicy(R"(
name: deploy
subjects: [instruct, format]
require_tasks:
  - {task: ifeval, min_prompts: 500}
  - task: sums
floors:
  - {task: ifeval, metric: pla_strict, at_least: 0.2}
  - {task: sums, at_least: 0.5, using: point}
non_inferiority:
  - {margin: 0.03}
label: [SUPPORTED, NOT_SUPPORTED]
validity:
  - {metric: empty_response, at_most: 0.02}
)"));
  EXPECT_EQ(policy.name, "deploy");
  EXPECT_THAT(policy.subjects, ElementsAre("instruct", "format"));
  ASSERT_EQ(policy.require_tasks.size(), 2u);
  EXPECT_EQ(policy.require_tasks[0].min_prompts, 500);
  EXPECT_EQ(policy.require_tasks[1].min_prompts, 1);
  ASSERT_EQ(policy.floors.size(), 2u);
  EXPECT_EQ(policy.floors[0].metric, "pla_strict");
  EXPECT_EQ(policy.floors[0].using_bound, FloorBound::kLower);
  EXPECT_EQ(policy.floors[1].metric, "");
  EXPECT_EQ(policy.floors[1].using_bound, FloorBound::kPoint);
  EXPECT_EQ(policy.non_inferiority[0].task, "*");
  EXPECT_EQ(policy.non_inferiority[0].margin, 0.03);
  EXPECT_THAT(policy.accept_labels,
              ElementsAre(LabelVerdict::kSupported, LabelVerdict::kNotSupported));
  EXPECT_EQ(policy.validity[0].task, "*");
}

TEST(GatePolicyTest, ReadsTheBaseline) {
  const auto read = [](const std::string& baseline) {
    auto policy =
        ParseGatePolicy("non_inferiority: [{margin: 0.03}]\nbaseline: " + baseline + "\n");
    EXPECT_OK(policy);
    return policy.ok() ? policy->baseline : GateBaseline();
  };
  EXPECT_EQ(read("base").kind, GateBaseline::kReport);
  EXPECT_EQ(read("{alias: prod}").kind, GateBaseline::kAlias);
  EXPECT_EQ(read("{alias: prod}").name, "prod");
  EXPECT_EQ(read("{version: 0123abcd}").kind, GateBaseline::kVersion);
  EXPECT_EQ(read("{version: prod@0123abcd}").name, "0123abcd");
  EXPECT_EQ(read("{version: prod@0123abcd}").adapter, "prod");
  EXPECT_EQ(read("{job: job-1, adapter: base}").kind, GateBaseline::kJob);
  EXPECT_EQ(read("{job: job-1, adapter: base}").adapter, "base");
  EXPECT_EQ(read("{job: job-1}").adapter, "");
}

// What a hostile client may send: no crash, no long wait, an error.
TEST(GatePolicyTest, HostileInputIsAnError) {
  EXPECT_THAT(ParseGatePolicy(std::string(100000, '[')),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseGatePolicy(std::string("floors: \0", 9)),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseGatePolicy("\xff\xfe\xff"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseGatePolicy("floors: &a [*a]"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseGatePolicy("? [floors]\n: 1"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseGatePolicy(",label: SUPPORTED"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseGatePolicy("label: !!binary aGVsbG8="),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(GatePolicyTest, NamesThatLookLikeNumbersAreNames) {
  ASSERT_OK_AND_ASSIGN(const GatePolicy policy,
                       ParseGatePolicy("subjects: [2024, 1.50]\nname: 7\n"
                                       "non_inferiority: [{task: 12, margin: 0}]\n"
                                       "baseline: {version: 00123456}\n"));
  EXPECT_EQ(policy.name, "7");
  EXPECT_THAT(policy.subjects, ElementsAre("2024", "1.50"));
  EXPECT_EQ(policy.non_inferiority[0].task, "12");
  EXPECT_EQ(policy.baseline.name, "00123456");
}

TEST(GatePolicyTest, TheTwoKindsOfFloorAreTwoRules) {
  EXPECT_OK(ParseGatePolicy("floors: [{at_least: 0.2}, {at_least: 0.4, using: point}]"));
}

struct BadPolicy {
  const char* name;
  const char* yaml;
  const char* error;
};

class BadPolicyTest : public testing::TestWithParam<BadPolicy> {};

TEST_P(BadPolicyTest, IsRefusedByLineAndKey) {
  EXPECT_THAT(ParseGatePolicy(GetParam().yaml),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("gate policy"), HasSubstr(GetParam().error))));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadPolicyTest,
    testing::Values(
        BadPolicy{"Empty", "", "no rule"}, BadPolicy{"Comment", "# nothing\n", "no rule"},
        BadPolicy{"Two", "label: SUPPORTED\n---\nlabel: SUPPORTED\n",
                  "gate policy:2: a second document"},
        BadPolicy{"NotYaml", "floors: [\n", "gate policy:2: not YAML"},
        BadPolicy{"NotAMap", "- a\n", "want a map"}, BadPolicy{"NoRule", "name: x\n", "no rule"},
        BadPolicy{"UnknownKey", "label: SUPPORTED\nflors: []\n",
                  "gate policy:2: flors: unknown key"},
        BadPolicy{"UnknownRuleKey", "floors:\n  - {at_least: 0.1, metirc: x}\n",
                  "gate policy:2: floors[0].metirc: unknown key"},
        BadPolicy{"Twice", "label: SUPPORTED\nlabel: CONTRADICTED\n", "is there twice"},
        BadPolicy{"NoValue", "label: SUPPORTED\nfloors:\n", "gate policy:2: floors: has no value"},
        BadPolicy{"EmptyList", "floors: []\n", "at least one rule"},
        BadPolicy{"NotAList", "floors: {at_least: 0.1}\n", "want a list"},
        BadPolicy{"NoLimit", "floors:\n  - {task: x}\n", "at_least is missing"},
        BadPolicy{"Percent", "floors:\n  - {at_least: 20}\n",
                  "gate policy:2: floors[0].at_least: want a share from 0 to 1"},
        BadPolicy{"Word", "non_inferiority:\n  - {margin: small}\n", "got small"},
        BadPolicy{"NaN", "non_inferiority:\n  - {margin: .nan}\n", "no finite number"},
        BadPolicy{"NoMargin", "non_inferiority:\n  - {margin: 1}\n", "no limit"},
        BadPolicy{"Using", "floors:\n  - {at_least: 0.2, using: upper}\n", "lower or point"},
        BadPolicy{"Label", "label: GOOD\n", "want SUPPORTED"},
        BadPolicy{"LabelInconclusive", "label: [SUPPORTED, INCONCLUSIVE]\n", "missing evidence"},
        BadPolicy{"NotAGuard", "validity:\n  - {metric: pla_strict, at_most: 0.1}\n",
                  "want empty_response"},
        BadPolicy{"GuardAsFloor", "floors:\n  - {metric: truncated, at_least: 0.1}\n",
                  "is a validity guard"},
        BadPolicy{"BaselineWord", "non_inferiority: [{margin: 0.1}]\nbaseline: prod\n",
                  "gate policy:2: baseline: want base, {alias: NAME}"},
        BadPolicy{"BaselineTwo", "non_inferiority: [{margin: 0.1}]\nbaseline: {alias: a, job: b}\n",
                  "want base, {alias: NAME}"},
        BadPolicy{"BaselineVersion", "non_inferiority: [{margin: 0.1}]\nbaseline: {version: v7}\n",
                  "8 to 64 hex"},
        BadPolicy{"BaselineAdapter",
                  "non_inferiority: [{margin: 0.1}]\nbaseline: {alias: a, adapter: b}\n",
                  "adapter goes with job"},
        BadPolicy{"BaselineKey", "non_inferiority: [{margin: 0.1}]\nbaseline: {adaptor: b}\n",
                  "baseline.adaptor: unknown key"},
        BadPolicy{"BaselineUnused", "label: SUPPORTED\nbaseline: {alias: a}\n",
                  "no non_inferiority rule"},
        BadPolicy{"NoTask", "require_tasks:\n  - {min_prompts: 5}\n", "task is missing"},
        BadPolicy{"NoPrompts", "require_tasks:\n  - {task: x, min_prompts: 0}\n",
                  "is 0, want an integer from 1"},
        BadPolicy{"Subjects", "subjects: instruct\nlabel: SUPPORTED\n", "list of adapter aliases"},
        BadPolicy{"FloorTwice",
                  "floors:\n  - {task: x, at_least: 0.1}\n  - {task: x, at_least: 0.2}\n",
                  "gate policy:3: floors[1]: x (primary metric), using lower, has a rule already, "
                  "in line 2"},
        BadPolicy{"MarginTwice",
                  "non_inferiority:\n  - {metric: m, margin: 0.1}\n  - {metric: m, margin: 0.1}\n",
                  "gate policy:3: non_inferiority[1]: * m has a rule already, in line 2"},
        BadPolicy{"GuardTwice",
                  "validity:\n  - {metric: truncated, at_most: 0.1}\n"
                  "  - {metric: truncated, at_most: 0.2}\n",
                  "validity[1]: * truncated has a rule already"},
        BadPolicy{"TaskTwice", "require_tasks:\n  - {task: x}\n  - {task: x, min_prompts: 5}\n",
                  "require_tasks[1]: x has a rule already"},
        BadPolicy{"LabelTwice", "label: [SUPPORTED, SUPPORTED]\n", "SUPPORTED is named twice"},
        BadPolicy{"SubjectTwice", "subjects: [a, a]\nlabel: SUPPORTED\n", "named twice"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace plumbline
