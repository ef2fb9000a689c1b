// How long every IFEval and IFBench check and every filter takes for hostile responses of 10 MB,
// and how that grows with size: nothing here may be worse than linear (docs/benchmarks.md).
//
//   hostile_bench [--bytes N] [--bound SECONDS] [--only SUBSTRING]
//
// Every check is timed (processor time, so that a busy machine changes little) on each kind of text
// at a tenth of N and at N. One line a check: its slowest text. Exits with 1 where a check takes
// longer than the bound, or where it takes more than 30 times as long for ten times as much (a
// quadratic one takes 100 times) and that is more than a second.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "tests/eval/hostile_checks.h"

namespace plumbline {
namespace {

struct Options {
  size_t bytes = size_t{10} << 20;
  double bound = 30;
  std::string only;
};

struct Texts {
  std::vector<HostileText> small, large;
};

// Whether it is within the bounds.
bool Time(const char* kind, const HostileCheck& check, const absl::StatusOr<Task>& task,
          const Texts& texts, const Options& options) {
  if (!task.ok()) {
    std::fprintf(stderr, "%s %s: %s\n", kind, check.id.c_str(), task.status().ToString().c_str());
    return false;
  }
  double slowest = 0, of_small = 0, worst_growth = 0;
  std::string name;
  bool fine = true;
  for (size_t i = 0; i < texts.large.size(); ++i) {
    const auto seconds_of = [&](const std::string& text) {
      return CpuSecondsOf([&] {
        if (task->checker->CheckResponse(0, text).observations.empty()) std::abort();
      });
    };
    const double small = seconds_of(texts.small[i].text);
    const double large = seconds_of(texts.large[i].text);
    const double growth = large / std::max(small, 1e-4);
    if (large > 1) worst_growth = std::max(worst_growth, growth);
    if (large > options.bound || (large > 1 && growth > 30)) {
      fine = false;
      std::printf("OUT OF BOUNDS %s on %s: %.3f s, %.3f s for a tenth\n", check.id.c_str(),
                  texts.large[i].name.c_str(), large, small);
    }
    if (large <= slowest) continue;
    slowest = large;
    of_small = small;
    name = texts.large[i].name;
  }
  std::printf("%-8s %-46s %8.3f s  x %5.1f  %s\n", kind, check.id.c_str(), slowest,
              slowest / std::max(of_small, 1e-4), name.c_str());
  std::fflush(stdout);
  return fine;
}

int Main(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--bytes") == 0)
      options.bytes = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--bound") == 0) options.bound = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--only") == 0) options.only = argv[i + 1];
  }
  const Texts texts{HostileTexts(options.bytes / 10), HostileTexts(options.bytes)};
  std::printf("%zu bytes; slowest text of %zu\n", options.bytes, texts.large.size());
  bool fine = true;
  const auto time = [&](const char* kind, const std::vector<HostileCheck>& checks,
                        absl::StatusOr<Task> (*make)(const HostileCheck&)) {
    for (const HostileCheck& check : checks) {
      if (check.id.find(options.only) == std::string::npos) continue;
      fine = Time(kind, check, make(check), texts, options) && fine;
    }
  };
  time("ifeval", IfevalChecks(), TaskOf);
  time("ifbench", IfbenchChecks(), TaskOf);
  time("filter", HostileFilters(), FilterTaskOf);
  return fine ? 0 : 1;
}

}  // namespace
}  // namespace plumbline

int main(int argc, char** argv) { return plumbline::Main(argc, argv); }
