#include "client/exit_code.h"

namespace plumbline::client {

ExitCode ExitCodeOf(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return kExitPass;
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED:
      return kExitNotAuthorised;
    default:
      return kExitError;
  }
}

ExitCode ExitCodeOf(v1::GateStatus gate) {
  switch (gate) {
    case v1::GATE_STATUS_FAIL:
      return kExitGateFailed;
    case v1::GATE_STATUS_INCONCLUSIVE:
      return kExitGateInconclusive;
    default:
      return kExitPass;
  }
}

ExitCode ExitCodeOf(const v1::Job& job) {
  if (job.state() != v1::JOB_STATE_SUCCEEDED) return kExitJobFailed;
  return ExitCodeOf(job.gate_status());
}

}  // namespace plumbline::client
