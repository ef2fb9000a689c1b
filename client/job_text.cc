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

std::string VerdictLine(const v1::Verdict& verdict) {
  return std::to_string(verdict.sequence()) + "\t" + verdict.task() + "\t" +
         SubjectName(verdict.adapter()) + "\t" + verdict.key() + "\t" + VerdictMark(verdict) +
         "\t" + OneLine(VerdictReason(verdict), 120);
}

}  // namespace plumbline::client
