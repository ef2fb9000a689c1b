#include "client/report_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plumbline::client {
namespace {

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

}  // namespace
}  // namespace plumbline::client
