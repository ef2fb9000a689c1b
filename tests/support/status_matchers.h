// IsOk(), IsOkAndHolds(m) and StatusIs(code, m) for absl::Status and absl::StatusOr: what later
// abseil releases carry as absl/status/status_matchers.h and Debian 12's lacks.
#ifndef PLUMBLINE_TESTS_SUPPORT_STATUS_MATCHERS_H_
#define PLUMBLINE_TESTS_SUPPORT_STATUS_MATCHERS_H_

#include <gmock/gmock.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace plumbline {

inline const absl::Status& GetStatus(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& GetStatus(const absl::StatusOr<T>& status_or) {
  return status_or.status();
}

MATCHER(IsOk, "is OK") {
  const absl::Status& status = GetStatus(arg);
  if (!status.ok()) *result_listener << status.ToString();
  return status.ok();
}

MATCHER_P(IsOkAndHolds, inner, "is OK and holds a value that matches") {
  if (!arg.ok()) {
    *result_listener << GetStatus(arg).ToString();
    return false;
  }
  return testing::ExplainMatchResult(inner, *arg, result_listener);
}

MATCHER_P2(StatusIs, code, message, "has the code and a message that matches") {
  const absl::Status& status = GetStatus(arg);
  if (status.code() != code) {
    *result_listener << status.ToString();
    return false;
  }
  return testing::ExplainMatchResult(message, std::string(status.message()), result_listener);
}

inline auto StatusIs(absl::StatusCode code) { return StatusIs(code, testing::_); }

}  // namespace plumbline

#define ASSERT_OK(expr) ASSERT_THAT(expr, ::plumbline::IsOk())
#define EXPECT_OK(expr) EXPECT_THAT(expr, ::plumbline::IsOk())
// Declares `lhs` with the value of the StatusOr `expr`, or fails the test.
#define ASSERT_OK_AND_ASSIGN(lhs, expr) ASSERT_OK_AND_ASSIGN_IMPL_(lhs, expr, __LINE__)
#define ASSERT_OK_AND_ASSIGN_IMPL_(lhs, expr, line) ASSERT_OK_AND_ASSIGN_IMPL2_(lhs, expr, line)
#define ASSERT_OK_AND_ASSIGN_IMPL2_(lhs, expr, line)             \
  auto statusor_##line = (expr);                                 \
  ASSERT_TRUE(statusor_##line.ok()) << statusor_##line.status(); \
  lhs = *std::move(statusor_##line)

#endif  // PLUMBLINE_TESTS_SUPPORT_STATUS_MATCHERS_H_
