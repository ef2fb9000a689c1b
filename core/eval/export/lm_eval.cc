#include "core/eval/export/lm_eval.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/sha256.h"
#include "core/eval/metrics.h"
#include "core/eval/selection.h"

namespace plumbline {
namespace {

using Json = nlohmann::ordered_json;
using Verdicts = std::vector<const ExportVerdict*>;

std::string Dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// lm-eval's sanitize_model_name: runs of characters that a file name cannot hold.
std::string Sanitized(const std::string& name) {
  std::string safe;
  bool in_run = false;
  for (const char c : name) {
    const bool bad = std::string("\"<>:/\\|?*[]").find(c) != std::string::npos ||
                     static_cast<unsigned char>(c) < 0x20;
    if (!bad) safe += c;
    if (bad && !in_run) safe += "__";
    in_run = bad;
  }
  return safe.empty() || safe == "." || safe == ".." ? "__" : safe;
}

std::string ModelName(const ExportData& data, const ExportSubject& subject) {
  return subject.adapter.empty() ? data.model : absl::StrCat(data.model, "/", subject.adapter);
}

// lm-eval's mean_stderr of 0/1 values; "N/A" where the prompts' values are not those.
Json StandardError(const ExportCell& cell) {
  if (cell.method != "wilson" || cell.n < 2) return "N/A";
  return std::sqrt(cell.value * (1 - cell.value) / static_cast<double>(cell.n - 1));
}

Json ParseOr(const std::string& text, Json fallback) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : fallback;
}

// The task file's keys, lm-eval's defaults, and in metadata what names the task here.
Json Config(const ExportTask& task) {
  Json config = ParseOr(task.config, Json::object());
  config["task"] = task.name;
  config["repeats"] = task.samples;
  Json& metadata = config["metadata"];
  if (!metadata.is_object()) metadata = Json::object();
  if (!metadata.contains("version")) metadata["version"] = task.version;
  metadata["plumbline_version"] = task.version;
  metadata["capability"] = task.capability;
  return config;
}

// The names of the task's pipelines; empty: its file has none.
std::vector<std::string> FilterNames(const Json& config) {
  std::vector<std::string> names;
  if (!config.contains("filter_list") || !config["filter_list"].is_array()) return names;
  for (const Json& filter : config["filter_list"]) {
    if (filter.is_object() && filter.contains("name") && filter["name"].is_string())
      names.push_back(filter["name"].get<std::string>());
  }
  return names;
}

// lm-eval's metric and filter of a metric of this task. The only pipeline of a task has our metric
// exact_match and lm-eval's exact_match,<name>; guards stand beside the first pipeline where
// nothing else has the filter "none".
std::pair<std::string, std::string> MetricOfTask(const std::vector<std::string>& filters,
                                                 const std::string& metric) {
  auto [name, filter] = LmEvalMetric(metric);
  const bool exact = metric == kExactMatch && filters.size() == 1;
  const bool guard = IsValidityMetric(metric) && !filters.empty();
  return {std::move(name), exact || guard ? filters.front() : std::move(filter)};
}

Json Results(const ExportData& data, const ExportSubject& subject) {
  Json json;
  for (const char* part : {"results", "group_subtasks", "configs", "versions", "n-shot",
                           "higher_is_better", "n-samples", "task_hashes"})
    json[part] = Json::object();
  for (const ExportTask& task : data.tasks) {
    Json& results = json["results"][task.name];
    results = {{"name", task.name}, {"alias", task.name}, {"sample_len", task.prompts}};
    Json& higher = json["higher_is_better"][task.name];
    higher = Json::object();
    const Json config = Config(task);
    const std::vector<std::string> filters = FilterNames(config);
    for (const ExportCell& cell : data.cells) {
      if (cell.adapter != subject.adapter || cell.task != task.name) continue;
      const auto [metric, filter] = MetricOfTask(filters, cell.metric);
      results[absl::StrCat(metric, ",", filter)] = cell.value;
      results[absl::StrCat(metric, "_stderr,", filter)] = StandardError(cell);
      higher[metric] = !cell.validity;
    }
    if (config.contains("num_fewshot")) json["n-shot"][task.name] = config["num_fewshot"];
    json["configs"][task.name] = config;
    json["versions"][task.name] = task.version;
    json["n-samples"][task.name] = {
        {"original", task.total_prompts > 0 ? task.total_prompts : task.prompts},
        {"effective", task.prompts}};
    json["task_hashes"][task.name] = task.version;
  }
  Json model_args = {{"pretrained", data.model}, {"dtype", data.dtype}};
  if (!subject.adapter.empty()) model_args["peft"] = subject.adapter;
  json["config"] = {{"model", "plumbline"},      {"model_args", model_args},
                    {"model_dtype", data.dtype}, {"model_sha", data.model_version},
                    {"device", data.device},     {"gen_kwargs", Json::object()},
                    {"job", data.job},           {"adapter_version", subject.adapter_version}};
  json["date"] = absl::ToDoubleSeconds(data.time - absl::UnixEpoch());
  json["model_source"] = "plumbline";
  json["model_name"] = ModelName(data, subject);
  json["model_name_sanitized"] = Sanitized(ModelName(data, subject));
  return json;
}

// The observations of a metric by sample; the last one of a metric that is there is not null.
std::vector<const Observation*> BySample(const Verdicts& samples, const std::string& metric) {
  std::vector<const Observation*> by_sample;
  for (const ExportVerdict* v : samples) {
    for (const Observation& o : v->observations) {
      if (o.metric != metric) continue;
      by_sample.resize(static_cast<size_t>(v->sample) + 1, nullptr);
      by_sample.back() = &o;
    }
  }
  return by_sample;
}

// Where a metric takes one of several responses: which; null while one that votes is missing.
// Nothing where all count.
std::optional<const ExportVerdict*> TakenBy(const Verdicts& samples,
                                            const std::vector<std::string>& metrics) {
  for (const std::string& metric : metrics) {
    const std::vector<const Observation*> by_sample = BySample(samples, metric);
    if (by_sample.empty() || by_sample.back()->among == 0) continue;
    const std::optional<size_t> taken = SelectResponse(by_sample);
    if (!taken.has_value()) return nullptr;
    for (const ExportVerdict* v : samples) {
      if (static_cast<size_t>(v->sample) == *taken) return v;
    }
  }
  return std::nullopt;
}

// A metric of one prompt: IFEval's instruction levels as lm-eval's list of booleans, that of the
// response it takes, or the mean over the responses.
Json SampleMetric(const Verdicts& samples, const std::string& metric) {
  const bool loose = metric == "ila_loose";
  if ((loose || metric == "ila_strict") && samples.size() == 1 && !samples[0]->outcomes.empty()) {
    Json list = Json::array();
    for (const CheckOutcome& o : samples[0]->outcomes) list.push_back(loose ? o.loose : o.strict);
    return list;
  }
  const std::vector<const Observation*> by_sample = BySample(samples, metric);
  if (by_sample.back()->among == 0) {
    double sum = 0, count = 0;
    for (const Observation* o : by_sample) {
      if (o == nullptr) continue;
      sum += o->successes / o->trials;
      ++count;
    }
    return sum / count;
  }
  const std::optional<size_t> taken = SelectResponse(by_sample);
  if (!taken.has_value()) return nullptr;  // a response is missing
  return by_sample[*taken]->successes / by_sample[*taken]->trials;
}

// The metrics that the samples of one prompt observed, by filter, in their order.
std::map<std::string, std::vector<std::string>> ByFilter(const Verdicts& samples,
                                                         const std::vector<std::string>& names) {
  std::map<std::string, std::vector<std::string>> filters;
  for (const ExportVerdict* v : samples) {
    for (const Observation& o : v->observations) {
      std::vector<std::string>& metrics = filters[MetricOfTask(names, o.metric).second];
      if (std::find(metrics.begin(), metrics.end(), o.metric) == metrics.end())
        metrics.push_back(o.metric);
    }
  }
  if (filters.empty()) filters[names.empty() ? "none" : names.front()] = {};
  return filters;
}

// What the filter makes of a response; without one of that name the answer that was compared, where
// the verdict holds it.
std::string FilteredBy(const ExportVerdict& v, const std::string& filter) {
  for (const FilteredText& filtered : v.filtered) {
    if (filtered.filter == filter) return filtered.text;
  }
  const bool extracts =
      !v.extracted.empty() ||
      std::any_of(v.observations.begin(), v.observations.end(),
                  [](const Observation& o) { return o.metric == "extraction_failure"; });
  return extracts ? v.extracted : v.response;
}

// Python's str() of a float.
std::string PythonFloat(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  return Json(value).dump();
}

// lm-eval's requests of a choice task: one a choice, whose answer is (log-likelihood, is greedy) as
// text.
void AddChoices(const ExportVerdict& verdict, Json& json) {
  for (size_t i = 0; i < verdict.choices.size(); ++i) {
    const ExportChoice& choice = verdict.choices[i];
    const std::string& context = choice.context.empty() ? verdict.prompt : choice.context;
    json["arguments"][absl::StrCat("gen_args_", i)] = {{"arg_0", context},
                                                       {"arg_1", choice.continuation}};
    const Json answer = {PythonFloat(choice.log_likelihood), choice.is_greedy ? "True" : "False"};
    json["resps"].push_back(Json::array({answer}));
    json["filtered_resps"].push_back(answer);
  }
}

void AddGenerated(const Verdicts& samples, const std::string& filter, const Json& config,
                  const std::vector<std::string>& metrics, Json& json) {
  const Json kwargs = config.contains("generation_kwargs") ? config["generation_kwargs"] : Json();
  json["arguments"]["gen_args_0"] = {{"arg_0", samples.front()->prompt},
                                     {"arg_1", kwargs.is_object() ? kwargs : Json::object()}};
  json["resps"].push_back(Json::array());
  for (const ExportVerdict* v : samples) json["resps"][0].push_back(v->response);
  const std::optional<const ExportVerdict*> taken = TakenBy(samples, metrics);
  if (taken.has_value()) {
    if (*taken != nullptr) json["filtered_resps"].push_back(FilteredBy(**taken, filter));
    return;
  }
  for (const ExportVerdict* v : samples) json["filtered_resps"].push_back(FilteredBy(*v, filter));
}

Json Sample(int64_t doc_id, const Verdicts& samples, const std::string& filter, const Json& config,
            const std::vector<std::string>& metrics) {
  const ExportVerdict& first = *samples.front();
  const bool choice = !first.choices.empty() || absl::StartsWith(first.checker, "choice/");
  const Json doc =
      ParseOr(first.doc, {{"key", first.key}, {"prompt", first.prompt}, {"target", first.target}});
  const std::string& target = first.doc_target.empty() ? first.target : first.doc_target;
  Json json = {{"doc_id", doc_id}, {"doc", doc}, {"target", target}};
  json["arguments"] = Json::object();
  json["resps"] = Json::array();
  json["filtered_resps"] = Json::array();
  if (choice) {
    AddChoices(first, json);
  } else {
    AddGenerated(samples, filter, config, metrics, json);
  }
  for (const ExportVerdict* v : samples) {
    if (!v->error.empty()) json["error"] = v->error;
  }
  json["filter"] = filter;
  json["metrics"] = Json::array();
  json["doc_hash"] = Sha256Hex(Dump(doc, 2));
  const bool own_context = !first.choices.empty() && !first.choices[0].context.empty();
  json["prompt_hash"] = Sha256Hex(own_context ? first.choices[0].context : first.prompt);
  json["target_hash"] = Sha256Hex(target);
  for (const std::string& metric : metrics) {
    const std::string name = LmEvalMetric(metric).first;
    json["metrics"].push_back(name);
    json[name] = SampleMetric(samples, metric);
  }
  return json;
}

// The place of every key in the task, the same for all subjects.
std::map<std::string, int64_t> DocIds(const ExportData& data, const std::string& task) {
  std::vector<std::string> keys;
  for (const ExportVerdict& v : data.verdicts) {
    if (v.task == task) keys.push_back(v.key);
  }
  std::sort(keys.begin(), keys.end(), ExportKeyLess);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::map<std::string, int64_t> ids;
  for (const std::string& key : keys) ids.emplace(key, static_cast<int64_t>(ids.size()));
  return ids;
}

std::string Samples(const ExportData& data, const ExportSubject& subject, const ExportTask& task) {
  const std::map<std::string, int64_t> ids = DocIds(data, task.name);
  const Verdicts verdicts = SortedVerdicts(data, subject.adapter, task.name);
  const Json config = Config(task);
  const std::vector<std::string> filters = FilterNames(config);
  std::string lines;
  for (auto begin = verdicts.begin(); begin != verdicts.end();) {
    const auto end = std::find_if(begin, verdicts.end(),
                                  [&](const ExportVerdict* v) { return v->key != (*begin)->key; });
    const Verdicts samples(begin, end);
    for (const auto& [filter, metrics] : ByFilter(samples, filters)) {
      absl::StrAppend(
          &lines, Dump(Sample(ids.at((*begin)->key), samples, filter, config, metrics), -1), "\n");
    }
    begin = end;
  }
  return lines;
}

}  // namespace

std::pair<std::string, std::string> LmEvalMetric(const std::string& metric) {
  static const auto& names = *new std::map<std::string, std::pair<std::string, std::string>>{
      {"ila_strict", {"inst_level_strict_acc", "none"}},
      {"ila_loose", {"inst_level_loose_acc", "none"}},
      {"pla_strict", {"prompt_level_strict_acc", "none"}},
      {"pla_loose", {"prompt_level_loose_acc", "none"}},
      {"accuracy", {"acc", "none"}},
      {"numeric_reference_strict", {"exact_match", "strict-match"}},
      {"numeric_reference_flexible", {"exact_match", "flexible-extract"}},
  };
  const auto found = names.find(metric);
  if (found != names.end()) return found->second;
  const size_t comma = metric.find(',');
  if (comma != std::string::npos) return {metric.substr(0, comma), metric.substr(comma + 1)};
  return {metric, "none"};
}

std::vector<ExportFile> ToLmEval(const ExportData& data) {
  const std::string time = absl::FormatTime("%Y-%m-%dT%H-%M-%E6S", data.time, absl::UTCTimeZone());
  std::vector<ExportFile> files;
  for (const ExportSubject& subject : data.subjects) {
    const std::string folder = Sanitized(ModelName(data, subject));
    files.push_back(
        {absl::StrCat(folder, "/results_", time, ".json"), Dump(Results(data, subject), 2) + "\n"});
    for (const ExportTask& task : data.tasks) {
      files.push_back({absl::StrCat(folder, "/samples_", Sanitized(task.name), "_", time, ".jsonl"),
                       Samples(data, subject, task)});
    }
  }
  return files;
}

}  // namespace plumbline
