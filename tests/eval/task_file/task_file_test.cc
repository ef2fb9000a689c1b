#include "core/eval/task_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "tests/eval/task_file/task_file_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(TaskFileTest, IfevalJsonlIsATaskAsItIs) {
  TaskBundle bundle;
  bundle.file = "My IFEval.jsonl";
  bundle.files[bundle.file] = absl::StrCat(kIfevalRow, "\n\n");
  auto task = ParseTask(bundle);
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->name, "My_IFEval");
  EXPECT_EQ(task->capability, "instruction_following");
  EXPECT_EQ(task->items[0].key, "1");
  EXPECT_EQ(task->items[0].prompt.format, PromptFormat::kChat);
  EXPECT_EQ(task->items[0].prompt.messages[0].content, "No commas.");
  EXPECT_EQ(task->metrics[0], "pla_strict");
  EXPECT_EQ(task->decoding.max_new_tokens, 1280);
  EXPECT_EQ(task->checker->version(), "ifeval/1");
  EXPECT_EQ(task->version.size(), 64u);
}

TEST(TaskFileTest, ANameKeepsItsCase) {
  const std::string docs = "doc_to_text: q\ndoc_to_target: a\n";
  const std::string row = R"({"q": "2+2", "a": "4"})";
  auto task = Parse(Yaml("task: belebele_eng_Latn\n" + docs), row);
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->name, "belebele_eng_Latn");
  EXPECT_THAT(Parse(Yaml("task: belebele/eng\n" + docs), row).status().message(),
              HasSubstr("t.yaml:4: task: the task's name \"belebele/eng\" must be 1 to 128 of"));
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
          {"{\"key\": 2, \"key\": 3}", "f.jsonl:2: key \"key\" stands twice in one object"},
          {"{\"key\": \"\xFF\"}", "f.jsonl:2: not valid UTF-8"}}) {
    EXPECT_THAT(ParseIfevalTask(good + "\n" + row, "f.jsonl", "f").status().message(),
                HasSubstr(message))
        << row;
  }
  EXPECT_THAT(ParseIfevalTask("\n", "f.jsonl", "f").status().message(), HasSubstr("no rows"));
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
  bundle.files["d.csv"] = "q,n,q\na,b,c\n";
  EXPECT_THAT(ParseTask(bundle).status().message(),
              HasSubstr("d.csv:1: the column \"q\" is there twice"));
  bundle.files["d.csv"] = "q,n\na\n";
  EXPECT_THAT(ParseTask(bundle).status().message(), HasSubstr("d.csv:2: 1 fields"));
  bundle.files["t.yaml"] =
      "dataset_path: json\ndataset_kwargs: {data_files: d.json}\ndoc_to_text: q\n"
      "doc_to_target: n\n";
  bundle.files["d.json"] =
      "[{\"q\": \"x\", \"n\": {\"a\": 1}},\n{\"q\": \"x\",\n\"n\": 1, \"q\": 2}]";
  EXPECT_THAT(ParseTask(bundle).status().message(),
              HasSubstr("d.json:3: key \"q\" stands twice in one object"));
  auto json = Parse(Yaml("doc_to_text: q\ndoc_to_target: a\n"), "");
  EXPECT_THAT(json.status().message(), HasSubstr("no rows"));
}

TEST(TaskFileTest, ItemsAreGroupedByAField) {
  const std::string yaml = "doc_to_text: q\ndoc_to_target: a\ngroup_by: s\n";
  const std::string rows =
      "{\"q\": \"x\", \"a\": \"1\", \"s\": \"law\"}\n{\"q\": \"y\", \"a\": \"2\", \"s\": 3}\n";
  const auto task = Parse(Yaml(yaml), rows);
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->group_by, "s");
  EXPECT_EQ(task->items[0].group, "law");
  EXPECT_EQ(task->items[1].group, "3");
  const auto without = Parse(Yaml("doc_to_text: q\ndoc_to_target: a\n"), rows);
  ASSERT_THAT(without, IsOk());
  EXPECT_EQ(without->version, task->version);
  EXPECT_THAT(Parse(Yaml(yaml), rows + "{\"q\": \"z\", \"a\": \"1\"}\n").status().message(),
              HasSubstr("t.yaml: key 2: the field \"s\" (group_by) is missing"));
  std::string many;
  for (size_t i = 0; i <= kMaxGroups; ++i)
    absl::StrAppend(&many, "{\"q\": \"x\", \"a\": \"1\", \"s\": ", i, "}\n");
  EXPECT_THAT(Parse(Yaml(yaml), many).status().message(), HasSubstr("more than 200 values"));
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

}  // namespace
}  // namespace plumbline
