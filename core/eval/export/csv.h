// Verdicts as CSV (RFC 4180: commas, CRLF, quotes doubled, UTF-8, a header): one row a verdict.
//
// Columns: task, adapter ("base" for the base), adapter_version, key, sample, passed, error,
// finish_reason, prompt_tokens, completion_tokens, then one column a metric ("metric:<name>", a
// share; empty where the verdict has no such observation), extracted, target, prompt, response.
// Rows by task, subject, key and sample. Texts are as they are: whoever opens the file in a
// spreadsheet should import them as text, or a response that begins with "=" is taken for a
// formula.
#ifndef PLUMBLINE_CORE_EVAL_EXPORT_CSV_H_
#define PLUMBLINE_CORE_EVAL_EXPORT_CSV_H_

#include <string>

#include "core/eval/export/export_data.h"

namespace plumbline {

std::string VerdictsToCsv(const ExportData& data);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_EXPORT_CSV_H_
