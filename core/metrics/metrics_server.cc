#include "core/metrics/metrics_server.h"

#include <netdb.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace plumbline {
namespace {

struct HostAndPort {
  std::string host;  // without brackets
  int port = 0;
};

absl::StatusOr<HostAndPort> Parse(const std::string& address) {
  const absl::Status wrong = absl::InvalidArgumentError(
      absl::StrCat("metrics address \"", address,
                   "\" is not host:port with a numeric host, such as 127.0.0.1:9464"));
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return wrong;
  HostAndPort parsed;
  parsed.host = address.substr(0, colon);
  if (parsed.host.front() == '[' && parsed.host.back() == ']') {
    parsed.host = parsed.host.substr(1, parsed.host.size() - 2);
  }
  const std::string port = address.substr(colon + 1);
  if (!absl::SimpleAtoi(port, &parsed.port) || parsed.port < 0 || parsed.port > 65535) {
    return wrong;
  }
  return parsed;
}

// Why this address cannot be listened on, or OK. The HTTP library only says that it failed.
absl::Status TryToBind(const std::string& address, const HostAndPort& parsed) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(parsed.host.c_str(), std::to_string(parsed.port).c_str(), &hints, &found) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("metrics address \"", address, "\": the host must be a numeric IP address"));
  }
  int error = 0;
  const int file = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;  // as the HTTP library does: a port in TIME_WAIT is free
  if (file < 0 || setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(file, found->ai_addr, found->ai_addrlen) != 0 || listen(file, 1) != 0) {
    error = errno;
  }
  freeaddrinfo(found);
  if (file >= 0) close(file);
  if (error == 0) return absl::OkStatus();
  const std::string text = absl::StrCat("metrics address ", address, ": ", strerror(error));
  if (error == EACCES) return absl::PermissionDeniedError(text);
  if (error == EADDRINUSE) {
    return absl::UnavailableError(
        absl::StrCat(text, "; stop what uses the port or choose another one (0: any free one)"));
  }
  return absl::InvalidArgumentError(text);
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(
    absl::string_view address, std::vector<std::shared_ptr<prometheus::Collectable>> collectables) {
  const std::string wanted(address);
  ABSL_ASSIGN_OR_RETURN(HostAndPort parsed, Parse(wanted));
  ABSL_RETURN_IF_ERROR(TryToBind(wanted, parsed));
  const bool is_v6 = parsed.host.find(':') != std::string::npos;
  const std::string host = is_v6 ? absl::StrCat("[", parsed.host, "]") : parsed.host;
  std::unique_ptr<prometheus::Exposer> exposer;
  try {
    exposer = std::make_unique<prometheus::Exposer>(absl::StrCat(host, ":", parsed.port), 2);
  } catch (const std::exception& error) {
    absl::Status why = TryToBind(wanted, parsed);
    if (!why.ok()) return why;
    return absl::UnavailableError(absl::StrCat("metrics address ", wanted, ": ", error.what()));
  }
  const std::vector<int> ports = exposer->GetListeningPorts();
  const int port = ports.empty() ? parsed.port : ports.front();
  return std::unique_ptr<MetricsServer>(new MetricsServer(
      std::move(exposer), absl::StrCat(host, ":", port), std::move(collectables)));
}

MetricsServer::MetricsServer(std::unique_ptr<prometheus::Exposer> exposer, std::string address,
                             std::vector<std::shared_ptr<prometheus::Collectable>> collectables)
    : collectables_(std::move(collectables)),
      exposer_(std::move(exposer)),
      address_(std::move(address)) {
  for (const auto& collectable : collectables_) exposer_->RegisterCollectable(collectable);
}

MetricsServer::~MetricsServer() = default;

}  // namespace plumbline
