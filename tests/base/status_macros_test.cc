#include "core/base/status_macros.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

absl::StatusOr<int> Half(int n) {
  if (n % 2 != 0) return absl::InvalidArgumentError("odd");
  return n / 2;
}

absl::StatusOr<int> Quarter(int n) {
  ABSL_ASSIGN_OR_RETURN(const int half, Half(n));
  ABSL_RETURN_IF_ERROR(Half(half).status());
  return Half(half);
}

TEST(StatusMacros, PassValuesOnAndReturnErrors) {
  EXPECT_THAT(Quarter(8), IsOkAndHolds(2));
  EXPECT_THAT(Quarter(3), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Quarter(6), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(Annotate, PutsTheContextInFrontAndKeepsCodeAndPayload) {
  absl::Status status = absl::NotFoundError("no file");
  status.SetPayload("reason", absl::Cord("X"));
  const absl::Status annotated = Annotate(status, "load adapter \"x\"");
  EXPECT_THAT(annotated, StatusIs(absl::StatusCode::kNotFound, "load adapter \"x\": no file"));
  EXPECT_EQ(annotated.GetPayload("reason"), absl::Cord("X"));
  EXPECT_OK(Annotate(absl::OkStatus(), "anything"));
}

}  // namespace
}  // namespace plumbline
