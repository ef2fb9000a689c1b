#include "server/transport_security.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/file_bytes.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"

namespace plumbline {
namespace {

constexpr uint64_t kMaxFileBytes = 1 << 20;
constexpr size_t kMinTokenCharacters = 16;
constexpr absl::string_view kScheme = "bearer ";

template <typename T, void (*Free)(T*)>
struct Freer {
  void operator()(T* object) const { Free(object); }
};
using Certificate = std::unique_ptr<X509, Freer<X509, X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;
using Memory = std::unique_ptr<BIO, Freer<BIO, BIO_free_all>>;

Memory Over(const std::string& text) {
  return Memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Never asks on the terminal: an encrypted key is an error.
int NoPassphrase(char*, int, int, void*) { return 0; }

std::string Subject(X509* certificate) {
  char name[256] = "";
  X509_NAME_oneline(X509_get_subject_name(certificate), name, sizeof(name));
  return name;
}

absl::StatusOr<std::vector<Certificate>> ParseCertificates(const std::string& path,
                                                           const std::string& pem) {
  const Memory memory = Over(pem);
  std::vector<Certificate> found;
  while (X509* next = PEM_read_bio_X509(memory.get(), nullptr, NoPassphrase, nullptr)) {
    found.emplace_back(next);
    if (X509_cmp_current_time(X509_get0_notAfter(next)) < 0) {
      return absl::FailedPreconditionError(
          absl::StrCat(path, ": the certificate of ", Subject(next), " has expired: renew it"));
    }
  }
  // The end of the file is "no start line" too; anything else is a certificate that is broken.
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (found.empty() || !ended) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": want certificates in PEM (-----BEGIN CERTIFICATE-----)",
        found.empty() ? "" : absl::StrCat("; number ", found.size() + 1, " is broken")));
  }
  return found;
}

absl::Status CheckKey(const TransportSecurity& security, const std::string& pem,
                      X509* certificate) {
  const Memory memory = Over(pem);
  const PrivateKey key(PEM_read_bio_PrivateKey(memory.get(), nullptr, NoPassphrase, nullptr));
  ERR_clear_error();
  if (key == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(security.key_file, ": want a private key in PEM, without a passphrase"));
  }
  const bool same = X509_check_private_key(certificate, key.get()) == 1;
  ERR_clear_error();
  if (!same) {
    return absl::FailedPreconditionError(
        absl::StrCat(security.key_file, ": is not the key of the first certificate in ",
                     security.cert_file, ", ", Subject(certificate)));
  }
  return absl::OkStatus();
}

// Asked once a call, on a thread of gRPC's.
class TokenProcessor : public grpc::AuthMetadataProcessor {
 public:
  explicit TokenProcessor(BearerTokens tokens) : tokens_(std::move(tokens)) {}

  bool IsBlocking() const override { return false; }
  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext*, OutputMetadata* consumed,
                       OutputMetadata*) override {
    const auto header = metadata.find("authorization");
    if (header == metadata.end()) {
      return {grpc::StatusCode::UNAUTHENTICATED,
              "this server wants a bearer token: plumbline --token-file, or metadata "
              "\"authorization: Bearer TOKEN\""};
    }
    const absl::string_view value(header->second.data(), header->second.size());
    if (!tokens_.Admits(value)) {
      return {grpc::StatusCode::UNAUTHENTICATED, "the bearer token is not one of this server's"};
    }
    consumed->emplace("authorization", std::string(value));
    return grpc::Status::OK;
  }

 private:
  const BearerTokens tokens_;
};

}  // namespace

absl::StatusOr<BearerTokens> BearerTokens::Parse(absl::string_view text) {
  BearerTokens tokens;
  int line_number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++line_number;
    const absl::string_view token = absl::StripAsciiWhitespace(line);
    if (token.empty() || token.front() == '#') continue;
    const bool allowed = std::all_of(token.begin(), token.end(), [](char c) {
      return absl::ascii_isalnum(c) || absl::StrContains("-._~+/=", absl::string_view(&c, 1));
    });
    if (!allowed || token.size() < kMinTokenCharacters) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", line_number, ": want a token of at least ", kMinTokenCharacters,
                       " letters, digits or -._~+/= (openssl rand -hex 32 makes one)"));
    }
    tokens.digests_.insert(Sha256Hex(token));
  }
  if (tokens.digests_.empty()) return absl::InvalidArgumentError("there is no token in it");
  return tokens;
}

bool BearerTokens::Admits(absl::string_view authorization) const {
  if (!absl::StartsWithIgnoreCase(authorization, kScheme)) return false;
  const absl::string_view token = absl::StripAsciiWhitespace(authorization.substr(kScheme.size()));
  return digests_.count(Sha256Hex(token)) > 0;
}

absl::Status ValidateTransportSecurity(const TransportSecurity& security) {
  if (security.cert_file.empty() != security.key_file.empty()) {
    return absl::InvalidArgumentError(
        security.cert_file.empty()
            ? "--key-file needs --cert-file: the certificate of that key"
            : "--cert-file needs --key-file: the private key of that certificate");
  }
  if (!security.tls() && security.authenticates()) {
    return absl::InvalidArgumentError(
        absl::StrCat(security.token_file.empty() ? "--client-ca-file" : "--token-file",
                     " needs TLS (--cert-file and --key-file): without it everybody on the way "
                     "could read along"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TransportSecurity& security) {
  if (!security.tls()) return grpc::InsecureServerCredentials();
  const bool mutual = !security.client_ca_file.empty();
  grpc::SslServerCredentialsOptions options(
      mutual ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
             : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  ABSL_ASSIGN_OR_RETURN(std::string chain, ReadFileBytes(security.cert_file, kMaxFileBytes));
  ABSL_ASSIGN_OR_RETURN(std::string key, ReadFileBytes(security.key_file, kMaxFileBytes));
  ABSL_ASSIGN_OR_RETURN(const auto certificates, ParseCertificates(security.cert_file, chain));
  ABSL_RETURN_IF_ERROR(CheckKey(security, key, certificates.front().get()));
  options.pem_key_cert_pairs.push_back({std::move(key), std::move(chain)});
  if (mutual) {
    ABSL_ASSIGN_OR_RETURN(options.pem_root_certs,
                          ReadFileBytes(security.client_ca_file, kMaxFileBytes));
    ABSL_RETURN_IF_ERROR(
        ParseCertificates(security.client_ca_file, options.pem_root_certs).status());
  }
  auto credentials = grpc::SslServerCredentials(options);
  if (!security.token_file.empty()) {
    ABSL_ASSIGN_OR_RETURN(const std::string text,
                          ReadFileBytes(security.token_file, kMaxFileBytes));
    absl::StatusOr<BearerTokens> tokens = BearerTokens::Parse(text);
    if (!tokens.ok()) return Annotate(tokens.status(), security.token_file);
    credentials->SetAuthMetadataProcessor(std::make_shared<TokenProcessor>(*std::move(tokens)));
  }
  return credentials;
}

}  // namespace plumbline
