// Against PEFT: the committed golden adapters always, freshly made random ones where the oracle's
// Python is installed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/lora/golden_case.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

int CompareFolders(const std::string& root, int* cases) {
  int compared = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (!entry.is_directory()) continue;
    compared += ExpectEqualsPeft(entry.path().string());
    ++*cases;
  }
  return compared;
}

TEST(LoraGolden, EqualsPeft) {
  int cases = 0;
  EXPECT_GE(CompareFolders("tests/golden/lora", &cases), 100);
  EXPECT_EQ(cases, 23);
}

// PLUMBLINE_LORA_CASES and PLUMBLINE_LORA_SEED ask for another sample; a failure names its case.
TEST(LoraGolden, RandomAdaptersEqualPeft) {
  const auto python = OraclePython();
  if (!python.has_value()) GTEST_SKIP() << "no oracle Python: run tests/oracle/setup.sh";
  const char* count = std::getenv("PLUMBLINE_LORA_CASES");
  const char* seed = std::getenv("PLUMBLINE_LORA_SEED");
  const int wanted = count == nullptr ? 40 : std::atoi(count);
  TempDir dir;
  const std::string command =
      absl::StrCat(*python, " tests/oracle/lora/make_golden.py --out ", dir.path(), " --random ",
                   wanted, " --seed ", seed == nullptr ? "1" : seed);
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  int cases = 0;
  EXPECT_GE(CompareFolders(dir.path(), &cases), wanted);
  EXPECT_EQ(cases, wanted);
}

}  // namespace
}  // namespace plumbline
