// Verbs to write down a report's input in a few lines.
#ifndef PLUMBLINE_TESTS_EVAL_REPORT_REPORT_FIXTURE_H_
#define PLUMBLINE_TESTS_EVAL_REPORT_REPORT_FIXTURE_H_

#include <string>
#include <utility>
#include <vector>

#include "core/eval/report/report.h"

namespace plumbline {

// Subject 0 is the baseline "base"; adapters and tasks are numbered as they are added.
class ReportFixture {
 public:
  ReportFixture() {
    input.subjects.push_back({"plumb-tiny", "", "", ""});
    input.baseline = 0;
  }

  int AddAdapter(const std::string& alias, const std::string& target) {
    input.subjects.push_back({"plumb-tiny", alias, alias + "-sha", target});
    return static_cast<int>(input.subjects.size()) - 1;
  }

  int AddTask(const std::string& name, const std::string& capability,
              std::vector<std::string> metrics, int prompts, int samples = 1) {
    input.tasks.push_back({name, name + "-sha", capability, std::move(metrics), prompts, samples});
    return static_cast<int>(input.tasks.size()) - 1;
  }

  // One verdict.
  void Observe(int subject, int task, int prompt, std::vector<Observation> observations,
               int sample = 0) {
    input.verdicts.push_back({subject, task, Key(prompt), sample, false, std::move(observations)});
  }
  void Fail(int subject, int task, int prompt, int sample = 0) {
    input.verdicts.push_back({subject, task, Key(prompt), sample, true, {}});
  }

  // A yes/no for every prompt of the task, of its primary metric.
  void Answer(int subject, int task, const std::vector<bool>& passed) {
    for (size_t i = 0; i < passed.size(); ++i) {
      Observe(subject, task, static_cast<int>(i),
              {{input.tasks[task].metrics[0], passed[i] ? 1.0 : 0.0, 1}});
    }
  }

  // Base passes the first `base` of `prompts`; the subject gains `gained` of those failed and loses
  // `lost` of those passed.
  void AnswerPaired(int subject, int task, int base, int gained, int lost) {
    const int prompts = static_cast<int>(input.tasks[task].prompts);
    std::vector<bool> mine(prompts);
    for (int i = 0; i < prompts; ++i) mine[i] = i < base ? i >= lost : i < base + gained;
    Answer(subject, task, mine);
  }
  void AnswerBase(int task, int base) { AnswerPaired(0, task, base, 0, 0); }

  // Keys sort as the numbers do.
  static std::string Key(int prompt) { return std::to_string(100000 + prompt); }

  ReportInput input;
};

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_EVAL_REPORT_REPORT_FIXTURE_H_
