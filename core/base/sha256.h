// SHA-256 (FIPS 180-4), through OpenSSL: the name of everything that is addressed by its content.
#ifndef PLUMBLINE_CORE_BASE_SHA256_H_
#define PLUMBLINE_CORE_BASE_SHA256_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

// A running digest. Thread-compatible; Finish() once.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void Update(absl::string_view bytes);
  // 64 lower-case hexadecimal digits.
  std::string FinishHex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// 64 lower-case hexadecimal digits.
std::string Sha256Hex(absl::string_view bytes);

// Whether `text` is a digest as written here.
bool IsSha256Hex(absl::string_view text);

// Digest of a file's content, read in chunks. NotFound or PermissionDenied name the path.
absl::StatusOr<std::string> Sha256HexOfFile(const std::string& path);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_BASE_SHA256_H_
