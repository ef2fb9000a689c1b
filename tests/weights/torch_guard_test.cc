#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <string>

#include "absl/status/statusor.h"
#include "core/weights/torch_guard_internal.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using testing::HasSubstr;

template <typename Error>
absl::Status GuardThrow(Error error, absl::string_view where = "") {
  return GuardTorch([&]() -> absl::Status { throw error; }, where);
}

c10::Error TorchError(const std::string& message) {
  return c10::Error({"here", "there.cpp", 1}, message);
}

TEST(TorchGuard, PassesOnWhatIsReturned) {
  EXPECT_THAT(GuardTorch([]() -> absl::StatusOr<int> { return 7; }), IsOkAndHolds(7));
  EXPECT_THAT(GuardTorch([]() -> absl::Status { return absl::NotFoundError("x"); }, "somewhere"),
              StatusIs(absl::StatusCode::kNotFound, "x"));
}

TEST(TorchGuard, NoMemoryIsResourceExhausted) {
  const auto exhausted = [](absl::string_view text) {
    return StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr(std::string(text)));
  };
  EXPECT_THAT(GuardThrow(std::bad_alloc()), exhausted("out of memory"));
  // As LibTorch words it (c10/core/impl/alloc_cpu.cpp, SizesAndStrides.h,
  // CUDACachingAllocator.cpp).
  for (const char* message :
       {"[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you tried to allocate 1125899906842624 bytes. Error code 12 (Cannot allocate memory)",
        "Could not allocate memory for Tensor SizesAndStrides!", "CUDA error: out of memory",
        "CUDA out of memory. Tried to allocate 20.00 GiB."}) {
    EXPECT_THAT(GuardThrow(TorchError(message)), exhausted(message));
  }
  EXPECT_THAT(GuardThrow(c10::OutOfMemoryError({"here", "there.cpp", 1}, "Tried 20 GiB")),
              exhausted("Tried 20 GiB"));
}

TEST(TorchGuard, AnythingElseIsInternal) {
  const auto internal = [](absl::string_view text) {
    return StatusIs(absl::StatusCode::kInternal, HasSubstr(std::string(text)));
  };
  for (const char* message :
       {"Unsupported memory format", "mat1 and mat2 shapes cannot be multiplied",
        "Caffe2 uses a lazy allocation, so you will need to call mutable_data() or "
        "raw_mutable_data() to actually allocate memory."}) {
    EXPECT_THAT(GuardThrow(TorchError(message)), internal(message));
  }
  EXPECT_THAT(GuardThrow(std::runtime_error("no thread, out of memory")), internal("no thread"));
}

TEST(TorchGuard, SaysWhere) {
  EXPECT_THAT(GuardThrow(std::bad_alloc(), "/adapters/a"),
              StatusIs(absl::StatusCode::kResourceExhausted, "/adapters/a: out of memory"));
  EXPECT_THAT(GuardThrow(TorchError("shapes"), "/adapters/a"),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("/adapters/a: shapes")));
}

}  // namespace
}  // namespace plumbline
