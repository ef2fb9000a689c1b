// SQLite's own behaviour beside the contract: files, locks, full disks, damage, versions.
#include "core/jobs/sqlite_job_store.h"

#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "core/jobs/job_notifier.h"
#include "core/jobs/sqlite_database.h"
#include "tests/jobs/job_store_conformance.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

class SqliteHarness : public JobStoreHarness {
 public:
  SqliteHarness() : clock_(absl::FromUnixSeconds(1'700'000'000)) { Open(); }
  JobStore& store() override { return *store_; }
  ManualClock& clock() override { return clock_; }
  void Reopen() override {
    store_.reset();
    Open();
  }

 private:
  void Open() {
    SqliteOptions options;
    options.path = dir_.Join("plumbline.db");
    options.clock = &clock_;
    options.ids = &ids_;
    absl::StatusOr<std::shared_ptr<SqliteDatabase>> database = OpenSqliteDatabase(options);
    ASSERT_OK(database);
    store_ = NewSqliteJobStore(*database);
  }

  TempDir dir_;
  ManualClock clock_;
  SequentialIds ids_;
  std::unique_ptr<JobStore> store_;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, JobStoreConformance,
                         testing::Values(+[]() -> std::unique_ptr<JobStoreHarness> {
                           return std::make_unique<SqliteHarness>();
                         }));

class SqliteJobStoreTest : public testing::Test {
 protected:
  absl::StatusOr<std::shared_ptr<SqliteDatabase>> Open() {
    SqliteOptions options;
    options.path = path_;
    options.clock = &clock_;
    options.max_pages = max_pages_;
    options.listener = &notifier_;
    return OpenSqliteDatabase(options);
  }
  // Runs SQL as another program would, while ours has the file closed.
  void Execute(const char* sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }

  TempDir dir_;
  std::string path_ = dir_.Join("plumbline.db");
  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  JobNotifier notifier_;
  int64_t max_pages_ = 0;
};

TEST_F(SqliteJobStoreTest, TheFileIsForItsOwnerOnly) {
  ASSERT_OK(Open());
  struct stat info;
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(SqliteJobStoreTest, KeepsASecondProcessOut) {
  ASSERT_OK_AND_ASSIGN(std::shared_ptr<SqliteDatabase> first, Open());
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kFailedPrecondition,
                               testing::HasSubstr("another process has it open")));
  first.reset();
  EXPECT_OK(Open());
}

TEST_F(SqliteJobStoreTest, NamesAMissingFolder) {
  path_ = dir_.Join("missing/plumbline.db");
  EXPECT_THAT(Open(),
              StatusIs(absl::StatusCode::kNotFound, testing::HasSubstr("missing/plumbline.db")));
}

TEST_F(SqliteJobStoreTest, RefusesAFileThatIsNoDatabase) {
  dir_.Write("plumbline.db", std::string(8192, 'x'));
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kDataLoss, testing::HasSubstr(path_)));
}

TEST_F(SqliteJobStoreTest, RefusesAnotherProgramsDatabase) {
  Execute("CREATE TABLE cookies (name TEXT)");
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kFailedPrecondition,
                               testing::HasSubstr("another program")));
}

TEST_F(SqliteJobStoreTest, RefusesANewerSchema) {
  ASSERT_OK(Open());
  Execute("PRAGMA user_version = 99");
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kFailedPrecondition,
                               testing::AllOf(testing::HasSubstr("version 99"),
                                              testing::HasSubstr("newer plumblined"))));
}

TEST_F(SqliteJobStoreTest, ReportsDamageAndGoesOnServing) {
  std::string id;
  {
    ASSERT_OK_AND_ASSIGN(std::shared_ptr<SqliteDatabase> database, Open());
    std::unique_ptr<JobStore> store = NewSqliteJobStore(database);
    ASSERT_OK_AND_ASSIGN(Job job, store->CreateJob(NewJob("r", 400), 1));
    id = job.id;
  }
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(0, std::ios::end);
  const int64_t size = file.tellg();
  const std::string junk(4096, '\xff');
  for (int64_t page = 2; (page + 1) * 4096 <= size; ++page) {  // page 1 holds the schema
    file.seekp(page * 4096);
    file.write(junk.data(), 4096);
  }
  file.close();
  absl::StatusOr<std::shared_ptr<SqliteDatabase>> database = Open();
  if (!database.ok()) {
    EXPECT_THAT(database, StatusIs(absl::StatusCode::kDataLoss));
    return;
  }
  std::unique_ptr<JobStore> store = NewSqliteJobStore(*database);
  EXPECT_THAT(store->GetJob(id), StatusIs(absl::StatusCode::kDataLoss, testing::HasSubstr(path_)));
  EXPECT_THAT(store->CreateJob(NewJob("other"), 1), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SqliteJobStoreTest, AFullDiskChangesNothingAndRecovers) {
  max_pages_ = 100;
  std::string id;
  int64_t recorded = 0;
  {
    ASSERT_OK_AND_ASSIGN(std::shared_ptr<SqliteDatabase> database, Open());
    std::unique_ptr<JobStore> store = NewSqliteJobStore(database);
    ASSERT_OK_AND_ASSIGN(Job job, store->CreateJob(NewJob("r", 1000), 1000));
    id = job.id;
    JobStore::ClaimRequest claim;
    claim.owner = "me";
    claim.duration = absl::Seconds(60);
    ASSERT_OK_AND_ASSIGN(std::vector<Lease> leases, store->ClaimUnits(claim));
    absl::Status full;
    for (int item = 0; item < 1000 && full.ok(); item += 4) {
      LeasedVerdicts group{leases[0], {}};
      for (int i = 0; i < 4; ++i) {
        group.verdicts.push_back(NewVerdict(leases[0], item + i));
        group.verdicts.back().response = std::string(2000, 'x');
      }
      absl::StatusOr<std::vector<CommitOutcome>> outcomes = store->CommitVerdicts({group});
      full = outcomes.status();
      if (full.ok()) recorded += (*outcomes)[0].recorded;
    }
    EXPECT_THAT(full,
                StatusIs(absl::StatusCode::kResourceExhausted, testing::HasSubstr("no space")));
    EXPECT_GT(recorded, 0);
    ASSERT_OK_AND_ASSIGN(Job read, store->GetJob(id));  // still serving
    EXPECT_EQ(read.counts.done, recorded);
    EXPECT_EQ(read.last_sequence, recorded + 2);
    ASSERT_OK_AND_ASSIGN(StoreStats stats, store->Stats());
    EXPECT_EQ(stats.errors, 1);
  }
  max_pages_ = 0;  // somebody freed space
  ASSERT_OK_AND_ASSIGN(std::shared_ptr<SqliteDatabase> database, Open());
  std::unique_ptr<JobStore> store = NewSqliteJobStore(database);
  clock_.Advance(absl::Seconds(61));
  JobStore::ClaimRequest claim;
  claim.owner = "next";
  claim.duration = absl::Seconds(60);
  ASSERT_OK_AND_ASSIGN(std::vector<Lease> leases, store->ClaimUnits(claim));
  ASSERT_OK_AND_ASSIGN(auto done, store->RecordedInUnit(leases[0]));
  EXPECT_EQ(static_cast<int64_t>(done.size()), recorded);
  ASSERT_OK_AND_ASSIGN(auto outcomes, store->CommitVerdicts({AllOf(leases[0])}));
  EXPECT_EQ(outcomes[0].recorded, 1000 - recorded);
  EXPECT_EQ(outcomes[0].duplicates, recorded);
}

// The operating system's own limit: write() fails in the middle of a transaction.
TEST_F(SqliteJobStoreTest, AFailingWriteChangesNothingAndRecovers) {
  ASSERT_OK_AND_ASSIGN(std::shared_ptr<SqliteDatabase> database, Open());
  std::unique_ptr<JobStore> store = NewSqliteJobStore(database);
  ASSERT_OK_AND_ASSIGN(Job job, store->CreateJob(NewJob("r", 400), 400));
  JobStore::ClaimRequest claim;
  claim.owner = "me";
  claim.duration = absl::Seconds(60);
  ASSERT_OK_AND_ASSIGN(std::vector<Lease> leases, store->ClaimUnits(claim));
  auto write_from = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 512 << 10;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  absl::Status failed;
  int64_t recorded = 0;
  int item = 0;
  for (; item < 400 && failed.ok(); ++item) {
    Verdict verdict = NewVerdict(leases[0], item);
    verdict.response = std::string(20000, 'x');
    auto outcomes = store->CommitVerdicts({{leases[0], {verdict}}});
    failed = outcomes.status();
    if (failed.ok()) ++recorded;
  }
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, write_from);
  EXPECT_THAT(failed,
              StatusIs(absl::StatusCode::kResourceExhausted,
                       testing::AllOf(testing::HasSubstr(path_), testing::HasSubstr("no space"))));
  EXPECT_GT(recorded, 0);
  ASSERT_OK_AND_ASSIGN(Job read, store->GetJob(job.id));
  EXPECT_EQ(read.counts.done, recorded);
  ASSERT_OK_AND_ASSIGN(auto outcomes, store->CommitVerdicts({AllOf(leases[0])}));
  EXPECT_EQ(outcomes[0].recorded, 400 - recorded);
}

TEST_F(SqliteJobStoreTest, TellsListenersAfterTheCommit) {
  ASSERT_OK_AND_ASSIGN(std::shared_ptr<SqliteDatabase> database, Open());
  std::unique_ptr<JobStore> store = NewSqliteJobStore(database);
  std::vector<std::string> heard;
  auto all = notifier_.Subscribe("", [&](absl::string_view job, int64_t sequence) {
    heard.push_back(absl::StrCat(job, "@", sequence));
  });
  ASSERT_OK_AND_ASSIGN(Job job, store->CreateJob(NewJob("r", 1), 1));
  JobStore::ClaimRequest claim;
  claim.owner = "me";
  claim.limit = claim.per_job = 10;
  claim.duration = absl::Seconds(60);
  ASSERT_OK_AND_ASSIGN(std::vector<Lease> leases, store->ClaimUnits(claim));
  ASSERT_OK(store->CommitVerdicts({AllOf(leases[0]), AllOf(leases[1])}));
  ASSERT_OK(store->FinishJob(job.id, {}));
  EXPECT_THAT(heard,
              testing::ElementsAre(job.id + "@1", job.id + "@2", job.id + "@4", job.id + "@5"));
}

}  // namespace
}  // namespace plumbline
