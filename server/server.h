// The server put together: the data directory with its store, the engine behind ModelHost, the
// runner, the four services with health and reflection, and the metrics port.
//
// Start() brings everything back that the catalog lists, then serves, then resumes the jobs.
// Nothing is needed for a clean restart but the data directory: kill -9 is a valid way to stop.
#ifndef PLUMBLINE_SERVER_SERVER_H_
#define PLUMBLINE_SERVER_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/engine/model_host.h"
#include "server/config.h"

namespace plumbline {

// Makes the engine. It keeps a copy of every adapter version it admits in
// `adapter_store`/<version>.
using ModelHostFactory =
    std::function<absl::StatusOr<std::unique_ptr<ModelHost>>(const std::string& adapter_store)>;

class Server {
 public:
  // Serving when it returns. Errors are one line for the operator: data directory (in use, not
  // writable), address (in use), task folder, model or adapter of the command line.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerConfig& config,
                                                       const ModelHostFactory& make_host);
  // Shutdown(), if that has not happened.
  ~Server();

  // The addresses really taken; metrics_address is empty without metrics.
  const std::string& grpc_address() const;
  const std::string& metrics_address() const;

  // Stops claiming work, waits up to `drain` for what is in the engine to be committed, ends the
  // watch streams with UNAVAILABLE (SERVER_SHUTTING_DOWN) and the other calls soon after. Jobs go
  // on with the next process. Idempotent.
  void Shutdown(absl::Duration drain);

 private:
  class Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  const std::unique_ptr<Parts> parts_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_SERVER_H_
