#include "core/eval/task_file.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/config_node.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"
#include "core/eval/choice/choice_checker.h"
#include "core/eval/generation/generation_checker.h"
#include "core/eval/math/math_checker.h"
#include "core/eval/metrics.h"
#include "core/eval/numeric/numeric_checker.h"
#include "core/eval/task_file/data_rows.h"
#include "core/eval/task_file/include.h"
#include "core/eval/task_file/instruction_rows.h"
#include "core/eval/task_file/item_builder.h"
#include "core/eval/task_file/item_groups.h"
#include "core/eval/task_file/task_config.h"

namespace plumbline {
namespace {

nlohmann::json PromptFingerprint(const Prompt& prompt) {
  nlohmann::json result;
  result["format"] = prompt.format == PromptFormat::kChat ? "chat" : "plain";
  result["text"] = prompt.text;
  for (const ChatMessage& message : prompt.messages) {
    result["messages"].push_back({message.role, message.content});
  }
  return result;
}

// SHA-256 over a canonical form of everything that determines a verdict, and of nothing else: a
// comment in the YAML or a renamed file changes no version. `rows` is what the checker knows beyond
// the items.
std::string TaskVersion(const Task& task, const nlohmann::json& rows) {
  Sha256 digest;
  auto add = [&digest](const nlohmann::json& part) {
    digest.Update(part.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
    digest.Update("\n");
  };
  add("plumbline-task/1");
  add(std::string(task.checker->version()));
  add({{"output", static_cast<int>(task.output_type)},
       {"capability", task.capability},
       {"temperature", task.decoding.temperature},
       {"top_k", task.decoding.top_k},
       {"top_p", task.decoding.top_p},
       {"seed", task.decoding.seed},
       {"max_new_tokens", task.decoding.max_new_tokens},
       {"stop", task.decoding.stop},
       {"samples", task.samples},
       {"metrics", task.metrics}});
  for (const TaskItem& item : task.items) {
    nlohmann::json part = {{"key", item.key},
                           {"prompt", PromptFingerprint(item.prompt)},
                           {"target", item.target},
                           {"choices", item.choices},
                           {"gold", item.gold_choice}};
    if (!item.other_gold_choices.empty()) part["other_golds"] = item.other_gold_choices;
    for (const Prompt& prompt : item.choice_prompts) {
      part["contexts"].push_back(PromptFingerprint(prompt));
    }
    for (const std::string& message : item.follow_ups) part["follow_ups"].push_back(message);
    add(part);
  }
  add(rows);
  return digest.FinishHex();
}

absl::Status CheckNotEmpty(const std::vector<DataRow>& rows, absl::string_view file) {
  if (!rows.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(file, ": no rows"));
}

// The rows of every split. Where a field is in some rows of a file only, it is null in the others,
// as the Hugging Face reader has it.
absl::StatusOr<std::map<std::string, std::vector<DataRow>>> ReadSplits(const TaskConfig& config,
                                                                       const TaskBundle& bundle) {
  std::map<std::string, std::vector<DataRow>> splits;
  for (const auto& [split, names] : config.data_files) {
    std::vector<DataRow>& rows = splits[split];
    for (const std::string& name : names) {
      const auto found = bundle.files.find(name);
      if (found == bundle.files.end()) {
        return absl::NotFoundError(absl::StrCat(bundle.file, ": data file \"", name, "\" (split \"",
                                                split, "\") is missing"));
      }
      ABSL_ASSIGN_OR_RETURN(std::vector<DataRow> read,
                            ParseDataRows(found->second, name, config.data_field));
      std::move(read.begin(), read.end(), std::back_inserter(rows));
      if (rows.size() > kMaxRows) {
        return absl::ResourceExhaustedError(
            absl::StrCat(bundle.file, ": split \"", split, "\" has more than ", kMaxRows, " rows"));
      }
    }
    std::set<std::string> fields;
    for (const DataRow& row : rows) {
      for (const auto& [key, value] : row.value.items()) fields.insert(key);
    }
    for (DataRow& row : rows) {
      if (row.value.size() == fields.size()) continue;
      for (const std::string& field : fields) {
        if (!row.value.contains(field)) row.value[field] = nullptr;
      }
    }
  }
  ABSL_RETURN_IF_ERROR(
      CheckNotEmpty(splits.at(config.eval_split),
                    absl::StrCat(bundle.file, ": split \"", config.eval_split, "\"")));
  return splits;
}

FilterPipeline Unfiltered() {
  FilterPipeline pipeline;
  pipeline.name = "none";
  return pipeline;
}

absl::Status AddNumericChecker(const TaskConfig& config, const std::vector<BuiltItem>& built,
                               Task& task) {
  NumericOptions options = NumericOptions::Gsm8k();
  options.tolerance = config.tolerance;
  options.relative_tolerance = config.relative_tolerance;
  if (config.has_comparison) options.comparison = config.comparison;
  for (const FilterPipeline& filter : config.filters) {
    if (filter.needs_choices()) {
      return absl::InvalidArgumentError(
          "filter_list: multi_choice_regex goes with checker exact_match, not numeric");
    }
    if (filter.name == "strict-match") {
      options.strict = filter;
    } else if (filter.name == "flexible-extract") {
      options.flexible = filter;
    } else {
      return absl::InvalidArgumentError(absl::StrCat(
          "filter_list: checker numeric has the filters strict-match and flexible-extract; \"",
          filter.name, "\" is neither"));
    }
  }
  std::vector<std::string> targets;
  for (const BuiltItem& item : built) {
    if (item.targets.size() != 1) {
      return absl::InvalidArgumentError(absl::StrCat(item.where, ": doc_to_target gives ",
                                                     item.targets.size(),
                                                     " answers; checker numeric wants one"));
    }
    if (!FindAnswerNumber(item.targets[0]).has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          item.where, ": doc_to_target: \"", item.targets[0].substr(0, 80), "\" has no number"));
    }
    targets.push_back(item.targets[0]);
  }
  ABSL_ASSIGN_OR_RETURN(task.checker, NumericChecker::Make(targets, std::move(options)));
  task.metrics = NumericChecker::Metrics();
  return absl::OkStatus();
}

absl::Status AddMathChecker(const std::vector<BuiltItem>& built, Task& task) {
  std::vector<std::string> targets;
  for (const BuiltItem& item : built) {
    if (item.targets.size() != 1) {
      return absl::InvalidArgumentError(absl::StrCat(item.where, ": doc_to_target gives ",
                                                     item.targets.size(),
                                                     " answers; checker math wants one"));
    }
    targets.push_back(item.targets[0]);
  }
  ABSL_ASSIGN_OR_RETURN(task.checker, MathChecker::Make(targets));
  task.metrics = MathChecker::Metrics();
  return absl::OkStatus();
}

void AddChoiceChecker(const TaskConfig& config, const std::vector<BuiltItem>& built, Task& task) {
  std::vector<ChoiceChecker::Item> items;
  for (const BuiltItem& item : built) {
    std::vector<int> golds = item.item.other_gold_choices;
    golds.push_back(item.item.gold_choice);
    items.push_back({item.choices, std::move(golds)});
  }
  const bool exact = std::find(config.metrics.begin(), config.metrics.end(), "exact_match") !=
                     config.metrics.end();
  task.checker = std::make_shared<ChoiceChecker>(std::move(items), exact);
  std::vector<std::string> names = config.metrics;
  if (names.empty()) names = {"acc", "acc_norm", "acc_bytes"};
  for (const std::string& name : names) {
    task.metrics.push_back(name == "acc" ? std::string(kAccuracy) : name);
  }
}

void AddGenerationChecker(const TaskConfig& config, const std::vector<BuiltItem>& built,
                          Task& task) {
  std::vector<std::vector<std::string>> targets;
  std::vector<std::vector<std::string>> choices;
  for (const BuiltItem& item : built) {
    targets.push_back(item.targets);
    if (!item.named_choices.empty()) choices.push_back(item.named_choices);
  }
  std::vector<FilterPipeline> filters = config.filters;
  if (filters.empty()) filters.push_back(Unfiltered());
  auto checker = std::make_shared<GenerationChecker>(std::move(targets), std::move(filters),
                                                     config.comparison, std::move(choices));
  task.metrics = checker->metrics();
  task.checker = std::move(checker);
}

absl::StatusOr<Task> ParseYamlTask(const TaskBundle& bundle, absl::string_view name) {
  ABSL_ASSIGN_OR_RETURN(
      ConfigNode root,
      ReadTaskYaml(bundle.file, [&](const std::string& file) -> absl::StatusOr<std::string> {
        const auto found = bundle.files.find(file);
        if (found != bundle.files.end()) return found->second;
        return absl::NotFoundError(
            absl::StrCat(bundle.file, ": the included file \"", file, "\" is missing"));
      }));
  ABSL_ASSIGN_OR_RETURN(TaskConfig config, ParseTaskConfig(root));
  ABSL_ASSIGN_OR_RETURN(auto splits, ReadSplits(config, bundle));
  Task task;
  task.name = !name.empty() ? std::string(name) : config.name;
  task.capability = config.capability;
  task.description = config.summary;
  task.output_type = config.output_type;
  task.decoding = config.decoding;
  task.samples = config.samples;
  task.config = ConfigForExport(root, config);
  nlohmann::json fingerprint = config.fingerprint;
  if (HasInstructionRows(config.checker)) {
    ABSL_RETURN_IF_ERROR(AddInstructionRows(config.checker, splits.at(config.eval_split),
                                            config.format, task, fingerprint["rows"]));
  } else {
    ABSL_ASSIGN_OR_RETURN(std::vector<BuiltItem> built, BuildItems(config, splits));
    switch (config.checker) {
      case CheckerKind::kNumeric:
        ABSL_RETURN_IF_ERROR(Annotate(AddNumericChecker(config, built, task), bundle.file));
        break;
      case CheckerKind::kMath:
        ABSL_RETURN_IF_ERROR(Annotate(AddMathChecker(built, task), bundle.file));
        break;
      case CheckerKind::kChoice:
        AddChoiceChecker(config, built, task);
        break;
      default:
        AddGenerationChecker(config, built, task);
    }
    for (BuiltItem& item : built) {
      if (item.targets.size() > 1) fingerprint["targets"].push_back(item.targets);
      if (!item.named_choices.empty()) fingerprint["choices"].push_back(item.named_choices);
      task.items.push_back(std::move(item.item));
    }
  }
  if (!config.group_by.empty()) {
    ABSL_RETURN_IF_ERROR(Annotate(GroupItems(config.group_by, task), bundle.file));
  } else if (config.checker == CheckerKind::kMultiIf) {
    GroupByLanguage(task);
  }
  task.version = TaskVersion(task, fingerprint);
  return task;
}

// "ifeval.jsonl" → "ifeval"; spaces are made fit.
std::string NameFromFile(absl::string_view file) {
  const size_t slash = file.rfind('/');
  if (slash != absl::string_view::npos) file.remove_prefix(slash + 1);
  const size_t dot = file.rfind('.');
  std::string name(file.substr(0, dot));
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

}  // namespace

absl::StatusOr<Task> ParseIfevalTask(absl::string_view content, absl::string_view file,
                                     absl::string_view name) {
  ABSL_ASSIGN_OR_RETURN(std::vector<DataRow> rows, ParseDataRows(content, file));
  ABSL_RETURN_IF_ERROR(CheckNotEmpty(rows, file));
  Task task;
  task.name = std::string(name);
  task.capability = "instruction_following";
  const CheckerKind checker = InstructionRowsOf(rows);
  task.description = absl::StrCat("Verifiable instructions (", BenchmarkName(checker), ")");
  task.decoding.max_new_tokens = 1280;
  task.config = ConfigForExport(task);
  nlohmann::json fingerprint;
  ABSL_RETURN_IF_ERROR(
      AddInstructionRows(checker, rows, PromptFormat::kChat, task, fingerprint["rows"]));
  if (checker == CheckerKind::kMultiIf) GroupByLanguage(task);
  task.version = TaskVersion(task, fingerprint);
  return task;
}

absl::StatusOr<Task> ParseTask(const TaskBundle& bundle, absl::string_view name) {
  const auto found = bundle.files.find(bundle.file);
  if (found == bundle.files.end()) {
    return absl::NotFoundError(absl::StrCat("the task file \"", bundle.file, "\" is missing"));
  }
  const std::string lower = absl::AsciiStrToLower(bundle.file);
  absl::StatusOr<Task> task;
  if (absl::EndsWith(lower, ".yaml") || absl::EndsWith(lower, ".yml")) {
    task = ParseYamlTask(bundle, name);
  } else if (absl::EndsWith(lower, ".jsonl")) {
    task = ParseIfevalTask(found->second, bundle.file, name);
  } else {
    return absl::InvalidArgumentError(absl::StrCat(
        bundle.file,
        ": want a task file (.yaml, .yml) or IFEval's, IFBench's or Multi-IF's rows (.jsonl)"));
  }
  if (!task.ok()) return task;
  if (task->name.empty()) task->name = NameFromFile(bundle.file);
  const absl::Status valid = ValidateTaskName(task->name);
  if (!valid.ok()) return Annotate(valid, bundle.file);
  return task;
}

}  // namespace plumbline
