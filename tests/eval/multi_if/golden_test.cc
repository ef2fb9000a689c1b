// Conversations of our own with the verdicts that the reference's Python gave them
// (tests/oracle/eval/multi_if_differential.py --golden).
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "core/eval/multi_if/multi_if.h"
#include "core/text/language.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using nlohmann::json;

TEST(MultiIfGoldenTest, VerdictsAreTheReferences) {
  std::ifstream file("tests/golden/multi_if/conversations.jsonl");
  ASSERT_TRUE(file) << "the tests run in the repository's root";
  std::map<std::string, int> cases, counts_by_language;
  for (std::string line; std::getline(file, line);) {
    const json golden = json::parse(line);
    auto row = ParseMultiIfRow(golden["row"]);
    ASSERT_THAT(row, IsOk()) << line;
    const auto responses = golden["responses"].get<std::vector<std::string>>();
    const CheckResult result = MultiIfChecker({*std::move(row)}).CheckTurns(0, responses);
    ASSERT_EQ(result.outcomes.size(), golden["strict"].size());
    for (size_t i = 0; i < result.outcomes.size(); ++i) {
      const CheckOutcome& outcome = result.outcomes[i];
      EXPECT_EQ(outcome.strict, golden["strict"][i].get<bool>()) << outcome.id << " of " << line;
      EXPECT_EQ(outcome.loose, golden["loose"][i].get<bool>()) << outcome.id << " of " << line;
      const std::string id = outcome.id.substr(outcome.id.find('/') + 1);
      ++cases[id];
      if (id.find(":number_words") != id.npos || id.find(":number_sentences") != id.npos) {
        const size_t turn = static_cast<size_t>(outcome.id[5] - '1');
        ++counts_by_language[DetectLanguage(responses[turn]).value_or("none")];
      }
    }
  }
  EXPECT_EQ(cases.size(), MultiIfTable().size());
  for (const char* language : {"th", "hi", "ja", "zh-cn", "en"}) {
    EXPECT_GT(counts_by_language[language], 5) << language;
  }
}

}  // namespace
}  // namespace plumbline
