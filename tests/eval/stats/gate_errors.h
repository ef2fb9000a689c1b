// Measures how often gate and label verdict are right and wrong, by simulation: A/A runs, planted
// regressions, planted gains, and the boundary cases that bound the error rates.
#ifndef PLUMBLINE_TESTS_EVAL_STATS_GATE_ERRORS_H_
#define PLUMBLINE_TESTS_EVAL_STATS_GATE_ERRORS_H_

namespace plumbline {

// Prints Markdown tables to stdout; `runs` simulated jobs a row.
void PrintGateErrors(int runs);

// The numbers of arXiv 2603.22379 under the sample sizes and shares of flipped prompts it may have
// had.
void PrintStudyExample();

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_EVAL_STATS_GATE_ERRORS_H_
