// The CLI's exit codes: a pipeline's only reliable channel. Documented in README.md and `plumbline
// --help`.
#ifndef PLUMBLINE_CLIENT_EXIT_CODE_H_
#define PLUMBLINE_CLIENT_EXIT_CODE_H_

#include <grpcpp/support/status.h>

#include "plumbline/v1/evaluation.pb.h"

namespace plumbline::client {

enum ExitCode : int {
  kExitPass = 0,
  kExitError = 1,
  kExitUsage = 2,
  kExitWaitTimedOut = 3,
  kExitNotAuthorised = 4,
  kExitGateFailed = 10,
  kExitGateInconclusive = 11,
  kExitJobFailed = 12,  // or cancelled
  kExitInterrupted = 130,
};

// kExitNotAuthorised for UNAUTHENTICATED and PERMISSION_DENIED, kExitError for any other error,
// kExitPass for OK.
ExitCode ExitCodeOf(const grpc::Status& status);

// kExitPass for PASS and for no policy.
ExitCode ExitCodeOf(v1::GateStatus gate);

// Of a job in a terminal state: kExitJobFailed unless it succeeded, then its gate's.
ExitCode ExitCodeOf(const v1::Job& job);

}  // namespace plumbline::client

#endif  // PLUMBLINE_CLIENT_EXIT_CODE_H_
