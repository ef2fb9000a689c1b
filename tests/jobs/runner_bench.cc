// How fast jobs are recorded and read when the model costs nothing: the runner's and the store's
// own ceiling. Prints one line a measurement; no thresholds.
//
//   jobs_bench [prompts = 10000] [folder for the database = a temporary one]
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/jobs/job_notifier.h"
#include "core/jobs/job_report.h"
#include "core/jobs/job_runner.h"
#include "core/jobs/sqlite_job_store.h"
#include "tests/support/fake_language_model.h"
#include "tests/support/fake_tasks.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

double SecondsSince(absl::Time start) { return absl::ToDoubleSeconds(absl::Now() - start); }

void Die(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

// Runs one job of base and adapter, prompts / 2 each, and reads it back.
void Measure(const std::string& folder, int prompts, int group) {
  SqliteOptions options;
  options.path = folder + "/bench-" + std::to_string(group) + ".db";
  JobNotifier notifier;
  options.listener = &notifier;
  auto database = OpenSqliteDatabase(options);
  Die(database.status());
  std::unique_ptr<JobStore> store = NewSqliteJobStore(*database);
  auto engine = std::make_shared<FakeEngine>();
  engine->set_answer([](const ModelIdentity&, const LanguageModel::GenerateCall&) {
    return absl::StatusOr<Generation>(
        Generation{std::string(1000, 'x') + " right", FinishReason::kStop, 100, 200});
  });
  FakeModelProvider models(engine);
  models.Publish("math", "weights", "numeric");
  FakeTaskProvider tasks;
  tasks.Add(MakeFakeTask("sums", prompts / 2));
  RandomIds ids;
  TaskExecutor pool(2);
  JobRunnerOptions runner_options;
  runner_options.max_commit_group = group;
  JobRunner runner(*store, models, tasks, pool, SystemClock(), ids, runner_options);
  runner.Start();
  JobSpec spec;
  spec.model = "tiny";
  spec.adapters = {"math"};
  spec.tasks = {"sums"};
  absl::Time start = absl::Now();
  absl::StatusOr<Job> job = runner.Submit("", spec);
  Die(job.status());
  JobWatch watch(notifier, job->id);
  while (job->state != JobState::kSucceeded) {
    watch.Wait(absl::Seconds(5));
    job = store->GetJob(job->id);
    Die(job.status());
  }
  const double run = SecondsSince(start);
  const JobRunnerStats stats = runner.stats();
  std::printf("group %4d: %d prompts in %.2f s: %.0f verdicts/s, %.0f commits/s, %.1f a commit\n",
              group, prompts, run, prompts / run, static_cast<double>(stats.commit_groups) / run,
              static_cast<double>(prompts) / static_cast<double>(stats.commit_groups));
  start = absl::Now();
  int64_t sequence = 0;
  while (sequence < job->last_sequence) {
    absl::StatusOr<EventPage> page = store->ReadEvents(job->id, sequence, 500);
    Die(page.status());
    sequence = page->events.back().sequence;
  }
  std::printf("            replay of %lld events: %.3f s\n", static_cast<long long>(sequence),
              SecondsSince(start));
  start = absl::Now();
  absl::StatusOr<ReportInput> input = ReadReportInput(*store, *job);
  Die(input.status());
  const double read = SecondsSince(start);
  Die(BuildReport(*input).status());
  std::printf("            report: %.3f s to read, %.3f s to compute\n", read,
              SecondsSince(start) - read);
}

}  // namespace
}  // namespace plumbline

int main(int argc, char** argv) {
  const int prompts = argc > 1 ? std::atoi(argv[1]) : 10000;
  plumbline::TempDir temporary;
  const std::string folder = argc > 2 ? argv[2] : temporary.path();
  for (int group : {256, 16, 1})
    plumbline::Measure(folder, group == 1 ? prompts / 10 : prompts, group);
  return 0;
}
