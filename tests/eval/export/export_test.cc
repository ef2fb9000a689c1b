#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/sha256.h"
#include "core/eval/export/csv.h"
#include "core/eval/export/junit.h"
#include "core/eval/export/lm_eval.h"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Json = nlohmann::json;

ExportVerdict Answer(const std::string& adapter, const std::string& key, bool passed) {
  ExportVerdict v;
  v.adapter = adapter;
  v.task = "t";
  v.key = key;
  v.prompt = "Say \"" + key + "\"";
  v.response = passed ? "yes" : "no, <no>\n";
  v.finish_reason = "stop";
  v.prompt_tokens = 4;
  v.completion_tokens = 2;
  v.passed = passed;
  v.checker = "ifeval/1";
  v.observations = {{"pla_strict", passed ? 1.0 : 0.0, 1}, {"ila_strict", passed ? 2.0 : 1.0, 2}};
  v.outcomes = {{"punctuation:no_comma", passed, passed, passed, passed, passed ? "" : "1 comma"},
                {"startend:quotation", true, true, true, true, ""}};
  return v;
}

// Two subjects, one task, three prompts; the adapter's last one could not be run.
ExportData SmallJob() {
  ExportData data;
  data.job = "job-1";
  data.model = "tiny";
  data.device = "cpu";
  data.dtype = "float32";
  data.time = absl::FromUnixMicros(1'700'000'000'250'000);
  data.subjects = {{"", ""}, {"fmt", "abc"}};
  data.tasks = {{"t", "v1", "instruction_following", 3, 1}};
  data.cells = {{"", "t", "pla_strict", 0.5, 0.1, 0.9, 2, "wilson", true, false},
                {"", "t", "ila_strict", 0.75, 0.2, 1, 4, "bootstrap", false, false},
                {"", "t", "empty_response", 0, 0, 0.4, 2, "wilson", false, true}};
  // As they come from a store: not in the order of the keys.
  data.verdicts = {Answer("", "10", false), Answer("", "9", true), Answer("fmt", "9", true),
                   Answer("fmt", "10", true)};
  data.verdicts[0].group = "easy";
  ExportVerdict error;
  error.adapter = "fmt";
  error.task = "t";
  error.key = "word";
  error.error = "prompt & more: 9000 tokens > 8192";
  data.verdicts.push_back(error);
  return data;
}

TEST(CsvExportTest, IsOneRowAVerdict) {
  EXPECT_EQ(VerdictsToCsv(SmallJob()),
            "task,adapter,adapter_version,key,sample,passed,error,finish_reason,prompt_tokens,"
            "completion_tokens,metric:pla_strict,metric:ila_strict,group,extracted,target,prompt,"
            "response\r\n"
            "t,base,,9,0,true,,stop,4,2,1,1,,,,\"Say \"\"9\"\"\",yes\r\n"
            "t,base,,10,0,false,,stop,4,2,0,0.5,easy,,,\"Say \"\"10\"\"\",\"no, <no>\n\"\r\n"
            "t,fmt,abc,9,0,true,,stop,4,2,1,1,,,,\"Say \"\"9\"\"\",yes\r\n"
            "t,fmt,abc,10,0,true,,stop,4,2,1,1,,,,\"Say \"\"10\"\"\",yes\r\n"
            "t,fmt,abc,word,0,false,prompt & more: 9000 tokens > 8192,,0,0,,,,,,,\r\n");
}

TEST(JunitExportTest, IsASuiteATaskAndSubject) {
  EXPECT_EQ(VerdictsToJunit(SmallJob()),
            R"(<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="job-1" tests="5" failures="1" errors="1">
  <testsuite name="t.base" tests="2" failures="1" errors="0" skipped="0" timestamp="2023-11-14T22:13:20">
    <properties>
      <property name="model" value="tiny"/>
      <property name="adapter_version" value=""/>
      <property name="task_version" value="v1"/>
      <property name="pla_strict" value="0.5000 [0.1000, 0.9000]"/>
      <property name="ila_strict" value="0.7500 [0.2000, 1.0000]"/>
      <property name="empty_response" value="0.0000 [0.0000, 0.4000]"/>
    </properties>
    <testcase classname="t.base" name="9"/>
    <testcase classname="t.base" name="10">
      <failure type="ifeval/1" message="punctuation:no_comma: 1 comma">punctuation:no_comma: 1 comma
prompt: Say &quot;10&quot;
response: no, &lt;no&gt;

</failure>
    </testcase>
  </testsuite>
  <testsuite name="t.fmt" tests="3" failures="0" errors="1" skipped="0" timestamp="2023-11-14T22:13:20">
    <properties>
      <property name="model" value="tiny"/>
      <property name="adapter_version" value="abc"/>
      <property name="task_version" value="v1"/>
    </properties>
    <testcase classname="t.fmt" name="9"/>
    <testcase classname="t.fmt" name="10"/>
    <testcase classname="t.fmt" name="word">
      <error type="execution" message="prompt &amp; more: 9000 tokens &gt; 8192"/>
    </testcase>
  </testsuite>
</testsuites>
)");
}

TEST(JunitExportTest, HoldsOnlyWhatXmlCanHold) {
  ExportData data = SmallJob();
  data.tasks[0].samples = 2;
  data.verdicts = {Answer("", "a\tb", false)};
  data.verdicts[0].outcomes.clear();
  data.verdicts[0].response =
      std::string("nul\0", 4) + "\x1b[0m \xff \xed\xa0\x80 \xef\xbf\xbf ü 😀\r]]>";
  const std::string xml = VerdictsToJunit(data);
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_THAT(xml, HasSubstr("name=\"a&#9;b#0\""));
  EXPECT_THAT(xml, HasSubstr("response: nul" + r + r + "[0m " + r + " " + r + r + r + " " + r + r +
                             r + " ü 😀&#13;]]&gt;"));
}

std::map<std::string, std::string> Files(const ExportData& data) {
  std::map<std::string, std::string> files;
  for (ExportFile& file : ToLmEval(data)) files.emplace(file.path, file.content);
  return files;
}

TEST(LmEvalExportTest, HasAFolderASubjectWithItsResults) {
  const std::map<std::string, std::string> files = Files(SmallJob());
  std::vector<std::string> paths;
  for (const auto& [path, content] : files) paths.push_back(path);
  EXPECT_THAT(paths, ElementsAre("tiny/results_2023-11-14T22-13-20.250000.json",
                                 "tiny/samples_t_2023-11-14T22-13-20.250000.jsonl",
                                 "tiny__fmt/results_2023-11-14T22-13-20.250000.json",
                                 "tiny__fmt/samples_t_2023-11-14T22-13-20.250000.jsonl"));
  const Json results = Json::parse(files.at(paths[0]));
  EXPECT_EQ(results["results"]["t"], Json::parse(R"({
    "name": "t", "alias": "t", "sample_len": 3,
    "prompt_level_strict_acc,none": 0.5, "prompt_level_strict_acc_stderr,none": 0.5,
    "inst_level_strict_acc,none": 0.75, "inst_level_strict_acc_stderr,none": "N/A",
    "empty_response,none": 0.0, "empty_response_stderr,none": 0.0})"));
  EXPECT_EQ(results["higher_is_better"]["t"],
            Json::parse(R"({"prompt_level_strict_acc": true, "inst_level_strict_acc": true,
                            "empty_response": false})"));
  EXPECT_EQ(results["n-samples"]["t"], Json::parse(R"({"original": 3, "effective": 3})"));
  EXPECT_EQ(results["versions"]["t"], "v1");
  EXPECT_EQ(Json::parse(files.at(paths[2]))["model_name"], "tiny/fmt");
  EXPECT_EQ(Json::parse(files.at(paths[2]))["config"]["model_args"],
            Json::parse(R"({"pretrained": "tiny", "dtype": "float32", "peft": "fmt"})"));
}

// The layout of a line that lm-eval 0.4.13 wrote for the same task (its numbers are of another
// model).
TEST(LmEvalExportTest, AChoiceTaskHasARequestAChoice) {
  ExportData data = SmallJob();
  data.subjects.resize(1);
  data.model_version = "c0ffee";
  data.tasks[0].total_prompts = 24;
  data.tasks[0].config =
      R"({"task": "other", "doc_to_text": "{{q}}", "num_fewshot": 2, "repeats": 1,
          "metadata": {"version": 1.0}})";
  ExportVerdict v;
  v.task = "t";
  v.key = "0";
  v.prompt = "Where?\nAnswer:";
  v.target = "here";
  v.doc_target = "1";
  v.gold_choice = 1;
  v.doc = R"({"q": "Where?", "options": ["there", "here"], "x": null})";
  v.choices = {{"", " there", -34.04944610595703, false, 2}, {"", " here", -1, true, 1}};
  v.checker = "choice/1";
  v.observations = {{"accuracy", 1, 1}, {"acc_norm", 0, 1}};
  data.verdicts = {v};
  const std::map<std::string, std::string> files = Files(data);
  Json line = Json::parse(files.at("tiny/samples_t_2023-11-14T22-13-20.250000.jsonl"));
  Json want = Json::parse(R"({
    "doc_id": 0, "doc": {"q": "Where?", "options": ["there", "here"], "x": null}, "target": "1",
    "arguments": {"gen_args_0": {"arg_0": "Where?\nAnswer:", "arg_1": " there"},
                  "gen_args_1": {"arg_0": "Where?\nAnswer:", "arg_1": " here"}},
    "resps": [[["-34.04944610595703", "False"]], [["-1.0", "True"]]],
    "filtered_resps": [["-34.04944610595703", "False"], ["-1.0", "True"]],
    "filter": "none", "metrics": ["acc", "acc_norm"], "acc": 1.0, "acc_norm": 0.0})");
  // As lm-eval hashes: json.dumps(doc, indent=2).
  want["doc_hash"] = Sha256Hex(
      "{\n  \"q\": \"Where?\",\n  \"options\": [\n    \"there\",\n    \"here\"\n  ],\n"
      "  \"x\": null\n}");
  want["prompt_hash"] = Sha256Hex("Where?\nAnswer:");
  want["target_hash"] = Sha256Hex("1");
  EXPECT_EQ(line, want);
  const Json results = Json::parse(files.at("tiny/results_2023-11-14T22-13-20.250000.json"));
  EXPECT_EQ(results["n-shot"]["t"], 2);
  EXPECT_EQ(results["n-samples"]["t"], Json::parse(R"({"original": 24, "effective": 3})"));
  EXPECT_EQ(results["configs"]["t"]["task"], "t");
  EXPECT_EQ(results["configs"]["t"]["doc_to_text"], "{{q}}");
  EXPECT_EQ(results["configs"]["t"]["metadata"]["version"], 1.0);
  EXPECT_EQ(results["configs"]["t"]["metadata"]["plumbline_version"], "v1");
  EXPECT_EQ(results["config"]["model_sha"], "c0ffee");
}

TEST(LmEvalExportTest, ALineHasTheScoreOfTheResponseThatItsFilterTakes) {
  ExportData data = SmallJob();
  data.subjects.resize(1);
  data.verdicts.clear();
  const std::vector<std::string> votes = {"7", "8", "8"};
  for (int sample = 2; sample >= 0; --sample) {  // as they come from a store
    const std::string& vote = votes[static_cast<size_t>(sample)];
    ExportVerdict v = Answer("", "0", true);
    v.sample = sample;
    v.response = "It is " + vote;
    v.filtered = {{"first", vote}, {"maj@3", vote}};
    v.outcomes.clear();
    v.observations = {{"exact_match,first", vote == "8" ? 1.0 : 0.0, 1, 1, ""},
                      {"exact_match,maj@3", vote == "8" ? 1.0 : 0.0, 1, 3, vote}};
    data.verdicts.push_back(v);
  }
  const std::string text = Files(data).at("tiny/samples_t_2023-11-14T22-13-20.250000.jsonl");
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  const Json first = Json::parse(lines[0]), vote = Json::parse(lines[1]);
  EXPECT_EQ(first["filter"], "first");
  EXPECT_EQ(first["exact_match"], 0.0);
  EXPECT_EQ(first["filtered_resps"], Json::parse(R"(["7"])"));
  EXPECT_EQ(first["resps"], Json::parse(R"([["It is 7", "It is 8", "It is 8"]])"));
  EXPECT_EQ(vote["filter"], "maj@3");
  EXPECT_EQ(vote["exact_match"], 1.0);
  EXPECT_EQ(vote["filtered_resps"], Json::parse(R"(["8"])"));
  data.verdicts.pop_back();  // the first response
  const std::string partial = Files(data).at("tiny/samples_t_2023-11-14T22-13-20.250000.jsonl");
  EXPECT_THAT(partial, HasSubstr("\"exact_match\":null"));
}

TEST(LmEvalExportTest, ChoicesThatAreContextsHaveArgumentsOfTheirOwn) {
  ExportData data = SmallJob();
  data.subjects.resize(1);
  ExportVerdict v;
  v.task = "t";
  v.key = "0";
  v.prompt = "Ann left.";
  v.target = "because.";
  v.gold_choice = 1;
  v.choices = {{"Bob left.", " because.", -3, false, 2}, {"Ann left.", " because.", -2, false, 2}};
  v.checker = "choice/1";
  v.observations = {{"accuracy", 1, 1}};
  data.verdicts = {v};
  const Json line = Json::parse(Files(data).at("tiny/samples_t_2023-11-14T22-13-20.250000.jsonl"));
  EXPECT_EQ(line["arguments"]["gen_args_0"]["arg_0"], "Bob left.");
  EXPECT_EQ(line["arguments"]["gen_args_1"]["arg_0"], "Ann left.");
  EXPECT_EQ(line["target"], "because.");
  EXPECT_EQ(line["prompt_hash"], Sha256Hex("Bob left."));
}

TEST(LmEvalExportTest, HasALineAPromptInTheOrderOfTheKeys) {
  const std::map<std::string, std::string> files = Files(SmallJob());
  const std::vector<std::string> lines =
      absl::StrSplit(files.at("tiny/samples_t_2023-11-14T22-13-20.250000.jsonl"), '\n');
  ASSERT_EQ(lines.size(), 3u);
  Json second = Json::parse(lines[1]);
  EXPECT_EQ(second["doc_hash"].get<std::string>().size(), 64u);
  second.erase("doc_hash");
  Json want = Json::parse(R"({
    "doc_id": 1, "doc": {"key": "10", "prompt": "Say \"10\"", "target": ""}, "target": "",
    "arguments": {"gen_args_0": {"arg_0": "Say \"10\"", "arg_1": {}}},
    "resps": [["no, <no>\n"]], "filtered_resps": ["no, <no>\n"], "filter": "none",
    "metrics": ["prompt_level_strict_acc", "inst_level_strict_acc"],
    "prompt_level_strict_acc": 0.0, "inst_level_strict_acc": [false, true]})");
  want["prompt_hash"] = Sha256Hex("Say \"10\"");
  want["target_hash"] = Sha256Hex("");
  EXPECT_EQ(second, want);

  const std::vector<std::string> of_adapter =
      absl::StrSplit(files.at("tiny__fmt/samples_t_2023-11-14T22-13-20.250000.jsonl"), '\n');
  ASSERT_EQ(of_adapter.size(), 4u);
  EXPECT_EQ(Json::parse(of_adapter[1])["doc_id"], 1) << "the same prompt as the base's";
  const Json error = Json::parse(of_adapter[2]);
  EXPECT_EQ(error["doc_id"], 2);
  EXPECT_THAT(error["error"].get<std::string>(), HasSubstr("9000"));
  EXPECT_EQ(error["metrics"], Json::array());
}

TEST(LmEvalExportTest, HasALineAFilterAndAllSamplesOfAPrompt) {
  ExportData data = SmallJob();
  data.subjects.resize(1);
  data.tasks[0].samples = 2;
  data.verdicts.clear();
  for (int sample : {1, 0}) {
    ExportVerdict v = Answer("", "0", true);
    v.sample = sample;
    v.outcomes.clear();
    v.response = absl::StrCat("#### ", sample);
    v.extracted = absl::StrCat(sample);
    v.filtered = {{"strict-match", absl::StrCat("s", sample)}, {"flexible-extract", "[invalid]"}};
    v.observations = {{"numeric_match", static_cast<double>(sample), 1},
                      {"numeric_reference_strict", 1, 1},
                      {"extraction_failure", 0, 1}};
    data.verdicts.push_back(v);
  }
  const std::map<std::string, std::string> files = Files(data);
  const std::vector<std::string> lines =
      absl::StrSplit(files.at("tiny/samples_t_2023-11-14T22-13-20.250000.jsonl"), '\n');
  ASSERT_EQ(lines.size(), 3u);
  const Json none = Json::parse(lines[0]);
  EXPECT_EQ(none["resps"], Json::parse(R"([["#### 0", "#### 1"]])"));
  EXPECT_EQ(none["filtered_resps"], Json::parse(R"(["0", "1"])"));
  EXPECT_EQ(none["numeric_match"], 0.5);
  const Json strict = Json::parse(lines[1]);
  EXPECT_EQ(strict["filter"], "strict-match");
  EXPECT_EQ(strict["exact_match"], 1.0);
  EXPECT_EQ(strict["filtered_resps"], Json::parse(R"(["s0", "s1"])"));
}

TEST(LmEvalExportTest, TheOnlyPipelineOfATaskGivesItsNameToScoreAndGuards) {
  ExportData data = SmallJob();
  data.subjects.resize(1);
  data.tasks[0].config = R"({"filter_list": [{"name": "number", "filter": []}]})";
  data.cells = {{.task = "t", .metric = "exact_match", .value = 1, .n = 1, .method = "wilson"},
                {.task = "t", .metric = "empty_response", .n = 1, .validity = true}};
  ExportVerdict v = Answer("", "0", true);
  v.outcomes.clear();
  v.response = "It is 7.";
  v.filtered = {{"number", "7"}};
  v.observations = {{"exact_match", 1, 1}, {"empty_response", 0, 1}};
  data.verdicts = {v};
  const std::map<std::string, std::string> files = Files(data);
  const Json line = Json::parse(files.at("tiny/samples_t_2023-11-14T22-13-20.250000.jsonl"));
  EXPECT_EQ(line["filter"], "number");
  EXPECT_EQ(line["metrics"], Json::parse(R"(["exact_match", "empty_response"])"));
  EXPECT_EQ(line["filtered_resps"], Json::parse(R"(["7"])"));
  const Json results = Json::parse(files.at("tiny/results_2023-11-14T22-13-20.250000.json"));
  EXPECT_EQ(results["results"]["t"]["exact_match,number"], 1.0);
  EXPECT_EQ(results["results"]["t"]["empty_response,number"], 0.0);
}

TEST(LmEvalExportTest, NoNameLeadsOutOfTheFolder) {
  ExportData data = SmallJob();
  data.model = "..";
  data.subjects[1].adapter = "../../etc";
  for (const ExportFile& file : ToLmEval(data)) {
    EXPECT_EQ(std::count(file.path.begin(), file.path.end(), '/'), 1) << file.path;
    EXPECT_NE(file.path.substr(0, 3), "../");
  }
}

TEST(LmEvalExportTest, NamesMetricsAsLmEvalDoes) {
  using Name = std::pair<std::string, std::string>;
  EXPECT_EQ(LmEvalMetric("accuracy"), Name("acc", "none"));
  EXPECT_EQ(LmEvalMetric("acc_norm"), Name("acc_norm", "none"));
  EXPECT_EQ(LmEvalMetric("exact_match,get-answer"), Name("exact_match", "get-answer"));
  EXPECT_EQ(LmEvalMetric("numeric_reference_flexible"), Name("exact_match", "flexible-extract"));
}

}  // namespace
}  // namespace plumbline
