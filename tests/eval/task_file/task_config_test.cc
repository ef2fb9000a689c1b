#include "core/eval/task_file/task_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/eval/task_file/task_file_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using ::testing::HasSubstr;

TEST(TaskConfigTest, FiltersAndOptions) {
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

TEST(TaskConfigTest, RefusesByNameWhatItWouldNotHonour) {
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
            "generation_kwargs.num_beams: is not 1, and beam search is not supported"},
           {Yaml(docs + "generation_kwargs: {min_p: 0.1}\n"),
            "generation_kwargs.min_p: unknown key"},
           {Yaml(docs + "generation_kwargs: {until: ['']}\n"),
            "until: an empty stop string ends every response after its first token in lm-eval: "
            "remove it, or set max_gen_toks: 1"},
           {Yaml(docs + "target_delimiter: null\n"),
            "t.yaml:6: target_delimiter: is null, which lm-eval does not take for absent"},
           {Yaml(docs + "fewshot_config: {split: null}\n"), "fewshot_config.split: is null"},
           {Yaml("doc_to_text: true\ndoc_to_target: a\n"), "doc_to_text: is a boolean"},
           {Yaml(docs + "generation_kwargs: {max_gen_toks: 0}\n"),
            "max_gen_toks: is 0, want an integer from 1"},
           {Yaml(docs + "filter_list: [{name: a, filter: [{function: format_span}]}]\n"),
            "the filter \"format_span\" is not supported"},
           {Yaml(docs + "filter_list: [{name: a, filter: [{function: take_first_k}]}]\n"),
            "k is missing"},
           {Yaml(docs + "filter_list: [{name: a, filter: [{function: take_first_k, k: 2}]}]\n"),
            "filter_list[0].filter: take_first_k: k is 2, and there is 1 response"},
           {Yaml(docs +
                 "filter_list: [{name: a, filter: [{function: regex, regex_pattern: '(?>x)'}]}]\n"),
            "atomic group"},
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
           {Yaml("task: Bad Name\n" + docs), "must be 1 to 128 of a-z, A-Z"},
           {"a: [1\n", "not YAML"},
           {"- a\n", "want a map"},
           {"dataset_path: json\n" + docs, "dataset_kwargs.data_files is missing"},
           {"a: &x [1]\nb: [*x, *x]\n", "unknown key"}}) {
    EXPECT_THAT(Parse(yaml, R"({"q": "2+2", "a": "four"})").status().message(), HasSubstr(message))
        << yaml;
  }
}

TEST(TaskConfigTest, KeysWithoutEffectAreTaken) {
  const std::string docs = "doc_to_text: q\ndoc_to_target: a\n";
  const std::string row = R"({"q": "2+2", "a": "four"})";
  auto plain = Parse(Yaml(docs), row);
  ASSERT_THAT(plain, IsOk());
  auto task = Parse(
      Yaml(docs +
           "dataset_name: null\ntraining_split: null\nprocess_docs: null\ndescription: null\n"
           "generation_kwargs: null\nfilter_list: null\nmetric_list: null\ngen_prefix: null\n"
           "fewshot_config: {doc_to_text: null, samples: null}\nnum_fewshot: null\n"
           "should_decontaminate: true\ndoc_to_decontamination_query: q\nunsafe_code: true\n"),
      row);
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->version, plain->version);
  task = Parse(absl::StrCat("dataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}, "
                            "trust_remote_code: true}\ntest_split: test\n",
                            docs, "generation_kwargs: {until: [\"\\n\\n\"], num_beams: 1}\n"),
               row);
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->version, plain->version);
  // Of two limits the first that lm-eval asks for; null is no stop.
  task = Parse(Yaml(docs + "generation_kwargs: {max_tokens: 3, max_new_tokens: 5, until: null}\n"),
               row);
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->decoding.max_new_tokens, 5);
  EXPECT_TRUE(task->decoding.stop.empty());
  task = Parse(Yaml("output_type: multiple_choice\ndoc_to_choice: [four]\n" + docs +
                    "generation_kwargs: {until: ['x']}\n"
                    "metric_list: [{metric: acc, weight_by_size: true}]\n"),
               row);
  EXPECT_THAT(task, IsOk());
}

TEST(TaskConfigTest, IncludedKeysCountWhereTheFileHasNone) {
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

}  // namespace
}  // namespace plumbline
