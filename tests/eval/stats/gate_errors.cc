#include "tests/eval/stats/gate_errors.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/eval/gate/gate.h"
#include "core/eval/report/report.h"
#include "tests/eval/stats/simulated_world.h"

namespace plumbline {
namespace {

// A job with one adapter labelled instruction_following, an ILA task on target and a yes/no task
// off target.
struct JobWorld {
  std::string label;
  double on = 0;  // true differences
  double off = 0;
  double on_flips = 0.1;  // share of instructions (prompts) that flip, both ways together
  double off_flips = 0.1;
};

// Instructions pass with 0.3 under the base; gains and losses that give the wanted difference and
// flips.
InstructionWorld OnTarget(const JobWorld& job) {
  InstructionWorld world;
  world.gain = (job.on_flips + job.on) / 2 / (1 - world.pass);
  world.loss = (job.on_flips - job.on) / 2 / world.pass;
  return world;
}

PairedWorld OffTarget(const JobWorld& job) {
  return {
      .both = 0.2, .gain = (job.off_flips + job.off) / 2, .loss = (job.off_flips - job.off) / 2};
}

void Observe(ReportInput& input, int subject, int task, int prompt, double successes, int trials) {
  input.verdicts.push_back({subject,
                            task,
                            std::to_string(prompt),
                            0,
                            false,
                            {{input.tasks[task].metrics[0], successes, trials}}});
}

ReportInput DrawJob(const JobWorld& job, int prompts, CounterRandom& random) {
  ReportInput input;
  input.subjects = {{"base", "", "", ""}, {"base", "adapter", "sha", "instruction_following"}};
  input.baseline = 0;
  input.tasks = {{"ifeval", "1", "instruction_following", {"ila_strict"}, prompts, 1},
                 {"sums", "1", "numeric", {"numeric_match"}, prompts, 1}};
  const InstructionWorld on = OnTarget(job);
  const PairedWorld off = OffTarget(job);
  for (int i = 0; i < prompts; ++i) {
    const PairedPrompt p = DrawPrompt(on, random);
    Observe(input, 0, 0, i, p.base, p.instructions);
    Observe(input, 1, 0, i, p.subject, p.instructions);
    const double u = random.Uniform();
    const bool both = u < off.both, gained = !both && u < off.both + off.gain;
    const bool lost = !both && !gained && u < off.both + off.gain + off.loss;
    Observe(input, 0, 1, i, both || lost, 1);
    Observe(input, 1, 1, i, both || gained, 1);
  }
  return input;
}

Report Build(const ReportInput& input, int resamples) {
  ReportOptions options;
  options.resamples = resamples;
  auto report = BuildReport(input, options);
  if (!report.ok()) {
    std::fprintf(stderr, "%s\n", report.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(report);
}

GatePolicy NonInferior(double margin) {
  GatePolicy policy;
  policy.non_inferiority.push_back({"*", "", margin});
  return policy;
}

void Row(const JobWorld& job, int prompts, int runs, CounterRandom& random) {
  const GatePolicy tight = NonInferior(0.02), wide = NonInferior(0.05);
  int gate_tight[4] = {}, gate_wide[4] = {}, label[5] = {};
  for (int r = 0; r < runs; ++r) {
    const Report report = Build(DrawJob(job, prompts, random), 500);
    ++gate_tight[static_cast<int>(EvaluateGate(tight, report).status)];
    ++gate_wide[static_cast<int>(EvaluateGate(wide, report).status)];
    ++label[static_cast<int>(report.labels[1].verdict)];
  }
  const auto share = [runs](int n) { return 100.0 * n / runs; };
  const auto three = [&](const int* gate) {
    std::printf(" %.1f / %.1f / %.1f |", share(gate[static_cast<int>(GateStatus::kPass)]),
                share(gate[static_cast<int>(GateStatus::kInconclusive)]),
                share(gate[static_cast<int>(GateStatus::kFail)]));
  };
  std::printf("| %d | %s |", prompts, job.label.c_str());
  three(gate_tight);
  three(gate_wide);
  for (LabelVerdict v : {LabelVerdict::kSupported, LabelVerdict::kNotSupported,
                         LabelVerdict::kContradicted, LabelVerdict::kInconclusive}) {
    std::printf(" %.1f |", share(label[static_cast<int>(v)]));
  }
  std::printf("\n");
}

}  // namespace

void PrintGateErrors(int runs) {
  std::printf(
      "\n### Gate (non-inferiority on both tasks; PASS / INCONCLUSIVE / FAIL, %%) and label "
      "verdict (%%)\n\n"
      "| prompts of each task | what the adapter does | margin 2 points | margin 5 points | "
      "SUPPORTED | NOT_SUPPORTED | "
      "CONTRADICTED | INCONCLUSIVE |\n|---|---|---|---|---|---|---|---|\n");
  const JobWorld worlds[] = {
      {"A/A: the same bits", 0, 0, 0, 0},
      {"A/A: 4 % flip, no difference", 0, 0, 0.04, 0.04},
      {"A/A: 20 % flip, no difference", 0, 0, 0.2, 0.2},
      {"regression of 2 points on target", -0.02, 0, 0.1, 0.1},
      {"regression of 5 points on target", -0.05, 0, 0.1, 0.1},
      {"regression of 5 points on both", -0.05, -0.05, 0.1, 0.1},
      {"regression of 10 points on target", -0.1, 0, 0.15, 0.1},
      {"gain of 5 points on target", 0.05, 0, 0.1, 0.1},
      {"gain of 10 points on target", 0.1, 0, 0.15, 0.1},
      {"gain of 20 points off target only", 0, 0.2, 0.1, 0.25},
      {"the study: -4 on, +50 off target", -0.042, 0.499, 0.1, 0.53},
  };
  CounterRandom random(7);
  for (int prompts : {150, 541}) {
    for (const JobWorld& world : worlds) Row(world, prompts, runs, random);
  }
}

namespace {

// The nearest tables to the published shares. `flips`: the share of prompts of the on-target task
// that flip.
void StudyRow(const char* metric, int prompts, double base, double adapter, int numeric,
              double flips) {
  ReportInput input;
  input.subjects = {{"base", "", "", ""}, {"base", "adapter", "sha", "instruction_following"}};
  input.baseline = 0;
  input.tasks = {{"ifeval", "1", "instruction_following", {metric}, prompts, 1},
                 {"numeric", "1", "numeric", {"numeric_match"}, numeric, 1}};
  const auto fill = [&](int task, int n, double before, double after, double flipped) {
    const int base_count = static_cast<int>(std::lround(before * n));
    const int difference = static_cast<int>(std::lround(after * n)) - base_count;
    int gained = std::max(difference, 0), lost = std::max(-difference, 0);
    while (gained + lost + 2 <= flipped * n + 0.5) ++gained, ++lost;
    for (int i = 0; i < n; ++i) {
      Observe(input, 0, task, i, i < base_count, 1);
      Observe(input, 1, task, i, i < base_count ? i >= lost : i < base_count + gained, 1);
    }
  };
  fill(0, prompts, base, adapter, flips);
  fill(1, numeric, 0.133, 0.632, 0.53);
  const Report report = Build(input, 4000);
  const ReportDelta& d = report.deltas[0];
  const ReportLabel& label = report.labels[1];
  std::printf(
      "| %s, %d | %d | %.0f %% (+%d -%d) | %+.1f (%+.1f to %+.1f) | %.2g | %+.1f (%+.1f to %+.1f) "
      "| %s |\n",
      metric, prompts, numeric, 100.0 * static_cast<double>(d.gained + d.lost) / prompts,
      static_cast<int>(d.gained), static_cast<int>(d.lost), 100 * d.value, 100 * d.lower,
      100 * d.upper, d.p_holm, 100 * label.drift->value, 100 * label.drift->lower,
      100 * label.drift->upper, std::string(LabelVerdictName(label.verdict)).c_str());
}

}  // namespace

void PrintStudyExample() {
  std::printf(
      "\n### The study's numbers (label: instruction following)\n\n"
      "| on target: metric, n | numeric n | flips assumed (gained, lost) | on target, points | p "
      "after Holm | drift, points | "
      "verdict |\n|---|---|---|---|---|---|---|\n");
  for (double flips : {0.0, 0.2, 0.3}) StudyRow("pla_strict", 541, 0.250, 0.143, 541, flips);
  for (double flips : {0.0, 0.2, 0.3}) StudyRow("pla_strict", 28, 0.250, 0.143, 30, flips);
  for (double flips : {0.0, 0.2, 0.3}) StudyRow("pla_strict", 112, 0.250, 0.143, 100, flips);
  // ILA as if each of the 834 instructions stood alone: more information than it has, so the
  // p-values are too small.
  for (double flips : {0.0, 0.1, 0.2, 0.3}) StudyRow("ila_strict", 834, 0.313, 0.271, 541, flips);
  for (double flips : {0.0, 0.2}) StudyRow("ila_strict", 48, 0.3126, 0.271, 30, flips);
}

}  // namespace plumbline
