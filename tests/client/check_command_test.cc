// `plumbline check` as a pipeline uses it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/client/cli_fixture.h"
#include "tests/eval/hostile_checks.h"

namespace plumbline::client {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

class CheckCommandTest : public CliTest {
 protected:
  Outcome Check(const std::string& more = "") const {
    return Run("check --task ifeval --prompts " + dir_.Join("p.jsonl") + " --responses " +
               dir_.Join("r.jsonl") + " " + more);
  }
};

// An IFEval file with each of the 25 instructions alone, and a prompt with all of them (key 0).
std::string EveryInstruction() {
  json all = {{"key", 0}, {"prompt", "Say it again."}};
  std::string rows;
  for (const HostileCheck& check : IfevalChecks()) {
    const json kwargs = json::parse(check.kwargs);
    all["instruction_id_list"].push_back(check.id);
    all["kwargs"].push_back(kwargs);
    const json row = {{"key", all["kwargs"].size()},
                      {"prompt", "Say it again, number " + check.id},
                      {"instruction_id_list", {check.id}},
                      {"kwargs", {kwargs}}};
    rows += row.dump() + "\n";
  }
  return rows + all.dump() + "\n";
}

// The time of each check on such a response is bounded in tests/eval/hostile_growth_test.cc.
TEST_F(CheckCommandTest, AResponseOfTenMegabytesIsScoredAmongTheOthers) {
  dir_.Write("p.jsonl", EveryInstruction());
  std::string rows;
  for (int key = 1; key <= 25; ++key) {
    rows += json({{"key", key}, {"response", "A word, and another."}}).dump() + "\n";
  }
  const std::string big =
      RepeatedText("This is a word. Is it \"another\" one?\n\n* a point, 日本\n", 10'000'000);
  dir_.Write("r.jsonl", rows + json({{"key", 0}, {"response", big}}).dump() + "\n");
  const Outcome outcome = Check("-o json");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, IsEmpty());
  const json result = json::parse(outcome.out);
  EXPECT_EQ(result["n"], 26);
  EXPECT_EQ(result["metrics"]["ila_strict"]["n"], 50);
  for (const json& item : result["items"]) {
    if (item["key"] != 0) continue;
    ASSERT_EQ(item["instructions"].size(), 25u);
    for (size_t i = 0; i < 25; ++i) {
      const std::string id = item["instructions"][i]["id"];
      if (id != "punctuation:no_comma" && id != "keywords:frequency") continue;
      EXPECT_EQ(item["strict"][i], id == "keywords:frequency") << id;
    }
  }
}

TEST_F(CheckCommandTest, ARowAboveTheLimitIsNamedWithItsSizeAndTheRemedy) {
  dir_.Write("p.jsonl", EveryInstruction());
  dir_.Write("r.jsonl", "{\"key\": 1, \"response\": \"a\"}\n{\"key\": 0, \"response\": \"" +
                            std::string(size_t{64} << 20, 'x') + "\"}\n");
  const Outcome outcome = Check();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.err, HasSubstr("r.jsonl:2: the row has 67108890 bytes; the limit is 67108864 "
                                     "(64 MiB): shorten the response, or leave the row out"));
}

TEST_F(CheckCommandTest, ShowsWhatTheReportShowsOfValidity) {
  const auto row = [](int key) {
    return "{\"key\": " + std::to_string(key) +
           ", \"prompt\": \"No commas.\", \"instruction_id_list\": "
           "[\"punctuation:no_comma\"], \"kwargs\": [{}]}\n";
  };
  dir_.Write("p.jsonl", row(1) + row(2) + row(3));
  dir_.Write("r.jsonl",
             "{\"key\": 1, \"response\": \"fine\", \"finish_reason\": \"STOP\"}\n"
             "{\"key\": 2, \"response\": \"" +
                 RepeatedText("again ", 60) +
                 "\", \"finish_reason\": \"length\"}\n"
                 "{\"key\": 3, \"response\": \"\"}\n");
  const Outcome text = Check();
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("- ! 3 prompts are there more than once: 1, 2, 3\n"));
  const json result = json::parse(Check("-o json").out);
  EXPECT_EQ(result["hints"][0]["kind"], "duplicate_prompt");
  EXPECT_EQ(result["hints"][0]["prompts"], 3);
  const json& metrics = result["metrics"];
  EXPECT_EQ(metrics["truncated"]["value"], 0.5);
  EXPECT_EQ(metrics["truncated"]["n"], 2) << "of the rows that say";
  EXPECT_EQ(metrics["truncated"]["validity"], true);
  EXPECT_EQ(metrics["refusal_to_stop"]["value"], 0.5);
  EXPECT_EQ(metrics["empty_response"]["n"], 3);
  EXPECT_EQ(metrics["pla_strict"]["primary"], true);
}

TEST_F(CheckCommandTest, ResponsesMayComeFromAPipe) {
  dir_.Write("p.jsonl", EveryInstruction());
  dir_.Write("rows", "{\"key\": 25, \"response\": \"no comma\"}\n");
  for (const std::string& source : {std::string("-"), std::string("/dev/stdin")}) {
    const std::string command = "cat " + dir_.Join("rows") + " | " + Binary() +
                                " -q check --task ifeval --prompts " + dir_.Join("p.jsonl") +
                                " --responses " + source + " >" + dir_.Join("out");
    EXPECT_EQ(std::system(command.c_str()), 0);
    EXPECT_THAT(ReadFileOrDie(dir_.Join("out")), HasSubstr("1 responses checked"));
  }
}

}  // namespace
}  // namespace plumbline::client
