// Runs our checkers for the differential tests in tests/oracle/eval: one JSON request a line on
// stdin, one JSON answer a line on stdout.
//
//   check_driver ifeval PROMPTS.jsonl   {"key", "response"} → {"strict": [bool], "loose": [bool]}
//   check_driver turns                  {"row": a Multi-IF row} → {"error": string or null}, and
//   with
//                                       "responses" → {"strict", "loose"} over all turns or
//                                       {"error"}
//   check_driver rows                   an IFEval row → {"error": string or null}
//   check_driver regex                  {"pattern", "flags": "ims", "text"}
//                                       → {"matches": [[[begin, end], ...], ...]} or {"error"}
//   check_driver numeric                {"target", "response", "cot"} → {metric: 0 or 1}
//   check_driver task FILE              first the task's items, a line each, then
//                                       {"item", "response"}, {"item", "responses"} (of one prompt)
//                                       or {"item", "sums", "greedy"}
//                                       → {metric: value}
//   check_driver configs                {"text": a task file, "folder": of what it includes}
//                                       → {"error": string or null} of its keys and templates
//   check_driver literals               {"text"} → {"value"} or {"error", "unsupported"}
//   check_driver yaml                   {"text"} → {"value": its JSON} or {"error"}
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "core/base/config_node.h"
#include "core/base/status_macros.h"
#include "core/eval/ifeval/ifeval_checker.h"
#include "core/eval/multi_if/multi_if.h"
#include "core/eval/numeric/numeric_checker.h"
#include "core/eval/pyre/regex.h"
#include "core/eval/selection.h"
#include "core/eval/task_file.h"
#include "core/eval/task_file/doc_reader.h"
#include "core/eval/task_file/include.h"
#include "core/eval/task_file/python_literal.h"
#include "core/eval/task_file/task_config.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

using nlohmann::json;

json Observations(const CheckResult& result) {
  json answer;
  for (const Observation& o : result.observations) answer[o.metric] = o.successes;
  return answer;
}

json Outcomes(const CheckResult& result) {
  json answer = {{"strict", json::array()}, {"loose", json::array()}};
  for (const CheckOutcome& outcome : result.outcomes) {
    answer["strict"].push_back(outcome.strict);
    answer["loose"].push_back(outcome.loose);
  }
  return answer;
}

json Ifeval(const Task& task, const std::map<std::string, size_t>& index, const json& request) {
  const size_t item = index.at(request["key"].get<std::string>());
  const CheckResult result =
      task.checker->CheckResponse(item, request["response"].get<std::string>());
  return Outcomes(result);
}

json Turns(const json& request) {
  auto row = ParseMultiIfRow(request["row"]);
  if (!row.ok()) return {{"error", std::string(row.status().message())}};
  if (!request.contains("responses")) return {{"error", nullptr}};
  const MultiIfChecker checker({*std::move(row)});
  const CheckResult result =
      checker.CheckTurns(0, request["responses"].get<std::vector<std::string>>());
  if (!result.error.ok()) return {{"error", std::string(result.error.message())}};
  return Outcomes(result);
}

json Regex(const json& request) {
  const std::string flags = request["flags"].get<std::string>();
  PyRegexFlags options;
  options.ignore_case = flags.find('i') != flags.npos;
  options.multi_line = flags.find('m') != flags.npos;
  options.dot_all = flags.find('s') != flags.npos;
  auto regex = PyRegex::Compile(request["pattern"].get<std::string>(), options);
  if (!regex.ok()) {
    return {{"error", std::string(regex.status().message())},
            {"unsupported", regex.status().code() != absl::StatusCode::kInvalidArgument}};
  }
  const std::u32string text = python::ToCodePoints(request["text"].get<std::string>());
  json matches = json::array();
  for (const PyMatch& match : regex->FindAll(text)) {
    json groups = json::array();
    for (const PyMatch::Span& span : match.groups) {
      if (span.begin == PyMatch::kNoGroup) {
        groups.push_back({-1, -1});
      } else {
        groups.push_back({span.begin, span.end});
      }
    }
    matches.push_back(groups);
  }
  return {{"matches", matches},
          {"search", regex->Search(text)},
          {"count", regex->Count(text)},
          {"removed", python::ToUtf8(regex->Remove(text))}};
}

json Numeric(const json& request) {
  NumericOptions options =
      request["cot"].get<bool>() ? NumericOptions::Gsm8kCot() : NumericOptions::Gsm8k();
  auto checker = NumericChecker::Make({request["target"].get<std::string>()}, std::move(options));
  if (!checker.ok()) return {{"error", std::string(checker.status().message())}};
  return Observations((*checker)->CheckResponse(0, request["response"].get<std::string>()));
}

json Row(const json& request) {
  auto row = ParseIfevalRow(request);
  return {{"error", row.ok() ? json(nullptr) : json(std::string(row.status().message()))}};
}

// What the keys and templates of a task file are, without its data.
absl::Status CheckConfig(const std::string& text, const std::string& folder) {
  ABSL_ASSIGN_OR_RETURN(
      const ConfigNode root,
      ReadTaskYaml("asked.yaml", [&](const std::string& name) -> absl::StatusOr<std::string> {
        if (name == "asked.yaml") return text;
        std::ifstream file(folder + "/" + name, std::ios::binary);
        if (!file) return absl::NotFoundError(name);
        return std::string(std::istreambuf_iterator<char>(file), {});
      }));
  ABSL_ASSIGN_OR_RETURN(const TaskConfig config, ParseTaskConfig(root));
  for (const DocExpression* expression :
       {&config.doc_to_text, &config.doc_to_target, &config.doc_to_choice, &config.description,
        &config.gen_prefix, &config.fewshot_doc_to_text, &config.fewshot_doc_to_target,
        &config.fewshot_doc_to_choice}) {
    ABSL_RETURN_IF_ERROR(DocEvaluator::Make(*expression, {}).status());
  }
  return absl::OkStatus();
}

json Config(const json& request) {
  const absl::Status status =
      CheckConfig(request["text"].get<std::string>(), request["folder"].get<std::string>());
  return {{"error", status.ok() ? json(nullptr) : json(std::string(status.message()))}};
}

json Literal(const json& request) {
  const auto value = ParsePythonLiteral(request["text"].get<std::string>());
  if (value.ok()) return {{"value", json(*value)}};
  return {{"error", std::string(value.status().message())},
          {"unsupported", value.status().code() == absl::StatusCode::kUnimplemented}};
}

json Yaml(const json& request) {
  const auto root = ConfigNode::ParseYaml(request["text"].get<std::string>(), "t.yaml", "metadata");
  if (!root.ok()) return {{"error", std::string(root.status().message())}};
  return {{"value", root->Json().dump(-1, ' ', true)}};  // as text: json would sort the keys
}

json PromptJson(const Prompt& prompt) {
  if (prompt.format == PromptFormat::kPlain) return prompt.text;
  json messages = json::array();
  for (const ChatMessage& m : prompt.messages) {
    messages.push_back({{"role", m.role}, {"content", m.content}});
  }
  return messages;
}

void PrintItems(const Task& task) {
  for (const TaskItem& item : task.items) {
    json contexts = json::array();
    for (const Prompt& prompt : item.choice_prompts) contexts.push_back(PromptJson(prompt));
    std::cout << json({{"key", item.key},
                       {"prompt", PromptJson(item.prompt)},
                       {"target", item.target},
                       {"doc_target", item.doc_target.empty() ? item.target : item.doc_target},
                       {"choices", item.choices},
                       {"contexts", contexts},
                       {"gold", item.gold_choice}})
                     .dump(-1, ' ', true)
              << "\n";
  }
  std::cout << json({{"stop", task.decoding.stop},
                     {"max_new_tokens", task.decoding.max_new_tokens},
                     {"temperature", task.decoding.temperature}})
                   .dump(-1, ' ', true)
            << std::endl;
}

json TaskVerdict(const Task& task, const json& request) {
  const size_t item = request["item"].get<size_t>();
  if (request.contains("responses")) {  // of one prompt
    std::vector<CheckResult> results;
    for (const json& response : request["responses"]) {
      results.push_back(task.checker->CheckResponse(item, response.get<std::string>()));
    }
    json answer;
    for (const Observation& o : MergeSamples(std::move(results)).observations) {
      answer[o.metric] = o.successes / o.trials;
    }
    return answer;
  }
  if (request.contains("response")) {
    return Observations(task.checker->CheckResponse(item, request["response"].get<std::string>()));
  }
  std::vector<LogLikelihood> choices;
  for (size_t i = 0; i < request["sums"].size(); ++i) {
    choices.push_back({request["sums"][i].get<double>(), request["greedy"][i].get<bool>(), 1});
  }
  return Observations(task.checker->CheckChoices(item, choices));
}

int Main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  const std::string mode = argc > 1 ? argv[1] : "";
  absl::StatusOr<Task> task;
  std::map<std::string, size_t> index;
  if (mode == "ifeval" || mode == "task") {
    task = LoadTaskFile(argv[2]);
    if (!task.ok()) {
      std::cerr << task.status() << "\n";
      return 1;
    }
    for (size_t i = 0; i < task->items.size(); ++i) index[task->items[i].key] = i;
  }
  if (mode == "task") PrintItems(*task);
  std::string line;
  while (std::getline(std::cin, line)) {
    const json request = json::parse(line);
    json answer;
    if (mode == "ifeval") answer = Ifeval(*task, index, request);
    if (mode == "rows") answer = Row(request);
    if (mode == "turns") answer = Turns(request);
    if (mode == "regex") answer = Regex(request);
    if (mode == "numeric") answer = Numeric(request);
    if (mode == "task") answer = TaskVerdict(*task, request);
    if (mode == "configs") answer = Config(request);
    if (mode == "literals") answer = Literal(request);
    if (mode == "yaml") answer = Yaml(request);
    std::cout << answer.dump(-1, ' ', true) << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace plumbline

int main(int argc, char** argv) { return plumbline::Main(argc, argv); }
