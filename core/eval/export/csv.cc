#include "core/eval/export/csv.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace plumbline {
namespace {

std::string Field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

void AppendRow(const std::vector<std::string>& fields, std::string& csv) {
  for (size_t i = 0; i < fields.size(); ++i) {
    absl::StrAppend(&csv, i == 0 ? "" : ",", Field(fields[i]));
  }
  csv += "\r\n";
}

// In the order the tasks' verdicts bring them.
std::vector<std::string> Metrics(const ExportData& data) {
  std::vector<std::string> metrics;
  for (const ExportTask& task : data.tasks) {
    for (const ExportSubject& subject : data.subjects) {
      for (const ExportVerdict* v : SortedVerdicts(data, subject.adapter, task.name)) {
        for (const Observation& o : v->observations) {
          if (std::find(metrics.begin(), metrics.end(), o.metric) == metrics.end())
            metrics.push_back(o.metric);
        }
      }
    }
  }
  return metrics;
}

std::string MetricField(const ExportVerdict& v, const std::string& metric) {
  for (const Observation& o : v.observations) {
    if (o.metric == metric) return absl::StrCat(o.successes / o.trials);
  }
  return "";
}

}  // namespace

std::string VerdictsToCsv(const ExportData& data) {
  const std::vector<std::string> metrics = Metrics(data);
  std::vector<std::string> header = {
      "task",   "adapter", "adapter_version", "key",           "sample",
      "passed", "error",   "finish_reason",   "prompt_tokens", "completion_tokens"};
  for (const std::string& metric : metrics) header.push_back("metric:" + metric);
  header.insert(header.end(), {"group", "extracted", "target", "prompt", "response"});
  std::string csv;
  AppendRow(header, csv);
  for (const ExportTask& task : data.tasks) {
    for (const ExportSubject& subject : data.subjects) {
      for (const ExportVerdict* v : SortedVerdicts(data, subject.adapter, task.name)) {
        std::vector<std::string> row = {task.name,
                                        ExportSubjectName(subject.adapter),
                                        subject.adapter_version,
                                        v->key,
                                        absl::StrCat(v->sample),
                                        v->passed ? "true" : "false",
                                        v->error,
                                        v->finish_reason,
                                        absl::StrCat(v->prompt_tokens),
                                        absl::StrCat(v->completion_tokens)};
        for (const std::string& metric : metrics) row.push_back(MetricField(*v, metric));
        row.insert(row.end(), {v->group, v->extracted, v->target, v->prompt, v->response});
        AppendRow(row, csv);
      }
    }
  }
  return csv;
}

}  // namespace plumbline
