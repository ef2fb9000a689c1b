// Unique names for jobs and workers, as a constructor argument, so that tests can foretell them.
#ifndef PLUMBLINE_CORE_BASE_IDS_H_
#define PLUMBLINE_CORE_BASE_IDS_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace plumbline {

// Thread-safe.
class IdGenerator {
 public:
  virtual ~IdGenerator() = default;
  // "<prefix>-<unique part>": lower-case letters, digits and '-', at most 40 characters beyond the
  // prefix.
  virtual std::string NewId(absl::string_view prefix) = 0;
};

// 80 random bits from the operating system, in Crockford base 32 (16 characters).
class RandomIds : public IdGenerator {
 public:
  std::string NewId(absl::string_view prefix) override;
};

// "<prefix>-1", "<prefix>-2", ... For tests.
class SequentialIds : public IdGenerator {
 public:
  std::string NewId(absl::string_view prefix) override;

 private:
  std::atomic<uint64_t> next_{1};
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_BASE_IDS_H_
