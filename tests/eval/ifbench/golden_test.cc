// Responses of our own with the verdicts that the reference's Python gave them
// (tests/oracle/eval/ifbench_differential.py --golden).
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "core/eval/ifbench/ifbench.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using nlohmann::json;

TEST(IfbenchGoldenTest, VerdictsAreTheReferences) {
  std::ifstream file("tests/golden/ifbench/verdicts.jsonl");
  ASSERT_TRUE(file) << "the tests run in the repository's root";
  std::map<std::string, int> cases;
  for (std::string line; std::getline(file, line);) {
    const json golden = json::parse(line);
    const std::string id = golden["id"].get<std::string>();
    auto row = ParseIfevalRow({{"key", id},
                               {"prompt", "p"},
                               {"instruction_id_list", {id}},
                               {"kwargs", {golden["kwargs"]}}},
                              IfbenchSet());
    ASSERT_THAT(row, IsOk()) << line;
    const IfevalChecker checker({*std::move(row)}, IfbenchSet());
    const CheckResult result = checker.CheckResponse(0, golden["response"].get<std::string>());
    EXPECT_EQ(result.outcomes[0].strict, golden["strict"].get<bool>()) << line;
    EXPECT_EQ(result.outcomes[0].loose, golden["loose"].get<bool>()) << line;
    EXPECT_EQ(result.outcomes[0].explanation.empty(), result.outcomes[0].strict) << line;
    ++cases[id];
  }
  EXPECT_EQ(cases.size(), IfbenchTable().size());
}

}  // namespace
}  // namespace plumbline
