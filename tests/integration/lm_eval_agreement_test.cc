// The same task files, data and model in lm-eval and in Plumbline, through the real server and
// client: tests/oracle/lm_eval_agreement.py in the oracles' Python.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

TEST(LmEvalAgreementTest, EightTasksItemByItem) {
  const auto python = OraclePython();
  if (!python) {
    GTEST_SKIP() << "SKIPPED: no oracle Python: run tests/oracle/setup.sh or set "
                    "PLUMBLINE_ORACLE_PYTHON";
  }
  const char* bin = std::getenv("PLUMBLINE_BIN_DIR");
  if (bin == nullptr || !std::filesystem::exists(absl::StrCat(bin, "/plumblined"))) {
    GTEST_SKIP() << "SKIPPED: no plumblined in $PLUMBLINE_BIN_DIR";
  }
  const std::string command =
      absl::StrCat("PYTHONDONTWRITEBYTECODE=1 '", *python,
                   "' -W ignore tests/oracle/lm_eval_agreement.py --bin '", bin, "'");
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace plumbline
