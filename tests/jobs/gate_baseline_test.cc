// Gates whose baseline is not the job's own base: found in the store, paired by prompt.
#include "core/jobs/gate_baseline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "core/jobs/job_report.h"
#include "core/jobs/sqlite_database.h"
#include "core/jobs/sqlite_job_store.h"
#include "tests/jobs/job_fixtures.h"
#include "tests/support/fake_language_model.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr char kPolicy[] = "non_inferiority: [{margin: 0.05}]\nbaseline: ";

// Jobs of 200 prompts; an adapter's weights say which prompts it fails.
class GateBaselineTest : public testing::Test {
 protected:
  struct Subject {
    std::string alias, version;
    int first_failed = 0, failed = 0;  // prompts [first_failed, first_failed + failed) fail
  };
  struct Shape {
    int items = 200;
    std::string task_version = std::string(64, 'b');
    int errors = 0;  // of the last subject's first prompts
    std::string model = "tiny", model_version = std::string(64, 'c');
    bool finish = true;
  };

  GateBaselineTest() {
    SqliteOptions options;
    options.path = dir_.Join("plumbline.db");
    options.clock = &clock_;
    options.ids = &ids_;
    auto database = OpenSqliteDatabase(options);
    EXPECT_OK(database);
    store_ = NewSqliteJobStore(*database);
  }

  Job Record(const std::vector<Subject>& subjects, const Shape& shape) {
    Job job = NewJob(absl::StrCat("r", ++requests_), shape.items);
    job.spec.model = shape.model;
    job.tasks[0].version = shape.task_version;
    job.subjects.resize(1);
    job.subjects[0].model_version = shape.model_version;
    for (const Subject& s : subjects) {
      job.subjects.push_back(
          {s.alias, s.version, "numeric", job.subjects[0].numerics, shape.model_version});
    }
    job = *store_->CreateJob(job, shape.items);
    clock_.Advance(absl::Seconds(1));
    auto leases = store_->ClaimUnits(
        {.owner = "o", .limit = 64, .per_job = 64, .duration = absl::Minutes(1), .skip_jobs = {}});
    EXPECT_OK(leases);
    for (const Lease& lease : *leases) {
      LeasedVerdicts all = AllOf(lease);
      for (Verdict& v : all.verdicts) {
        if (v.subject == 0) continue;
        const Subject& s = subjects[static_cast<size_t>(v.subject) - 1];
        v.passed = v.item < s.first_failed || v.item >= s.first_failed + s.failed;
        v.observations = {{"exact_match", v.passed ? 1.0 : 0.0, 1}};
        if (v.subject == static_cast<int>(subjects.size()) && v.item < shape.errors) {
          v.error = absl::OutOfRangeError("too long");
          v.observations.clear();
        }
      }
      EXPECT_OK(store_->CommitVerdicts({all}));
    }
    if (shape.finish) {
      EXPECT_OK(store_->FinishJob(job.id, {}));
    }
    return *store_->GetJob(job.id);
  }
  Job Record(const std::vector<Subject>& subjects) { return Record(subjects, Shape()); }

  GateResult Gate(const Job& job, const std::string& baseline, const std::string& more = "") {
    auto policy = ParseGatePolicy(absl::StrCat(kPolicy, baseline, "\n", more));
    EXPECT_OK(policy);
    auto report = BuildJobReport(*store_, job);
    EXPECT_OK(report);
    auto gate = EvaluateJobGate(*store_, models_.get(), job, *policy, *report);
    EXPECT_OK(gate);
    return gate.value_or(GateResult());
  }

  static std::string Version(char c) { return std::string(64, c); }

  TempDir dir_;
  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  SequentialIds ids_;
  std::unique_ptr<JobStore> store_;
  std::unique_ptr<FakeModelProvider> models_ =
      std::make_unique<FakeModelProvider>(std::make_shared<FakeEngine>());
  int requests_ = 0;
};

TEST_F(GateBaselineTest, AVersionOfAnEarlierJobIsPairedByPrompt) {
  const Job earlier = Record({{"prod", Version('1'), 0, 20}});
  // As good, but it fails other prompts: 20 better, 20 worse.
  const Job job = Record({{"next", Version('2'), 100, 20}});
  const GateResult result = Gate(job, "{version: 11111111}");
  EXPECT_EQ(result.status, GateStatus::kInconclusive) << "40 of 200 flip: too noisy for 5 points";
  EXPECT_THAT(result.reasons, ElementsAre(HasSubstr(absl::StrCat(
                                  "+0.0000 against adapter prod (111111111111) of ", earlier.id))));
  EXPECT_THAT(result.reasons[0], HasSubstr("20 better, 20 worse of 200"));
  // Against the base, which passes everything, it is 10 points worse.
  EXPECT_EQ(Gate(job, "base").status, GateStatus::kFail);
}

TEST_F(GateBaselineTest, TheSameVerdictsPassAndALossFails) {
  Record({{"prod", Version('1'), 0, 20}});
  EXPECT_EQ(Gate(Record({{"next", Version('2'), 0, 20}}), "{version: 11111111}").status,
            GateStatus::kPass);
  EXPECT_EQ(Gate(Record({{"next", Version('3'), 0, 80}}), "{version: prod@11111111}").status,
            GateStatus::kFail);
}

TEST_F(GateBaselineTest, ASubjectOfTheSameJobIsNotJudgedItself) {
  const Job job = Record({{"prod", Version('1'), 0, 20}, {"next", Version('2'), 0, 20}});
  const GateResult result = Gate(job, "{alias: prod}");
  EXPECT_EQ(result.status, GateStatus::kPass);
  ASSERT_EQ(result.subjects.size(), 1u);
  EXPECT_EQ(result.subjects[0].subject, 2);
  // Named, it can't show anything against itself.
  EXPECT_THAT(Gate(job, "{alias: prod}", "subjects: [prod]").reasons,
              ElementsAre(HasSubstr("is this adapter itself")));
}

TEST_F(GateBaselineTest, AnAliasIsTheVersionItPointsToNow) {
  const std::string old_version = models_->Publish("prod", "old weights", "numeric");
  Record({{"prod", old_version, 0, 20}});
  const Job job = Record({{"next", Version('2'), 0, 20}});
  EXPECT_EQ(Gate(job, "{alias: prod}").status, GateStatus::kPass);
  models_->Publish("prod", "new weights", "numeric");
  const GateResult moved = Gate(job, "{alias: prod}");
  EXPECT_EQ(moved.status, GateStatus::kInconclusive) << "nobody evaluated the new one";
  EXPECT_THAT(moved.reasons, ElementsAre(HasSubstr("plumbline job submit -m tiny -a ")));
  EXPECT_THAT(Gate(job, "{alias: nobody}").reasons, ElementsAre(HasSubstr("nobody")));
}

TEST_F(GateBaselineTest, AnEarlierJobIsTheSameAliasUnlessNamed) {
  const Job earlier = Record({{"next", Version('1'), 0, 20}});
  const Job job = Record({{"next", Version('2'), 0, 20}});
  const std::string in_job = absl::StrCat("{job: ", earlier.id);
  EXPECT_EQ(Gate(job, in_job + "}").status, GateStatus::kPass);
  EXPECT_EQ(Gate(job, in_job + ", adapter: next}").status, GateStatus::kPass);
  EXPECT_EQ(Gate(job, in_job + ", adapter: base}").status, GateStatus::kFail);
  EXPECT_THAT(Gate(job, in_job + ", adapter: other}").reasons,
              ElementsAre(HasSubstr("it has base, next")));
  EXPECT_THAT(Gate(job, "{job: job-none}").reasons, ElementsAre(HasSubstr("there is no job")));
}

TEST_F(GateBaselineTest, OtherPromptsAreRefusedByName) {
  Shape other;
  other.task_version = Version('d');
  const Job earlier = Record({{"prod", Version('1'), 0, 20}}, other);
  const Job job = Record({{"next", Version('2'), 0, 20}});
  for (const std::string& baseline : {std::string("{version: 11111111}"),
                                      absl::StrCat("{job: ", earlier.id, ", adapter: prod}")}) {
    const GateResult result = Gate(job, baseline);
    EXPECT_EQ(result.status, GateStatus::kInconclusive);
    EXPECT_THAT(result.reasons,
                UnorderedElementsAre(HasSubstr("no prompt to compare with"),
                                     HasSubstr("are of task version dddddddddddd, this job's of "
                                               "bbbbbbbbbbbb")));
  }
}

TEST_F(GateBaselineTest, AMissingOrFailedPromptOfTheBaselineIsNeverAPass) {
  Shape fewer;
  fewer.items = 150;
  Record({{"prod", Version('1'), 0, 20}}, fewer);
  Shape failed;
  failed.errors = 1;
  Record({{"prod", Version('3'), 0, 20}}, failed);
  const Job job = Record({{"next", Version('2'), 0, 20}});
  EXPECT_THAT(Gate(job, "{version: 11111111}").reasons,
              ElementsAre(HasSubstr("has 150 of 200 responses scored, 0 execution errors, 50")));
  EXPECT_EQ(Gate(job, "{version: 11111111}").status, GateStatus::kInconclusive);
  EXPECT_THAT(Gate(job, "{version: 33333333}").reasons,
              ElementsAre(HasSubstr("1 execution errors, 0 missing")));
  // More prompts than this job asks are no harm, and the job that has them all is taken.
  Shape more;
  more.items = 250;
  Record({{"prod", Version('1'), 0, 20}}, more);
  EXPECT_EQ(Gate(job, "{version: 11111111}").status, GateStatus::kPass);
  // A loss that the pairs there are prove is still a failure.
  EXPECT_EQ(Gate(Record({{"next", Version('4'), 0, 120}}), "{version: 33333333}").status,
            GateStatus::kFail);
}

TEST_F(GateBaselineTest, OnlyFinishedJobsOfTheSameCheckpointCount) {
  Shape other_model;
  other_model.model = "other";
  Record({{"prod", Version('1'), 0, 20}}, other_model);
  Shape other_checkpoint;
  other_checkpoint.model_version = Version('e');
  Record({{"prod", Version('1'), 0, 20}}, other_checkpoint);
  const Job job = Record({{"next", Version('2'), 0, 20}});
  EXPECT_THAT(Gate(job, "{version: 11111111}").reasons,
              ElementsAre(HasSubstr("no finished job of model \"tiny\" evaluated")));
  Shape running;
  running.finish = false;
  const Job unfinished = Record({{"next", Version('1'), 0, 20}}, running);
  EXPECT_THAT(Gate(job, absl::StrCat("{job: ", unfinished.id, "}")).reasons,
              ElementsAre(HasSubstr("is RUNNING; a baseline must have succeeded")));
}

TEST_F(GateBaselineTest, AStartOfSeveralVersionsIsAmbiguous) {
  Record({{"a", std::string(10, '1') + std::string(54, 'a'), 0, 20}});
  Record({{"b", std::string(10, '1') + std::string(54, 'b'), 0, 20}});
  const Job job = Record({{"next", Version('2'), 0, 20}});
  EXPECT_THAT(Gate(job, "{version: '11111111'}").reasons,
              ElementsAre(HasSubstr("2 adapter versions start with 11111111")));
  EXPECT_EQ(Gate(job, "{version: '1111111111b'}").status, GateStatus::kPass);
}

}  // namespace
}  // namespace plumbline
