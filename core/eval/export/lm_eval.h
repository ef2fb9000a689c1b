// One subject's results in lm-evaluation-harness's layout (0.4.13), so that its viewers and scripts
// read them: results_<time>.json and a samples_<task>_<time>.jsonl for each task.
//
// Metrics carry lm-eval's names where they mean the same ("pla_strict" is
// "prompt_level_strict_acc,none", "accuracy" is "acc,none", "numeric_reference_strict" is
// "exact_match,strict-match"), else their own with ",none". A standard error is given where lm-eval
// has one by formula and we have the same numbers (one trial a prompt), else it is "N/A".
// docs/exports.md lists what a job does not record and is therefore left empty.
#ifndef PLUMBLINE_CORE_EVAL_EXPORT_LM_EVAL_H_
#define PLUMBLINE_CORE_EVAL_EXPORT_LM_EVAL_H_

#include <string>
#include <vector>

#include "core/eval/export/export_data.h"

namespace plumbline {

struct ExportFile {
  std::string path;  // relative: "<model>__<adapter>/results_<time>.json"
  std::string content;
};

// The files of every subject. The folder's name is lm-eval's: the model's, with "__" for characters
// that a path cannot hold, and "__<adapter>" behind it; it never leads out of the folder it is put
// in. Verdicts that are execution errors are in the samples with "error" and without metrics.
std::vector<ExportFile> ToLmEval(const ExportData& data);

// "pla_strict" → {"prompt_level_strict_acc", "none"}: lm-eval's metric and filter.
std::pair<std::string, std::string> LmEvalMetric(const std::string& metric);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_EXPORT_LM_EVAL_H_
