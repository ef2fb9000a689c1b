// The real binary as a pipeline uses it: arguments, stdout, exit codes. The server is a scripted
// one; the real one's tests are in tests/integration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "server/transport_security.h"
#include "tests/client/cli_fixture.h"
#include "tests/support/test_certificates.h"

namespace plumbline::client {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(CliTest, SubmitPrintsOnlyTheId) {
  const Outcome outcome = Run("job submit -m tiny -a x,y -t t1 -t t2 --limit 3 --request-id r1");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "job-1\n");
  EXPECT_EQ(service_.created.adapters_size(), 2);
  EXPECT_EQ(service_.created.tasks_size(), 2);
  EXPECT_EQ(service_.created.limit(), 3);
  EXPECT_EQ(service_.created.request_id(), "r1");
}

TEST_F(CliTest, WaitEndsWithTheGatesExitCodeAndTheReport) {
  service_.gate = v1::GATE_STATUS_FAIL;
  Outcome outcome = Run("job submit -m tiny -t t --wait");
  EXPECT_EQ(outcome.exit_code, 10) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("Report of job-1"));
  service_.gate = v1::GATE_STATUS_INCONCLUSIVE;
  EXPECT_EQ(Run("job submit -m tiny -t t --wait").exit_code, 11);
  service_.gate = v1::GATE_STATUS_PASS;
  EXPECT_EQ(Run("job submit -m tiny -t t --wait").exit_code, 0);
  service_.end_state = v1::JOB_STATE_FAILED;
  outcome = Run("job submit -m tiny -t t --wait");
  EXPECT_EQ(outcome.exit_code, 12);
  EXPECT_THAT(outcome.out, IsEmpty());
}

TEST_F(CliTest, WatchPrintsALineForEveryVerdict) {
  const Outcome outcome = Run("job watch job-1");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 5);
  EXPECT_THAT(outcome.out, HasSubstr("2\tt\tbase\t2\tpass"));
  EXPECT_THAT(outcome.err, Not(HasSubstr("\r"))) << "no progress bar in a pipe";
}

TEST_F(CliTest, TlsCertificateAndTokenReachAServerThatWantsThem) {
  const TestAuthority authority("authority");
  const TestCertificate server = authority.Sign("server"), client = authority.Sign("client");
  dir_.Write("ca.pem", authority.certificate());
  dir_.Write("server.pem", server.certificate);
  dir_.Write("server.key", server.key);
  dir_.Write("client.pem", client.certificate);
  dir_.Write("client.key", client.key);
  dir_.Write("token", "0123456789abcdef0123456789abcdef\n");
  dir_.Write("wrong", "0123456789abcdef0123456789abcdee\n");
  const auto credentials = MakeServerCredentials(
      {dir_.Join("server.pem"), dir_.Join("server.key"), dir_.Join("ca.pem"), dir_.Join("token")});
  ASSERT_TRUE(credentials.ok()) << credentials.status().message();
  const TestServer secure(&service_, *credentials);
  const std::string tls = "--ca-file " + dir_.Join("ca.pem");
  const std::string mutual =
      tls + " --cert-file " + dir_.Join("client.pem") + " --key-file " + dir_.Join("client.key");
  const auto submit = [&](const std::string& flags) {
    return Run(flags + " job submit -m tiny -t t", secure);
  };
  const Outcome good = submit(mutual + " --token-file " + dir_.Join("token"));
  EXPECT_EQ(good.exit_code, 0) << good.err;
  EXPECT_EQ(good.out, "job-1\n");
  EXPECT_EQ(submit(mutual + " --token-file " + dir_.Join("wrong")).exit_code, 4);
  EXPECT_EQ(submit(mutual).exit_code, 4);
  EXPECT_EQ(submit(tls).exit_code, 1);
  EXPECT_EQ(submit("").exit_code, 1);
  const Outcome clear = submit("--token-file " + dir_.Join("token"));
  EXPECT_EQ(clear.exit_code, 2);
  EXPECT_THAT(clear.err, HasSubstr("--ca-file")) << "a token is never sent in the clear";
}

TEST_F(CliTest, WaitTimesOutWithThree) {
  service_.never_ends = true;
  const Outcome outcome = Run("job watch job-1 --timeout 300ms");
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("job watch job-1 --after 5"));
}

TEST_F(CliTest, InterruptDetachesAndSaysHowToGoOn) {
  service_.never_ends = true;
  // The shell passes its own pid on to the binary by exec, so that the signal reaches it.
  const pid_t child = fork();
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", ("exec " + Command("job watch job-1")).c_str(), nullptr);
    _exit(127);
  }
  // A line per verdict on stdout says that it is watching.
  for (int i = 0; i < 500; ++i) {
    std::ifstream out(dir_.Join("out"));
    std::string all(std::istreambuf_iterator<char>(out), {});
    if (std::count(all.begin(), all.end(), '\n') == 5) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  kill(child, SIGINT);
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_THAT(ReadFileOrDie(dir_.Join("err")), HasSubstr("plumbline job watch job-1 --after 5"));
}

TEST_F(CliTest, UsageErrorsAreTwoAndServerErrorsAreTold) {
  EXPECT_EQ(Run("").exit_code, 2);
  EXPECT_EQ(Run("job submit").exit_code, 2);
  EXPECT_EQ(Run("nonsense").exit_code, 2);
  EXPECT_EQ(Run("job watch job-1 --timeout soon").exit_code, 2);
  service_.create_error = grpc::Status(grpc::StatusCode::NOT_FOUND, "no task \"t\"");
  Outcome outcome = Run("job submit -m tiny -t t");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("no task \"t\""));
  service_.create_error = grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "no");
  EXPECT_EQ(Run("job submit -m tiny -t t").exit_code, 4);
}

TEST_F(CliTest, SaysWhatToDoWithoutAServer) {
  const int status =
      std::system((Binary() + " --address 127.0.0.1:1 model list 2>" + dir_.Join("err")).c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_THAT(ReadFileOrDie(dir_.Join("err")), HasSubstr("start plumblined"));
}

TEST_F(CliTest, TaskLintShowsPromptsAndWarns) {
  dir_.Write("capitals.yaml",
             "capability: knowledge\ndataset_path: json\n"
             "dataset_kwargs: {data_files: {test: capitals.jsonl}}\ntest_split: test\n"
             "doc_to_text: \"Capital of {{country}}?\"\ndoc_to_target: capital\n");
  dir_.Write("capitals.jsonl",
             "{\"country\": \"France\", \"capital\": \"Paris\"}\n"
             "{\"country\": \"Singapore\", \"capital\": \"Singapore\"}\n"
             "{\"country\": \"France\", \"capital\": \"Paris\"}\n");
  const std::string command = "task lint " + dir_.Join("capitals.yaml");
  Outcome outcome = Run(command + " --prompts 1");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("task capitals: 3 prompts, capability knowledge"));
  EXPECT_THAT(outcome.out, HasSubstr("--- prompt \"0\"\nCapital of France?\n"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("Capital of Singapore?")));
  EXPECT_THAT(outcome.out, HasSubstr("warning duplicate_prompt: "));
  EXPECT_THAT(outcome.out, HasSubstr("(keys 0, 2)"));
  EXPECT_THAT(outcome.out, HasSubstr("warning answer_in_prompt: "));

  outcome = Run("-o json " + command);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["ok"], true);
  EXPECT_EQ(json["prompts"].size(), 3u);
  EXPECT_EQ(json["prompts"][1]["target"], "Singapore");
  EXPECT_EQ(json["warnings"][1]["code"], "answer_in_prompt");
  EXPECT_EQ(json["warnings"][1]["keys"], nlohmann::json::array({"1"}));
}

TEST_F(CliTest, TaskLintShowsTheContextsOfChoicesThatAreContexts) {
  dir_.Write("pronouns.yaml",
             "dataset_path: json\ndataset_kwargs: {data_files: {test: pronouns.jsonl}}\n"
             "test_split: test\noutput_type: multiple_choice\n"
             "doc_to_text: gold\ndoc_to_choice: names\ndoc_to_target: rest\n");
  dir_.Write("pronouns.jsonl",
             "{\"gold\": 1, \"names\": [\"Ann\", \"Bob\"], \"rest\": \"ran.\"}\n");
  const Outcome outcome = Run("task lint " + dir_.Join("pronouns.yaml"));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("choice \"Ann\" + \" ran.\"\nright  \"Bob\" + \" ran.\"\n"));
}

TEST_F(CliTest, TaskLintMarksEveryRightChoice) {
  dir_.Write("several.yaml",
             "dataset_path: json\ndataset_kwargs: {data_files: {test: several.jsonl}}\n"
             "test_split: test\noutput_type: multiple_choice\n"
             "doc_to_text: q\ndoc_to_choice: names\ndoc_to_target: golds\n");
  dir_.Write("several.jsonl",
             "{\"q\": \"Even?\", \"names\": [\"1\", \"2\", \"4\"], \"golds\": [2, 1]}\n");
  const std::string command = "task lint " + dir_.Join("several.yaml");
  EXPECT_THAT(Run(command).out, HasSubstr("choice \" 1\"\nright  \" 2\"\nright  \" 4\"\n"));
  const auto json = nlohmann::json::parse(Run("-o json " + command).out);
  EXPECT_EQ(json["prompts"][0]["gold_choice"], 2);
  EXPECT_EQ(json["prompts"][0]["other_gold_choices"], nlohmann::json::array({1}));
}

TEST_F(CliTest, TaskLintShowsEveryTurnOfAConversation) {
  dir_.Write("talk.jsonl",
             R"({"key": "7:1:en", "language": "English", )"
             R"("turn_1_prompt": {"role": "user", "content": "No commas."}, )"
             R"("turn_1_instruction_id_list": ["punctuation:no_comma"], "turn_1_kwargs": [{}], )"
             R"("turn_2_prompt": {"role": "user", "content": "Now loud."}, )"
             R"("turn_2_instruction_id_list": ["punctuation:no_comma"], "turn_2_kwargs": [{}]})"
             "\n");
  const Outcome outcome = Run("task lint " + dir_.Join("talk.jsonl"));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("No commas.\n\n<assistant>\n[response 1]\n\n<user>\nNow loud."
                                     "\n\n<assistant>\n[response 2]\n---\n"));
}

TEST_F(CliTest, TaskLintEndsWithOneForAFileThatDoesNotLoad) {
  dir_.Write("bad.yaml", "dataset_path: json\ndoc_to_txt: q\n");
  Outcome outcome = Run("task lint " + dir_.Join("bad.yaml"));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("doc_to_txt"));
  EXPECT_THAT(outcome.out, IsEmpty());
  outcome = Run("-o json task lint " + dir_.Join("gone.yaml"));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["ok"], false);
  EXPECT_THAT(outcome.err, HasSubstr("gone.yaml"));
}

TEST_F(CliTest, AGateIsReadBeforeItIsSent) {
  const std::string good = dir_.Write("gate.yaml", "floors:\n  - {at_least: 0}\n");
  const std::string bad = dir_.Write("bad.yaml", "floors:\n  - {at_leest: 0.1}\n");
  Outcome outcome = Run("job submit -m tiny -t t --gate " + bad);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("bad.yaml: gate policy:2: floors[0].at_leest: unknown key"));
  outcome = Run("job submit -m tiny -t t --gate " + good);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, "job-1\n");
  EXPECT_THAT(outcome.err, HasSubstr("gate.yaml: floors: every task (primary metric): at_least 0"));

  outcome = Run("gate lint " + good);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("gate.yaml: ok\n  judges every adapter, against the base\n"));
  EXPECT_THAT(outcome.out, HasSubstr("  warning: floors: "));
  auto json = nlohmann::json::parse(Run("gate lint -o json " + good).out);
  EXPECT_EQ(json["ok"], true);
  EXPECT_EQ(json["rules"].size(), 2u);
  EXPECT_EQ(json["warnings"].size(), 1u);
  outcome = Run("gate lint -o json " + bad);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["ok"], false);
}

TEST_F(CliTest, ADryRunPrintsThePlan) {
  const Outcome outcome = Run("job submit -m tiny -t t --dry-run");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("dry run: nothing was made\n"));
  EXPECT_THAT(outcome.out, HasSubstr("5 verdicts in all\n\nno gate\n"));
}

TEST_F(CliTest, ExportWritesEveryFormat) {
  service_.report.add_subjects();
  service_.report.mutable_create_time()->set_seconds(1'700'000'000);
  v1::PinnedTask* task = service_.report.add_tasks();
  task->set_name("t");
  task->set_prompts(2);
  task->set_samples(1);
  v1::Cell* cell = service_.report.add_cells();
  cell->set_task("t");
  cell->set_metric("accuracy");
  cell->mutable_estimate()->set_value(0.5);
  for (const char* key : {"1", "2"}) {
    v1::Verdict& verdict = service_.verdicts.emplace_back();
    verdict.set_task("t");
    verdict.set_key(key);
    verdict.set_passed(std::string(key) == "1");
    verdict.set_prompt("What is 1+1?");
    verdict.set_response("2");
    verdict.set_finish_reason(v1::FINISH_REASON_STOP);
  }
  Outcome outcome = Run("job export job-1 --format csv");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(service_.listed.include_prompts());
  EXPECT_EQ(service_.listed.page_token(), "1") << "all pages";
  EXPECT_THAT(outcome.out, HasSubstr("t,base,,1,0,true,,stop,0,0,,,,What is 1+1?,2\r\n"
                                     "t,base,,2,0,false,,stop,0,0,,,,What is 1+1?,2\r\n"));

  const std::string xml = dir_.Join("new/plumbline.xml");
  outcome = Run("job export job-1 --format junit --out " + xml);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(ReadFileOrDie(xml),
              HasSubstr("<testsuite name=\"t.base\" tests=\"2\" failures=\"1\""));

  outcome = Run("job export job-1 --format lm-eval --out " + dir_.Join("results"));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::string time = "2023-11-14T22-13-20.000000";
  const auto results =
      nlohmann::json::parse(ReadFileOrDie(dir_.Join("results/tiny/results_" + time + ".json")));
  EXPECT_EQ(results["results"]["t"]["acc,none"], 0.5);
  const std::string samples = ReadFileOrDie(dir_.Join("results/tiny/samples_t_" + time + ".jsonl"));
  EXPECT_EQ(std::count(samples.begin(), samples.end(), '\n'), 2);

  outcome = Run("job export job-1 --format markdown");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("### Report of job-1"));
}

TEST_F(CliTest, ExportSaysWhatItCannotDo) {
  service_.report.set_partial(true);
  EXPECT_THAT(Run("job export job-1 --format csv").err, HasSubstr("not complete"));
  EXPECT_EQ(Run("job export job-1 --format pdf").exit_code, 2);
  Outcome outcome = Run("job export job-1 --format lm-eval");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--out DIR"));
  outcome = Run("job export job-1 --format csv --out " + dir_.path());
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("cannot write"));
}

TEST_F(CliTest, HelpHasExamplesAndCompletionKnowsTheCommands) {
  Outcome outcome = Run("job submit --help");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("Examples:"));
  outcome = Run("completion bash");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("\"job submit\"*) words="));
  EXPECT_THAT(outcome.out, HasSubstr("--request-id"));
}

}  // namespace
}  // namespace plumbline::client
