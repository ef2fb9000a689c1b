// deploy/prometheus: promtool accepts the rules and the configuration, and each alert fires for
// what it is for (alerts_rules.yml).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

class AlertsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("command -v promtool >/dev/null 2>&1") != 0)
      GTEST_SKIP() << "promtool is not installed (Debian package prometheus)";
  }
  // The exit code of promtool; its output in `output_`.
  int Promtool(const std::string& arguments) {
    const std::string file = dir_.Join("output");
    const int code = std::system(absl::StrCat("promtool ", arguments, " >", file, " 2>&1").c_str());
    output_ = ReadFileOrDie(file);
    return code;
  }

  TempDir dir_;
  std::string output_;
};

TEST_F(AlertsTest, TheRulesAndTheConfigurationAreWellFormed) {
  EXPECT_EQ(Promtool("check rules --lint-fatal deploy/prometheus/alerts.yml"), 0) << output_;
  EXPECT_EQ(Promtool("check config deploy/prometheus/prometheus.yml"), 0) << output_;
}

TEST_F(AlertsTest, EachAlertFiresForWhatItIsForAndOnlyForThat) {
  EXPECT_EQ(Promtool("test rules tests/metrics/alerts_rules.yml"), 0) << output_;
}

// The cases would notice a rule that is wrong: with one limit moved they fail.
TEST_F(AlertsTest, TheCasesNoticeAWrongRule) {
  std::string rules = ReadFileOrDie("deploy/prometheus/alerts.yml");
  const std::string right = "plumbline_score_delta_ci_upper_ratio < 0\n";
  const size_t at = rules.find(right);
  ASSERT_NE(at, std::string::npos);
  rules.replace(at, right.size(), "plumbline_score_delta_ci_upper_ratio <= 0\n");
  dir_.Write("deploy/prometheus/alerts.yml", rules);
  dir_.Write("tests/metrics/alerts_rules.yml", ReadFileOrDie("tests/metrics/alerts_rules.yml"));
  EXPECT_NE(Promtool("test rules " + dir_.Join("tests/metrics/alerts_rules.yml")), 0);
}

}  // namespace
}  // namespace plumbline
