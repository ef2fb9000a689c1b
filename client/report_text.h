// A report for people: the matrix first, then the paired deltas, the drift and the label verdicts,
// then the gate.
#ifndef PLUMBLINE_CLIENT_REPORT_TEXT_H_
#define PLUMBLINE_CLIENT_REPORT_TEXT_H_

#include <string>

#include "plumbline/v1/evaluation.pb.h"

namespace plumbline::client {

struct ReportTextOptions {
  bool all_metrics = false;  // every metric, not only the usual ones of each task
  bool markdown = false;     // for a pull request
};

// "3 prompts are there more than once: 1, 7, 9".
std::string TaskHintText(const v1::TaskHint& hint);

std::string ReportToText(const v1::Report& report, const ReportTextOptions& options);

}  // namespace plumbline::client

#endif  // PLUMBLINE_CLIENT_REPORT_TEXT_H_
