#include "tests/support/test_certificates.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdlib>

namespace plumbline {
namespace {

void Check(bool ok) {
  if (!ok) std::abort();
}

template <typename Write>
std::string Pem(Write write) {
  BIO* memory = BIO_new(BIO_s_mem());
  Check(write(memory) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  std::string pem(data, static_cast<size_t>(size));
  BIO_free(memory);
  return pem;
}

std::string PemOf(X509* certificate) {
  return Pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

std::string PemOf(EVP_PKEY* key) {
  return Pem([&](BIO* out) {
    return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

void AddExtension(X509* certificate, int id, const char* value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value);
  Check(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

// Without issuer and signature.
X509* NewCertificate(const std::string& name, EVP_PKEY* key, long seconds) {
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  static long serial = 0;
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

}  // namespace

struct TestAuthority::Pair {
  ~Pair() {
    X509_free(x509);
    EVP_PKEY_free(key);
  }
  X509* x509 = nullptr;
  EVP_PKEY* key = nullptr;
  std::string pem;
};

TestAuthority::TestAuthority(const std::string& name) : pair_(std::make_unique<Pair>()) {
  pair_->key = EVP_EC_gen("P-256");
  Check(pair_->key != nullptr);
  pair_->x509 = NewCertificate(name, pair_->key, 3600);
  AddExtension(pair_->x509, NID_basic_constraints, "critical,CA:TRUE");
  X509_set_issuer_name(pair_->x509, X509_get_subject_name(pair_->x509));
  Check(X509_sign(pair_->x509, pair_->key, EVP_sha256()) > 0);
  pair_->pem = PemOf(pair_->x509);
}

TestAuthority::~TestAuthority() = default;

const std::string& TestAuthority::certificate() const { return pair_->pem; }

TestCertificate TestAuthority::Sign(const std::string& name, long seconds) const {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = NewCertificate(name, key, seconds);
  AddExtension(certificate, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
  X509_set_issuer_name(certificate, X509_get_subject_name(pair_->x509));
  Check(X509_sign(certificate, pair_->key, EVP_sha256()) > 0);
  TestCertificate made{PemOf(certificate), PemOf(key)};
  X509_free(certificate);
  EVP_PKEY_free(key);
  return made;
}

}  // namespace plumbline
