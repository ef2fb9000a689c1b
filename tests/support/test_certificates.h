// Certificates for tests: an authority that signs for 127.0.0.1, made in memory (P-256, X.509 v3).
#ifndef PLUMBLINE_TESTS_SUPPORT_TEST_CERTIFICATES_H_
#define PLUMBLINE_TESTS_SUPPORT_TEST_CERTIFICATES_H_

#include <memory>
#include <string>

namespace plumbline {

struct TestCertificate {
  std::string certificate;  // PEM
  std::string key;          // PEM
};

// Valid from an hour ago. Aborts when OpenSSL fails.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name);
  ~TestAuthority();

  // PEM of the authority's own certificate.
  const std::string& certificate() const;
  // For 127.0.0.1; ends in `seconds` from now (negative: has ended).
  TestCertificate Sign(const std::string& name, long seconds = 3600) const;

 private:
  struct Pair;
  std::unique_ptr<Pair> pair_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_SUPPORT_TEST_CERTIFICATES_H_
