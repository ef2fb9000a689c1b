// How an error is told to a person.
#include "client/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace plumbline::client {
namespace {

using testing::HasSubstr;

TEST(DescribeError, OnlyAServerThatSaysNothingIsNotThere) {
  const grpc::Status nobody(grpc::StatusCode::UNAVAILABLE, "connection refused");
  EXPECT_THAT(DescribeError(nobody, "host:1"), HasSubstr("no server answers at host:1"));

  google::rpc::ErrorInfo info;
  info.set_reason("MODEL_NOT_LOADED");
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  const grpc::Status answered(grpc::StatusCode::UNAVAILABLE, "model \"m\" could not be restored",
                              details.SerializeAsString());
  EXPECT_EQ(DescribeError(answered, "host:1"),
            "model \"m\" could not be restored (MODEL_NOT_LOADED)");
}

TEST(DescribeError, IsNeverEmpty) {
  EXPECT_EQ(DescribeError(grpc::Status(grpc::StatusCode::INTERNAL, ""), "host:1"),
            "INTERNAL without a message");
}

}  // namespace
}  // namespace plumbline::client
