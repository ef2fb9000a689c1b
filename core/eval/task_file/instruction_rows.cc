#include "core/eval/task_file/instruction_rows.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/eval/ifbench/ifbench.h"
#include "core/eval/ifeval/ifeval_checker.h"
#include "core/eval/multi_if/multi_if.h"

namespace plumbline {
namespace {

// Arguments as the checks see them: nulls, which Hugging Face pads with, do not count.
nlohmann::json WithoutNulls(nlohmann::json kwargs) {
  for (nlohmann::json& arguments : kwargs) {
    if (!arguments.is_object()) continue;
    for (auto it = arguments.begin(); it != arguments.end();) {
      it = it->is_null() ? arguments.erase(it) : std::next(it);
    }
  }
  return kwargs;
}

// Keys that were read, with their rows.
class Keys {
 public:
  absl::Status Add(const std::string& key, const DataRow& row) {
    const auto [place, fresh] = places_.emplace(key, row.where);
    if (fresh) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(row.where, ": key ", key, " is there twice, first in ", place->second));
  }

 private:
  std::map<std::string, std::string> places_;
};

TaskItem MakeItem(const std::string& key, const std::string& prompt, PromptFormat format,
                  const DataRow& row) {
  TaskItem item;
  item.key = key;
  item.doc = RowJson(row);
  item.prompt.format = format;
  if (format == PromptFormat::kChat) {
    item.prompt.messages.push_back({"user", prompt});
  } else {
    item.prompt.text = prompt;
  }
  return item;
}

absl::Status AddIfevalRows(const std::vector<DataRow>& rows, PromptFormat format,
                           const InstructionSet& set, Task& task, nlohmann::json& fingerprint) {
  std::vector<IfevalRow> parsed;
  Keys keys;
  for (const DataRow& row : rows) {
    const nlohmann::json value(row.value);
    auto read = ParseIfevalRow(value, set);
    if (!read.ok()) return Annotate(read.status(), row.where);
    ABSL_RETURN_IF_ERROR(keys.Add(read->key, row));
    task.items.push_back(MakeItem(read->key, read->prompt, format, row));
    fingerprint.push_back({value["instruction_id_list"], WithoutNulls(value["kwargs"])});
    parsed.push_back(*std::move(read));
  }
  task.checker = std::make_shared<IfevalChecker>(std::move(parsed), set);
  task.metrics = set.metrics;
  return absl::OkStatus();
}

absl::Status AddMultiIfRows(const std::vector<DataRow>& rows, Task& task,
                            nlohmann::json& fingerprint) {
  std::vector<MultiIfRow> parsed;
  Keys keys;
  for (const DataRow& row : rows) {
    auto read = ParseMultiIfRow(nlohmann::json(row.value));
    if (!read.ok()) return Annotate(read.status(), row.where);
    ABSL_RETURN_IF_ERROR(keys.Add(read->key, row));
    TaskItem item = MakeItem(read->key, read->turns[0].prompt, PromptFormat::kChat, row);
    nlohmann::json turns;
    for (size_t i = 0; i < read->turns.size(); ++i) {
      const MultiIfTurn& turn = read->turns[i];
      if (i > 0) item.follow_ups.push_back(turn.prompt);
      turns.push_back({turn.instruction_ids, WithoutNulls(turn.arguments)});
    }
    task.items.push_back(std::move(item));
    fingerprint.push_back(std::move(turns));
    parsed.push_back(*std::move(read));
  }
  auto checker = std::make_shared<MultiIfChecker>(std::move(parsed));
  task.metrics = checker->Metrics();
  task.means = checker->Means();
  task.checker = std::move(checker);
  return absl::OkStatus();
}

}  // namespace

CheckerKind InstructionRowsOf(const std::vector<DataRow>& rows) {
  for (const DataRow& row : rows) {
    if (row.value.contains("turn_1_prompt")) return CheckerKind::kMultiIf;
    const auto ids = row.value.find("instruction_id_list");
    if (ids == row.value.end() || !ids->is_array()) continue;
    for (const auto& id : *ids) {
      if (id.is_string() && IfbenchTable().count(id.get<std::string>()) > 0) {
        return CheckerKind::kIfbench;
      }
    }
  }
  return CheckerKind::kIfeval;
}

absl::string_view BenchmarkName(CheckerKind checker) {
  switch (checker) {
    case CheckerKind::kMultiIf:
      return "Multi-IF";
    case CheckerKind::kIfbench:
      return "IFBench";
    default:
      return "IFEval";
  }
}

absl::Status AddInstructionRows(CheckerKind checker, const std::vector<DataRow>& rows,
                                PromptFormat format, Task& task, nlohmann::json& fingerprint) {
  if (checker != CheckerKind::kMultiIf) {
    return AddIfevalRows(rows, format,
                         checker == CheckerKind::kIfbench ? IfbenchSet() : IfevalSet(), task,
                         fingerprint);
  }
  if (format != PromptFormat::kChat) {
    return absl::InvalidArgumentError(
        "checker multi_if: a conversation has turns, so prompt_format is chat: remove it");
  }
  return AddMultiIfRows(rows, task, fingerprint);
}

}  // namespace plumbline
