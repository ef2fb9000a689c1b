// Looks at an address before gRPC takes it, for two reasons: a taken port should be known before a
// model is loaded, and gRPC says only that binding failed, not why.
#ifndef PLUMBLINE_SERVER_LISTEN_ADDRESS_H_
#define PLUMBLINE_SERVER_LISTEN_ADDRESS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace plumbline {

// OK if a server could listen on HOST:PORT or unix:PATH now. Unavailable says why not: in use, not
// an address of this machine, no permission. The answer can be outdated when it is used.
absl::Status CheckListenAddress(absl::string_view address);

// `address` with the port that was really taken: "127.0.0.1:0" and 40001 give "127.0.0.1:40001".
std::string WithPort(absl::string_view address, int port);

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_LISTEN_ADDRESS_H_
