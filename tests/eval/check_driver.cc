// Runs our checkers for the differential tests in tests/oracle/eval: one JSON request a line on
// stdin, one JSON answer a line on stdout.
//
//   check_driver ifeval PROMPTS.jsonl   {"key", "response"} → {"strict": [bool], "loose": [bool]}
//   check_driver rows                   an IFEval row → {"error": string or null}
//   check_driver regex                  {"pattern", "flags": "ims", "text"}
//                                       → {"matches": [[[begin, end], ...], ...]} or {"error"}
//   check_driver numeric                {"target", "response", "cot"} → {metric: 0 or 1}
//   check_driver filters                {"yaml", "data", "responses": [...]} → [[{metric: value}]]
#include <cstdio>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "core/eval/ifeval/ifeval_checker.h"
#include "core/eval/numeric/numeric_checker.h"
#include "core/eval/pyre/regex.h"
#include "core/eval/task_file.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

using nlohmann::json;

json Observations(const CheckResult& result) {
  json answer;
  for (const Observation& o : result.observations) answer[o.metric] = o.successes;
  return answer;
}

json Ifeval(const Task& task, const std::map<std::string, size_t>& index, const json& request) {
  const size_t item = index.at(request["key"].get<std::string>());
  const CheckResult result =
      task.checker->CheckResponse(item, request["response"].get<std::string>());
  json answer = {{"strict", json::array()}, {"loose", json::array()}};
  for (const CheckOutcome& outcome : result.outcomes) {
    answer["strict"].push_back(outcome.strict);
    answer["loose"].push_back(outcome.loose);
  }
  return answer;
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

json Filters(const json& request) {
  TaskBundle bundle;
  bundle.file = "task.yaml";
  bundle.files["task.yaml"] = request["yaml"].get<std::string>();
  bundle.files["data.jsonl"] = request["data"].get<std::string>();
  auto task = ParseTask(bundle);
  if (!task.ok()) return {{"error", std::string(task.status().message())}};
  json answer = json::array();
  for (size_t i = 0; i < task->items.size(); ++i) {
    json row = json::array();
    for (const json& response : request["responses"]) {
      row.push_back(Observations(task->checker->CheckResponse(i, response.get<std::string>())));
    }
    answer.push_back(row);
  }
  return answer;
}

int Main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  const std::string mode = argc > 1 ? argv[1] : "";
  absl::StatusOr<Task> task;
  std::map<std::string, size_t> index;
  if (mode == "ifeval") {
    task = LoadTaskFile(argv[2]);
    if (!task.ok()) {
      std::cerr << task.status() << "\n";
      return 1;
    }
    for (size_t i = 0; i < task->items.size(); ++i) index[task->items[i].key] = i;
  }
  std::string line;
  while (std::getline(std::cin, line)) {
    const json request = json::parse(line);
    json answer;
    if (mode == "ifeval") answer = Ifeval(*task, index, request);
    if (mode == "rows") answer = Row(request);
    if (mode == "regex") answer = Regex(request);
    if (mode == "numeric") answer = Numeric(request);
    if (mode == "filters") answer = Filters(request);
    std::cout << answer.dump(-1, ' ', true) << "\n";
  }
  return 0;
}

}  // namespace
}  // namespace plumbline

int main(int argc, char** argv) { return plumbline::Main(argc, argv); }
