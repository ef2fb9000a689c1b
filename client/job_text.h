// Jobs, verdicts and subjects in words: what the commands below `plumbline job` and the report
// share.
#ifndef PLUMBLINE_CLIENT_JOB_TEXT_H_
#define PLUMBLINE_CLIENT_JOB_TEXT_H_

#include <string>

#include "plumbline/v1/evaluation.pb.h"

namespace plumbline::client {

// The adapter's alias; "base" for the base, whose alias is empty.
std::string SubjectName(const std::string& adapter);

// "PASS", "FAIL", "INCONCLUSIVE"; "-" where there is no gate.
std::string GateName(v1::GateStatus status);

// A job as a table of fields and values.
std::string JobToText(const v1::Job& job);

// What a dry run would make: subjects, tasks, verdicts, and the gate's rules with what looks wrong
// in them.
std::string PlanToText(const v1::Job& plan);

// One line with a tab between its columns: sequence, task, subject, key, pass|fail|ERROR, why.
std::string VerdictLine(const v1::Verdict& verdict);

}  // namespace plumbline::client

#endif  // PLUMBLINE_CLIENT_JOB_TEXT_H_
