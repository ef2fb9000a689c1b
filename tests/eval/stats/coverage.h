// Measures the coverage of every interval and the false-alarm rate of every test by simulation.
#ifndef PLUMBLINE_TESTS_EVAL_STATS_COVERAGE_H_
#define PLUMBLINE_TESTS_EVAL_STATS_COVERAGE_H_

namespace plumbline {

// Prints Markdown tables to stdout. `runs` simulated benchmarks a row (some rows more, large ones
// half).
void PrintCoverage(int runs, int resamples);

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_EVAL_STATS_COVERAGE_H_
