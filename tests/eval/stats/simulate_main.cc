// The measured tables of docs/statistics.md and docs/gate.md, in one command:
//   nice -n 10 <build>/tests/eval_stats_simulation [runs] > tables.md
// Deterministic for a number of runs; the default takes under two minutes of one core.
#include <cstdlib>

#include "tests/eval/stats/coverage.h"
#include "tests/eval/stats/gate_errors.h"

int main(int argc, char** argv) {
  const int runs = argc > 1 ? std::atoi(argv[1]) : 1600;
  plumbline::PrintStudyExample();
  plumbline::PrintGateErrors(runs / 2);
  plumbline::PrintCoverage(runs, 2000);
}
