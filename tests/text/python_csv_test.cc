#include "core/text/python_csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Rows = std::vector<std::vector<std::string>>;

// Each as CPython 3.11's list(csv.reader(io.StringIO(text))) has it.
TEST(PythonCsvTest, ReadsAsPythonDoes) {
  EXPECT_THAT(PythonCsvRows(""), IsOkAndHolds(Rows{}));
  EXPECT_THAT(PythonCsvRows("a,b\nc,\n"), IsOkAndHolds(Rows{{"a", "b"}, {"c", ""}}));
  EXPECT_THAT(PythonCsvRows("a\n\n\nb"), IsOkAndHolds(Rows{{"a"}, {}, {}, {"b"}}));
  EXPECT_THAT(PythonCsvRows("a,b\r\n\r\nc"), IsOkAndHolds(Rows{{"a", "b"}, {}, {"c"}}));
  EXPECT_THAT(PythonCsvRows("\"a,\"\"b\"\"\",c"), IsOkAndHolds(Rows{{"a,\"b\"", "c"}}));
  EXPECT_THAT(PythonCsvRows("\"a\nb\",c\nd"), IsOkAndHolds(Rows{{"a\nb", "c"}, {"d"}}));
  EXPECT_THAT(PythonCsvRows("a\"b\",\"c\"d"), IsOkAndHolds(Rows{{"a\"b\"", "cd"}}));
  EXPECT_THAT(PythonCsvRows("a,\"open\n"), IsOkAndHolds(Rows{{"a", "open\n"}}));
  EXPECT_THAT(PythonCsvRows("\""), IsOkAndHolds(Rows{{""}}));
  EXPECT_THAT(PythonCsvRows("a\tb,c", '\t'), IsOkAndHolds(Rows{{"a", "b,c"}}));
  EXPECT_THAT(PythonCsvRows("a\r"), IsOkAndHolds(Rows{{"a"}}));
}

TEST(PythonCsvTest, RefusesWhatPythonRefuses) {
  EXPECT_THAT(PythonCsvRows("a\rb").status().message(), HasSubstr("new-line character"));
  EXPECT_THAT(PythonCsvRows(std::string(131072, 'x')), IsOk());
  EXPECT_THAT(PythonCsvRows(std::string(131073, 'x')).status().message(), HasSubstr("131072"));
}

}  // namespace
}  // namespace plumbline
