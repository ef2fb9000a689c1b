#include "core/eval/task_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "core/eval/offline_check.h"
#include "core/eval/task_file/python_literal.h"
#include "core/eval/task_file/python_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kIfevalRow[] =
    R"({"key": 1, "prompt": "No commas.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]})";

absl::StatusOr<Task> Parse(absl::string_view yaml, absl::string_view data,
                           absl::string_view data_name = "d.jsonl") {
  TaskBundle bundle;
  bundle.file = "t.yaml";
  bundle.files["t.yaml"] = std::string(yaml);
  bundle.files[std::string(data_name)] = std::string(data);
  return ParseTask(bundle);
}

std::string Yaml(absl::string_view more) {
  return absl::StrCat(
      "dataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\ntest_split: test\n",
      more);
}

TEST(TaskFileTest, IfevalJsonlIsATaskAsItIs) {
  TaskBundle bundle;
  bundle.file = "My IFEval.jsonl";
  bundle.files[bundle.file] = absl::StrCat(kIfevalRow, "\n\n");
  auto task = ParseTask(bundle);
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->name, "my_ifeval");
  EXPECT_EQ(task->capability, "instruction_following");
  EXPECT_EQ(task->items[0].key, "1");
  EXPECT_EQ(task->items[0].prompt.format, PromptFormat::kChat);
  EXPECT_EQ(task->items[0].prompt.messages[0].content, "No commas.");
  EXPECT_EQ(task->metrics[0], "pla_strict");
  EXPECT_EQ(task->decoding.max_new_tokens, 1280);
  EXPECT_EQ(task->checker->version(), "ifeval/1");
  EXPECT_EQ(task->version.size(), 64u);
}

TEST(TaskFileTest, VersionFollowsTheContentAndNothingElse) {
  const std::string padded =
      R"({"key": 1, "prompt": "No commas.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{"num_words": null}]})";
  auto one = ParseIfevalTask(kIfevalRow, "a.jsonl", "a");
  auto two = ParseIfevalTask(padded, "b.jsonl", "b");
  ASSERT_THAT(one, IsOk());
  ASSERT_THAT(two, IsOk());
  EXPECT_EQ(one->version, two->version);
  auto other = ParseIfevalTask(
      absl::StrCat(kIfevalRow, "\n", R"({"key": 2, "prompt": "x", )",
                   R"("instruction_id_list": ["punctuation:no_comma"], )", R"("kwargs": [{}]})"),
      "a.jsonl", "a");
  ASSERT_THAT(other, IsOk());
  EXPECT_NE(one->version, other->version);
  const std::string yaml = Yaml("doc_to_text: q\ndoc_to_target: a\n");
  auto plain = Parse(yaml, R"({"q": "2+2", "a": "4"})");
  auto commented = Parse("# a comment\n" + yaml, R"({"a": "4", "q": "2+2"})");
  ASSERT_THAT(plain, IsOk());
  EXPECT_EQ(plain->version, commented->version);
}

TEST(TaskFileTest, ABadRowIsNamed) {
  const std::string good(kIfevalRow);
  for (
      const auto& [row, message] : std::vector<std::pair<std::string, std::string>>{
          {"{\"key\": 2", "f.jsonl:2: not JSON"},
          {"[1]", "f.jsonl:2: a array, want an object"},
          {kIfevalRow, "f.jsonl:2: key 1 is there twice, first in f.jsonl:1"},
          {R"({"key": 2, "prompt": "x", "instruction_id_list": ["a:b"], "kwargs": [{}]})",
           "f.jsonl:2: key 2: unknown instruction id \"a:b\""},
          {R"({"key": 2, "prompt": "x", "instruction_id_list": ["punctuation:no_comma"], "kwargs": []})",
           "f.jsonl:2: key 2: \"kwargs\" must be a list of 1 objects"},
          {R"({"key": 2, "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]})",
           "f.jsonl:2: key 2: \"prompt\" is missing"},
          {R"({"prompt": "x"})", "f.jsonl:2: \"key\" is missing"},
          {"{\"key\": \"\xFF\"}", "f.jsonl:2: not valid UTF-8"}}) {
    EXPECT_THAT(ParseIfevalTask(good + "\n" + row, "f.jsonl", "f").status().message(),
                HasSubstr(message))
        << row;
  }
  EXPECT_THAT(ParseIfevalTask("\n", "f.jsonl", "f").status().message(), HasSubstr("no rows"));
}

TEST(TaskFileTest, GenerationTaskWithFewshotRows) {
  auto task = Parse(Yaml("task: sums\ncapability: numeric\ndoc_to_text: 'Q: {{q}}\nA:'\n"
                         "doc_to_target: a\nnum_fewshot: 1\ndescription: 'Add. '\n"
                         "fewshot_config: {sampler: first_n, samples: [{q: 1+1, a: '2'}]}\n"
                         "generation_kwargs: {until: ['Q:'], max_gen_toks: 16}\n"),
                    R"({"q": "2+2", "a": 4})");
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->name, "sums");
  // A single-quoted YAML text folds its line break into a space.
  EXPECT_EQ(task->items[0].prompt.text, "Add. Q: 1+1 A: 2\n\nQ: 2+2 A:");
  EXPECT_EQ(task->items[0].target, "4");
  EXPECT_EQ(task->items[0].key, "0");
  EXPECT_THAT(task->decoding.stop, ElementsAre("Q:"));
  EXPECT_THAT(task->metrics, ElementsAre("exact_match"));
}

TEST(TaskFileTest, ChatFormatMakesTurns) {
  auto task = Parse(Yaml("doc_to_text: q\ndoc_to_target: a\nnum_fewshot: 1\nprompt_format: chat\n"
                         "description: Be brief.\n"
                         "fewshot_config: {sampler: first_n, samples: [{q: 1+1, a: '2'}]}\n"),
                    R"({"q": "2+2", "a": "4"})");
  ASSERT_THAT(task, IsOk());
  std::vector<std::string> turns;
  for (const ChatMessage& m : task->items[0].prompt.messages)
    turns.push_back(m.role + ":" + m.content);
  EXPECT_THAT(turns, ElementsAre("system:Be brief.", "user:1+1", "assistant:2", "user:2+2"));
}

TEST(TaskFileTest, MultipleChoice) {
  auto task =
      Parse(Yaml("output_type: multiple_choice\ndoc_to_text: '{{q}}\\n'\ndoc_to_target: gold\n"
                 "doc_to_choice: '{{opts}}'\nmetric_list: [{metric: acc}, {metric: acc_norm}]\n"),
            R"({"q": "Sky?", "opts": ["blue", "it's \"red\""], "gold": 1})");
  ASSERT_THAT(task, IsOk());
  EXPECT_THAT(task->items[0].choices, ElementsAre(" blue", " it's \"red\""));
  EXPECT_EQ(task->items[0].gold_choice, 1);
  EXPECT_THAT(task->metrics, ElementsAre("accuracy", "acc_norm"));
  const CheckResult result = task->checker->CheckChoices(0, {{-10, false, 1}, {-12, false, 4}});
  EXPECT_THAT(result.observations,
              ElementsAre(Observation{"accuracy", 0, 1}, Observation{"acc_norm", 1, 1},
                          Observation{"acc_bytes", 1, 1}));
  // A tie goes to the first choice.
  EXPECT_EQ(task->checker->CheckChoices(0, {{-1, false, 1}, {-1, false, 1}}).extracted, "0");
}

TEST(TaskFileTest, ChoicesThatAreContexts) {
  auto task = Parse(Yaml("output_type: multiple_choice\ndoc_to_text: '{{label}}'\n"
                         "doc_to_target: rest\ndoc_to_choice: '{{[a, b]}}'\n"),
                    R"({"a": "Ann", "b": "Bob", "label": 1, "rest": "fell."})");
  ASSERT_THAT(task, IsOk());
  ASSERT_EQ(task->items[0].choice_prompts.size(), 2u);
  EXPECT_EQ(task->items[0].choice_prompts[1].text, "Bob");
  EXPECT_THAT(task->items[0].choices, ElementsAre(" fell.", " fell."));
  EXPECT_EQ(task->items[0].gold_choice, 1);
}

TEST(TaskFileTest, FiltersAndOptions) {
  auto task = Parse(
      Yaml("doc_to_text: q\ndoc_to_target: a\n"
           "filter_list:\n"
           "- {name: letter, filter: [{function: regex, regex_pattern: 'answer is \\(?([A-D])'}, "
           "{function: take_first}]}\n"
           "metric_list: [{metric: exact_match, ignore_case: true, ignore_punctuation: true, "
           "regexes_to_ignore: ['x']}]\n"),
      R"({"q": "?", "a": "b."})");
  ASSERT_THAT(task, IsOk());
  CheckResult result = task->checker->CheckResponse(0, "The answer is (B)");
  EXPECT_EQ(result.observations[0], (Observation{"exact_match", 1, 1}));
  EXPECT_EQ(result.extracted, "B");
  result = task->checker->CheckResponse(0, "B");
  EXPECT_EQ(result.observations[1], (Observation{"extraction_failure", 1, 1}));
}

TEST(TaskFileTest, CsvAndJsonData) {
  TaskBundle bundle;
  bundle.file = "t.yaml";
  bundle.files["t.yaml"] =
      "dataset_path: csv\ndataset_kwargs: {data_files: d.csv}\ndoc_to_text: q\ndoc_to_target: n\n";
  bundle.files["d.csv"] = "q,n\r\n\"a, \"\"b\"\"\",1\r\n\"two\nlines\",2\r\n";
  auto task = ParseTask(bundle);
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->items[0].prompt.text, "a, \"b\"");
  EXPECT_EQ(task->items[1].prompt.text, "two\nlines");
  EXPECT_EQ(task->items[1].target, "2");
  bundle.files["d.csv"] = "q,n\na\n";
  EXPECT_THAT(ParseTask(bundle).status().message(), HasSubstr("d.csv:2: 1 fields"));
  auto json = Parse(Yaml("doc_to_text: q\ndoc_to_target: a\n"), "");
  EXPECT_THAT(json.status().message(), HasSubstr("no rows"));
}

TEST(TaskFileTest, RefusesByNameWhatItWouldNotHonour) {
  const std::string docs = "doc_to_text: q\ndoc_to_target: a\n";
  for (const auto& [yaml, message] : std::vector<std::pair<std::string, std::string>>{
           {Yaml(docs + "process_docs: !function utils.f\n"),
            "t.yaml:6: process_docs: the tag !function"},
           {Yaml(docs + "wibble: 1\n"), "t.yaml:6: wibble: unknown key"},
           {Yaml(docs + "include: other.yaml\n"), "the included file \"other.yaml\" is missing"},
           {Yaml(docs + "include: t.yaml\n"), "t.yaml:6: include: \"t.yaml\" is included twice"},
           {Yaml(docs + "gen_prefix: 'So'\nprompt_format: chat\n"),
            "gen_prefix: is for plain prompts"},
           {Yaml(docs + "filter_list: [{name: a, filter: [{function: multi_choice_regex}]}]\n"),
            "d.jsonl:1: the filter multi_choice_regex wants a field \"choices\""},
           {"dataset_path: openai/gsm8k\n" + docs,
            "t.yaml:1: dataset_path: \"openai/gsm8k\" would be fetched from a hub"},
           {Yaml(docs + "dataset_name: main\n"), "dataset_name: local data has no configurations"},
           {Yaml(docs + "output_type: loglikelihood\n"),
            "output_type: \"loglikelihood\" is not supported"},
           {Yaml(docs + "capability: everything\n"),
            "capability: capability \"everything\" is not one of"},
           {Yaml(docs + "checker: judge\n"), "unknown checker \"judge\""},
           {Yaml(docs + "prompt_format: xml\n"), "prompt_format: is \"xml\", want chat or plain"},
           {Yaml(docs + "generation_kwargs: {num_beams: 3}\n"),
            "generation_kwargs.num_beams: unknown key"},
           {Yaml(docs + "generation_kwargs: {max_gen_toks: 0}\n"),
            "max_gen_toks: is 0, want an integer from 1"},
           {Yaml(docs + "filter_list: [{name: a, filter: [{function: format_span}]}]\n"),
            "the filter \"format_span\" is not supported"},
           {Yaml(docs + "filter_list: [{name: a, filter: [{function: take_first_k}]}]\n"),
            "k is missing"},
           {Yaml(docs + "filter_list: [{name: a, filter: [{function: take_first_k, k: 2}]}]\n"),
            "filter_list[0].filter: take_first_k: k is 2, and there is 1 response"},
           {Yaml(docs +
                 "filter_list: [{name: a, filter: [{function: regex, regex_pattern: '(?=x)'}]}]\n"),
            "look-ahead"},
           {Yaml(docs + "metric_list: [{metric: bleu}]\n"), "the metric \"bleu\" is not supported"},
           {Yaml(docs + "num_fewshot: 2\n"), "num_fewshot is 2, which needs 2 rows"},
           {Yaml(docs + "repeats: 4\n" + "generation_kwargs: {do_sample: false}\n"),
            "t.yaml:6: repeats: is greater than 1 and decoding is greedy"},
           {Yaml(docs + "repeats: 4\n"), "decoding is greedy"},
           {Yaml(docs + "repeats: 4\noutput_type: multiple_choice\ndoc_to_choice: ['x', 'y']\n"),
            "repeats: a choice's log-likelihood is always the same"},
           {Yaml(docs + "test_split: nope\n"), "is there twice"},
           {Yaml("doc_to_text: '{{nope}}'\ndoc_to_target: a\n"),
            "d.jsonl:1: t.yaml:4: doc_to_text"},
           {Yaml("doc_to_text: '{{ q'\ndoc_to_target: a\n"), "t.yaml:4: doc_to_text"},
           {Yaml("doc_to_text: q\n"), "doc_to_target is missing"},
           {Yaml("output_type: multiple_choice\ndoc_to_choice: ['x', 'y']\ndoc_to_text: "
                 "q\ndoc_to_target: a\n"),
            "is not one of the 2 choices"},
           {Yaml(docs + "checker: numeric\n"), "d.jsonl:1: doc_to_target: \"four\" has no number"},
           {Yaml("task: Bad Name\n" + docs), "must be 1 to 64 of a-z"},
           {"a: [1\n", "not YAML"},
           {"- a\n", "want a map"},
           {"dataset_path: json\n" + docs, "dataset_kwargs.data_files is missing"},
           {"a: &x [1]\nb: [*x, *x]\n", "unknown key"}}) {
    EXPECT_THAT(Parse(yaml, R"({"q": "2+2", "a": "four"})").status().message(), HasSubstr(message))
        << yaml;
  }
}

TEST(TaskFileTest, IncludedKeysCountWhereTheFileHasNone) {
  TaskBundle bundle;
  bundle.file = "t.yaml";
  bundle.files["t.yaml"] = "include: [base/one.yaml, base/two.yaml]\ndoc_to_target: a\n";
  bundle.files["base/one.yaml"] = "include: deep.yaml\n" + Yaml("doc_to_text: 'one {{q}}'\n");
  bundle.files["base/deep.yaml"] = "generation_kwargs: {max_gen_toks: 5}\ndoc_to_text: 'deep'\n";
  bundle.files["base/two.yaml"] = "doc_to_text: 'two {{q}}'\ndoc_to_target: q\ntask_list: [x]\n";
  bundle.files["d.jsonl"] = R"({"q": "2+2", "a": "four"})";
  ASSERT_OK_AND_ASSIGN(const Task task, ParseTask(bundle));
  EXPECT_EQ(task.items[0].prompt.text, "two 2+2") << "of two included files the later wins";
  EXPECT_EQ(task.items[0].target, "four") << "the file itself wins over all";
  EXPECT_EQ(task.decoding.max_new_tokens, 5);
  // Written out, it is the same task.
  auto plain = Parse(Yaml("doc_to_text: 'two {{q}}'\ndoc_to_target: a\n"
                          "generation_kwargs: {max_gen_toks: 5}\n"),
                     bundle.files["d.jsonl"]);
  EXPECT_EQ(plain->version, task.version);
  // From a folder.
  TempDir dir;
  for (const auto& [name, content] : bundle.files) dir.Write(name, content);
  ASSERT_OK_AND_ASSIGN(const TaskBundle read, ReadTaskBundle(dir.Join("t.yaml")));
  EXPECT_EQ(read.files, bundle.files);
  dir.Write("t.yaml", "include: ../outside.yaml\n");
  EXPECT_THAT(ReadTaskBundle(dir.Join("t.yaml")).status().message(), HasSubstr("without \"..\""));
}

TEST(TaskFileTest, AMissingDataFileIsNamed) {
  TaskBundle bundle;
  bundle.file = "t.yaml";
  bundle.files["t.yaml"] = Yaml("doc_to_text: q\ndoc_to_target: a\n");
  EXPECT_THAT(ParseTask(bundle), StatusIs(absl::StatusCode::kNotFound, HasSubstr("\"d.jsonl\"")));
}

TEST(TaskFileTest, FoldersAreReadAndNeverLeft) {
  TempDir dir;
  const std::string good = dir.Write("tasks/good.yaml", Yaml("doc_to_text: q\ndoc_to_target: a\n"));
  dir.Write("tasks/d.jsonl", R"({"q": "2+2", "a": "4"})");
  dir.Write("tasks/ifeval.jsonl", kIfevalRow);
  dir.Write("secret.jsonl", R"({"q": "x", "a": "y"})");
  EXPECT_THAT(LoadTaskFile(good), IsOk());
  EXPECT_THAT(
      ListTaskFiles(dir.Join("tasks")),
      IsOkAndHolds(ElementsAre(dir.Join("tasks/good.yaml"), dir.Join("tasks/ifeval.jsonl"))));
  auto escape = [&](const std::string& name) {
    const std::string path = dir.Write(
        "tasks/bad.yaml", absl::StrCat("dataset_path: json\ndataset_kwargs: {data_files: ", name,
                                       "}\ndoc_to_text: q\ndoc_to_target: a\n"));
    return LoadTaskFile(path).status();
  };
  EXPECT_THAT(escape("../secret.jsonl"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("..")));
  EXPECT_THAT(escape("/etc/passwd"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("below")));
  std::filesystem::create_symlink("../secret.jsonl", dir.Join("tasks/link.jsonl"));
  EXPECT_THAT(escape("link.jsonl"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("leads out")));
  EXPECT_THAT(escape("gone.jsonl"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("gone.jsonl")));
  EXPECT_THAT(LoadTaskFile(dir.Join("tasks/none.yaml")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(ListTaskFiles(dir.Join("none")), StatusIs(absl::StatusCode::kNotFound));
}

TEST(PythonRandomTest, DrawsWhatCPythonDraws) {
  // random.Random(1234).sample(range(100), 5), then .sample(range(10), 3), then .sample(range(30),
  // 6), then .sample(range(1000), 5)
  PythonRandom random(1234);
  EXPECT_THAT(random.Sample(100, 5), ElementsAre(99, 56, 14, 0, 11));
  EXPECT_THAT(random.Sample(10, 3), ElementsAre(9, 0, 1));
  EXPECT_THAT(random.Sample(30, 6), ElementsAre(3, 24, 11, 7, 0, 25));
  EXPECT_THAT(random.Sample(1000, 5), ElementsAre(807, 16, 354, 663, 638));
}

TEST(PythonLiteralTest, ReadsListsOfTexts) {
  auto list = ParsePythonLiteral(R"(['it\'s', "a \"b\"", 'caf\xe9', 3, -1.5, True, None, ('x',)])");
  ASSERT_THAT(list, IsOk());
  EXPECT_EQ(list->dump(), R"(["it's","a \"b\"","café",3,-1.5,true,null,["x"]])");
  for (absl::string_view bad : {"['a'", "['a' 'b'", "[x]", "", "['a']]", "['a\n']"}) {
    EXPECT_THAT(ParsePythonLiteral(bad), StatusIs(absl::StatusCode::kInvalidArgument))
        << std::string(bad);
  }
}

TEST(OfflineCheckTest, RowsThatDoNotFitAreNamed) {
  auto task = ParseIfevalTask(kIfevalRow, "p.jsonl", "ifeval");
  ASSERT_THAT(task, IsOk());
  auto check = CheckResponses(*task, R"({"key": 1, "response": "a, b"})", "r.jsonl");
  ASSERT_THAT(check, IsOk());
  EXPECT_FALSE(check->items[0].result.outcomes[0].strict);
  EXPECT_THAT(CheckResponses(*task, R"({"key": "1", "response": "a"})", "r.jsonl"), IsOk());
  EXPECT_THAT(CheckResponses(*task, R"({"prompt": "No commas.", "response": "a"})", "r.jsonl"),
              IsOk());
  for (const auto& [rows, message] : std::vector<std::pair<std::string, std::string>>{
           {"{\"key\": 1, \"response\": \"a\"}\n{\"key\": 1, \"response\": \"b\"}",
            "r.jsonl:2: a second response"},
           {R"({"key": 9, "response": "a"})", "r.jsonl:1: key \"9\" is not in task"},
           {R"({"key": 1})", "r.jsonl:1: \"response\" is missing"},
           {R"({"response": "a"})", "r.jsonl:1: want"},
           {"oops", "r.jsonl:1: not JSON"},
           {"", "no responses"}}) {
    EXPECT_THAT(CheckResponses(*task, rows, "r.jsonl").status().message(), HasSubstr(message))
        << rows;
  }
}

}  // namespace
}  // namespace plumbline
