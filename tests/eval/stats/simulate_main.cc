// The measured tables of docs/statistics.md, in one command:
//   nice -n 10 <build>/tests/eval_stats_simulation [runs] > tables.md
// Deterministic for a number of runs; the default takes under two minutes on one core.
#include <cstdlib>

#include "tests/eval/stats/coverage.h"

int main(int argc, char** argv) {
  const int runs = argc > 1 ? std::atoi(argv[1]) : 2000;
  plumbline::PrintCoverage(runs, 2000);
}
