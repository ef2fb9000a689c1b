#include "client/exit_code.h"

#include <gtest/gtest.h>

namespace plumbline::client {
namespace {

TEST(ExitCode, OfAStatus) {
  EXPECT_EQ(ExitCodeOf(grpc::Status::OK), 0);
  EXPECT_EQ(ExitCodeOf(grpc::Status(grpc::StatusCode::NOT_FOUND, "")), 1);
  EXPECT_EQ(ExitCodeOf(grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "")), 4);
  EXPECT_EQ(ExitCodeOf(grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "")), 4);
}

TEST(ExitCode, OfAJob) {
  v1::Job job;
  job.set_state(v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(ExitCodeOf(job), 0);
  job.set_gate_status(v1::GATE_STATUS_PASS);
  EXPECT_EQ(ExitCodeOf(job), 0);
  job.set_gate_status(v1::GATE_STATUS_FAIL);
  EXPECT_EQ(ExitCodeOf(job), 10);
  job.set_gate_status(v1::GATE_STATUS_INCONCLUSIVE);
  EXPECT_EQ(ExitCodeOf(job), 11);
  job.set_state(v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(ExitCodeOf(job), 12);
  job.set_state(v1::JOB_STATE_FAILED);
  EXPECT_EQ(ExitCodeOf(job), 12);
}

}  // namespace
}  // namespace plumbline::client
