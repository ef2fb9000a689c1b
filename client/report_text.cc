#include "client/report_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "client/job_text.h"
#include "client/output.h"

namespace plumbline::client {
namespace {

// More subjects than this side by side do not fit a terminal; the rest follow in another table.
constexpr int kSubjectsPerTable = 4;

std::string Interval(const v1::Estimate& e) {
  return "[" + FormatScore(e.lower()) + ", " + FormatScore(e.upper()) + "]";
}

// Without an interval of its own (lower == upper) only the value.
std::string DeltaInterval(const v1::Estimate& e) {
  if (e.lower() == e.upper()) return FormatDelta(e.value());
  return FormatDelta(e.value()) + " [" + FormatDelta(e.lower()) + ", " + FormatDelta(e.upper()) +
         "]";
}

std::string FormatP(double p) {
  if (p < 0.0001) return "<0.0001";
  std::array<char, 32> buffer;
  std::snprintf(buffer.data(), buffer.size(), "%.4f", p);
  return buffer.data();
}

std::string LabelName(v1::LabelVerdict verdict) {
  return verdict == v1::LABEL_VERDICT_UNSPECIFIED ? "-" : EnumName(verdict);
}

// Scores under the policy `fixed` are for a closer look; the reference's are the headline.
bool IsHeadline(const std::string& metric) {
  const std::string suffix = "_fixed";
  return metric.size() < suffix.size() ||
         metric.compare(metric.size() - suffix.size(), suffix.size(), suffix) != 0;
}

class Renderer {
 public:
  Renderer(const v1::Report& report, const ReportTextOptions& options)
      : report_(report), options_(options) {}

  std::string Render() {
    Header();
    for (const auto& task : report_.tasks()) TaskMatrix(task);
    Deltas();
    Labels();
    Gate();
    return std::move(text_);
  }

 private:
  void Header() {
    Heading("Report of " + report_.job_id());
    const auto& n = report_.numerics();
    text_ += "model " + report_.model();
    if (!report_.model_version().empty())
      text_ += " [" + report_.model_version().substr(0, 12) + "]";
    if (!n.device().empty()) text_ += " (" + n.device() + ", " + n.dtype() + ", " + n.mode() + ")";
    text_ += "; " + std::to_string(report_.done_verdicts()) + " of " +
             std::to_string(report_.total_verdicts()) + " verdicts";
    if (report_.error_verdicts() > 0) {
      text_ += ", " + std::to_string(report_.error_verdicts()) +
               " of them execution errors (neither passed nor failed)";
    }
    if (report_.partial()) text_ += "; PARTIAL: the job has not ended";
    text_ += "\n";
  }

  void Heading(const std::string& title) {
    if (!text_.empty()) text_ += "\n";
    text_ += options_.markdown ? "### " + title + "\n\n" : title + "\n";
  }

  void Append(const Table& table) {
    text_ += options_.markdown ? table.ToMarkdown() : table.ToString();
  }

  const v1::Cell* FindCell(const std::string& adapter, const std::string& task,
                           const std::string& metric) const {
    for (const auto& cell : report_.cells()) {
      if (cell.adapter() == adapter && cell.task() == task && cell.metric() == metric) return &cell;
    }
    return nullptr;
  }

  // The metrics that some subject has on a task, in the report's order.
  std::vector<std::string> MetricsOf(const std::string& task, bool validity) const {
    std::vector<std::string> metrics;
    for (const auto& cell : report_.cells()) {
      if (cell.task() != task || cell.validity() != validity) continue;
      if (!options_.all_metrics && !IsHeadline(cell.metric())) continue;
      if (std::find(metrics.begin(), metrics.end(), cell.metric()) == metrics.end())
        metrics.push_back(cell.metric());
    }
    return metrics;
  }

  void TaskMatrix(const v1::PinnedTask& task) {
    Heading(task.name() + " (" + task.capability() + ", " + std::to_string(task.prompts()) +
            " prompts" +
            (task.samples() > 1 ? " x " + std::to_string(task.samples()) + " samples" : "") + ")");
    std::vector<std::string> metrics = MetricsOf(task.name(), false);
    const std::vector<std::string> guards = MetricsOf(task.name(), true);
    metrics.insert(metrics.end(), guards.begin(), guards.end());
    for (int first = 0; first < report_.subjects_size(); first += kSubjectsPerTable) {
      const int last = std::min(first + kSubjectsPerTable, report_.subjects_size());
      std::vector<std::string> header = {"METRIC"};
      for (int s = first; s < last; ++s)
        header.push_back(SubjectName(report_.subjects(s).adapter()));
      Table table(header);
      for (const std::string& metric : metrics)
        table.AddRow(MatrixRow(task.name(), metric, first, last));
      for (const auto& row : SampleRows(task, first, last)) table.AddRow(row);
      for (const auto& row : CoverageRows(task.name(), first, last)) table.AddRow(row);
      Append(table);
    }
    Groups(task.name());
    Hints(task.name());
  }

  // The scores of the task's groups: a row a group and metric.
  void Groups(const std::string& task) {
    const auto of_task = [&](const auto& group) { return group.task() == task; };
    const auto first_group =
        std::find_if(report_.groups().begin(), report_.groups().end(), of_task);
    if (first_group == report_.groups().end()) return;
    Heading(task + " by " + first_group->by());
    for (int first = 0; first < report_.subjects_size(); first += kSubjectsPerTable) {
      const int last = std::min(first + kSubjectsPerTable, report_.subjects_size());
      std::vector<std::string> header = {"GROUP", "METRIC"};
      for (int s = first; s < last; ++s)
        header.push_back(SubjectName(report_.subjects(s).adapter()));
      header.push_back("PROMPTS");
      Table table(header);
      table.AlignRight(header.size() - 1);
      for (const auto& group : report_.groups()) {
        if (of_task(group)) AddGroupRows(group, first, last, table);
      }
      Append(table);
    }
  }

  void AddGroupRows(const v1::TaskGroup& group, int first, int last, Table& table) {
    std::vector<std::string> metrics(group.headline_metrics().begin(),
                                     group.headline_metrics().end());
    if (options_.all_metrics) {
      metrics.clear();
      for (const auto& cell : group.cells()) {
        if (std::find(metrics.begin(), metrics.end(), cell.metric()) == metrics.end())
          metrics.push_back(cell.metric());
      }
    }
    for (const std::string& metric : metrics) {
      std::vector<std::string> row = {OneLine(group.name(), 40), metric};
      int64_t prompts = 0;
      for (int s = first; s < last; ++s) {
        row.emplace_back("-");
        for (const auto& cell : group.cells()) {
          if (cell.adapter() != report_.subjects(s).adapter() || cell.metric() != metric) continue;
          prompts = std::max(prompts, cell.prompts());
          if (cell.prompts() > 0)
            row.back() = FormatScore(cell.estimate().value()) + " " + Interval(cell.estimate());
        }
      }
      row.push_back(std::to_string(prompts));
      table.AddRow(row);
    }
  }

  const v1::Coverage* FindCoverage(const std::string& adapter, const std::string& task) const {
    for (const auto& coverage : report_.coverage()) {
      if (coverage.adapter() == adapter && coverage.task() == task) return &coverage;
    }
    return nullptr;
  }

  // Several responses a prompt, of the primary metric: what they come to together.
  std::vector<std::vector<std::string>> SampleRows(const v1::PinnedTask& task, int first,
                                                   int last) const {
    if (task.samples() < 2) return {};
    const std::string n = std::to_string(task.samples());
    std::vector<std::vector<std::string>> rows = {
        {"pass@1"}, {"pass@" + n}, {"majority of " + n}, {"voted answer"}, {"consistency"}};
    bool any = false;
    for (int s = first; s < last; ++s) {
      const v1::SampleStats* stats = nullptr;
      for (const auto& cell : report_.cells()) {
        if (cell.adapter() == report_.subjects(s).adapter() && cell.task() == task.name() &&
            cell.primary() && cell.has_samples())
          stats = &cell.samples();
      }
      const bool whole = stats != nullptr && stats->pass_at_size() > 0;
      any = any || whole;
      rows[0].push_back(whole ? FormatScore(stats->pass_at(0)) : "-");
      rows[1].push_back(whole ? FormatScore(stats->pass_at(stats->pass_at_size() - 1)) : "-");
      rows[2].push_back(whole ? FormatScore(stats->majority()) : "-");
      rows[3].push_back(whole && stats->has_voted() ? FormatScore(stats->voted()) : "-");
      rows[4].push_back(whole ? FormatScore(stats->consistency()) : "-");
    }
    return any ? rows : std::vector<std::vector<std::string>>();
  }

  // What has no score, where there is any: execution errors and what is not there yet.
  std::vector<std::vector<std::string>> CoverageRows(const std::string& task, int first,
                                                     int last) const {
    std::vector<std::string> errors = {"execution errors"}, missing = {"not there yet"};
    bool any_errors = false, any_missing = false;
    for (int s = first; s < last; ++s) {
      const v1::Coverage* c = FindCoverage(report_.subjects(s).adapter(), task);
      if (c == nullptr) return {};
      any_errors = any_errors || c->errors() > 0;
      any_missing = any_missing || c->missing() > 0;
      const std::string of = " of " + std::to_string(c->expected());
      errors.push_back(std::to_string(c->errors()) + of +
                       (c->too_long() > 0
                            ? " (" + std::to_string(c->too_long()) + " longer than the context)"
                            : ""));
      missing.push_back(std::to_string(c->missing()) + of);
    }
    std::vector<std::vector<std::string>> rows;
    if (any_errors) rows.push_back(std::move(errors));
    if (any_missing) rows.push_back(std::move(missing));
    return rows;
  }

  void Hints(const std::string& task) {
    if (options_.markdown && std::any_of(report_.hints().begin(), report_.hints().end(),
                                         [&](const auto& h) { return h.task() == task; }))
      text_ += "\n";
    for (const auto& hint : report_.hints()) {
      if (hint.task() != task) continue;
      text_ += "- ! " + TaskHintText(hint) + "\n";
    }
  }

  std::vector<std::string> MatrixRow(const std::string& task, const std::string& metric, int first,
                                     int last) const {
    std::vector<std::string> row = {metric};
    for (int s = first; s < last; ++s) {
      const v1::Cell* cell = FindCell(report_.subjects(s).adapter(), task, metric);
      if (cell == nullptr) {
        row.emplace_back("-");
        continue;
      }
      if (cell->primary()) row[0] = metric + " *";
      row.push_back(FormatScore(cell->estimate().value()) + " " + Interval(cell->estimate()));
    }
    return row;
  }

  void Deltas() {
    Table table(
        {"ADAPTER", "TASK", "METRIC", "DELTA [95 %]", "P (HOLM)", "GAINED", "LOST", "PAIRS"});
    for (size_t i = 4; i < 8; ++i) table.AlignRight(i);
    bool any = false;
    for (const auto& delta : report_.deltas()) {
      const v1::Cell* cell = FindCell(delta.adapter(), delta.task(), delta.metric());
      const bool guard = cell != nullptr && cell->validity();
      if (!options_.all_metrics && (guard || !IsHeadline(delta.metric()))) continue;
      table.AddRow({delta.adapter(), delta.task(), delta.metric() + (delta.primary() ? " *" : ""),
                    DeltaInterval(delta.estimate()), FormatP(delta.p_adjusted()),
                    std::to_string(delta.gained()), std::to_string(delta.lost()),
                    std::to_string(delta.pairs())});
      any = true;
    }
    if (!any) return;
    Heading("Against the base, on the same prompts");
    Append(table);
    text_ += options_.markdown ? "\n" : "";
    text_ +=
        "* the task's primary metric: drift and label verdicts rest on it; differences are shares "
        "of prompts (0.05 is five points)\n";
  }

  void Labels() {
    if (report_.labels().empty()) return;
    Heading("Labels");
    Table table({"ADAPTER", "LABEL", "VERDICT", "GAIN ON TARGET", "GAIN OFF TARGET", "DRIFT"});
    for (const auto& label : report_.labels()) {
      std::vector<std::string> row = {label.adapter(),
                                      label.nominal_target().empty() ? "-" : label.nominal_target(),
                                      LabelName(label.verdict()),
                                      "-",
                                      "-",
                                      "-"};
      for (const auto& drift : report_.drifts()) {
        if (drift.adapter() != label.adapter()) continue;
        if (drift.has_on_target_gain()) row[3] = DeltaInterval(drift.on_target_gain());
        if (drift.has_off_target_gain()) row[4] = DeltaInterval(drift.off_target_gain());
        if (drift.defined()) row[5] = DeltaInterval(drift.estimate());
      }
      table.AddRow(row);
    }
    Append(table);
    if (options_.markdown) text_ += "\n";
    for (const auto& label : report_.labels()) {
      for (const auto& reason : label.reasons())
        text_ += "- " + label.adapter() + ": " + reason + "\n";
    }
  }

  void Gate() {
    if (!report_.has_gate() || report_.gate().status() == v1::GATE_STATUS_UNSPECIFIED) return;
    Heading("Gate: " + GateName(report_.gate().status()));
    for (const auto& reason : report_.gate().reasons()) text_ += "- " + reason + "\n";
  }

  const v1::Report& report_;
  const ReportTextOptions& options_;
  std::string text_;
};

}  // namespace

std::string TaskHintText(const v1::TaskHint& hint) {
  const std::string& kind = hint.kind();
  const bool one = hint.prompts() == 1;
  const std::string what =
      kind == "duplicate_prompt" ? "are there more than once"
      : kind == "answer_in_prompt"
          ? std::string(one ? "has" : "have") + " the right answer in the question"
      : kind == "example_is_prompt"
          ? std::string(one ? "has" : "have") + " a few-shot example that asks the same"
      : kind == "prompt_in_other_task"
          ? std::string(one ? "is" : "are") + " in task " + hint.other_task() + " as well"
          : kind;
  std::string text = std::to_string(hint.prompts()) + (one ? " prompt " : " prompts ") + what;
  for (int i = 0; i < hint.keys_size(); ++i)
    text += (i > 0 ? ", " : ": ") + OneLine(hint.keys(i), 40);
  return text + (hint.prompts() > hint.keys_size() ? ", ..." : "");
}

std::string ReportToText(const v1::Report& report, const ReportTextOptions& options) {
  return Renderer(report, options).Render();
}

}  // namespace plumbline::client
