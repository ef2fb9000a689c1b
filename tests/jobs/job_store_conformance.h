// The contract of JobStore (core/jobs/job_store.h) as tests, for every implementation.
//
// An implementation includes this file and instantiates the suite with a factory:
//   INSTANTIATE_TEST_SUITE_P(Sqlite, JobStoreConformance, testing::Values(&MakeMyHarness));
#ifndef PLUMBLINE_TESTS_JOBS_JOB_STORE_CONFORMANCE_H_
#define PLUMBLINE_TESTS_JOBS_JOB_STORE_CONFORMANCE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/jobs/job_store.h"
#include "tests/jobs/job_fixtures.h"
#include "tests/support/status_matchers.h"

namespace plumbline {

// A store on an empty database whose clock the test moves; Reopen() is a restart of the process.
class JobStoreHarness {
 public:
  virtual ~JobStoreHarness() = default;
  virtual JobStore& store() = 0;
  virtual ManualClock& clock() = 0;
  virtual void Reopen() = 0;
};

using JobStoreHarnessFactory = std::unique_ptr<JobStoreHarness> (*)();

class JobStoreConformance : public testing::TestWithParam<JobStoreHarnessFactory> {
 protected:
  JobStoreConformance() : harness_(GetParam()()) {}

  JobStore& store() { return harness_->store(); }
  ManualClock& clock() { return harness_->clock(); }

  Job Create(const std::string& request_id, int items = 4, int shard_items = 4, int samples = 1) {
    absl::StatusOr<Job> job = store().CreateJob(NewJob(request_id, items, samples), shard_items);
    EXPECT_OK(job);
    return job.value_or(Job());
  }
  std::vector<Lease> Claim(const std::string& owner, int limit = 100, int per_job = 100) {
    JobStore::ClaimRequest request;
    request.owner = owner;
    request.limit = limit;
    request.per_job = per_job;
    request.duration = absl::Seconds(60);
    absl::StatusOr<std::vector<Lease>> leases = store().ClaimUnits(request);
    EXPECT_OK(leases);
    return leases.value_or(std::vector<Lease>());
  }
  CommitOutcome Commit(const LeasedVerdicts& verdicts) {
    absl::StatusOr<std::vector<CommitOutcome>> outcomes = store().CommitVerdicts({verdicts});
    EXPECT_OK(outcomes);
    return outcomes.ok() ? (*outcomes)[0] : CommitOutcome();
  }
  std::vector<JobEvent> AllEvents(const std::string& id, int page = 3) {
    std::vector<JobEvent> events;
    while (true) {
      absl::StatusOr<EventPage> read =
          store().ReadEvents(id, events.empty() ? 0 : events.back().sequence, page);
      EXPECT_OK(read);
      if (!read.ok() || read->events.empty()) return events;
      for (JobEvent& event : read->events) events.push_back(std::move(event));
    }
  }
  void ExpectContiguous(const std::string& id) {
    std::vector<JobEvent> events = AllEvents(id);
    for (size_t i = 0; i < events.size(); ++i) {
      ASSERT_EQ(events[i].sequence, static_cast<int64_t>(i + 1));
    }
    ASSERT_OK_AND_ASSIGN(Job job, store().GetJob(id));
    EXPECT_EQ(job.last_sequence, static_cast<int64_t>(events.size()));
  }

  std::unique_ptr<JobStoreHarness> harness_;
};

TEST_P(JobStoreConformance, CreatesAPendingJobWithItsFirstEvent) {
  Job job = Create("r1", /*items=*/5, /*shard_items=*/2, /*samples=*/3);
  EXPECT_EQ(job.state, JobState::kPending);
  EXPECT_EQ(job.counts.total, 2 * 5 * 3);
  EXPECT_EQ(job.last_sequence, 1);
  EXPECT_EQ(job.created, clock().Now());
  EXPECT_EQ(job.subjects[1].alias, "math");
  EXPECT_EQ(job.tasks[0].metrics, std::vector<std::string>{"exact_match"});
  std::vector<JobEvent> events = AllEvents(job.id);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, JobEvent::Kind::kStateChange);
  EXPECT_EQ(events[0].state, JobState::kPending);
}

TEST_P(JobStoreConformance, KeepsEveryFieldOfASpec) {
  Job job = NewJob("r");
  job.spec.sample_limit = 7;
  job.spec.seed = UINT64_MAX;
  job.spec.gate_policy = "floors:\n  - {}\n";
  job.spec.labels = {{"commit", "abc"}, {"", "\xC3\xA9"}};
  job.spec.priority = -3;
  job.spec.display_name = "night run";
  ASSERT_OK_AND_ASSIGN(Job created, store().CreateJob(job, 4));
  harness_->Reopen();
  ASSERT_OK_AND_ASSIGN(Job read, store().GetJob(created.id));
  EXPECT_EQ(JobSpecDigest(read.spec), JobSpecDigest(job.spec));
  EXPECT_EQ(read.spec.seed, UINT64_MAX);
  EXPECT_EQ(read.spec.labels, job.spec.labels);
  EXPECT_EQ(read.spec.display_name, "night run");
}

TEST_P(JobStoreConformance, TheSameRequestGivesTheSameJob) {
  Job first = Create("r1");
  Job again = NewJob("r1");
  again.subjects[1].version = std::string(64, 'c');  // the alias has moved on meanwhile
  ASSERT_OK_AND_ASSIGN(Job second, store().CreateJob(again, 4));
  EXPECT_EQ(second.id, first.id);
  EXPECT_EQ(second.subjects[1].version, std::string(64, 'a'));
  ASSERT_OK_AND_ASSIGN(Job found, store().GetJobByRequestId("r1"));
  EXPECT_EQ(found.id, first.id);
}

TEST_P(JobStoreConformance, RefusesARequestIdWithAnotherBody) {
  Job first = Create("r1");
  Job other = NewJob("r1");
  other.spec.tasks = {"other"};
  EXPECT_THAT(store().CreateJob(other, 4),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       testing::AllOf(testing::HasSubstr("r1"), testing::HasSubstr(first.id))));
}

TEST_P(JobStoreConformance, RefusesJobsWithoutWork) {
  EXPECT_THAT(store().CreateJob(NewJob(""), 4), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(store().CreateJob(NewJob("r", 0), 4), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(store().CreateJob(NewJob("r"), 0), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_P(JobStoreConformance, NamesAMissingJob) {
  EXPECT_THAT(store().GetJob("job-x"),
              StatusIs(absl::StatusCode::kNotFound, testing::HasSubstr("job-x")));
  EXPECT_THAT(store().CancelJob("job-x"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store().DeleteJob("job-x"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store().ReadEvents("job-x", 0, 10), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store().GetJobByRequestId("r"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(JobStoreConformance, ListsNewestFirstInPages) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(Create(absl::StrCat("r", i)).id);
  ASSERT_OK_AND_ASSIGN(JobPage first, store().ListJobs({}, 2, ""));
  ASSERT_EQ(first.jobs.size(), 2u);
  EXPECT_EQ(first.jobs[0].id, ids[4]);
  Create("later");
  ASSERT_OK_AND_ASSIGN(JobPage second, store().ListJobs({}, 2, first.next_page_token));
  EXPECT_EQ(second.jobs[0].id, ids[2]);
  ASSERT_OK_AND_ASSIGN(JobPage third, store().ListJobs({}, 2, second.next_page_token));
  ASSERT_EQ(third.jobs.size(), 1u);
  EXPECT_EQ(third.jobs[0].id, ids[0]);
  EXPECT_EQ(third.next_page_token, "");
}

TEST_P(JobStoreConformance, FiltersByStateModelAndLabel) {
  std::string cancelled = Create("a").id;
  ASSERT_OK(store().CancelJob(cancelled));
  Job labelled = NewJob("b");
  labelled.spec.labels = {{"branch", "main"}};
  labelled.spec.model = "other";
  ASSERT_OK_AND_ASSIGN(Job b, store().CreateJob(labelled, 4));
  JobFilter filter;
  filter.states = {JobState::kCancelled};
  ASSERT_OK_AND_ASSIGN(JobPage by_state, store().ListJobs(filter, 10, ""));
  ASSERT_EQ(by_state.jobs.size(), 1u);
  EXPECT_EQ(by_state.jobs[0].id, cancelled);
  filter = {};
  filter.model = "other";
  filter.label_key = "branch";
  filter.label_value = "main";
  ASSERT_OK_AND_ASSIGN(JobPage by_label, store().ListJobs(filter, 10, ""));
  ASSERT_EQ(by_label.jobs.size(), 1u);
  EXPECT_EQ(by_label.jobs[0].id, b.id);
}

TEST_P(JobStoreConformance, RefusesAForeignPageToken) {
  Create("a");
  Create("b");
  ASSERT_OK_AND_ASSIGN(JobPage page, store().ListJobs({}, 1, ""));
  JobFilter other;
  other.model = "tiny";
  EXPECT_THAT(store().ListJobs(other, 1, page.next_page_token),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(store().ListJobs({}, 1, "nonsense"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(store().ListJobs({}, 0, ""), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_P(JobStoreConformance, TheFirstClaimStartsAJobAndSubjectsAdvanceSideBySide) {
  Job job = Create("r", /*items=*/5, /*shard_items=*/2);
  std::vector<Lease> leases = Claim("me", 3);
  ASSERT_EQ(leases.size(), 3u);
  EXPECT_EQ(leases[0].unit, (UnitKey{job.id, 0, 0, 0}));
  EXPECT_EQ(leases[1].unit, (UnitKey{job.id, 1, 0, 0}));
  EXPECT_EQ(leases[2].unit, (UnitKey{job.id, 0, 0, 1}));
  EXPECT_EQ(leases[2].first_item, 2);
  EXPECT_EQ(leases[2].items, 2);
  EXPECT_EQ(leases[0].epoch, 1);
  EXPECT_EQ(leases[0].expires, clock().Now() + absl::Seconds(60));
  ASSERT_OK_AND_ASSIGN(Job running, store().GetJob(job.id));
  EXPECT_EQ(running.state, JobState::kRunning);
  EXPECT_EQ(running.last_sequence, 2);
  EXPECT_EQ(Claim("other").size(), 3u);  // the rest, the last shard of one prompt included
  EXPECT_EQ(Claim("other").size(), 0u);
}

TEST_P(JobStoreConformance, SharesClaimsBetweenJobsAndPutsPriorityFirst) {
  Job a = Create("a", 8, 1);
  Job b = Create("b", 8, 1);
  std::map<std::string, int> units;
  for (const Lease& lease : Claim("me", 8)) ++units[lease.unit.job];
  EXPECT_EQ(units[a.id], 4);
  EXPECT_EQ(units[b.id], 4);
  Job urgent = NewJob("c", 8);
  urgent.spec.priority = 5;
  ASSERT_OK_AND_ASSIGN(Job c, store().CreateJob(urgent, 1));
  for (const Lease& lease : Claim("me", 3)) EXPECT_EQ(lease.unit.job, c.id);
}

TEST_P(JobStoreConformance, KeepsTheBoundPerJobAndSkipsJobs) {
  Job a = Create("a", 8, 1);
  Job b = Create("b", 8, 1);
  EXPECT_EQ(Claim("me", 100, 3).size(), 6u);
  EXPECT_EQ(Claim("me", 100, 3).size(), 0u);
  EXPECT_EQ(Claim("other", 100, 2).size(), 4u);
  JobStore::ClaimRequest request;
  request.owner = "third";
  request.limit = request.per_job = 100;
  request.duration = absl::Seconds(1);
  request.skip_jobs = {a.id};
  ASSERT_OK_AND_ASSIGN(std::vector<Lease> leases, store().ClaimUnits(request));
  for (const Lease& lease : leases) EXPECT_EQ(lease.unit.job, b.id);
}

TEST_P(JobStoreConformance, RecordsVerdictsWithContiguousSequences) {
  Job job = Create("r", 2, 2);
  std::vector<Lease> leases = Claim("me");
  Verdict full = NewVerdict(leases[0], 0);
  full.response = std::string("nul \0 byte", 10);
  full.finish_reason = FinishReason::kLength;
  full.prompt_tokens = 11;
  full.observations = {{"ila_strict", 2, 3}, {"exact_match", 0, 1, 3, "18"}};
  full.outcomes = {{"a:b", true, false, true, false, "why"}};
  full.extracted = "42";
  full.choices = {{-1.5, true, 2}};
  full.passed = false;
  full.latency = absl::Milliseconds(1234);
  CommitOutcome outcome = Commit({leases[0], {full, NewVerdict(leases[0], 1)}});
  ASSERT_OK(outcome.status);
  EXPECT_EQ(outcome.recorded, 2);
  EXPECT_TRUE(outcome.unit_done);
  EXPECT_FALSE(outcome.job_done);
  EXPECT_EQ(outcome.last_sequence, 4);
  std::vector<JobEvent> events = AllEvents(job.id);
  ASSERT_EQ(events.size(), 4u);
  ASSERT_EQ(events[2].kind, JobEvent::Kind::kVerdict);
  const Verdict& v = *events[2].verdict;
  EXPECT_EQ(v.sequence, 3);
  EXPECT_EQ(v.response, full.response);
  EXPECT_EQ(v.finish_reason, FinishReason::kLength);
  EXPECT_EQ(v.prompt_tokens, 11);
  EXPECT_EQ(v.observations, full.observations);
  ASSERT_EQ(v.outcomes.size(), 1u);
  EXPECT_TRUE(v.outcomes[0].strict);
  EXPECT_FALSE(v.outcomes[0].loose);
  EXPECT_TRUE(v.outcomes[0].strict_fixed);
  EXPECT_EQ(v.outcomes[0].explanation, "why");
  EXPECT_EQ(v.extracted, "42");
  ASSERT_EQ(v.choices.size(), 1u);
  EXPECT_EQ(v.choices[0].sum, -1.5);
  EXPECT_FALSE(v.passed);
  EXPECT_EQ(v.latency, absl::Milliseconds(1234));
  EXPECT_EQ(v.numerics.dtype, "float32");
  EXPECT_EQ(v.committed, clock().Now());
  EXPECT_EQ(v.key, "k0");
}

TEST_P(JobStoreConformance, RecordsAVerdictOnce) {
  Job job = Create("r", 3, 3);
  Lease lease = Claim("me", 1)[0];
  ASSERT_OK(Commit({lease, {NewVerdict(lease, 0)}}).status);
  Verdict other = NewVerdict(lease, 0);
  other.response = "another answer";
  CommitOutcome outcome = Commit({lease, {other, NewVerdict(lease, 1), NewVerdict(lease, 1)}});
  EXPECT_EQ(outcome.recorded, 1);
  EXPECT_EQ(outcome.duplicates, 2);
  ExpectContiguous(job.id);
  ASSERT_OK_AND_ASSIGN(Job read, store().GetJob(job.id));
  EXPECT_EQ(read.counts.done, 2);
  EXPECT_EQ(AllEvents(job.id)[2].verdict->response, "response of 0 to 0");
}

TEST_P(JobStoreConformance, CountsExecutionErrorsApart) {
  Job job = Create("r", 2, 2);
  Lease lease = Claim("me", 1)[0];
  Verdict failed = NewVerdict(lease, 0);
  failed.error = absl::OutOfRangeError("prompt of 900 tokens + 256 exceed the context of 1024");
  failed.observations.clear();
  failed.passed = false;
  ASSERT_OK(Commit({lease, {failed, NewVerdict(lease, 1)}}).status);
  ASSERT_OK_AND_ASSIGN(Job read, store().GetJob(job.id));
  EXPECT_EQ(read.counts.done, 2);
  EXPECT_EQ(read.counts.errors, 1);
  VerdictFilter filter;
  filter.errors_only = true;
  ASSERT_OK_AND_ASSIGN(VerdictPage page, store().ReadVerdicts(job.id, filter, 0, 10));
  ASSERT_EQ(page.verdicts.size(), 1u);
  EXPECT_THAT(page.verdicts[0].error,
              StatusIs(absl::StatusCode::kOutOfRange, testing::HasSubstr("900 tokens")));
}

TEST_P(JobStoreConformance, FencesAnExpiredLease) {
  Job job = Create("r", 2, 2);
  Lease lease = Claim("slow", 1)[0];
  clock().Advance(absl::Seconds(60));  // expires at this instant
  CommitOutcome outcome = Commit(AllOf(lease));
  EXPECT_THAT(outcome.status, StatusIs(absl::StatusCode::kAborted, testing::HasSubstr("expired")));
  EXPECT_EQ(outcome.recorded, 0);
  ASSERT_OK_AND_ASSIGN(Job read, store().GetJob(job.id));
  EXPECT_EQ(read.counts.done, 0);
  EXPECT_EQ(read.last_sequence, 2);
}

TEST_P(JobStoreConformance, FencesAFormerOwner) {
  Job job = Create("r", 2, 2);
  Lease slow = Claim("slow", 1)[0];
  ASSERT_OK(Commit({slow, {NewVerdict(slow, 0)}}).status);
  clock().Advance(absl::Seconds(61));
  std::vector<Lease> taken = Claim("fast", 1);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].unit, slow.unit);
  EXPECT_EQ(taken[0].epoch, slow.epoch + 1);
  EXPECT_THAT(Commit({slow, {NewVerdict(slow, 1)}}).status, StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT(store().RecordedInUnit(taken[0]),
              IsOkAndHolds(testing::ElementsAre(std::make_pair(0, 0))));
  EXPECT_TRUE(Commit({taken[0], {NewVerdict(taken[0], 1)}}).unit_done);
  ExpectContiguous(job.id);
  ASSERT_OK_AND_ASSIGN(StoreStats stats, store().Stats());
  EXPECT_EQ(stats.leases_expired, 1);
  EXPECT_EQ(stats.fenced_commits, 1);
}

TEST_P(JobStoreConformance, FencesTheSameOwnerUnderAnOldEpoch) {
  Create("r", 2, 2);
  Lease old_lease = Claim("me", 1)[0];
  clock().Advance(absl::Seconds(61));
  Lease new_lease = Claim("me", 1)[0];
  EXPECT_THAT(Commit({old_lease, {NewVerdict(old_lease, 0)}}).status,
              StatusIs(absl::StatusCode::kAborted));
  EXPECT_OK(Commit({new_lease, {NewVerdict(new_lease, 0)}}).status);
}

TEST_P(JobStoreConformance, RenewedLeasesLiveOn) {
  Create("r", 4, 2);
  std::vector<Lease> leases = Claim("me", 2);
  clock().Advance(absl::Seconds(40));
  ASSERT_OK_AND_ASSIGN(std::vector<Lease> renewed,
                       store().RenewLeases({leases[0]}, absl::Seconds(60)));
  ASSERT_EQ(renewed.size(), 1u);
  EXPECT_EQ(renewed[0].expires, clock().Now() + absl::Seconds(60));
  clock().Advance(absl::Seconds(30));
  EXPECT_OK(Commit({leases[0], {NewVerdict(leases[0], 0)}}).status);
  EXPECT_THAT(store().RenewLeases(leases, absl::Seconds(60)),
              IsOkAndHolds(testing::SizeIs(1)));  // the other one has expired
}

TEST_P(JobStoreConformance, ReleasedUnitsCanBeClaimedAtOnce) {
  Create("r", 2, 2);
  std::vector<Lease> leases = Claim("me");
  ASSERT_OK(store().ReleaseLeases(leases));
  EXPECT_EQ(Claim("other").size(), leases.size());
  EXPECT_OK(store().ReleaseLeases(leases));  // lost by now: nothing happens
  EXPECT_EQ(Claim("third").size(), 0u);
}

TEST_P(JobStoreConformance, RefusesVerdictsOutsideTheirUnit) {
  Create("r", 4, 2);
  Lease lease = Claim("me", 1)[0];
  Verdict stray = NewVerdict(lease, 3);
  CommitOutcome outcome = Commit({lease, {NewVerdict(lease, 0), stray}});
  EXPECT_THAT(outcome.status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(outcome.recorded, 0);
  EXPECT_THAT(store().RecordedInUnit(lease), IsOkAndHolds(testing::IsEmpty()));
}

TEST_P(JobStoreConformance, AGroupRecordsWhatItMayAndRefusesTheRest) {
  Job a = Create("a", 2, 2);
  Job b = Create("b", 2, 2);
  std::vector<Lease> leases = Claim("me");
  ASSERT_EQ(leases.size(), 4u);
  ASSERT_OK(store().CancelJob(b.id));
  std::vector<LeasedVerdicts> batch;
  for (const Lease& lease : leases) batch.push_back(AllOf(lease));
  ASSERT_OK_AND_ASSIGN(std::vector<CommitOutcome> outcomes, store().CommitVerdicts(batch));
  for (size_t i = 0; i < batch.size(); ++i) {
    if (batch[i].lease.unit.job == a.id) {
      EXPECT_OK(outcomes[i].status);
      EXPECT_TRUE(outcomes[i].job_done);
    } else {
      EXPECT_THAT(outcomes[i].status, StatusIs(absl::StatusCode::kFailedPrecondition));
    }
  }
  ExpectContiguous(a.id);
  ExpectContiguous(b.id);
}

TEST_P(JobStoreConformance, FinishesOnlyACompleteJobAndOnce) {
  Job job = Create("r", 2, 2);
  std::vector<Lease> leases = Claim("me");
  JobGate gate{GateStatus::kFail, {"math: exact_match 0.2 is below 0.5"}};
  EXPECT_THAT(store().FinishJob(job.id, gate), StatusIs(absl::StatusCode::kFailedPrecondition));
  for (const Lease& lease : leases) ASSERT_OK(Commit(AllOf(lease)).status);
  clock().Advance(absl::Seconds(5));
  ASSERT_OK_AND_ASSIGN(Job done, store().FinishJob(job.id, gate));
  EXPECT_EQ(done.state, JobState::kSucceeded);
  EXPECT_EQ(done.finished, clock().Now());
  EXPECT_EQ(done.gate.status, GateStatus::kFail);
  ASSERT_OK_AND_ASSIGN(Job again, store().FinishJob(job.id, JobGate{GateStatus::kPass, {}}));
  EXPECT_EQ(again.gate.status, GateStatus::kFail);
  std::vector<JobEvent> events = AllEvents(job.id);
  EXPECT_EQ(events.back().kind, JobEvent::Kind::kTerminal);
  EXPECT_EQ(events.back().state, JobState::kSucceeded);
  EXPECT_EQ(events.back().gate.reasons, gate.reasons);
  EXPECT_EQ(events.back().sequence, again.last_sequence);
  ExpectContiguous(job.id);
}

TEST_P(JobStoreConformance, CancelVoidsLeasesAndChangesNothingLater) {
  Job job = Create("r", 2, 2);
  Lease lease = Claim("me", 1)[0];
  ASSERT_OK_AND_ASSIGN(Job cancelled, store().CancelJob(job.id));
  EXPECT_EQ(cancelled.state, JobState::kCancelled);
  EXPECT_THAT(Commit(AllOf(lease)).status, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(store().RenewLeases({lease}, absl::Seconds(60)), IsOkAndHolds(testing::IsEmpty()));
  EXPECT_EQ(Claim("other").size(), 0u);
  ASSERT_OK_AND_ASSIGN(Job again, store().CancelJob(job.id));
  EXPECT_EQ(again.last_sequence, cancelled.last_sequence);
  EXPECT_THAT(store().FinishJob(job.id, {}), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(store().FailJob(job.id, absl::InternalError("x")),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(AllEvents(job.id).back().kind, JobEvent::Kind::kTerminal);
}

TEST_P(JobStoreConformance, AFailedJobKeepsItsError) {
  Job job = Create("r");
  ASSERT_OK(store().FailJob(job.id, absl::NotFoundError("adapter \"math\" is gone")));
  harness_->Reopen();
  ASSERT_OK_AND_ASSIGN(Job failed, store().GetJob(job.id));
  EXPECT_EQ(failed.state, JobState::kFailed);
  EXPECT_THAT(failed.error, StatusIs(absl::StatusCode::kNotFound, "adapter \"math\" is gone"));
  EXPECT_THAT(AllEvents(job.id).back().error, StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK_AND_ASSIGN(Job cancelled, store().CancelJob(job.id));
  EXPECT_EQ(cancelled.state, JobState::kFailed);
}

TEST_P(JobStoreConformance, DeletesOnlyWhatHasEnded) {
  Job job = Create("r");
  EXPECT_THAT(store().DeleteJob(job.id),
              StatusIs(absl::StatusCode::kFailedPrecondition, testing::HasSubstr("cancel")));
  ASSERT_OK(store().CancelJob(job.id));
  ASSERT_OK(store().DeleteJob(job.id));
  EXPECT_THAT(store().GetJob(job.id), StatusIs(absl::StatusCode::kNotFound));
  Job again = Create("r");  // the request id is free
  EXPECT_EQ(again.counts.done, 0);
  EXPECT_EQ(AllEvents(again.id).size(), 1u);
}

TEST_P(JobStoreConformance, RefusesAWatchFromTheFuture) {
  Job job = Create("r");
  EXPECT_THAT(store().ReadEvents(job.id, 2, 10),
              StatusIs(absl::StatusCode::kOutOfRange, testing::HasSubstr("is 1")));
  EXPECT_THAT(store().ReadEvents(job.id, -1, 10), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(store().ReadEvents(job.id, 0, 0), StatusIs(absl::StatusCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(EventPage page, store().ReadEvents(job.id, 1, 10));
  EXPECT_TRUE(page.events.empty());
  EXPECT_EQ(page.last_sequence, 1);
}

TEST_P(JobStoreConformance, PagesOfEventsAreBoundedInBytes) {
  Job job = Create("r", 8, 8);
  Lease lease = Claim("me", 1)[0];
  LeasedVerdicts big = AllOf(lease);
  for (Verdict& v : big.verdicts) v.response = std::string(400 << 10, 'x');
  ASSERT_OK(Commit(big).status);
  ASSERT_OK_AND_ASSIGN(EventPage page, store().ReadEvents(job.id, 2, 1000));
  EXPECT_EQ(page.events.size(), 3u);
  ASSERT_OK_AND_ASSIGN(VerdictPage verdicts, store().ReadVerdicts(job.id, {}, 0, 1000));
  EXPECT_EQ(verdicts.verdicts.size(), 3u);
  EXPECT_TRUE(verdicts.more);
  ExpectContiguous(job.id);
}

TEST_P(JobStoreConformance, FiltersVerdicts) {
  Job job = Create("r", 3, 3);
  std::vector<Lease> leases = Claim("me");
  LeasedVerdicts base = AllOf(leases[0]);
  LeasedVerdicts adapter = AllOf(leases[1]);
  base.verdicts[1].passed = false;     // gained by the adapter
  adapter.verdicts[2].passed = false;  // an error there is no flip
  adapter.verdicts[2].error = absl::InternalError("x");
  ASSERT_OK(store().CommitVerdicts({base, adapter}));
  VerdictFilter filter;
  filter.failed_only = true;
  ASSERT_OK_AND_ASSIGN(VerdictPage failed, store().ReadVerdicts(job.id, filter, 0, 10));
  EXPECT_EQ(failed.verdicts.size(), 2u);
  filter = {};
  filter.subject = 1;
  ASSERT_OK_AND_ASSIGN(VerdictPage of_adapter, store().ReadVerdicts(job.id, filter, 0, 2));
  EXPECT_EQ(of_adapter.verdicts.size(), 2u);
  EXPECT_TRUE(of_adapter.more);
  ASSERT_OK_AND_ASSIGN(
      of_adapter, store().ReadVerdicts(job.id, filter, of_adapter.verdicts.back().sequence, 2));
  EXPECT_EQ(of_adapter.verdicts.size(), 1u);
  EXPECT_FALSE(of_adapter.more);
  filter = {};
  filter.flipped_only = true;
  ASSERT_OK_AND_ASSIGN(VerdictPage flipped, store().ReadVerdicts(job.id, filter, 0, 10));
  ASSERT_EQ(flipped.verdicts.size(), 1u);
  EXPECT_EQ(flipped.verdicts[0].subject, 1);
  EXPECT_EQ(flipped.verdicts[0].key, "k1");
  filter = {};
  filter.task = 1;
  ASSERT_OK_AND_ASSIGN(VerdictPage none, store().ReadVerdicts(job.id, filter, 0, 10));
  EXPECT_TRUE(none.verdicts.empty());
}

TEST_P(JobStoreConformance, ReadsObservationsByCell) {
  Job job = Create("r", 2, 1);
  std::vector<Lease> leases = Claim("me");
  for (auto it = leases.rbegin(); it != leases.rend(); ++it) ASSERT_OK(Commit(AllOf(*it)).status);
  std::vector<std::string> seen;
  ASSERT_OK(store().ReadObservations(job.id, [&](const RecordedObservations& r) {
    seen.push_back(absl::StrCat(r.subject, "/", r.task, "/", r.key, "/", r.observations.size()));
  }));
  EXPECT_THAT(seen, testing::ElementsAre("0/0/k0/1", "0/0/k1/1", "1/0/k0/1", "1/0/k1/1"));
}

TEST_P(JobStoreConformance, KnowsTheLatestResultOfEachCell) {
  for (const char* request : {"old", "new", "unfinished"}) {
    Job job = Create(request, 1, 1);
    clock().Advance(absl::Seconds(1));
    if (std::string(request) == "unfinished") break;
    for (const Lease& lease : Claim("me")) ASSERT_OK(Commit(AllOf(lease)).status);
    ASSERT_OK(store().FinishJob(job.id, {}));
  }
  ASSERT_OK_AND_ASSIGN(Job newest, store().GetJobByRequestId("new"));
  ASSERT_OK_AND_ASSIGN(std::vector<FinishedCell> cells, store().LatestResults());
  ASSERT_EQ(cells.size(), 2u);
  EXPECT_EQ(cells[0].adapter, "");
  EXPECT_EQ(cells[1].adapter, "math");
  EXPECT_EQ(cells[1].job, newest.id);
  EXPECT_EQ(cells[1].subject, 1);
  EXPECT_EQ(cells[1].finished, newest.finished);
}

TEST_P(JobStoreConformance, SurvivesARestart) {
  Job job = Create("r", 4, 2);
  std::vector<Lease> leases = Claim("me", 2);
  ASSERT_OK(Commit({leases[0], {NewVerdict(leases[0], 1)}}).status);
  harness_->Reopen();
  ASSERT_OK_AND_ASSIGN(Job read, store().GetJob(job.id));
  EXPECT_EQ(read.state, JobState::kRunning);
  EXPECT_EQ(read.counts.done, 1);
  clock().Advance(absl::Seconds(61));  // a store that only one process opens need not wait
  EXPECT_EQ(Claim("next").size(), 4u);
  EXPECT_THAT(Commit({leases[1], {NewVerdict(leases[1], 0)}}).status,
              StatusIs(absl::StatusCode::kAborted));
  ExpectContiguous(job.id);
}

TEST_P(JobStoreConformance, CountsJobsByState) {
  Create("a");
  ASSERT_OK(store().CancelJob(Create("b").id));
  ASSERT_OK_AND_ASSIGN(StoreStats stats, store().Stats());
  std::map<JobState, int64_t> jobs(stats.jobs.begin(), stats.jobs.end());
  EXPECT_EQ(jobs.size(), 5u);
  EXPECT_EQ(jobs[JobState::kPending], 1);
  EXPECT_EQ(jobs[JobState::kCancelled], 1);
  EXPECT_EQ(stats.commits, 3);
}

// Writers on several threads and readers beside them: every reader sees a prefix without gaps, and
// counters that fit it.
TEST_P(JobStoreConformance, ReadersSeeWholeTransactions) {
  Job job = Create("r", 60, 3);
  std::vector<std::thread> threads;
  std::atomic<bool> done{false};
  std::atomic<int> failures{0};
  for (int writer = 0; writer < 3; ++writer) {
    threads.emplace_back([&, writer] {
      while (true) {
        JobStore::ClaimRequest request;
        request.owner = absl::StrCat("w", writer);
        request.limit = request.per_job = 2;
        request.duration = absl::Seconds(60);
        absl::StatusOr<std::vector<Lease>> leases = store().ClaimUnits(request);
        if (!leases.ok()) ++failures;
        if (!leases.ok() || leases->empty()) return;
        for (const Lease& lease : *leases) {
          if (!store().CommitVerdicts({AllOf(lease)}).ok()) ++failures;
        }
      }
    });
  }
  std::thread reader([&] {
    int64_t after = 0;
    while (!done || after < 2 + 120) {
      absl::StatusOr<EventPage> page = store().ReadEvents(job.id, after, 7);
      if (!page.ok()) {
        ++failures;
        return;
      }
      for (const JobEvent& event : page->events) {
        if (event.sequence != ++after) ++failures;
      }
      absl::StatusOr<Job> read = store().GetJob(job.id);
      // Creation and start are events without a verdict.
      if (!read.ok() || (read->counts.done > 0 && read->last_sequence != read->counts.done + 2)) {
        ++failures;
        return;
      }
    }
  });
  for (std::thread& thread : threads) thread.join();
  done = true;
  reader.join();
  EXPECT_EQ(failures, 0);
  ASSERT_OK_AND_ASSIGN(Job read, store().GetJob(job.id));
  EXPECT_EQ(read.counts.done, 120);
  ExpectContiguous(job.id);
}

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_JOBS_JOB_STORE_CONFORMANCE_H_
