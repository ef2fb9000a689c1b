// What a hostile model, response file or task file may bring: every checker answers, and in bounded
// time. The bounds are far above what an idle core takes (a fifth or less), far below "for ever".
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>

#include "absl/strings/str_cat.h"
#include "core/eval/task_file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using testing::HasSubstr;

constexpr size_t kTenMegabytes = size_t{10} << 20;

double SecondsOf(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

absl::StatusOr<Task> Parse(const std::string& keys, const std::string& rows) {
  TaskBundle bundle;
  bundle.file = "t.yaml";
  bundle.files["t.yaml"] =
      "dataset_path: json\ndataset_kwargs: {data_files: {test: t.jsonl}}\ntest_split: test\n" +
      keys;
  bundle.files["t.jsonl"] = rows;
  return ParseTask(bundle);
}

std::string Repeated(absl::string_view piece, size_t bytes) {
  std::string text;
  text.reserve(bytes + piece.size());
  while (text.size() < bytes) absl::StrAppend(&text, piece);
  return text;
}

// Texts that are the worst for something: regexes, brackets, numbers, UTF-8.
std::vector<std::string> HostileTexts(size_t bytes) {
  return {Repeated("a", bytes),          Repeated("1,", bytes),
          Repeated("\\frac{", bytes),    Repeated("$", bytes),
          Repeated("\\boxed{", bytes),   Repeated("####", bytes),
          Repeated("answer is ", bytes), Repeated("\n", bytes),
          Repeated("\xF0\x9F", bytes),   Repeated("word. Word! ", bytes),
          std::string(bytes, '\0'),      Repeated("((((", bytes)};
}

struct Kind {
  const char* name;
  const char* keys;
  const char* rows;
};

class HostileResponseTest : public testing::TestWithParam<Kind> {};

TEST_P(HostileResponseTest, TenMegabytesAreScoredInBoundedTime) {
  ASSERT_OK_AND_ASSIGN(const Task task, Parse(GetParam().keys, GetParam().rows));
  std::vector<std::string> texts = HostileTexts(size_t{1} << 20);
  for (absl::string_view piece : {"1,", "a", "answer is \\frac{\n"})
    texts.push_back(Repeated(piece, kTenMegabytes));
  for (const std::string& text : texts) {
    CheckResult result;
    const double seconds = SecondsOf([&] { result = task.checker->CheckResponse(0, text); });
    EXPECT_FALSE(result.observations.empty());
    EXPECT_LT(seconds, 60) << "of " << text.substr(0, 10);
  }
}

TEST_P(HostileResponseTest, InvalidUtf8IsScored) {
  ASSERT_OK_AND_ASSIGN(const Task task, Parse(GetParam().keys, GetParam().rows));
  for (const char* text :
       {"\xFF\xFE\xC3", "\xED\xA0\x80 4", "\xF4\x90\x80\x80", "4\xC0\xAF", "\x80"}) {
    const CheckResult result = task.checker->CheckResponse(0, text);
    EXPECT_FALSE(result.observations.empty());
    for (const Observation& o : result.observations) {
      EXPECT_GE(o.successes, 0);
      EXPECT_LE(o.successes, o.trials);
    }
  }
}

constexpr char kSum[] = "{\"q\": \"2+2\", \"a\": \"4\", \"choices\": [\"4\", \"5\"]}\n";

INSTANTIATE_TEST_SUITE_P(
    All, HostileResponseTest,
    testing::Values(
        Kind{"ExactMatch", "doc_to_text: q\ndoc_to_target: a\n", kSum},
        Kind{"Filters",
             "doc_to_text: q\ndoc_to_target: a\nfilter_list:\n"
             "- {name: n, filter: [{function: regex, regex_pattern: "
             "\"(-?[$0-9.,]{2,})|(-?[0-9]+)\", "
             "group_select: -1}, {function: remove_whitespace}, {function: take_first}]}\n",
             kSum},
        Kind{"MultiChoice",
             "doc_to_text: q\ndoc_to_target: a\nfilter_list:\n"
             "- {name: n, filter: [{function: multi_choice_regex, regex_pattern: \"is ([A-B])\"}, "
             "{function: take_first}]}\n",
             kSum},
        Kind{"Numeric", "doc_to_text: q\ndoc_to_target: a\nchecker: numeric\n", kSum},
        Kind{"Math", "doc_to_text: q\ndoc_to_target: a\nchecker: math\n", kSum}),
    [](const auto& info) { return info.param.name; });

// Texts that langdetect takes for Thai: ambiguous for ever, in no dictionary, one word, all marks.
TEST(HostileThaiTest, TenMegabytesOfThaiAreCountedInBoundedTime) {
  TaskBundle bundle;
  bundle.file = "t.jsonl";
  bundle.files["t.jsonl"] =
      R"({"key": 1, "turn_1_prompt": {"content": "p"}, "turn_1_instruction_id_list": )"
      R"(["length_constraints:number_words", "length_constraints:number_sentences"], )"
      R"("turn_1_kwargs": [{"num_words": 100000000, "relation": "at least"}, )"
      R"({"num_sentences": 100000000, "relation": "at least"}]})"
      "\n";
  ASSERT_OK_AND_ASSIGN(const Task task, ParseTask(bundle));
  for (absl::string_view piece : {"ตากลม", "ก ", "กก", "เ", "นะนะคะ", "ก\n", "ๆ!"}) {
    CheckResult result;
    const std::string text = Repeated(piece, kTenMegabytes);
    const double seconds = SecondsOf([&] { result = task.checker->CheckTurns(0, {text}); });
    ASSERT_EQ(result.outcomes.size(), 2u);
    EXPECT_FALSE(result.outcomes[0].loose);
    EXPECT_LT(seconds, 300) << "of " << piece;
    std::cout << piece << ": " << seconds << " s, " << result.outcomes[0].explanation << ", "
              << result.outcomes[1].explanation << "\n";
  }
}

// A filter of the user's, and a text that makes it look at the rest anew for every match.
TEST(HostilePatternTest, QuadraticFiltersEnd) {
  for (const char* pattern : {"(a.*b)|a", "(a+)+b", "(a|aa)+$", "(.*)*x", "a*?b|a"}) {
    ASSERT_OK_AND_ASSIGN(
        const Task task,
        Parse(absl::StrCat("doc_to_text: q\ndoc_to_target: a\nfilter_list:\n- {name: n, filter: "
                           "[{function: regex, regex_pattern: \"",
                           pattern, "\"}, {function: take_first}]}\n"),
              kSum));
    const std::string text = Repeated("a", size_t{1} << 18);
    CheckResult result;
    EXPECT_LT(SecondsOf([&] { result = task.checker->CheckResponse(0, text); }), 120) << pattern;
    EXPECT_FALSE(result.observations.empty());
  }
}

TEST(HostilePatternTest, WhatCanNotBeBoundedIsRefusedByName) {
  const auto filter = [](const std::string& pattern) {
    return Parse(
               "doc_to_text: q\ndoc_to_target: a\nfilter_list:\n- {name: n, filter: [{function: "
               "regex, regex_pattern: '" +
                   pattern + "'}]}\n",
               kSum)
        .status();
  };
  EXPECT_THAT(filter("(a)\\1").message(), HasSubstr("the back-reference"));
  EXPECT_THAT(filter("(?>a)b").message(), HasSubstr("atomic group"));
  EXPECT_THAT(filter("((a{200}){200}){200}").message(), HasSubstr("20000 instructions"));
}

std::string IfevalRow(const std::string& id, const std::string& kwargs) {
  return "{\"key\": 1, \"prompt\": \"p\", \"instruction_id_list\": [\"" + id +
         "\"], \"kwargs\": [" + kwargs + "]}\n";
}

TEST(HostileInstructionTest, KeywordsArePatternsInBoundedTime) {
  for (const auto& [id, kwargs] : std::initializer_list<std::pair<const char*, const char*>>{
           {"keywords:existence", "{\"keywords\": [\"(a+)+b\", \"(a|a)*c\"]}"},
           {"keywords:frequency",
            "{\"keyword\": \"(a.*b)|a\", \"frequency\": 3, \"relation\": \"at least\"}"},
           {"keywords:forbidden_words", "{\"forbidden_words\": [\"(a*)*b\"]}"}}) {
    ASSERT_OK_AND_ASSIGN(const Task task, ParseIfevalTask(IfevalRow(id, kwargs), "f.jsonl", "f"));
    const std::string text = Repeated("a", size_t{1} << 18);
    EXPECT_LT(SecondsOf([&] { task.checker->CheckResponse(0, text); }), 300) << id;
  }
  EXPECT_THAT(
      ParseIfevalTask(IfevalRow("keywords:existence", "{\"keywords\": [\"(a)\\\\1\"]}"), "f", "f")
          .status()
          .message(),
      HasSubstr("the back-reference"));
}

// Every fault of the arguments is an error when the task is read, by row; none waits for a
// response.
TEST(HostileInstructionTest, FaultyArgumentsAreNamedWhenTheTaskIsRead) {
  for (const char* kwargs : {"{}", "{\"num_words\": null, \"relation\": \"at least\"}",
                             "{\"num_words\": \"many\", \"relation\": \"at least\"}",
                             "{\"num_words\": 5, \"relation\": \"exactly\"}",
                             "{\"num_words\": [5], \"relation\": \"at least\"}", "null", "5"}) {
    EXPECT_THAT(
        ParseIfevalTask(IfevalRow("length_constraints:number_words", kwargs), "f.jsonl", "f")
            .status(),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("f.jsonl:1")))
        << kwargs;
  }
  EXPECT_THAT(ParseIfevalTask(IfevalRow("keywords:nonsense", "{}"), "f.jsonl", "f").status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("keywords:nonsense")));
}

TEST(HostileDataTest, AVanishedFileIsNamed) {
  TempDir dir;
  dir.Write("t.yaml",
            "dataset_path: json\ndataset_kwargs: {data_files: {test: rows.jsonl}}\n"
            "test_split: test\ndoc_to_text: q\ndoc_to_target: a\n");
  dir.Write("rows.jsonl", kSum);
  EXPECT_OK(LoadTaskFile(dir.Join("t.yaml")));
  std::filesystem::remove(dir.Join("rows.jsonl"));
  EXPECT_THAT(LoadTaskFile(dir.Join("t.yaml")).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("rows.jsonl")));
}

}  // namespace
}  // namespace plumbline
