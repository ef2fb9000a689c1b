#include "core/base/file_bytes.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using ::testing::HasSubstr;

TEST(FileBytesTest, RegularFilesAreReadWholeUpToTheLimit) {
  const TempDir dir;
  const std::string content("a\0b\n", 4);
  const std::string path = dir.Write("f", content);
  EXPECT_THAT(ReadFileBytes(path, 4), IsOkAndHolds(content));
  EXPECT_THAT(ReadInput(path, 4), IsOkAndHolds(content));
  EXPECT_THAT(ReadInput(path, 3), StatusIs(absl::StatusCode::kResourceExhausted,
                                           HasSubstr("f: 4 bytes, the limit is 3")));
  EXPECT_THAT(ReadInput(dir.Join("gone"), 3), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(ReadInput(dir.path(), 3),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is a directory")));
}

TEST(FileBytesTest, OnlyInputsMayBePipes) {
  const TempDir dir;
  const std::string pipe = dir.Join("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(ReadFileBytes(pipe, 10),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a regular file")));
  for (const size_t bytes : {size_t{0}, size_t{300'000}, size_t{300'001}}) {
    std::thread writer([&] { std::ofstream(pipe) << std::string(bytes, 'x'); });
    const absl::StatusOr<std::string> read = ReadInput(pipe, 300'000);
    writer.join();
    if (bytes <= 300'000) {
      EXPECT_THAT(read, IsOkAndHolds(std::string(bytes, 'x')));
    } else {
      EXPECT_THAT(read, StatusIs(absl::StatusCode::kResourceExhausted,
                                 HasSubstr("pipe: more than 300000 bytes")));
    }
  }
}

}  // namespace
}  // namespace plumbline
