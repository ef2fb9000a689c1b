// Status <-> gRPC, in one place. Every error a client sees carries a google.rpc.Status in its
// details with exactly one google.rpc.ErrorInfo: domain "plumbline", a reason in capitals
// (docs/api.md lists them) and, where it helps a program, metadata.
//
// A reason travels as a payload of the absl::Status from where it is known to here; a status
// without one gets its code's name as the reason.
#ifndef PLUMBLINE_SERVER_STATUS_CONVERSION_H_
#define PLUMBLINE_SERVER_STATUS_CONVERSION_H_

#include <grpcpp/support/status.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/rpc/status.pb.h"

namespace plumbline {

inline constexpr char kErrorDomain[] = "plumbline";

using ErrorMetadata = std::vector<std::pair<std::string, std::string>>;

// `status` with a reason. A reason it has already is kept: the innermost one knows best. OK stays
// OK.
absl::Status WithReason(absl::Status status, absl::string_view reason,
                        const ErrorMetadata& metadata = {});

// The reason a client will see; empty for OK.
std::string ReasonOf(const absl::Status& status);

// Code, message and details. Trailing metadata is bounded by HTTP/2 peers (8 KiB by default), so a
// message is cut at 2 KiB (at a character's boundary, with "..."), metadata values at 256 bytes,
// and the details stay under 4 KiB.
grpc::Status ToGrpcStatus(const absl::Status& status);

// The same as a message: Job.error and Verdict.error. OK gives code 0.
google::rpc::Status ToRpcStatus(const absl::Status& status);

// What a client makes of an error: code, message and ErrorInfo as the status' payload. Inverse of
// ToGrpcStatus.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_STATUS_CONVERSION_H_
