// What the exporters of this folder are made from: a report's cells and its verdicts, as plain
// values. Who fills them (the CLI, from GetReport and ListVerdicts) decides where they come from;
// the exporters are pure functions to text. docs/exports.md describes every layout.
#ifndef PLUMBLINE_CORE_EVAL_EXPORT_EXPORT_DATA_H_
#define PLUMBLINE_CORE_EVAL_EXPORT_EXPORT_DATA_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/eval/observation.h"
#include "core/eval/task.h"

namespace plumbline {

struct ExportSubject {
  std::string adapter;          // alias; empty: the base
  std::string adapter_version;  // 64 hex digits; empty: the base
};

struct ExportTask {
  std::string name;
  std::string version;  // 64 hex digits
  std::string capability;
  int64_t prompts = 0;        // that the job asked
  int samples = 1;            // responses a prompt
  int64_t total_prompts = 0;  // that the task has; 0: not known
  // Its file's keys with lm-eval's defaults filled in, one JSON object (Task::config); empty: not
  // known.
  std::string config;
};

struct ExportCell {
  std::string adapter, task, metric;
  double value = 0, lower = 0, upper = 0;  // a share in [0, 1] and its 95 % interval
  int64_t n = 0;                           // trials
  std::string method;                      // "wilson", ...
  bool primary = false;
  bool validity = false;  // a guard: lower is better
};

// One choice of a multiple-choice prompt, as it was scored.
struct ExportChoice {
  std::string context;       // what it continues; empty: the verdict's prompt
  std::string continuation;  // delimiter included
  double log_likelihood = 0;
  bool is_greedy = false;
  int tokens = 0;
};

struct ExportVerdict {
  int64_t sequence = 0;
  std::string adapter, task, key;
  int sample = 0;
  std::string prompt, target;  // as the task rendered them
  std::string response;        // empty in multiple-choice tasks
  std::string finish_reason;   // "stop", "length" or empty
  int prompt_tokens = 0, completion_tokens = 0;
  std::vector<Observation> observations;
  std::vector<CheckOutcome> outcomes;
  std::vector<ExportChoice> choices;  // of multiple-choice tasks
  int gold_choice = -1;               // index of the right one, the first of several; -1: not known
  std::string doc_target;  // what doc_to_target gives, as Python prints it; empty: `target`
  std::string doc;         // the row of the data, one JSON object; empty: not known
  std::string group;       // of the task's groups; empty: it has none
  std::vector<FilteredText> filtered;  // what the task's filters make of the response
  std::string extracted;
  std::string checker;  // "ifeval/1", "choice/1", ...
  std::string error;    // not empty: an execution error, without observations
  bool passed = false;
};

struct ExportData {
  std::string job, model;
  std::string model_version;  // SHA-256 that names the checkpoint; empty: not known
  std::string device, dtype;
  absl::Time time;                      // when the job was made
  std::vector<ExportSubject> subjects;  // the base first
  std::vector<ExportTask> tasks;
  std::vector<ExportCell> cells;
  std::vector<ExportVerdict> verdicts;  // any order
};

// "base" for the empty alias.
inline std::string ExportSubjectName(const std::string& adapter) {
  return adapter.empty() ? "base" : adapter;
}

// The verdicts of one subject and one task by key (numbers by value, before words) and sample: the
// same order whatever the order they were recorded in.
std::vector<const ExportVerdict*> SortedVerdicts(const ExportData& data, const std::string& adapter,
                                                 const std::string& task);

// True where key `a` stands before `b` in that order.
bool ExportKeyLess(const std::string& a, const std::string& b);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_EXPORT_EXPORT_DATA_H_
