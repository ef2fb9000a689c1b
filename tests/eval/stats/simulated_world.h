// Worlds with a known truth, from which the simulations draw benchmarks: what the intervals should
// cover and what the tests should (not) find is known here and nowhere else.
#ifndef PLUMBLINE_TESTS_EVAL_STATS_SIMULATED_WORLD_H_
#define PLUMBLINE_TESTS_EVAL_STATS_SIMULATED_WORLD_H_

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/eval/stats/cluster.h"
#include "core/eval/stats/distributions.h"
#include "core/eval/stats/proportion.h"
#include "core/eval/stats/random.h"

namespace plumbline {

// Instructions a prompt, as IFEval's 541 prompts have them: 1, 2 or 3.
inline int DrawInstructions(CounterRandom& random) {
  const double u = random.Uniform();
  return u < 0.564 ? 1 : u < 0.895 ? 2 : 3;
}

// One prompt with several instructions under base and subject. Instructions of one prompt are
// alike: each has the prompt's own mood with probability `alike` (then the intracluster correlation
// is alike^2), else a fresh draw. The subject repeats the base's outcome except that a failed
// instruction turns into a pass with probability `gain` and a passed one into a failure with
// probability `loss`.
struct InstructionWorld {
  double pass = 0.3;
  double alike = 0.6;
  double gain = 0.1;
  double loss = 0.1;

  double Difference() const { return (1 - pass) * gain - pass * loss; }
};

struct PairedPrompt {
  int instructions = 0;
  int base = 0;
  int subject = 0;
};

inline PairedPrompt DrawPrompt(const InstructionWorld& world, CounterRandom& random) {
  PairedPrompt prompt;
  prompt.instructions = DrawInstructions(random);
  const bool mood = random.Uniform() < world.pass;
  // Changes come prompt-wise too: an adapter that breaks a format breaks it for the whole prompt.
  const double shared_change = random.Uniform();
  for (int i = 0; i < prompt.instructions; ++i) {
    const bool base = random.Uniform() < world.alike ? mood : random.Uniform() < world.pass;
    const double change = random.Uniform() < world.alike ? shared_change : random.Uniform();
    const bool subject = base ? change >= world.loss : change < world.gain;
    prompt.base += base;
    prompt.subject += subject;
  }
  return prompt;
}

inline std::vector<PairedPrompt> DrawPrompts(const InstructionWorld& world, int n,
                                             CounterRandom& random) {
  std::vector<PairedPrompt> prompts;
  prompts.reserve(n);
  for (int i = 0; i < n; ++i) prompts.push_back(DrawPrompt(world, random));
  return prompts;
}

// Prompt-level outcomes: probabilities of the four cells of a paired table.
struct PairedWorld {
  double both = 0.2;
  double gain = 0.1;
  double loss = 0.1;

  double Difference() const { return gain - loss; }
};

struct PairedTable {
  PairedCounts counts;
  int64_t both = 0;
};

inline PairedTable DrawTable(const PairedWorld& world, int n, CounterRandom& random) {
  PairedTable table;
  table.counts.n = n;
  for (int i = 0; i < n; ++i) {
    const double u = random.Uniform();
    if (u < world.both) {
      ++table.both;
    } else if (u < world.both + world.gain) {
      ++table.counts.gained;
    } else if (u < world.both + world.gain + world.loss) {
      ++table.counts.lost;
    }
  }
  return table;
}

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_EVAL_STATS_SIMULATED_WORLD_H_
