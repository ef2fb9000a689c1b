// Who may talk to the server beyond loopback: TLS, certificates of clients (mutual TLS) and bearer
// tokens (RFC 6750, in the `authorization` metadata). What each defends: docs/threat-model.md.
#ifndef PLUMBLINE_SERVER_TRANSPORT_SECURITY_H_
#define PLUMBLINE_SERVER_TRANSPORT_SECURITY_H_

#include <grpcpp/security/auth_metadata_processor.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

// Files are PEM and are read once, when the server starts: restart it to take new ones.
struct TransportSecurity {
  std::string cert_file;       // our certificate, then its intermediates; TLS when set
  std::string key_file;        // the certificate's private key
  std::string client_ca_file;  // when set, a client needs a certificate that one of these signed
  std::string token_file;      // when set, every call needs a token of this file

  bool tls() const { return !cert_file.empty(); }
  // Whether a caller is asked who they are.
  bool authenticates() const { return !client_ca_file.empty() || !token_file.empty(); }
};

// The tokens that are let in, kept as digests so that a lookup's time tells nothing of a token.
// Immutable.
class BearerTokens {
 public:
  // One token a line; empty lines and lines that begin with '#' are skipped. InvalidArgument for a
  // token of less than 16 characters or with characters that RFC 6750 does not allow, and when
  // there is none; names the line, never the token.
  static absl::StatusOr<BearerTokens> Parse(absl::string_view text);

  // `authorization` is the metadata's whole value: "Bearer TOKEN".
  bool Admits(absl::string_view authorization) const;

 private:
  std::set<std::string> digests_;  // SHA-256
};

// InvalidArgument for a combination that would protect less than it seems to: half of a pair, or
// clients' certificates or tokens without TLS.
absl::Status ValidateTransportSecurity(const TransportSecurity& security);

// Reads and checks the files. Each error names the file: NotFound or PermissionDenied,
// InvalidArgument for what is no PEM, FailedPrecondition for a key that is another certificate's or
// a certificate that has expired.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TransportSecurity& security);

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_TRANSPORT_SECURITY_H_
