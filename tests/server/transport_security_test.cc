// TLS, certificates of clients and bearer tokens: what is let in, what is not, and the errors of
// files that cannot be used.
#include "server/transport_security.h"

#include <gmock/gmock.h>

#include "tests/server/server_fixture.h"
#include "tests/support/test_certificates.h"

namespace plumbline {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kToken[] = "0123456789abcdef0123456789abcdef";

TEST(BearerTokensTest, AdmitsTheTokensOfTheFileAndNothingElse) {
  const auto tokens =
      BearerTokens::Parse("# pipeline\n0123456789abcdef\n\r\n  fedcba9876543210\r\n");
  ASSERT_OK(tokens);
  EXPECT_TRUE(tokens->Admits("Bearer 0123456789abcdef"));
  EXPECT_TRUE(tokens->Admits("bearer fedcba9876543210"));
  for (const char* wrong : {"", "Bearer", "Bearer ", "0123456789abcdef", "Basic 0123456789abcdef",
                            "Bearer 0123456789abcde", "Bearer 0123456789abcdef0",
                            "Bearer 0123456789ABCDEF", "Bearer # pipeline"}) {
    EXPECT_FALSE(tokens->Admits(wrong)) << wrong;
  }
}

TEST(BearerTokensTest, AWeakOrMissingTokenIsRefusedWithoutShowingIt) {
  EXPECT_THAT(BearerTokens::Parse("0123456789abcdef\nsecret\n"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("line 2"), HasSubstr("16"), Not(HasSubstr("secret")))));
  EXPECT_THAT(BearerTokens::Parse("two words with spaces"), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(BearerTokens::Parse("# nothing\n"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no token")));
}

class TransportSecurityTest : public ServerTest {
 protected:
  TransportSecurityTest() {
    const TestCertificate server = authority_.Sign("server");
    dir_.Write("server.pem", server.certificate);
    dir_.Write("server.key", server.key);
    dir_.Write("clients.pem", clients_.certificate());
    dir_.Write("tokens", absl::StrCat(kToken, "\n"));
    config_.security.cert_file = dir_.Join("server.pem");
    config_.security.key_file = dir_.Join("server.key");
  }
  void SetUp() override {}  // each test says first what it wants

  // The status of a call by a client that trusts `ca` and shows `own`, if any, and `token`, if any.
  grpc::Status List(const std::string& ca, const TestCertificate& own = {},
                    const std::string& token = "") {
    grpc::SslCredentialsOptions options{ca, own.key, own.certificate};
    const auto channel =
        grpc::CreateChannel(server_->grpc_address(), grpc::SslCredentials(options));
    grpc::ClientContext context;
    SetDeadline(context);
    if (!token.empty()) context.AddMetadata("authorization", absl::StrCat("Bearer ", token));
    v1::ListModelsResponse response;
    return v1::ModelService::NewStub(channel)->ListModels(&context, v1::ListModelsRequest(),
                                                          &response);
  }

  const TestAuthority authority_{"authority"};
  const TestAuthority clients_{"clients"};
};

TEST_F(TransportSecurityTest, TlsLetsInWhoTrustsItsAuthority) {
  ASSERT_OK(StartServer());
  EXPECT_THAT(List(authority_.certificate()), IsRpcOk());
  EXPECT_EQ(List(clients_.certificate()).error_code(), grpc::StatusCode::UNAVAILABLE);
  v1::ListModelsResponse response;
  const grpc::Status plain =
      Call(*models_, &v1::ModelService::Stub::ListModels, v1::ListModelsRequest(), &response);
  EXPECT_EQ(plain.error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TransportSecurityTest, MutualTlsWantsACertificateOfItsAuthority) {
  config_.security.client_ca_file = dir_.Join("clients.pem");
  ASSERT_OK(StartServer());
  const std::string& ca = authority_.certificate();
  EXPECT_THAT(List(ca, clients_.Sign("pipeline")), IsRpcOk());
  EXPECT_FALSE(List(ca).ok());
  EXPECT_FALSE(List(ca, authority_.Sign("somebody else's")).ok());
  EXPECT_FALSE(List(ca, clients_.Sign("yesterday's", -60)).ok());
}

TEST_F(TransportSecurityTest, TokensAreWantedOfEveryCall) {
  config_.security.token_file = dir_.Join("tokens");
  ASSERT_OK(StartServer());
  const std::string& ca = authority_.certificate();
  EXPECT_THAT(List(ca, {}, kToken), IsRpcOk());
  const grpc::Status without = List(ca);
  EXPECT_EQ(without.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(without.error_message(), HasSubstr("--token-file"));
  EXPECT_EQ(List(ca, {}, "0123456789abcdef0123456789abcdee").error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(TransportSecurityTest, FilesThatCannotBeUsedAreNamed) {
  const TestCertificate other = authority_.Sign("other");
  const TestCertificate expired = authority_.Sign("expired", -60);
  dir_.Write("other.key", other.key);
  dir_.Write("expired.pem", expired.certificate);
  dir_.Write("expired.key", expired.key);
  dir_.Write("text", "-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n");
  dir_.Write("short", "secret\n");
  const auto with = [this](std::string TransportSecurity::*file, const char* name) {
    TransportSecurity changed = config_.security;
    changed.*file = dir_.Join(name);
    return MakeServerCredentials(changed);
  };
  using S = TransportSecurity;
  EXPECT_OK(MakeServerCredentials(config_.security));
  EXPECT_THAT(with(&S::cert_file, "nowhere"),
              StatusIs(StatusCode::kNotFound, HasSubstr("nowhere")));
  EXPECT_THAT(with(&S::cert_file, "text"),
              StatusIs(StatusCode::kInvalidArgument, AllOf(HasSubstr("text"), HasSubstr("PEM"))));
  EXPECT_THAT(with(&S::key_file, "text"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("private key")));
  EXPECT_THAT(with(&S::key_file, "other.key"),
              StatusIs(StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("other.key"), HasSubstr("server.pem"))));
  EXPECT_THAT(with(&S::cert_file, "expired.pem"),
              StatusIs(StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("expired.pem"), HasSubstr("renew"))));
  EXPECT_THAT(with(&S::client_ca_file, "server.key"), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(with(&S::token_file, "short"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("short: line 1")));
}

TEST_F(TransportSecurityTest, HalfOfAPairAndAuthenticationInTheClearAreRefused) {
  for (const auto& [security, wants] : std::vector<std::pair<TransportSecurity, std::string>>{
           {{"c", "", "", ""}, "--key-file"},
           {{"", "k", "", ""}, "--cert-file"},
           {{"", "", "a", ""}, "--client-ca-file needs TLS"},
           {{"", "", "", "t"}, "--token-file needs TLS"}}) {
    EXPECT_THAT(ValidateTransportSecurity(security),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(wants)));
  }
  EXPECT_OK(ValidateTransportSecurity({}));
  EXPECT_OK(ValidateTransportSecurity({"c", "k", "a", "t"}));
}

}  // namespace
}  // namespace plumbline
