#include "client/report_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plumbline::client {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

void SetEstimate(v1::Estimate* estimate, double value, double lower, double upper) {
  estimate->set_value(value);
  estimate->set_lower(lower);
  estimate->set_upper(upper);
}

void AddCell(v1::Report& report, const std::string& adapter, const std::string& metric,
             double value, bool primary) {
  auto* cell = report.add_cells();
  cell->set_adapter(adapter);
  cell->set_task("numbers");
  cell->set_metric(metric);
  cell->set_primary(primary);
  SetEstimate(cell->mutable_estimate(), value, value - 0.05, value + 0.05);
}

v1::Report ReportOfOneAdapter() {
  v1::Report report;
  report.set_job_id("job-1");
  report.set_model("tiny");
  report.set_done_verdicts(8);
  report.set_total_verdicts(8);
  report.add_subjects();
  report.add_subjects()->set_adapter("math");
  auto* task = report.add_tasks();
  task->set_name("numbers");
  task->set_capability("numeric");
  task->set_prompts(4);
  AddCell(report, "", "numeric_match", 0.133, true);
  AddCell(report, "math", "numeric_match", 0.632, true);
  AddCell(report, "", "pla_strict_fixed", 0.4, false);
  auto* delta = report.add_deltas();
  delta->set_adapter("math");
  delta->set_task("numbers");
  delta->set_metric("numeric_match");
  delta->set_primary(true);
  delta->set_p_adjusted(0.00001);
  delta->set_gained(3);
  SetEstimate(delta->mutable_estimate(), 0.499, 0.4, 0.6);
  auto* label = report.add_labels();
  label->set_adapter("math");
  label->set_nominal_target("numeric");
  label->set_verdict(v1::LABEL_VERDICT_SUPPORTED);
  label->add_reasons("numeric_match rose by 0.499.");
  report.mutable_gate()->set_status(v1::GATE_STATUS_PASS);
  report.mutable_gate()->add_reasons("floor met.");
  return report;
}

TEST(ReportToText, ShowsMatrixDeltasLabelsAndGate) {
  const std::string text = ReportToText(ReportOfOneAdapter(), {});
  EXPECT_THAT(text, HasSubstr("numbers (numeric, 4 prompts)"));
  EXPECT_THAT(text, HasSubstr("numeric_match *  0.133 [0.083, 0.183]  0.632 [0.582, 0.682]"));
  EXPECT_THAT(text, HasSubstr("+0.499 [+0.400, +0.600]   <0.0001"));
  EXPECT_THAT(text, HasSubstr("SUPPORTED"));
  EXPECT_THAT(text, HasSubstr("Gate: PASS"));
  EXPECT_THAT(text, Not(HasSubstr("fixed")));
  EXPECT_THAT(text, Not(HasSubstr("PARTIAL")));
}

TEST(ReportToText, SaysWhatIsPartialAndWhatWentWrong) {
  v1::Report report = ReportOfOneAdapter();
  report.set_partial(true);
  report.set_error_verdicts(2);
  EXPECT_THAT(ReportToText(report, {}), HasSubstr("2 of them execution errors"));
  EXPECT_THAT(ReportToText(report, {}), HasSubstr("PARTIAL"));
}

TEST(ReportToText, AllMetricsAndMarkdown) {
  const std::string text =
      ReportToText(ReportOfOneAdapter(), {.all_metrics = true, .markdown = true});
  EXPECT_THAT(text, HasSubstr("pla_strict_fixed"));
  EXPECT_THAT(text, HasSubstr("| --- |"));
}

TEST(ReportToText, ManySubjectsAreSplitIntoSeveralTables) {
  v1::Report report = ReportOfOneAdapter();
  for (int i = 0; i < 6; ++i) report.add_subjects()->set_adapter("a" + std::to_string(i));
  const std::string text = ReportToText(report, {});
  size_t tables = 0;
  for (size_t at = text.find("METRIC  "); at != std::string::npos;
       at = text.find("METRIC  ", at + 1))
    ++tables;
  EXPECT_EQ(tables, 3u);  // two of the matrix, one of the deltas
}

TEST(ReportText, ValidityStandsBesideTheScores) {
  v1::Report report = ReportOfOneAdapter();
  report.set_model_version("0123456789abcdef");
  for (const char* adapter : {"", "math"}) {
    auto* coverage = report.add_coverage();
    coverage->set_adapter(adapter);
    coverage->set_task("numbers");
    coverage->set_expected(4);
    coverage->set_scored(*adapter == 0 ? 4 : 1);
    coverage->set_errors(*adapter == 0 ? 0 : 3);
    coverage->set_too_long(*adapter == 0 ? 0 : 2);
  }
  auto* hint = report.add_hints();
  hint->set_task("numbers");
  hint->set_kind("prompt_in_other_task");
  hint->set_other_task("sums");
  hint->set_prompts(2);
  hint->add_keys("7");
  const std::string text = ReportToText(report, {});
  EXPECT_THAT(text, HasSubstr("model tiny [0123456789ab]"));
  EXPECT_THAT(text, HasSubstr("3 of 4 (2 longer than the context)"));
  EXPECT_THAT(text, HasSubstr("- ! 2 prompts are in task sums as well: 7, ...\n"));
  EXPECT_THAT(text, Not(HasSubstr("not there yet")));
  ReportTextOptions markdown;
  markdown.markdown = true;
  EXPECT_THAT(ReportToText(report, markdown), HasSubstr("| execution errors | 0 of 4 |"));
}

TEST(ReportText, GroupsHaveTheirOwnTable) {
  v1::Report report = ReportOfOneAdapter();
  auto* group = report.add_groups();
  group->set_task("numbers");
  group->set_by("language");
  group->set_name("Thai");
  group->add_headline_metrics("overall");
  for (const char* metric : {"overall", "detail"}) {
    for (const char* adapter : {"", "math"}) {
      auto* cell = group->add_cells();
      cell->set_adapter(adapter);
      cell->set_metric(metric);
      if (*adapter == 0) continue;  // the base has not reached it
      cell->set_prompts(3);
      cell->mutable_estimate()->set_value(0.5);
      cell->mutable_estimate()->set_lower(0.25);
      cell->mutable_estimate()->set_upper(0.75);
    }
  }
  ReportTextOptions options;
  const std::string text = ReportToText(report, options);
  EXPECT_THAT(text, HasSubstr("numbers by language\n"));
  EXPECT_THAT(text, ContainsRegex("Thai +overall +- +0.500 .0.250, 0.750. +3\n"));
  EXPECT_THAT(text, Not(HasSubstr("detail")));
  options.all_metrics = true;
  EXPECT_THAT(ReportToText(report, options), HasSubstr("detail"));
}

TEST(ReportText, SeveralSamplesShowVotesAndConsistency) {
  v1::Report report = ReportOfOneAdapter();
  report.mutable_tasks(0)->set_samples(4);
  for (auto& cell : *report.mutable_cells()) {
    if (!cell.primary()) continue;
    auto* samples = cell.mutable_samples();
    samples->set_samples(4);
    for (double pass : {0.25, 0.4, 0.5, 0.625}) samples->add_pass_at(pass);
    samples->set_majority(0.125);
    samples->set_consistency(0.75);
    if (!cell.adapter().empty()) samples->set_voted(0.375);
  }
  const std::string text = ReportToText(report, {});
  EXPECT_THAT(text, HasSubstr("pass@4"));
  EXPECT_THAT(text, HasSubstr("0.625"));
  EXPECT_THAT(text, HasSubstr("majority of 4"));
  EXPECT_THAT(text, HasSubstr("voted answer     -"));
  EXPECT_THAT(text, HasSubstr("0.375"));
}

}  // namespace
}  // namespace plumbline::client
