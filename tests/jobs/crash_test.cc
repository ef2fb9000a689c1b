// kill -9 in mid-write, many times: what was acknowledged is there, once, without gaps.
//
// A child process works on a job as the runner does (claim, commit in groups, renew, release) and
// writes down each acknowledged verdict in a log of its own after the store said OK. The parent
// kills it at a random moment, opens the store and compares. The child is this test binary again:
// fork() alone would inherit SQLite's state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <set>
#include <string>

#include "core/base/clock.h"
#include "core/jobs/sqlite_job_store.h"
#include "tests/jobs/job_fixtures.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

constexpr int kItems = 20000;
constexpr char kPathVariable[] = "PLUMBLINE_CRASH_TEST_DATABASE";
constexpr char kRoundVariable[] = "PLUMBLINE_CRASH_TEST_ROUND";

std::unique_ptr<JobStore> OpenStore(const std::string& path, const Clock* clock = nullptr) {
  SqliteOptions options;
  options.path = path;
  options.clock = clock;
  absl::StatusOr<std::shared_ptr<SqliteDatabase>> database = OpenSqliteDatabase(options);
  EXPECT_OK(database);
  return database.ok() ? NewSqliteJobStore(*database) : nullptr;
}

// Never returns: works until it is killed, or exits 0 when nothing is left, 1 on any error.
// Its clock stands still, an hour after that of the child before it: its own leases live, the dead
// child's have expired.
[[noreturn]] void WorkForEver(const std::string& path, int round) {
  ManualClock clock(absl::FromUnixSeconds(1'700'000'000) + round * absl::Hours(1));
  std::unique_ptr<JobStore> store = OpenStore(path, &clock);
  if (store == nullptr) _exit(1);
  std::ofstream log(path + ".acknowledged", std::ios::app);
  std::mt19937 random(static_cast<unsigned>(getpid()));
  while (true) {
    JobStore::ClaimRequest claim;
    claim.owner = absl::StrCat("child-", getpid());
    claim.limit = claim.per_job = 2;
    claim.duration = absl::Seconds(60);
    absl::StatusOr<std::vector<Lease>> leases = store->ClaimUnits(claim);
    if (!leases.ok()) _exit(1);
    if (leases->empty()) {
      _exit(0);
    }
    std::vector<LeasedVerdicts> batch;
    for (const Lease& lease : *leases) batch.push_back(AllOf(lease));
    for (LeasedVerdicts& leased : batch) {
      for (Verdict& v : leased.verdicts) v.response.append(random() % 3000, 'x');
    }
    absl::StatusOr<std::vector<CommitOutcome>> outcomes = store->CommitVerdicts(batch);
    if (!outcomes.ok()) _exit(1);
    for (size_t i = 0; i < batch.size(); ++i) {
      if (!(*outcomes)[i].status.ok()) _exit(1);
      for (const Verdict& v : batch[i].verdicts) log << v.subject << "/" << v.item << "\n";
    }
    log.flush();
    std::cout << '#' << std::flush;
  }
}

// Starts a child, waits until it has committed `commits` times and kills it `delay_us` later, in
// the middle of whatever it does then. Returns waitpid's status.
int RunAndKill(const std::string& path, int round, int commits, unsigned delay_us) {
  int pipe_ends[2];
  EXPECT_EQ(pipe(pipe_ends), 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(pipe_ends[1], STDOUT_FILENO);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    setenv(kPathVariable, path.c_str(), 1);
    setenv(kRoundVariable, std::to_string(round).c_str(), 1);
    execl("/proc/self/exe", "crash_test", "--gtest_filter=CrashChild.Works", nullptr);
    _exit(127);
  }
  close(pipe_ends[1]);
  char byte;
  bool alive = true;
  for (int seen = 0; seen < commits && alive;) {
    alive = read(pipe_ends[0], &byte, 1) == 1;
    if (alive && byte == '#') ++seen;
  }
  usleep(delay_us);  // not a wait for a condition: the moment of death
  kill(child, SIGKILL);
  close(pipe_ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

// The child's half; skipped in a normal run.
TEST(CrashChild, Works) {
  const char* path = std::getenv(kPathVariable);
  if (path == nullptr) GTEST_SKIP() << "runs only as a child of CrashTest";
  WorkForEver(path, std::atoi(std::getenv(kRoundVariable)));
}

TEST(CrashTest, NothingAcknowledgedIsLostOrDoubled) {
  const char* rounds_text = std::getenv("PLUMBLINE_CRASH_ROUNDS");
  const int rounds = rounds_text != nullptr ? std::atoi(rounds_text) : 40;
  TempDir dir;
  const std::string path = dir.Join("plumbline.db");
  std::string id;
  {
    std::unique_ptr<JobStore> store = OpenStore(path);
    ASSERT_NE(store, nullptr);
    ASSERT_OK_AND_ASSIGN(Job job, store->CreateJob(NewJob("r", kItems), 5));
    id = job.id;
  }
  std::mt19937 random(20260322);
  int kills_with_progress = 0;
  int64_t last_done = 0;
  for (int round = 0; round < rounds; ++round) {
    const int commits = static_cast<int>(random() % 5);
    const int status = RunAndKill(path, round, commits, random() % 15000);
    ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << "the child saw an error";

    std::unique_ptr<JobStore> store = OpenStore(path);
    ASSERT_NE(store, nullptr);
    ASSERT_OK_AND_ASSIGN(Job job, store->GetJob(id));
    std::set<std::string> recorded;
    int64_t sequence = 0;
    while (true) {
      ASSERT_OK_AND_ASSIGN(EventPage page, store->ReadEvents(id, sequence, 1000));
      if (page.events.empty()) break;
      for (const JobEvent& event : page.events) {
        ASSERT_EQ(event.sequence, ++sequence) << "a gap";
        if (!event.verdict.has_value()) continue;
        std::string place = absl::StrCat(event.verdict->subject, "/", event.verdict->item);
        ASSERT_TRUE(recorded.insert(place).second) << place << " is doubled";
      }
    }
    ASSERT_EQ(job.last_sequence, sequence);
    ASSERT_EQ(job.counts.done, static_cast<int64_t>(recorded.size()));
    std::ifstream log(path + ".acknowledged");
    std::string line;
    int64_t acknowledged = 0;
    while (std::getline(log, line) && !log.eof()) {  // a last line without its end was cut off
      ++acknowledged;
      ASSERT_EQ(recorded.count(line), 1u) << line << " was acknowledged and is lost";
    }
    if (job.counts.done > last_done) ++kills_with_progress;
    last_done = job.counts.done;
  }
  EXPECT_GT(kills_with_progress, rounds / 2);
  RecordProperty("kills", rounds);
  RecordProperty("verdicts", static_cast<int>(last_done));
  std::cout << rounds << " kills, " << kills_with_progress << " in mid-write, " << last_done
            << " verdicts, none lost, none doubled" << std::endl;
}

}  // namespace
}  // namespace plumbline
