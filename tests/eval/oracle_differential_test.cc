// The differential tests of tests/oracle/eval with fixed seeds: our checkers against lm-eval's and
// CPython's own, in the oracles' Python.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

int RunScript(const std::string& script, const std::string& arguments) {
  const char* bin = std::getenv("PLUMBLINE_BIN_DIR");
  const std::string driver =
      absl::StrCat(bin != nullptr ? bin : "build/no-torch/bin", "/../tests/check_driver");
  const std::string command = absl::StrCat("PYTHONDONTWRITEBYTECODE=1 HF_HUB_OFFLINE=1 '",
                                           *OraclePython(), "' -W ignore tests/oracle/eval/",
                                           script, " --driver '", driver, "' ", arguments);
  return std::system(command.c_str());
}

#define SKIP_WITHOUT_ORACLE()                                                      \
  if (!OraclePython()) {                                                           \
    GTEST_SKIP() << "SKIPPED: no oracle Python: run tests/oracle/setup.sh or set " \
                    "PLUMBLINE_ORACLE_PYTHON";                                     \
  }

TEST(OracleDifferentialTest, IfevalFiveThousandComparisons) {
  SKIP_WITHOUT_ORACLE();
  if (!SharedDataDir()) GTEST_SKIP() << "SKIPPED: no PLUMBLINE_SHARED_DATA";
  EXPECT_EQ(RunScript("ifeval_differential.py", absl::StrCat("--comparisons 5000 --seed 1 --data '",
                                                             *SharedDataDir(), "/ifeval'")),
            0);
}

TEST(OracleDifferentialTest, MultiIf) {
  SKIP_WITHOUT_ORACLE();
  EXPECT_EQ(RunScript("multi_if_differential.py", "--comparisons 2000 --seed 3"), 0);
}

TEST(OracleDifferentialTest, RegularExpressions) {
  SKIP_WITHOUT_ORACLE();
  EXPECT_EQ(RunScript("regex_differential.py", "--cases 5000 --seed 3"), 0);
}

TEST(OracleDifferentialTest, NumericFilters) {
  SKIP_WITHOUT_ORACLE();
  EXPECT_EQ(RunScript("numeric_differential.py", "--cases 2500 --seed 3"), 0);
}

TEST(OracleDifferentialTest, Yaml) {
  SKIP_WITHOUT_ORACLE();
  EXPECT_EQ(RunScript("yaml_differential.py", "--cases 5000 --seed 3"), 0);
}

TEST(OracleDifferentialTest, PythonLiterals) {
  SKIP_WITHOUT_ORACLE();
  EXPECT_EQ(RunScript("literal_differential.py", "--cases 5000 --seed 3"), 0);
}

TEST(OracleDifferentialTest, TaskFilesOfLmEval) {
  SKIP_WITHOUT_ORACLE();
  EXPECT_EQ(RunScript("survey_tasks.py", ""), 0);
}

TEST(OracleDifferentialTest, TemplatesOfLmEval) {
  SKIP_WITHOUT_ORACLE();
  EXPECT_EQ(RunScript("render_differential.py", "--every 10 --seed 3"), 0);
}

TEST(OracleDifferentialTest, TaskFiles) {
  SKIP_WITHOUT_ORACLE();
  EXPECT_EQ(RunScript("tasks_differential.py", "--rows 12 --responses 6 --seed 3"), 0);
}

}  // namespace
}  // namespace plumbline
