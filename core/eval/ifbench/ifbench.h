// IFBench's 58 constraints (Pyatkin et al. 2025, arXiv 2507.02833), the test set's out-of-domain
// ones. Rows, scores and loose reading are IFEval's (core/eval/ifeval); the headline score is
// prompt-level loose. The semantics are those of allenai/IFBench, package version 0.2.0, quirks
// included; where it ends with an exception, the constraint is not followed. docs/tasks.md says
// what differs from the revisions before.
#ifndef PLUMBLINE_CORE_EVAL_IFBENCH_IFBENCH_H_
#define PLUMBLINE_CORE_EVAL_IFBENCH_IFBENCH_H_

#include "core/eval/ifeval/ifeval_checker.h"
#include "core/eval/ifeval/instruction.h"

namespace plumbline {

const ifeval::InstructionTable& IfbenchTable();
const InstructionSet& IfbenchSet();

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_IFBENCH_IFBENCH_H_
