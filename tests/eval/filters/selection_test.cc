#include "core/eval/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/eval/filters/filter_pipeline.h"
#include "core/eval/offline_check.h"
#include "core/eval/task_file.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::HasSubstr;

std::optional<size_t> Winner(const std::vector<std::string>& votes, int among,
                             size_t absent = 1000) {
  std::vector<Observation> observations;
  std::vector<const Observation*> by_sample;
  for (const std::string& vote : votes) observations.push_back({"m", 1, 1, among, vote});
  for (size_t i = 0; i < votes.size(); ++i) {
    by_sample.push_back(i == absent ? nullptr : &observations[i]);
  }
  return SelectResponse(by_sample);
}

TEST(SelectResponseTest, TheFirstOfTheMostFrequentVotesWins) {
  EXPECT_EQ(Winner({"a", "b", "b"}, 3), 1u);
  EXPECT_EQ(Winner({"a", "b", "b", "a"}, 4), 0u);  // a tie: the first
  EXPECT_EQ(Winner({"", "", "b"}, 3), 0u);         // an empty text votes too
  EXPECT_EQ(Winner({"a", "b", "b", "b"}, 2), 0u);  // the last two do not count
  EXPECT_EQ(Winner({"", "", ""}, 1), 0u);
}

TEST(SelectResponseTest, AVoteWithAbsenteesIsNone) {
  EXPECT_EQ(Winner({"a", "a", "a"}, 3, 1), std::nullopt);
  EXPECT_EQ(Winner({"a", "a", "a"}, 2, 2), 0u);  // who is absent has no vote
  EXPECT_EQ(Winner({"a", "a"}, 3), std::nullopt);
  EXPECT_EQ(SelectResponse({}), std::nullopt);
}

TEST(VoteOfTest, EqualTextsAndOnlyTheyHaveEqualVotes) {
  EXPECT_EQ(VoteOf("18"), "18");
  const std::string long_text(1000, 'x');
  EXPECT_EQ(VoteOf(long_text), VoteOf(std::string(1000, 'x')));
  EXPECT_NE(VoteOf(long_text), VoteOf(long_text + "x"));
  EXPECT_GT(VoteOf(long_text).size(), 64u);  // so no short text equals it
  const std::string cut = VoteOf(std::string(31, 'x') + "日" + std::string(60, 'x'));
  EXPECT_EQ(cut.substr(0, 34), std::string(31, 'x') + "…");  // between characters
}

FilterStep Step(FilterStep::Kind kind, int64_t k = 0) {
  FilterStep step;
  step.kind = kind;
  step.k = k;
  return step;
}

TEST(PlanSelectionTest, SaysAmongHowManyAPipelineChooses) {
  const FilterStep first = Step(FilterStep::kTakeFirst), vote = Step(FilterStep::kMajorityVote),
                   lower = Step(FilterStep::kLowercase);
  const auto take = [](int64_t k) { return Step(FilterStep::kTakeFirstK, k); };
  const auto among = [](std::vector<FilterStep> steps, int samples) {
    FilterPipeline pipeline{"p", std::move(steps)};
    EXPECT_THAT(pipeline.PlanSelection(samples), IsOk());
    return pipeline.among;
  };
  EXPECT_EQ(among({}, 8), 0);
  EXPECT_EQ(among({lower}, 8), 0);
  EXPECT_EQ(among({lower, take(8)}, 8), 0);
  EXPECT_EQ(among({lower, first}, 8), 1);
  EXPECT_EQ(among({take(1)}, 8), 1);
  EXPECT_EQ(among({lower, vote, first}, 8), 8);
  EXPECT_EQ(among({vote, lower, vote, take(1)}, 8), 8);
  EXPECT_EQ(among({take(6), lower, take(4), vote, first}, 8), 4);
  EXPECT_EQ(among({lower, vote, first}, 1), 0);  // one response: nothing to choose
  EXPECT_EQ(among({first, lower, first}, 8), 1);
}

TEST(PlanSelectionTest, RefusesWhatLmEvalWouldFailOnOrTakeLetterByLetter) {
  const FilterStep first = Step(FilterStep::kTakeFirst), vote = Step(FilterStep::kMajorityVote),
                   lower = Step(FilterStep::kLowercase);
  const auto take = [](int64_t k) { return Step(FilterStep::kTakeFirstK, k); };
  for (const auto& [steps, message] : std::vector<std::pair<std::vector<FilterStep>, std::string>>{
           {{take(9)}, "k is 9, and there are 8 responses here (repeats is 8)"},
           {{take(0)}, "k is 0"},
           {{take(4), take(5)}, "there are 4 responses here"},
           {{vote, take(2)}, "there is 1 response here"},
           {{take(4), lower}, "leaves 4 of 8 responses"},
           {{first, vote}, "majority_vote stands behind take_first"},
           {{first, take(1)}, "take_first_k stands behind take_first"},
           {{first, lower}, "put take_first last"}}) {
    FilterPipeline pipeline{"p", steps};
    EXPECT_THAT(pipeline.PlanSelection(8),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  }
}

// gsm8k-cot-self-consistency.yaml of lm-eval 0.4.13, with 4 responses instead of 64.
constexpr char kSelfConsistency[] = R"yaml(
task: consistency
dataset_path: json
dataset_kwargs: {data_files: {test: d.jsonl}}
test_split: test
doc_to_text: "Q: {{question}}\nA:"
doc_to_target: "{{answer.split('####')[-1].strip()}}"
generation_kwargs: {until: ["Q:", "\n\n"], do_sample: true, temperature: 0.2}
repeats: 4
filter_list:
  - name: "score-first"
    filter:
      - function: "regex"
        regex_pattern: "The answer is (\\-?[0-9\\.\\,]*[0-9]+)"
      - function: "take_first"
  - name: "maj@4"
    filter:
      - function: "regex"
        regex_pattern: "The answer is (\\-?[0-9\\.\\,]*[0-9]+)"
      - function: "majority_vote"
      - function: "take_first"
  - name: "maj@3"
    filter:
      - function: "take_first_k"
        k: 3
      - function: "regex"
        regex_pattern: "The answer is (\\-?[0-9\\.\\,]*[0-9]+)"
      - function: "majority_vote"
      - function: "take_first"
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
    ignore_case: true
    ignore_punctuation: false
    regexes_to_ignore: [",", "\\$", "(?s).*#### ", "\\.$"]
)yaml";

absl::StatusOr<Task> SelfConsistency(absl::string_view yaml = kSelfConsistency) {
  TaskBundle bundle{"t.yaml",
                    {{"t.yaml", std::string(yaml)},
                     {"d.jsonl", R"({"question": "9 + 9?", "answer": "9 + 9 = 18 #### 18"})"}}};
  return ParseTask(bundle);
}

TEST(SelfConsistencyTest, EveryResponseSaysForWhatItVotes) {
  ASSERT_OK_AND_ASSIGN(const Task task, SelfConsistency());
  EXPECT_EQ(task.samples, 4);
  EXPECT_THAT(task.metrics, testing::ElementsAre("exact_match,score-first", "exact_match,maj@4",
                                                 "exact_match,maj@3"));
  const CheckResult result = task.checker->CheckResponse(0, "So. The answer is 18.");
  EXPECT_EQ(result.observations[0], (Observation{"exact_match,score-first", 1, 1, 1, ""}));
  EXPECT_EQ(result.observations[2], (Observation{"exact_match,maj@4", 1, 1, 4, "18"}));
  EXPECT_EQ(result.observations[3], (Observation{"exact_match,maj@3", 1, 1, 3, "18"}));
}

TEST(SelfConsistencyTest, APromptHasOneScoreAPipeline) {
  ASSERT_OK_AND_ASSIGN(const Task task, SelfConsistency());
  std::vector<CheckResult> results;
  for (absl::string_view number : {"17", "18", "16", "18"}) {
    results.push_back(task.checker->CheckResponse(0, absl::StrCat("The answer is ", number)));
  }
  const CheckResult merged = MergeSamples(std::move(results));
  EXPECT_EQ(merged.observations[0], (Observation{"exact_match,score-first", 0, 1}));
  EXPECT_EQ(merged.observations[1], (Observation{"extraction_failure", 0, 4}));
  EXPECT_EQ(merged.observations[2], (Observation{"exact_match,maj@4", 1, 1}));
  EXPECT_EQ(merged.observations[3], (Observation{"exact_match,maj@3", 0, 1}));  // a tie of three
}

TEST(SelfConsistencyTest, TheVersionFollowsTheNumberOfVoters) {
  ASSERT_OK_AND_ASSIGN(const Task task, SelfConsistency());
  std::string other = kSelfConsistency;
  other.replace(other.find("repeats: 4"), 10, "repeats: 5");
  ASSERT_OK_AND_ASSIGN(const Task more, SelfConsistency(other));
  EXPECT_NE(task.version, more.version);
  other.replace(other.find("repeats: 5"), 10, "repeats: 2");
  EXPECT_THAT(SelfConsistency(other).status().message(),
              HasSubstr("filter_list[2].filter: take_first_k: k is 3, and there are 2 responses"));
}

TEST(SelfConsistencyTest, OfflineRowsBringAllResponses) {
  ASSERT_OK_AND_ASSIGN(const Task task, SelfConsistency());
  auto check = CheckResponses(
      task,
      R"({"key": 0, "responses": ["The answer is 1", "The answer is 18", "", "The answer is 18"]})",
      "r.jsonl");
  ASSERT_THAT(check, IsOk());
  ASSERT_EQ(check->items.size(), 1u);
  EXPECT_EQ(check->items[0].result.observations[2].successes, 1);
  EXPECT_THAT(CheckResponses(task, R"({"key": 0, "response": "The answer is 18"})", "r.jsonl"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("key \"0\": the metric exact_match,maj@4 takes one of 4")));
  EXPECT_THAT(CheckResponses(task, R"({"key": 0, "responses": ["a", "b"]})", "r.jsonl"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("2 responses to key \"0\"; the task has 4 a prompt")));
}

TEST(OfflineSamplesTest, SeveralResponsesToAPromptAreAListOrRows) {
  TaskBundle bundle;
  bundle.file = "t.yaml";
  bundle.files["t.yaml"] =
      "dataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\ndoc_to_text: q\n"
      "doc_to_target: a\nrepeats: 3\ngeneration_kwargs: {do_sample: true}\n";
  bundle.files["d.jsonl"] = R"({"q": "1?", "a": "1"})";
  const auto task = ParseTask(bundle);
  ASSERT_THAT(task, IsOk());
  for (const std::string rows :
       {R"({"key": 0, "responses": ["1", "2", "1"]})",
        "{\"key\": 0, \"response\": \"1\"}\n{\"key\": 0, \"response\": \"2\"}\n"
        "{\"key\": 0, \"response\": \"1\"}",
        "{\"key\": 0, \"sample\": 2, \"response\": \"1\"}\n"
        "{\"key\": 0, \"sample\": 0, \"response\": \"1\"}\n"
        "{\"key\": 0, \"sample\": 1, \"response\": \"2\"}"}) {
    const auto check = CheckResponses(*task, rows, "r.jsonl");
    ASSERT_THAT(check, IsOk()) << rows;
    ASSERT_EQ(check->items[0].sample_results.size(), 3u);
    EXPECT_EQ(check->items[0].samples[1], "2") << rows;
    EXPECT_EQ(check->items[0].sample_results[1].observations[0].successes, 0);
    EXPECT_EQ(check->items[0].result.observations[0].successes, 2);
    EXPECT_EQ(check->items[0].result.observations[0].trials, 3);
  }
  for (const auto& [rows, message] : std::vector<std::pair<std::string, std::string>>{
           {"{\"key\": 0, \"response\": \"1\"}\n{\"key\": 0, \"response\": \"2\"}",
            "r.jsonl:1: 2 responses to key \"0\"; the task has 3"},
           {"{\"key\": 0, \"sample\": 1, \"response\": \"1\"}\n"
            "{\"key\": 0, \"sample\": 1, \"response\": \"2\"}",
            "r.jsonl:2: a second response to key \"0\" with sample 1"},
           {"{\"key\": 0, \"responses\": [\"1\", \"2\", \"1\"]}\n"
            "{\"key\": 0, \"response\": \"2\"}",
            "r.jsonl:2: a second response to key \"0\""}}) {
    EXPECT_THAT(CheckResponses(*task, rows, "r.jsonl").status().message(), HasSubstr(message))
        << rows;
  }
}

TEST(OfflineSamplesTest, AnErrorOrAPromptOfAnotherKeyIsNoResponse) {
  TaskBundle bundle;
  bundle.file = "t.yaml";
  bundle.files["t.yaml"] =
      "dataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\ndoc_to_text: q\n"
      "doc_to_target: a\n";
  bundle.files["d.jsonl"] = "{\"q\": \"1?\", \"a\": \"1\"}\n{\"q\": \"2?\", \"a\": \"2\"}";
  const auto task = ParseTask(bundle);
  ASSERT_THAT(task, IsOk());
  const std::string error = R"({"key": 0, "response": "", "error": {"message": "too long"}})";
  const auto check =
      CheckResponses(*task,
                     error + "\n" + R"({"key": 1, "response": "2", "error": null})" + "\n" +
                         R"({"key": 0, "response": "1", "error": "too long"})",
                     "r.jsonl");
  ASSERT_THAT(check, IsOk());
  EXPECT_EQ(check->errors, 2u);
  EXPECT_EQ(check->missing, 1u);
  ASSERT_EQ(check->items.size(), 1u);
  EXPECT_EQ(check->items[0].key, "1");
  EXPECT_THAT(
      CheckResponses(*task, R"({"key": 0, "prompt": "2?", "response": "2"})", "r.jsonl"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("the prompt that of key \"1\"")));
  EXPECT_THAT(CheckResponses(*task, R"({"key": 0, "prompt": "Q: 1?", "response": "1"})", "r"),
              IsOk());
  EXPECT_THAT(CheckResponses(*task, error, "r.jsonl"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no responses")));
}

}  // namespace
}  // namespace plumbline
