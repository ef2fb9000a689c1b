// Runs a script of tests/oracle/text in the oracles' Python: a text goes to its standard input and
// what it prints comes back.
#ifndef PLUMBLINE_TESTS_TEXT_ORACLE_H_
#define PLUMBLINE_TESTS_TEXT_ORACLE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace plumbline {

// Nothing when the oracles' Python is not there (SKIP_WITHOUT_ORACLE says so); a test failure and
// "" when the script fails.
std::optional<std::string> RunOracle(const std::string& script, absl::string_view input = "",
                                     const std::string& arguments = "");

// Texts to compare on: real responses (when the shared data is there) and `fuzzed` random ones,
// from nasty pieces.
std::vector<std::string> ResponseTexts();
std::vector<std::string> FuzzTexts(int count, uint32_t seed);

// {"texts": [...]} as JSON: what the scripts read.
std::string TextsAsJson(const std::vector<std::string>& texts);

}  // namespace plumbline

#define SKIP_WITHOUT_ORACLE()                                                                     \
  if (!::plumbline::OraclePython()) {                                                             \
    GTEST_SKIP() << "no oracle Python: run tests/oracle/setup.sh or set PLUMBLINE_ORACLE_PYTHON"; \
  }

#endif  // PLUMBLINE_TESTS_TEXT_ORACLE_H_
