#include "server/status_conversion.h"

#include <optional>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"
#include "server/utf8.h"

namespace plumbline {
namespace {

constexpr char kErrorInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr size_t kMaxMessageBytes = 2048;
constexpr size_t kMaxMetadataValueBytes = 256;
constexpr size_t kMaxMetadataEntries = 4;

std::string CleanMessage(const absl::Status& status) {
  return CutUtf8(ToValidUtf8(status.message()), kMaxMessageBytes);
}

google::rpc::ErrorInfo ErrorInfoOf(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  const auto payload = status.GetPayload(kErrorInfoUrl);
  if (payload.has_value() && info.ParseFromString(std::string(*payload))) return info;
  info.set_domain(kErrorDomain);
  info.set_reason(absl::StatusCodeToString(status.code()));
  return info;
}

}  // namespace

absl::Status WithReason(absl::Status status, absl::string_view reason,
                        const ErrorMetadata& metadata) {
  if (status.ok() || status.GetPayload(kErrorInfoUrl).has_value()) return status;
  google::rpc::ErrorInfo info;
  info.set_domain(kErrorDomain);
  info.set_reason(std::string(reason));
  for (const auto& [key, value] : metadata) {
    if (info.metadata_size() == kMaxMetadataEntries) break;
    (*info.mutable_metadata())[key] = CutUtf8(ToValidUtf8(value), kMaxMetadataValueBytes);
  }
  status.SetPayload(kErrorInfoUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

std::string ReasonOf(const absl::Status& status) {
  return status.ok() ? "" : ErrorInfoOf(status).reason();
}

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status out;
  out.set_code(static_cast<int>(status.code()));  // absl's codes are gRPC's
  if (status.ok()) return out;
  out.set_message(CleanMessage(status));
  out.add_details()->PackFrom(ErrorInfoOf(status));
  return out;
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const google::rpc::Status rpc = ToRpcStatus(status);
  return grpc::Status(static_cast<grpc::StatusCode>(rpc.code()), rpc.message(),
                      rpc.SerializeAsString());
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status out(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status rpc;
  if (!rpc.ParseFromString(status.error_details())) return out;
  for (const auto& detail : rpc.details()) {
    google::rpc::ErrorInfo info;
    if (detail.UnpackTo(&info)) {
      out.SetPayload(kErrorInfoUrl, absl::Cord(info.SerializeAsString()));
      break;
    }
  }
  return out;
}

}  // namespace plumbline
