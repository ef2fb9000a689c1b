#include "client/job_text.h"

#include <google/protobuf/util/time_util.h>

#include "client/output.h"

namespace plumbline::client {
namespace {

using google::protobuf::util::TimeUtil;

std::string VerdictMark(const v1::Verdict& verdict) {
  if (verdict.has_error()) return "ERROR";
  return verdict.passed() ? "pass" : "fail";
}

// Why it failed: the first instruction that was not followed, or the answer found.
std::string VerdictReason(const v1::Verdict& verdict) {
  if (verdict.has_error()) return verdict.error().message();
  for (const auto& outcome : verdict.outcomes()) {
    if (!outcome.strict()) return outcome.id() + ": " + outcome.explanation();
  }
  return verdict.extracted().empty() ? "" : "answer " + verdict.extracted();
}

}  // namespace

std::string SubjectName(const std::string& adapter) { return adapter.empty() ? "base" : adapter; }

std::string GateName(v1::GateStatus status) {
  return status == v1::GATE_STATUS_UNSPECIFIED ? "-" : EnumName(status);
}

std::string JobToText(const v1::Job& job) {
  Table table({"FIELD", "VALUE"});
  table.AddRow({"id", job.id()});
  if (!job.display_name().empty()) table.AddRow({"name", job.display_name()});
  table.AddRow({"state", EnumName(job.state())});
  table.AddRow({"model", job.model()});
  std::string subjects;
  for (const auto& s : job.subjects())
    subjects += (subjects.empty() ? "" : ", ") + SubjectName(s.adapter());
  table.AddRow({"subjects", subjects});
  std::string tasks;
  for (const auto& t : job.tasks())
    tasks += (tasks.empty() ? "" : ", ") + t.name() + " (" + std::to_string(t.prompts()) + ")";
  table.AddRow({"tasks", tasks});
  table.AddRow({"verdicts", std::to_string(job.done_verdicts()) + " of " +
                                std::to_string(job.total_verdicts()) + ", " +
                                std::to_string(job.error_verdicts()) + " execution errors"});
  table.AddRow({"gate", GateName(job.gate_status())});
  if (job.has_create_time()) table.AddRow({"created", TimeUtil::ToString(job.create_time())});
  if (job.has_end_time()) table.AddRow({"ended", TimeUtil::ToString(job.end_time())});
  if (job.has_error()) table.AddRow({"error", job.error().message()});
  return table.ToString();
}

std::string PlanToText(const v1::Job& plan) {
  Table fields({"FIELD", "VALUE"});
  fields.AddRow(
      {"model", plan.model() + ", " + plan.numerics().dtype() + " on " + plan.numerics().device()});
  for (const auto& s : plan.subjects()) {
    std::string subject = SubjectName(s.adapter());
    if (!s.adapter_version().empty()) subject += ", version " + s.adapter_version().substr(0, 12);
    if (!s.nominal_target().empty()) subject += ", label " + s.nominal_target();
    fields.AddRow({"subject", subject});
  }
  Table tasks({"TASK", "CAPABILITY", "PROMPTS", "SAMPLES", "VERDICTS"});
  for (const size_t column : {size_t{2}, size_t{3}, size_t{4}}) tasks.AlignRight(column);
  for (const auto& t : plan.tasks()) {
    const int64_t responses = int64_t{t.prompts()} * t.samples();
    tasks.AddRow({t.name(), t.capability(), std::to_string(t.prompts()),
                  std::to_string(t.samples()), std::to_string(responses * plan.subjects_size())});
  }
  std::string text = "dry run: nothing was made\n" + fields.ToString() + "\n" + tasks.ToString() +
                     std::to_string(plan.total_verdicts()) + " verdicts in all\n\n";
  if (plan.gate_rules().empty()) return text + "no gate\n";
  text += "gate\n";
  for (const auto& rule : plan.gate_rules()) text += "  " + rule + "\n";
  for (const auto& warning : plan.gate_warnings()) text += "  warning: " + warning + "\n";
  return text;
}

std::string VerdictLine(const v1::Verdict& verdict) {
  return std::to_string(verdict.sequence()) + "\t" + verdict.task() + "\t" +
         SubjectName(verdict.adapter()) + "\t" + verdict.key() + "\t" + VerdictMark(verdict) +
         "\t" + OneLine(VerdictReason(verdict), 120);
}

}  // namespace plumbline::client
