// EvaluationService over the wire: jobs, verdicts and reports. WatchJob has watch_stream_test.cc.
#include <set>
#include <thread>

#include "tests/server/server_fixture.h"

namespace plumbline {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;
using Stub = v1::EvaluationService::Stub;

constexpr char kPolicy[] = "floors:\n  - {task: sums, metric: numeric_match, at_least: 0.9}\n";

class EvaluationServiceTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    v1::LoadAdapterResponse loaded;
    ASSERT_THAT(LoadAdapter("good", "a1", &loaded), IsRpcOk());
    // The base is wrong; the adapter adds right.
    engine_->set_answer([](const ModelIdentity& identity, const LanguageModel::GenerateCall& call) {
      Generation generation;
      const int n = call.prompt.text.back() - '0';
      generation.text = absl::StrCat("The answer is ", identity.adapter.empty() ? 99 : 1 + n);
      return generation;
    });
  }
  grpc::Status GetJob(const std::string& id, v1::Job* job) {
    v1::GetJobRequest request;
    request.set_id(id);
    return Call(*evaluation_, &Stub::GetJob, request, job);
  }
  grpc::Status Cancel(const std::string& id, v1::Job* job) {
    v1::CancelJobRequest request;
    request.set_id(id);
    return Call(*evaluation_, &Stub::CancelJob, request, job);
  }
  grpc::Status Delete(const std::string& id) {
    v1::DeleteJobRequest request;
    request.set_id(id);
    v1::DeleteJobResponse response;
    return Call(*evaluation_, &Stub::DeleteJob, request, &response);
  }
  grpc::Status List(const v1::ListVerdictsRequest& request, v1::ListVerdictsResponse* response) {
    return Call(*evaluation_, &Stub::ListVerdicts, request, response);
  }
  grpc::Status Report(const std::string& id, const std::string& policy, v1::Report* report) {
    v1::GetReportRequest request;
    request.set_id(id);
    request.set_gate_policy(policy);
    return Call(*evaluation_, &Stub::GetReport, request, report);
  }
  // A finished job of the base and "good".
  v1::Job RunJob(const std::string& policy = "") {
    v1::CreateJobRequest request = JobRequest({"good"});
    request.set_gate_policy(policy);
    v1::Job job;
    EXPECT_THAT(CreateJob(request, &job), IsRpcOk());
    grpc::Status status;
    WatchToEnd(job.id(), 0, &status);
    EXPECT_THAT(status, IsRpcOk());
    EXPECT_THAT(GetJob(job.id(), &job), IsRpcOk());
    return job;
  }
};

TEST_F(EvaluationServiceTest, AJobRunsToItsEnd) {
  const v1::Job job = RunJob();
  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(job.total_verdicts(), 12);
  EXPECT_EQ(job.done_verdicts(), 12);
  EXPECT_EQ(job.error_verdicts(), 0);
  EXPECT_EQ(job.last_sequence(), 15);  // created, running, 12 verdicts, succeeded
  ASSERT_EQ(job.subjects_size(), 2);
  EXPECT_EQ(job.subjects(0).adapter(), "");
  EXPECT_EQ(job.subjects(1).adapter(), "good");
  EXPECT_EQ(job.subjects(1).adapter_version(), Sha256Hex("first"));
  EXPECT_EQ(job.subjects(1).nominal_target(), "numeric");
  EXPECT_EQ(job.tasks(0).prompts(), 6);
  EXPECT_TRUE(job.has_start_time());
  EXPECT_TRUE(job.has_end_time());
  EXPECT_EQ(job.numerics().device(), "cpu");
}

TEST_F(EvaluationServiceTest, CreateIsIdempotentByRequestId) {
  v1::CreateJobRequest request = JobRequest({"good"});
  request.set_request_id("run-1");
  v1::Job first, second;
  ASSERT_THAT(CreateJob(request, &first), IsRpcOk());
  ASSERT_THAT(CreateJob(request, &second), IsRpcOk());
  EXPECT_EQ(first.id(), second.id());
  Restart();
  ASSERT_THAT(CreateJob(request, &second), IsRpcOk());
  EXPECT_EQ(first.id(), second.id());
  request.set_limit(2);
  const grpc::Status status = CreateJob(request, &second);
  EXPECT_THAT(status, IsRpcError(StatusCode::ALREADY_EXISTS, "REQUEST_ID_REUSED"));
  EXPECT_THAT(status.error_message(), HasSubstr(first.id()));
}

TEST_F(EvaluationServiceTest, WhatIsMissingIsNamed) {
  v1::Job job;
  v1::CreateJobRequest request = JobRequest({"good"});
  request.set_model("other");
  EXPECT_THAT(CreateJob(request, &job), IsRpcError(StatusCode::NOT_FOUND, "MODEL_NOT_FOUND"));
  EXPECT_THAT(CreateJob(JobRequest({"nobody"}), &job),
              IsRpcError(StatusCode::NOT_FOUND, "ADAPTER_NOT_FOUND"));
  request = JobRequest({"good"});
  request.add_tasks("unknown");
  const grpc::Status status = CreateJob(request, &job);
  EXPECT_THAT(status, IsRpcError(StatusCode::NOT_FOUND, "TASK_NOT_FOUND"));
  EXPECT_THAT(status.error_message(), HasSubstr("\"unknown\""));
  request = JobRequest({"good"});
  request.set_gate_policy("florrs: []");
  EXPECT_THAT(CreateJob(request, &job),
              IsRpcError(StatusCode::INVALID_ARGUMENT, "GATE_POLICY_INVALID"));
  request = JobRequest({"good"});
  request.set_priority(1000);
  EXPECT_THAT(CreateJob(request, &job), IsRpcError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD"));
  for (const char* id : {"job-nothing", "job-0000000000000000"}) {
    EXPECT_THAT(GetJob(id, &job), IsRpcError(StatusCode::NOT_FOUND, "JOB_NOT_FOUND"));
    EXPECT_THAT(Cancel(id, &job), IsRpcError(StatusCode::NOT_FOUND, "JOB_NOT_FOUND"));
    EXPECT_THAT(Delete(id), IsRpcError(StatusCode::NOT_FOUND, "JOB_NOT_FOUND"));
  }
  EXPECT_THAT(GetJob("x", &job), IsRpcError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD"));
}

// A dry run and a submission alike: the job would end INCONCLUSIVE whatever it finds.
TEST_F(EvaluationServiceTest, APolicyForOtherTasksMetricsOrAdaptersIsRefused) {
  for (const auto& [policy, message] : std::vector<std::pair<std::string, std::string>>{
           {"floors: [{task: sms, at_least: 0.1}]",
            "gate_policy: gate policy:1: floors: the job has no task \"sms\"; did you mean "
            "\"sums\"?"},
           {"floors: [{task: sums, metric: numeric_mach, at_least: 0.1}]",
            "task sums has no metric \"numeric_mach\"; did you mean \"numeric_match\"?"},
           {"subjects: [goood]\nlabel: SUPPORTED",
            "the job has no adapter \"goood\"; did you mean \"good\"?"}}) {
    for (const bool dry : {true, false}) {
      v1::CreateJobRequest request = JobRequest({"good"});
      request.set_gate_policy(policy);
      request.set_validate_only(dry);
      v1::Job job;
      const grpc::Status status = CreateJob(request, &job);
      EXPECT_THAT(status, IsRpcError(StatusCode::INVALID_ARGUMENT, "GATE_POLICY_INVALID"));
      EXPECT_THAT(status.error_message(), HasSubstr(message));
    }
  }
}

TEST_F(EvaluationServiceTest, ADryRunTellsHowTheGateReads) {
  v1::CreateJobRequest request = JobRequest({"good"});
  request.set_validate_only(true);
  request.set_gate_policy(
      "floors: [{at_least: 0.9}]\nvalidity: [{metric: extraction_failure, at_most: 0.1}]\n");
  v1::Job job;
  ASSERT_THAT(CreateJob(request, &job), IsRpcOk());
  EXPECT_THAT(
      job.gate_rules(),
      testing::ElementsAre("judges every adapter, against the base",
                           "floors: sums numeric_match: lower limit of the interval at least 0.9",
                           "validity: sums extraction_failure: at most 0.1 of the responses"));
  EXPECT_THAT(job.gate_warnings(), testing::ElementsAre(HasSubstr("at_least 0.9 cannot PASS: with "
                                                                  "6 prompts")));
}

TEST_F(EvaluationServiceTest, ValidateOnlyMakesNothing) {
  v1::CreateJobRequest request = JobRequest({"good"});
  request.set_validate_only(true);
  request.set_limit(2);
  v1::Job job;
  ASSERT_THAT(CreateJob(request, &job), IsRpcOk());
  EXPECT_EQ(job.id(), "");
  EXPECT_EQ(job.total_verdicts(), 4);
  EXPECT_EQ(job.subjects_size(), 2);
  v1::ListJobsResponse list;
  ASSERT_THAT(Call(*evaluation_, &Stub::ListJobs, v1::ListJobsRequest(), &list), IsRpcOk());
  EXPECT_EQ(list.jobs_size(), 0);
}

TEST_F(EvaluationServiceTest, JobsAreListedNewestFirstInPages) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(RunJob().id());
  v1::ListJobsRequest request;
  request.set_page_size(2);
  std::vector<std::string> listed;
  do {
    v1::ListJobsResponse page;
    ASSERT_THAT(Call(*evaluation_, &Stub::ListJobs, request, &page), IsRpcOk());
    EXPECT_LE(page.jobs_size(), 2);
    for (const v1::Job& job : page.jobs()) listed.push_back(job.id());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(listed, std::vector<std::string>(ids.rbegin(), ids.rend()));
  request.set_page_token("garbage");
  v1::ListJobsResponse page;
  EXPECT_THAT(Call(*evaluation_, &Stub::ListJobs, request, &page),
              IsRpcError(StatusCode::INVALID_ARGUMENT, "INVALID_PAGE_TOKEN"));
  request.clear_page_token();
  request.set_state(v1::JOB_STATE_FAILED);
  ASSERT_THAT(Call(*evaluation_, &Stub::ListJobs, request, &page), IsRpcOk());
  EXPECT_EQ(page.jobs_size(), 0);
  request.set_page_size(1001);
  EXPECT_THAT(Call(*evaluation_, &Stub::ListJobs, request, &page),
              IsRpcError(StatusCode::INVALID_ARGUMENT, "LIMIT_EXCEEDED"));
}

TEST_F(EvaluationServiceTest, VerdictsComeInPagesAndFilters) {
  const v1::Job job = RunJob();
  v1::ListVerdictsRequest request;
  request.set_id(job.id());
  request.set_page_size(5);
  request.set_include_prompts(true);
  std::set<std::string> seen;
  int64_t last = 0;
  v1::ListVerdictsResponse page;
  do {
    ASSERT_THAT(List(request, &page), IsRpcOk());
    for (const v1::Verdict& verdict : page.verdicts()) {
      EXPECT_GT(verdict.sequence(), last);
      last = verdict.sequence();
      seen.insert(verdict.adapter() + "/" + verdict.key());
      EXPECT_THAT(verdict.prompt(), HasSubstr("1+"));
      EXPECT_NE(verdict.target(), "");
      EXPECT_EQ(verdict.passed(), verdict.adapter() == "good");
      EXPECT_GT(verdict.observations_size(), 0);
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(seen.size(), 12u);

  const auto count = [&](auto set) {
    v1::ListVerdictsRequest filtered;
    filtered.set_id(job.id());
    set(filtered);
    v1::ListVerdictsResponse out;
    EXPECT_THAT(List(filtered, &out), IsRpcOk());
    return out.verdicts_size();
  };
  EXPECT_EQ(count([](auto& r) { r.set_adapter("base"); }), 6);
  EXPECT_EQ(count([](auto& r) { r.set_adapter("good"); }), 6);
  EXPECT_EQ(count([](auto& r) { r.set_failed_only(true); }), 6);
  EXPECT_EQ(count([](auto& r) { r.set_flipped_only(true); }), 6);
  EXPECT_EQ(count([](auto& r) { r.set_task("sums"); }), 12);
}

TEST_F(EvaluationServiceTest, BadVerdictRequestsAreRefused) {
  const v1::Job job = RunJob();
  v1::ListVerdictsRequest request;
  request.set_id(job.id());
  request.set_page_size(5);
  v1::ListVerdictsResponse page;
  ASSERT_THAT(List(request, &page), IsRpcOk());
  request.set_page_token(page.next_page_token());
  request.set_failed_only(true);  // another list
  EXPECT_THAT(List(request, &page), IsRpcError(StatusCode::INVALID_ARGUMENT, "INVALID_PAGE_TOKEN"));
  request.clear_page_token();
  request.set_adapter("nobody");
  EXPECT_THAT(List(request, &page), IsRpcError(StatusCode::NOT_FOUND, "ADAPTER_NOT_FOUND"));
  request.clear_adapter();
  request.set_task("other");
  EXPECT_THAT(List(request, &page), IsRpcError(StatusCode::NOT_FOUND, "TASK_NOT_FOUND"));
}

TEST_F(EvaluationServiceTest, APageEndsBeforeItIsTooLarge) {
  engine_->set_answer([](const ModelIdentity&, const LanguageModel::GenerateCall&) {
    Generation generation;
    generation.text = std::string(1'000'000, 'x');
    return generation;
  });
  const v1::Job job = RunJob();
  v1::ListVerdictsRequest request;
  request.set_id(job.id());
  request.set_page_size(1000);
  int verdicts = 0, pages = 0;
  v1::ListVerdictsResponse page;
  do {
    ASSERT_THAT(List(request, &page), IsRpcOk());  // a default client takes 4 MiB
    verdicts += page.verdicts_size();
    ++pages;
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(verdicts, 12);
  EXPECT_GE(pages, 4);
}

TEST_F(EvaluationServiceTest, TheReportHasTheMatrixTheDeltasAndTheGate) {
  const v1::Job job = RunJob(kPolicy);
  EXPECT_NE(job.gate_status(), v1::GATE_STATUS_UNSPECIFIED);
  v1::Report report;
  ASSERT_THAT(Report(job.id(), "", &report), IsRpcOk());
  EXPECT_FALSE(report.partial());
  EXPECT_EQ(report.job_id(), job.id());
  const v1::Cell* base = nullptr;
  const v1::Cell* good = nullptr;
  for (const v1::Cell& cell : report.cells()) {
    if (cell.metric() != "numeric_match") continue;
    (cell.adapter().empty() ? base : good) = &cell;
  }
  ASSERT_NE(base, nullptr);
  ASSERT_NE(good, nullptr);
  EXPECT_EQ(base->estimate().value(), 0);
  EXPECT_EQ(good->estimate().value(), 1);
  EXPECT_EQ(good->n(), 6);
  EXPECT_TRUE(good->primary());
  EXPECT_LT(good->estimate().lower(), 1);
  ASSERT_GT(report.deltas_size(), 0);
  EXPECT_EQ(report.deltas(0).gained(), 6);
  ASSERT_EQ(report.labels_size(), 1);
  EXPECT_EQ(report.labels(0).adapter(), "good");
  EXPECT_EQ(report.gate().status(), job.gate_status());
  EXPECT_GT(report.gate().reasons_size(), 0);
  v1::Report other;
  ASSERT_THAT(
      Report(job.id(), "floors:\n  - {task: sums, metric: numeric_match, at_least: 0.1}\n", &other),
      IsRpcOk());
  EXPECT_EQ(other.gate().status(), v1::GATE_STATUS_PASS) << other.gate().DebugString();
  EXPECT_THAT(Report(job.id(), "nonsense", &other),
              IsRpcError(StatusCode::INVALID_ARGUMENT, "GATE_POLICY_INVALID"));
  EXPECT_THAT(Report("job-none", "", &other), IsRpcError(StatusCode::NOT_FOUND, "JOB_NOT_FOUND"));
}

TEST_F(EvaluationServiceTest, AGateIsHeldAgainstAnEarlierVersion) {
  const v1::Job earlier = RunJob();
  // The same alias, other weights: as good.
  v1::LoadAdapterResponse loaded;
  ASSERT_THAT(LoadAdapter("good", "a2", &loaded), IsRpcOk());
  // Six prompts alike: the interval is +-0.39.
  const std::string rule = "non_inferiority: [{margin: 0.5}]\nbaseline: ";
  const v1::Job job = RunJob(rule + "{job: " + earlier.id() + "}\n");
  EXPECT_EQ(job.gate_status(), v1::GATE_STATUS_PASS);
  v1::Report report;
  ASSERT_THAT(Report(job.id(), "", &report), IsRpcOk());
  EXPECT_THAT(report.gate().DebugString(),
              HasSubstr(Sha256Hex("first").substr(0, 12) + ") of " + earlier.id()));
  ASSERT_THAT(Report(job.id(), rule + "{version: good@" + Sha256Hex("first") + "}\n", &report),
              IsRpcOk());
  EXPECT_EQ(report.gate().status(), v1::GATE_STATUS_PASS) << report.gate().DebugString();
  ASSERT_THAT(Report(job.id(), rule + "{alias: good}\n", &report), IsRpcOk());
  EXPECT_EQ(report.gate().status(), v1::GATE_STATUS_INCONCLUSIVE) << "it is the baseline itself";
  ASSERT_THAT(Report(job.id(), rule + "{version: 0123456789}\n", &report), IsRpcOk());
  EXPECT_EQ(report.gate().status(), v1::GATE_STATUS_INCONCLUSIVE);
  v1::CreateJobRequest request = JobRequest({"good"});
  request.set_gate_policy(rule + "{job: job-0123456789abcdef}\n");
  v1::Job refused;
  EXPECT_THAT(CreateJob(request, &refused), IsRpcError(StatusCode::NOT_FOUND, "JOB_NOT_FOUND"));
}

TEST_F(EvaluationServiceTest, AVerdictOfChoicesHasTheirLogLikelihoods) {
  dir_.Write("tasks/pick.yaml",
             "task: pick\ncapability: knowledge\ndataset_path: json\n"
             "dataset_kwargs: {data_files: {test: pick.jsonl}}\ntest_split: test\n"
             "output_type: multiple_choice\ndoc_to_text: \"{{q}}\"\ndoc_to_choice: options\n"
             "doc_to_target: gold\ngroup_by: q\n");
  dir_.Write("tasks/pick.jsonl",
             "{\"q\": \"Where?\", \"options\": [\"here\", \"there\"], \"gold\": 1}\n");
  Restart();
  v1::LoadAdapterResponse loaded;
  ASSERT_THAT(LoadAdapter("good", "a1", &loaded), IsRpcOk());
  v1::CreateJobRequest create = JobRequest({"good"});
  create.clear_tasks();
  create.add_tasks("pick");
  v1::Job job;
  ASSERT_THAT(CreateJob(create, &job), IsRpcOk());
  grpc::Status status;
  const std::vector<v1::JobEvent> events = WatchToEnd(job.id(), 0, &status);
  ASSERT_THAT(status, IsRpcOk());
  int verdicts = 0;
  for (const v1::JobEvent& event : events) {
    if (!event.has_verdict()) continue;
    ++verdicts;
    ASSERT_EQ(event.verdict().choices_size(), 2);
    EXPECT_LT(event.verdict().choices(0).log_likelihood(), 0);
    EXPECT_GT(event.verdict().choices(0).tokens(), 0);
    EXPECT_EQ(event.verdict().choices(0).continuation(), "") << "texts are for ListVerdicts";
    EXPECT_EQ(event.verdict().model_version(), Sha256Hex(dir_.Join("model")));
  }
  EXPECT_EQ(verdicts, 2);
  v1::ListVerdictsRequest request;
  request.set_id(job.id());
  request.set_include_prompts(true);
  v1::ListVerdictsResponse page;
  ASSERT_THAT(List(request, &page), IsRpcOk());
  ASSERT_EQ(page.verdicts_size(), 2);
  EXPECT_EQ(page.verdicts(0).choices(1).continuation(), " there");
  EXPECT_EQ(page.verdicts(0).gold_choice(), 1);
  EXPECT_EQ(page.verdicts(0).doc(), R"({"q":"Where?","options":["here","there"],"gold":1})");
  EXPECT_EQ(page.verdicts(0).group(), "Where?");
  v1::GetReportRequest of_job;
  of_job.set_id(job.id());
  v1::Report report;
  ASSERT_THAT(Call(*evaluation_, &Stub::GetReport, of_job, &report), IsRpcOk());
  ASSERT_EQ(report.groups_size(), 1);
  EXPECT_EQ(report.groups(0).task(), "pick");
  EXPECT_EQ(report.groups(0).by(), "q");
  EXPECT_EQ(report.groups(0).name(), "Where?");
  EXPECT_EQ(report.groups(0).headline_metrics(0), "accuracy");
  ASSERT_EQ(report.groups(0).cells_size(), 6);  // two subjects, three metrics
  EXPECT_EQ(report.groups(0).cells(3).adapter(), "good");
  EXPECT_EQ(report.groups(0).cells(3).prompts(), 1);
  EXPECT_EQ(report.groups(0).cells(3).estimate().value(), report.cells(3).estimate().value());
}

TEST_F(EvaluationServiceTest, TheReportHasValidityBesideTheScores) {
  // "sums" twice under two names: the same prompts in two tasks.
  dir_.Write("tasks/again.yaml", SumsYaml("again"));
  Restart();
  v1::LoadAdapterResponse loaded;
  ASSERT_THAT(LoadAdapter("good", "a1", &loaded), IsRpcOk());
  engine_->set_answer([](const ModelIdentity&,
                         const LanguageModel::GenerateCall& call) -> absl::StatusOr<Generation> {
    if (call.prompt.text == "1+3") return absl::OutOfRangeError("the prompt is too long");
    Generation generation;
    generation.text = "again and again and again and again and again and again and ";
    generation.finish_reason = FinishReason::kLength;
    return generation;
  });
  v1::CreateJobRequest create = JobRequest({"good"});
  create.add_tasks("again");
  v1::Job job;
  ASSERT_THAT(CreateJob(create, &job), IsRpcOk());
  grpc::Status status;
  WatchToEnd(job.id(), 0, &status);
  v1::GetReportRequest request;
  request.set_id(job.id());
  request.set_include_task_configs(true);
  v1::Report report;
  ASSERT_THAT(Call(*evaluation_, &Stub::GetReport, request, &report), IsRpcOk());
  EXPECT_EQ(report.model_version(), Sha256Hex(dir_.Join("model")));
  ASSERT_EQ(report.coverage_size(), 4);
  EXPECT_EQ(report.coverage(0).task(), "sums");
  EXPECT_EQ(report.coverage(0).errors(), 1);
  EXPECT_EQ(report.coverage(0).too_long(), 1);
  ASSERT_EQ(report.hints_size(), 2);
  EXPECT_EQ(report.hints(0).kind(), "prompt_in_other_task");
  EXPECT_EQ(report.hints(0).other_task(), "again");
  EXPECT_EQ(report.hints(0).prompts(), 6);
  bool seen = false;
  for (const v1::Cell& cell : report.cells()) {
    if (cell.metric() != "refusal_to_stop") continue;
    seen = true;
    EXPECT_TRUE(cell.validity());
    EXPECT_EQ(cell.estimate().value(), 1);
  }
  EXPECT_TRUE(seen);
  ASSERT_EQ(report.task_configs_size(), 2);
  EXPECT_THAT(report.task_configs(0).config(), HasSubstr("\"num_fewshot\":0"));
  EXPECT_EQ(report.task_configs(0).total_prompts(), 6);
}

TEST_F(EvaluationServiceTest, AnErrorOfOnePromptIsAVerdictNotAScore) {
  engine_->set_answer([](const ModelIdentity&,
                         const LanguageModel::GenerateCall& call) -> absl::StatusOr<Generation> {
    if (call.prompt.text == "1+3") return absl::OutOfRangeError("the prompt is too long");
    return Generation();
  });
  const v1::Job job = RunJob(kPolicy);
  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(job.error_verdicts(), 2);
  EXPECT_NE(job.gate_status(), v1::GATE_STATUS_PASS);
  v1::ListVerdictsRequest request;
  request.set_id(job.id());
  request.set_failed_only(true);
  v1::ListVerdictsResponse page;
  ASSERT_THAT(List(request, &page), IsRpcOk());
  int errors = 0;
  for (const v1::Verdict& verdict : page.verdicts()) {
    if (!verdict.has_error()) continue;
    ++errors;
    EXPECT_EQ(verdict.error().code(), static_cast<int>(StatusCode::OUT_OF_RANGE));
    EXPECT_EQ(verdict.observations_size(), 0);
  }
  EXPECT_EQ(errors, 2);
}

TEST_F(EvaluationServiceTest, DeleteForgetsAFinishedJob) {
  const v1::Job job = RunJob();
  EXPECT_THAT(Delete(job.id()), IsRpcOk());
  v1::Job gone;
  EXPECT_THAT(GetJob(job.id(), &gone), IsRpcError(StatusCode::NOT_FOUND, "JOB_NOT_FOUND"));
}

class HeldEvaluationTest : public EvaluationServiceTest {
 protected:
  HeldEvaluationTest() { engine_ = std::make_shared<FakeEngine>(/*held=*/true); }
};

TEST_F(HeldEvaluationTest, ARunningJobIsCancelledOnceAndHasAPartialReport) {
  v1::Job job;
  ASSERT_THAT(CreateJob(JobRequest({"good"}), &job), IsRpcOk());
  while (engine_->waiting() < 12) std::this_thread::yield();
  EXPECT_THAT(Delete(job.id()), IsRpcError(StatusCode::FAILED_PRECONDITION, "JOB_ACTIVE"));
  v1::Report report;
  ASSERT_THAT(Report(job.id(), "", &report), IsRpcOk());
  EXPECT_TRUE(report.partial());
  ASSERT_THAT(Cancel(job.id(), &job), IsRpcOk());
  EXPECT_EQ(job.state(), v1::JOB_STATE_CANCELLED);
  ASSERT_THAT(Cancel(job.id(), &job), IsRpcOk());
  EXPECT_EQ(job.state(), v1::JOB_STATE_CANCELLED);
  engine_->Release();
}

TEST_F(HeldEvaluationTest, ASwapInMidJobChangesNoVerdict) {
  v1::Job job;
  ASSERT_THAT(CreateJob(JobRequest({"good"}), &job), IsRpcOk());
  while (engine_->waiting() < 12) std::this_thread::yield();
  engine_->Release(3);
  v1::LoadAdapterResponse loaded;
  ASSERT_THAT(LoadAdapter("good", "a2", &loaded), IsRpcOk());
  engine_->Release();
  grpc::Status status;
  const std::vector<v1::JobEvent> events = WatchToEnd(job.id(), 0, &status);
  ASSERT_THAT(status, IsRpcOk());
  for (const v1::JobEvent& event : events) {
    if (!event.has_verdict() || event.verdict().adapter().empty()) continue;
    EXPECT_EQ(event.verdict().adapter_version(), Sha256Hex("first"));
  }
}

// The alias moves on and the server restarts: the job goes on with the version it pinned.
TEST_F(HeldEvaluationTest, ARestartedJobGoesOnWithItsPinnedVersion) {
  v1::Job job;
  ASSERT_THAT(CreateJob(JobRequest({"good"}), &job), IsRpcOk());
  while (engine_->waiting() < 12) std::this_thread::yield();
  v1::LoadAdapterResponse loaded;
  ASSERT_THAT(LoadAdapter("good", "a2", &loaded), IsRpcOk());
  config_.drain_timeout = absl::ZeroDuration();
  server_->Shutdown(absl::ZeroDuration());
  engine_->Release();
  Restart();
  std::thread release([&] {
    v1::Job now;
    do {
      engine_->Release();
      ASSERT_THAT(GetJob(job.id(), &now), IsRpcOk());
    } while (now.state() == v1::JOB_STATE_RUNNING || now.state() == v1::JOB_STATE_PENDING);
  });
  grpc::Status status;
  const std::vector<v1::JobEvent> events = WatchToEnd(job.id(), 0, &status);
  release.join();
  ASSERT_THAT(status, IsRpcOk());
  int verdicts = 0;
  for (const v1::JobEvent& event : events) {
    if (!event.has_verdict()) continue;
    ++verdicts;
    EXPECT_FALSE(event.verdict().has_error()) << event.verdict().error().DebugString();
    if (event.verdict().adapter().empty()) continue;
    EXPECT_EQ(event.verdict().adapter_version(), Sha256Hex("first"));
  }
  EXPECT_EQ(verdicts, 12);
}

}  // namespace
}  // namespace plumbline
