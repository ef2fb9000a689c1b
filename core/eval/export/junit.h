// A job as JUnit XML, for a CI's test view: a <testsuite> for each task and subject, named
// "<task>.<adapter or base>", with a <testcase> a verdict, named by its key ("#<sample>" behind it
// where the task asks more than once).
//
// A prompt whose primary metric was not met is a <failure>, whose text says which checks were not
// followed and gives the response; an execution error is an <error>. The suite's cells stand in its
// <properties>: "<metric>" is "<value> [<lower>, <upper>]". Times are not known here and left out.
// Characters that XML 1.0 cannot hold, and bytes that are no UTF-8, become U+FFFD.
#ifndef PLUMBLINE_CORE_EVAL_EXPORT_JUNIT_H_
#define PLUMBLINE_CORE_EVAL_EXPORT_JUNIT_H_

#include <string>

#include "core/eval/export/export_data.h"

namespace plumbline {

std::string VerdictsToJunit(const ExportData& data);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_EXPORT_JUNIT_H_
