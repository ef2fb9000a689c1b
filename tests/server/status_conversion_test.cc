#include "server/status_conversion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/base/status_macros.h"
#include "google/rpc/error_details.pb.h"
#include "server/utf8.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using testing::EndsWith;
using testing::SizeIs;

google::rpc::ErrorInfo InfoOf(const grpc::Status& status) {
  google::rpc::Status rpc;
  EXPECT_TRUE(rpc.ParseFromString(status.error_details()));
  EXPECT_EQ(rpc.details_size(), 1);
  google::rpc::ErrorInfo info;
  EXPECT_TRUE(rpc.details(0).UnpackTo(&info));
  return info;
}

TEST(StatusConversion, EveryCodeKeepsItsNumberAndGetsAReason) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "because");
    const grpc::Status grpc = ToGrpcStatus(status);
    EXPECT_EQ(grpc.error_code(), code);
    EXPECT_EQ(grpc.error_message(), "because");
    EXPECT_EQ(InfoOf(grpc).domain(), "plumbline");
    EXPECT_EQ(InfoOf(grpc).reason(), absl::StatusCodeToString(static_cast<absl::StatusCode>(code)));
  }
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
}

TEST(StatusConversion, TheInnermostReasonStaysAndSurvivesContext) {
  absl::Status status =
      WithReason(absl::NotFoundError("no model"), "MODEL_NOT_FOUND", {{"model", "tiny"}});
  status = WithReason(Annotate(status, "create job"), "SOMETHING_ELSE");
  const grpc::Status grpc = ToGrpcStatus(status);
  EXPECT_EQ(grpc.error_message(), "create job: no model");
  EXPECT_EQ(InfoOf(grpc).reason(), "MODEL_NOT_FOUND");
  EXPECT_EQ(InfoOf(grpc).metadata().at("model"), "tiny");
  EXPECT_EQ(ReasonOf(FromGrpcStatus(grpc)), "MODEL_NOT_FOUND");
  EXPECT_THAT(FromGrpcStatus(grpc), StatusIs(absl::StatusCode::kNotFound, "create job: no model"));
}

TEST(StatusConversion, DetailsStayUnder4KiBWhateverTheMessage) {
  const std::string huge(100'000, 'x');
  const grpc::Status grpc =
      ToGrpcStatus(WithReason(absl::InternalError(huge), "R",
                              {{"a", huge}, {"b", huge}, {"c", huge}, {"d", huge}, {"e", huge}}));
  EXPECT_LT(grpc.error_details().size(), 4096u);
  EXPECT_THAT(grpc.error_message(), EndsWith("..."));
  EXPECT_THAT(grpc.error_message(), SizeIs(testing::Le(2048)));
}

TEST(StatusConversion, BytesThatAreNoTextBecomeText) {
  const grpc::Status grpc = ToGrpcStatus(absl::InternalError("path \xFF\xC3"));
  EXPECT_EQ(grpc.error_message(), "path \xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Utf8, MaximalPartsBecomeOneReplacement) {
  EXPECT_EQ(ToValidUtf8("a\xE2\x82z"), "a\xEF\xBF\xBDz");  // a part of a character
  EXPECT_EQ(ToValidUtf8("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // a surrogate
  EXPECT_EQ(ToValidUtf8("\xF4\x90\x80\x80").size(), 12u);  // beyond U+10FFFF
  EXPECT_EQ(ToValidUtf8("\xC0\xAF").size(), 6u);           // overlong
  const std::string good = "ä€😀\0x";
  EXPECT_EQ(ToValidUtf8(good), good);
}

TEST(Utf8, CutsBeforeACharacter) {
  EXPECT_EQ(CutUtf8("short", 5), "short");
  EXPECT_EQ(CutUtf8("ab€def", 7), "ab...");
}

}  // namespace
}  // namespace plumbline
