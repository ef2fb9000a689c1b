// GET /metrics over plain HTTP, for Prometheus.
//
// Loopback by default: there is no authentication, and prometheus-cpp's TLS is unusable
// (docs/adr). Scores and names of adapters are readable by whoever reaches the port.
#ifndef PLUMBLINE_CORE_METRICS_METRICS_SERVER_H_
#define PLUMBLINE_CORE_METRICS_METRICS_SERVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace prometheus {
class Collectable;
class Exposer;
}  // namespace prometheus

namespace plumbline {

// Thread-safe. Serves until it is destroyed.
class MetricsServer {
 public:
  // `address` is "host:port" with a numeric host ("127.0.0.1:9464", "[::1]:9464", "0.0.0.0:9464");
  // port 0 takes a free one. Collectables are held. Errors: InvalidArgument (not an address),
  // Unavailable (port in use), PermissionDenied (a port below 1024); each names the address.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(
      absl::string_view address,
      std::vector<std::shared_ptr<prometheus::Collectable>> collectables);
  ~MetricsServer();

  // "host:port" with the real port.
  const std::string& address() const { return address_; }

 private:
  MetricsServer(std::unique_ptr<prometheus::Exposer> exposer, std::string address,
                std::vector<std::shared_ptr<prometheus::Collectable>> collectables);

  std::vector<std::shared_ptr<prometheus::Collectable>> collectables_;
  std::unique_ptr<prometheus::Exposer> exposer_;  // last: stops serving first
  const std::string address_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_METRICS_METRICS_SERVER_H_
