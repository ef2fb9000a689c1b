#include "client/job_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plumbline::client {
namespace {

using testing::HasSubstr;

TEST(JobText, TheBaseAndAMissingGateHaveNames) {
  EXPECT_EQ(SubjectName(""), "base");
  EXPECT_EQ(SubjectName("v7"), "v7");
  EXPECT_EQ(GateName(v1::GATE_STATUS_UNSPECIFIED), "-");
  EXPECT_EQ(GateName(v1::GATE_STATUS_INCONCLUSIVE), "INCONCLUSIVE");
}

TEST(JobText, AVerdictIsOneLine) {
  v1::Verdict verdict;
  verdict.set_sequence(7);
  verdict.set_task("ifeval");
  verdict.set_key("1000");
  auto* outcome = verdict.add_outcomes();
  outcome->set_id("punctuation:no_comma");
  outcome->set_explanation("a comma\nat 3");
  EXPECT_EQ(VerdictLine(verdict),
            "7\tifeval\tbase\t1000\tfail\tpunctuation:no_comma: a comma at 3");
  verdict.mutable_error()->set_message("too long");
  EXPECT_EQ(VerdictLine(verdict), "7\tifeval\tbase\t1000\tERROR\ttoo long");
}

TEST(JobText, AJobIsATable) {
  v1::Job job;
  job.set_id("job-1");
  job.set_state(v1::JOB_STATE_SUCCEEDED);
  job.add_subjects();
  job.add_subjects()->set_adapter("v7");
  job.set_gate_status(v1::GATE_STATUS_PASS);
  const std::string text = JobToText(job);
  EXPECT_THAT(text, HasSubstr("state     SUCCEEDED\n"));
  EXPECT_THAT(text, HasSubstr("subjects  base, v7\n"));
  EXPECT_THAT(text, HasSubstr("gate      PASS\n"));
}

TEST(JobText, APlanSaysWhatWouldRunAndHowTheGateReads) {
  v1::Job plan;
  plan.set_model("tiny");
  plan.mutable_numerics()->set_device("cpu");
  plan.mutable_numerics()->set_dtype("float32");
  plan.add_subjects();
  plan.add_subjects()->set_adapter("v7");
  plan.mutable_subjects(1)->set_adapter_version("0123456789abcdef");
  plan.mutable_subjects(1)->set_nominal_target("numeric");
  v1::PinnedTask* task = plan.add_tasks();
  task->set_name("sums");
  task->set_capability("numeric");
  task->set_prompts(20);
  task->set_samples(3);
  plan.set_total_verdicts(120);
  EXPECT_EQ(PlanToText(plan),
            "dry run: nothing was made\n"
            "FIELD    VALUE\n"
            "model    tiny, float32 on cpu\n"
            "subject  base\n"
            "subject  v7, version 0123456789ab, label numeric\n\n"
            "TASK  CAPABILITY  PROMPTS  SAMPLES  VERDICTS\n"
            "sums  numeric          20        3       120\n"
            "120 verdicts in all\n\nno gate\n");
  plan.add_gate_rules("judges every adapter");
  plan.add_gate_warnings("never passes");
  EXPECT_THAT(PlanToText(plan),
              HasSubstr("gate\n  judges every adapter\n  warning: never passes\n"));
}

}  // namespace
}  // namespace plumbline::client
