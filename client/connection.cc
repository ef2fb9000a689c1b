#include "client/connection.h"

#include <cstdlib>
#include <stdexcept>

#include "absl/status/status.h"
#include "core/base/file_bytes.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace plumbline::client {
namespace {

constexpr uint64_t kMaxCredentialBytes = uint64_t{1} << 20;

std::string ReadOrThrow(const std::string& path) {
  absl::StatusOr<std::string> content = ReadFileBytes(path, kMaxCredentialBytes);
  if (!content.ok()) throw std::runtime_error(std::string(content.status().message()));
  return *std::move(content);
}

std::shared_ptr<grpc::ChannelCredentials> MakeCredentials(const ConnectionOptions& options) {
  if (options.ca_file.empty()) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = ReadOrThrow(options.ca_file);
  if (!options.cert_file.empty()) {
    tls.pem_cert_chain = ReadOrThrow(options.cert_file);
    tls.pem_private_key = ReadOrThrow(options.key_file);
  }
  auto credentials = grpc::SslCredentials(tls);
  if (options.token_file.empty()) return credentials;
  std::string token = ReadOrThrow(options.token_file);
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  return grpc::CompositeChannelCredentials(credentials, grpc::AccessTokenCredentials(token));
}

}  // namespace

std::string DefaultAddress() {
  const char* named = std::getenv("PLUMBLINE_ADDRESS");
  return named != nullptr && *named != '\0' ? named : "127.0.0.1:7878";
}

Connection::Connection(const ConnectionOptions& options) : address_(options.address) {
  grpc::ChannelArguments arguments;
  // The stream's heartbeats are every 10 s; a silent peer is noticed after half a minute.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  // A proxy of the environment has no business between us and a server on this machine.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  channel_ = grpc::CreateCustomChannel(options.address, MakeCredentials(options), arguments);
  models_ = v1::ModelService::NewStub(channel_);
  adapters_ = v1::AdapterService::NewStub(channel_);
  tasks_ = v1::TaskService::NewStub(channel_);
  evaluations_ = v1::EvaluationService::NewStub(channel_);
}

std::string ErrorReason(const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return "";
  for (const auto& detail : details.details()) {
    google::rpc::ErrorInfo info;
    if (detail.UnpackTo(&info)) return info.reason();
  }
  return "";
}

std::string DescribeError(const grpc::Status& status, const std::string& address) {
  const std::string reason = ErrorReason(status);
  std::string message = status.error_message();
  if (message.empty()) {
    message = absl::StatusCodeToString(static_cast<absl::StatusCode>(status.error_code())) +
              " without a message";
  }
  // A reason is a server's: it answered.
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && reason.empty()) {
    return "no server answers at " + address + " (" + message +
           "); start plumblined, or name another with --address or PLUMBLINE_ADDRESS";
  }
  return reason.empty() ? message : message + " (" + reason + ")";
}

}  // namespace plumbline::client
