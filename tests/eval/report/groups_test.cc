#include "core/eval/report/groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Six items in two groups, two subjects; `pass` is right on items 0, 2 and 4.
struct Fixture {
  Fixture() {
    task.group_by = "subject";
    for (int i = 0; i < 6; ++i) {
      TaskItem item;
      item.key = std::to_string(i);
      item.group = i < 2 ? "physics" : "law";
      task.items.push_back(item);
    }
    input.subjects = {{.model = "m"}, {.model = "m", .adapter = "a"}};
    input.baseline = 0;
    input.tasks = {{.name = "mmlu", .version = "v", .capability = "knowledge"}};
    input.tasks[0].metrics = {"accuracy", "acc_norm"};
    input.tasks[0].prompts = 6;
    for (int s = 0; s < 2; ++s) {
      for (int i = 0; i < 6; ++i) {
        ReportVerdict v;
        v.subject = s;
        v.key = std::to_string(i);
        v.observations = {{"accuracy", i % 2 == 0 ? 1.0 : 0.0}, {"acc_norm", s == 0 ? 1.0 : 0.0}};
        input.verdicts.push_back(v);
      }
    }
  }

  Task task;
  ReportInput input;
};

TEST(GroupsTest, AGroupIsMeasuredAsATaskOfItsOwn) {
  Fixture f;
  f.input.verdicts.back().execution_error = true;  // item 5 of the adapter
  ASSERT_OK_AND_ASSIGN(const auto groups, BuildGroups(f.input, {&f.task}));
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].name, "law");
  EXPECT_EQ(groups[1].name, "physics");
  EXPECT_EQ(groups[0].by, "subject");
  EXPECT_THAT(groups[0].headline, ElementsAre("accuracy"));
  ASSERT_EQ(groups[0].cells.size(), 4u);  // subject, then metric
  const ReportCell& base = groups[0].cells[0];
  EXPECT_EQ(base.subject, 0);
  EXPECT_EQ(base.metric, "accuracy");
  EXPECT_TRUE(base.primary);
  EXPECT_DOUBLE_EQ(base.value, 0.5);
  EXPECT_EQ(base.prompts, 4);
  EXPECT_EQ(base.method, IntervalMethod::kWilson);
  EXPECT_NEAR(base.lower, 0.1500, 1e-4);  // Wilson's of 2 of 4
  EXPECT_NEAR(base.upper, 0.8500, 1e-4);
  EXPECT_EQ(groups[0].cells[2].subject, 1);
  EXPECT_EQ(groups[0].cells[2].prompts, 3);
  EXPECT_DOUBLE_EQ(groups[0].cells[2].value, 2 / 3.0);
  EXPECT_DOUBLE_EQ(groups[1].cells[3].value, 0);
}

TEST(GroupsTest, TasksWithoutGroupsAndUnknownOnesHaveNone) {
  Fixture f;
  EXPECT_THAT(BuildGroups(f.input, {nullptr}), IsOkAndHolds(IsEmpty()));
  f.task.group_by.clear();
  EXPECT_THAT(BuildGroups(f.input, {&f.task}), IsOkAndHolds(IsEmpty()));
}

TEST(GroupsTest, AGroupThatASubjectHasNotReachedHasNoValue) {
  Fixture f;
  f.input.verdicts.resize(8);  // of the adapter only items 0 and 1: physics
  ASSERT_OK_AND_ASSIGN(const auto groups, BuildGroups(f.input, {&f.task}));
  EXPECT_EQ(groups[0].cells[2].prompts, 0);
  EXPECT_TRUE(std::isnan(groups[0].cells[2].value));
  EXPECT_EQ(groups[1].cells[2].prompts, 2);
}

// One prompt-level and one instruction-level part; weighted for the whole task, 6 prompts with 9
// instructions, the observation of a prompt is 3 pla + 2 ila of 3 + 2 instructions.
TEST(GroupsTest, AMeanIsTakenAnewInEachGroup) {
  Fixture f;
  f.input.tasks[0].metrics = {"overall", "pla", "ila"};
  f.task.means = {{"overall", {"pla", "ila"}}};
  for (size_t i = 0; i < f.input.verdicts.size(); ++i) {
    const int instructions = i % 6 < 3 ? 1 : 2;
    const double pla = i % 6 == 1 || i % 6 == 4 ? 1 : 0;
    const double ila = pla > 0 ? instructions : instructions - 1;
    f.input.verdicts[i].observations = {{"pla", pla, 1},
                                        {"ila", ila, instructions},
                                        {"overall", 3 * pla + 2 * ila, 3 + 2 * instructions}};
  }
  ASSERT_OK_AND_ASSIGN(const Report report, BuildReport(f.input));
  EXPECT_DOUBLE_EQ(report.cells[0].value, (2 / 6.0 + 5 / 9.0) / 2);
  ASSERT_OK_AND_ASSIGN(const auto groups, BuildGroups(f.input, {&f.task}));
  EXPECT_THAT(groups[0].headline, ElementsAre("overall"));
  for (const ReportGroup& group : groups) {
    for (size_t s = 0; s < 2; ++s) {
      const ReportCell* cells = &group.cells[3 * s];
      EXPECT_DOUBLE_EQ(cells[0].value, (cells[1].value + cells[2].value) / 2) << group.name;
      EXPECT_LE(cells[0].lower, cells[0].value);
      EXPECT_GE(cells[0].upper, cells[0].value);
    }
  }
  EXPECT_DOUBLE_EQ(groups[0].cells[0].value, (1 / 4.0 + 4 / 7.0) / 2);
}

}  // namespace
}  // namespace plumbline
