// The published labels: the reference's verdicts on GPT-4's responses to IFEval. Follows the files
// of PLUMBLINE_SHARED_DATA/ifeval; skipped, loudly, where they are not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "core/eval/metrics.h"
#include "core/eval/offline_check.h"
#include "core/eval/task_file.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

// Where the reference itself draws at random, so that a label is one throw of a die:
const std::map<std::string, std::string>& RandomInReference() {
  static const auto& reasons = *new std::map<std::string, std::string>{
      {"1122/keywords:letter_frequency", "the letter is #: the reference counts a random letter"},
      {"1129/keywords:letter_frequency", "the letter is !: the reference counts a random letter"},
  };
  return reasons;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream content;
  content << in.rdbuf();
  return content.str();
}

std::filesystem::path DataFolder() {
  const char* folder = std::getenv("PLUMBLINE_SHARED_DATA");
  return std::filesystem::path(folder != nullptr ? folder : "../shared/data") / "ifeval";
}

class Gpt4LabelsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(DataFolder() / "gpt4_labels.jsonl")) {
      GTEST_SKIP() << "SKIPPED: no " << (DataFolder() / "gpt4_labels.jsonl")
                   << "; set PLUMBLINE_SHARED_DATA to the folder that has ifeval/";
    }
  }
};

TEST_F(Gpt4LabelsTest, EveryDeterministicLabelAgrees) {
  auto task = LoadTaskFile((DataFolder() / "input_data.jsonl").string());
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->items.size(), 541u);
  const std::string responses = ReadFile(DataFolder() / "gpt4_responses.jsonl");
  // Key 2785's published response answers an older wording of its prompt, so its row matches no
  // prompt of the task; it has no label either.
  std::string labelled, line;
  std::istringstream label_lines(ReadFile(DataFolder() / "gpt4_labels.jsonl"));
  std::map<std::string, nlohmann::json> labels;
  while (std::getline(label_lines, line)) {
    nlohmann::json row = nlohmann::json::parse(line);
    labels[row["key"].dump()] = row;
  }
  ASSERT_EQ(labels.size(), 540u);
  auto check = CheckResponses(*task, ReadFile(DataFolder() / "gpt4_labels.jsonl"), "labels.jsonl");
  ASSERT_THAT(check, IsOk());
  ASSERT_EQ(check->items.size(), 540u);
  EXPECT_EQ(check->missing_keys, std::vector<std::string>{"2785"});

  int compared = 0, excluded = 0;
  for (const OfflineItem& item : check->items) {
    const nlohmann::json& label = labels.at(item.key);
    ASSERT_EQ(label["strict"].size(), item.result.outcomes.size()) << item.key;
    for (size_t i = 0; i < item.result.outcomes.size(); ++i) {
      const CheckOutcome& outcome = item.result.outcomes[i];
      if (RandomInReference().count(item.key + "/" + outcome.id) > 0) {
        ++excluded;
        continue;
      }
      compared += 2;
      EXPECT_EQ(outcome.strict, label["strict"][i].get<bool>())
          << "key " << item.key << " " << outcome.id << " strict: " << outcome.explanation;
      EXPECT_EQ(outcome.loose, label["loose"][i].get<bool>())
          << "key " << item.key << " " << outcome.id << " loose: " << outcome.explanation;
      EXPECT_EQ(outcome.strict, outcome.explanation.empty());
    }
  }
  RecordProperty("labels_compared", compared);
  EXPECT_EQ(excluded, 2);
  EXPECT_EQ(compared, 2 * (832 - 2));
}

TEST_F(Gpt4LabelsTest, ResponsesMatchByPrompt) {
  auto task = LoadTaskFile((DataFolder() / "input_data.jsonl").string());
  ASSERT_THAT(task, IsOk());
  // All rows but the one whose prompt is an older wording, which is named.
  std::istringstream lines(ReadFile(DataFolder() / "gpt4_responses.jsonl"));
  std::string line, fitting;
  int unknown = 0;
  while (std::getline(lines, line)) {
    const std::string row = line + "\n";
    auto check = CheckResponses(*task, row, "r.jsonl");
    if (check.ok()) {
      fitting += row;
    } else {
      ++unknown;
      EXPECT_THAT(std::string(check.status().message()),
                  ::testing::HasSubstr("r.jsonl:1: the prompt"));
    }
  }
  EXPECT_EQ(unknown, 1);
  auto check = CheckResponses(*task, fitting, "r.jsonl", {.threads = 2});
  ASSERT_THAT(check, IsOk());
  EXPECT_EQ(check->items.size(), 540u);
  std::map<std::string, MetricTotal> totals;
  for (const MetricTotal& total : SumMetrics(check->items)) totals[total.metric] = total;
  // Of the labels: 415 and 431 prompts, 695 and 713 of 832 instructions; the two instructions with
  // a random letter may differ by one each.
  EXPECT_NEAR(totals["pla_strict"].successes, 415, 2);
  EXPECT_NEAR(totals["pla_loose"].successes, 431, 2);
  EXPECT_NEAR(totals["ila_strict"].successes, 695, 2);
  EXPECT_NEAR(totals["ila_loose"].successes, 713, 2);
  EXPECT_EQ(totals["ila_strict"].trials, 832);
  EXPECT_EQ(totals["pla_strict"].trials, 540);
}

}  // namespace
}  // namespace plumbline
