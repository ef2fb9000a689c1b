#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/weights/checkpoint_internal.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// A directory with an index and the shards a test writes.
struct Sharded {
  TempDir dir;
  Sharded() {
    dir.Write("s1.safetensors", SafetensorsBytes({F32("a", {2}, {1, 2})}));
    dir.Write("s2.safetensors", SafetensorsBytes({F32("b", {1}, {3}), F32("c", {1}, {4})}));
    Index(R"({"a": "s1.safetensors", "b": "s2.safetensors", "c": "s2.safetensors"})");
  }
  void Index(const std::string& weight_map) {
    dir.Write("model.safetensors.index.json", absl::StrCat("{\"weight_map\": ", weight_map, "}"));
  }
  auto Open() { return Checkpoint::Open(dir.path()); }
};

TEST(Checkpoint, OneFile) {
  TempDir dir;
  dir.Write("model.safetensors",
            SafetensorsBytes({F32("w", {2, 2}, {1, 2, 3, 4}),
                              {"h", "BF16", {2}, std::string("\x80\x3f\x00\x40", 4)}}));
  ASSERT_OK_AND_ASSIGN(const auto checkpoint, Checkpoint::Open(dir.path()));
  EXPECT_THAT(checkpoint->names(), ElementsAre("h", "w"));
  EXPECT_TRUE(checkpoint->Contains("w"));
  EXPECT_EQ(checkpoint->elements(), 6);
  EXPECT_EQ(checkpoint->tensor_bytes(), 20);
  ASSERT_OK_AND_ASSIGN(const at::Tensor w, checkpoint->Load("w"));
  EXPECT_THAT(w.sizes().vec(), ElementsAre(2, 2));
  EXPECT_EQ(w.data_ptr<float>()[3], 4);
  ASSERT_OK_AND_ASSIGN(const at::Tensor h, checkpoint->Load("h", {2}));
  EXPECT_EQ(h.scalar_type(), at::kBFloat16);
  EXPECT_EQ(static_cast<float>(h.data_ptr<at::BFloat16>()[1]), 2.0f);
}

TEST(Checkpoint, ATensorViewsTheMappingAndKeepsIt) {
  TempDir dir;
  dir.Write("model.safetensors", SafetensorsBytes({F32("w", {2}, {5, 6})}));
  at::Tensor first, second;
  {
    ASSERT_OK_AND_ASSIGN(const auto checkpoint, Checkpoint::Open(dir.path()));
    ASSERT_OK_AND_ASSIGN(first, checkpoint->Load("w"));
    ASSERT_OK_AND_ASSIGN(second, checkpoint->Load("w"));
  }
  EXPECT_EQ(first.data_ptr(), second.data_ptr());  // no copy
  EXPECT_EQ(first.data_ptr<float>()[1], 6);        // still mapped
}

TEST(Checkpoint, UnalignedDataIsCopied) {
  TempDir dir;
  dir.Write("model.safetensors",
            SafetensorsBytes({{"odd", "U8", {1}, "x"}, F32("w", {2}, {5, 6})}));
  ASSERT_OK_AND_ASSIGN(const auto checkpoint, Checkpoint::Open(dir.path()));
  ASSERT_OK_AND_ASSIGN(const at::Tensor w, checkpoint->Load("w"));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(w.data_ptr()) % 4, 0u);
  EXPECT_EQ(w.data_ptr<float>()[0], 5);
}

TEST(Checkpoint, Shards) {
  Sharded model;
  ASSERT_OK_AND_ASSIGN(const auto checkpoint, model.Open());
  EXPECT_THAT(checkpoint->names(), ElementsAre("a", "b", "c"));
  ASSERT_OK_AND_ASSIGN(const at::Tensor c, checkpoint->Load("c"));
  EXPECT_EQ(c.data_ptr<float>()[0], 4);
}

TEST(Checkpoint, NamesWhatIsMissingOrOfAnotherShape) {
  Sharded model;
  ASSERT_OK_AND_ASSIGN(const auto checkpoint, model.Open());
  EXPECT_THAT(checkpoint->Load("d"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("\"d\"")));
  EXPECT_THAT(checkpoint->Load("a", {2, 1}),
              StatusIs(kInvalid, HasSubstr("a: shape [2], want [2,1]")));
}

TEST(Checkpoint, VersionFollowsHeaderAndContent) {
  const auto version = [](float value, const std::string& name) {
    TempDir dir;
    std::vector<float> values(10'000, 1.0f);
    values.back() = value;
    dir.Write("model.safetensors", SafetensorsBytes({F32(name, {10'000}, values)}));
    return (*Checkpoint::Open(dir.path()))->version();
  };
  EXPECT_EQ(version(1, "w"), version(1, "w"));
  EXPECT_NE(version(1, "w"), version(2, "w"));
  EXPECT_NE(version(1, "w"), version(1, "v"));
  EXPECT_EQ(version(1, "w").size(), 64u);
}

TEST(Checkpoint, RefusesADirectoryWithoutSafetensors) {
  TempDir dir;
  EXPECT_THAT(Checkpoint::Open(dir.Join("nope")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("nope")));
  EXPECT_THAT(Checkpoint::Open(dir.path()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("neither model.safetensors nor")));
  TempDir gguf;
  gguf.Write("model-q4.gguf", "GGUF");
  EXPECT_THAT(Checkpoint::Open(gguf.path()),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("model-q4.gguf"), HasSubstr("safetensors"))));
  dir.Write("pytorch_model.bin", "\x80\x02");
  EXPECT_THAT(Checkpoint::Open(dir.path()),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("pytorch_model.bin"), HasSubstr("convert to safetensors"))));
  EXPECT_THAT(Checkpoint::Open(dir.Join("pytorch_model.bin")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("pytorch_model.bin")));
}

TEST(Checkpoint, RefusesAnUnreadableDirectory) {
  TempDir dir;
  ASSERT_EQ(chmod(dir.path().c_str(), 0), 0);
  const uid_t me = geteuid();
  // Root reads every directory: look at it as nobody.
  if (me == 0) {
    ASSERT_EQ(seteuid(65534), 0);
  }
  const auto checkpoint = Checkpoint::Open(dir.path());
  if (me == 0) {
    ASSERT_EQ(seteuid(me), 0);
  }
  EXPECT_THAT(checkpoint, StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr(dir.path())));
  chmod(dir.path().c_str(), 0700);
}

TEST(Checkpoint, RefusesABadIndex) {
  const struct {
    const char* map;
    const char* message;
  } kBad[] = {
      {"{}", "\"weight_map\" is missing, empty or not an object"},
      {"[1]", "\"weight_map\" is missing, empty or not an object"},
      {R"({"a": 1})", "\"a\": not a string"},
      {R"({"a": "../s1.safetensors"})", "not a plain file name"},
      {R"({"a": "/etc/passwd"})", "not a plain file name"},
      {R"({"a": "sub/s1.safetensors"})", "not a plain file name"},
      {R"({"a": ".."})", "not a plain file name"},
      {R"({"a": "s1.safetensors\u0000"})", "not a plain file name"},
      {R"({"a": "pytorch_model.bin"})", "not a .safetensors file"},
      {R"({"a": "s1.safetensors", "a": "s2.safetensors"})", "\"a\" stands twice"},
      {R"({"a": "s1.safetensors", "z": "s1.safetensors"})", "has no tensor \"z\""},
      {R"({"a": "s2.safetensors", "b": "s2.safetensors"})", "tensor \"c\""},
      {R"({"a": "s1.safetensors", "b": "s1.safetensors", "c": "s2.safetensors"})",
       "tensor \"b\": model.safetensors.index.json maps it to s1.safetensors"},
      {R"({"a": "s3.safetensors"})", "s3.safetensors: the shard is missing"},
      {"{", "not JSON"},
  };
  for (const auto& bad : kBad) {
    SCOPED_TRACE(bad.map);
    Sharded model;
    model.Index(bad.map);
    const auto checkpoint = model.Open();
    EXPECT_FALSE(checkpoint.ok());
    EXPECT_THAT(std::string(checkpoint.status().message()), HasSubstr(bad.message));
  }
}

TEST(Checkpoint, RefusesATensorInTwoShards) {
  Sharded model;
  model.dir.Write("s1.safetensors", SafetensorsBytes({F32("a", {2}, {1, 2}), F32("b", {1}, {1})}));
  EXPECT_THAT(model.Open(), StatusIs(kInvalid, HasSubstr("tensor \"b\"")));
}

TEST(Checkpoint, RefusesABrokenShardByName) {
  Sharded model;
  model.dir.Write("s2.safetensors", "PK\x03\x04 a zip archive");
  EXPECT_THAT(model.Open(),
              StatusIs(kInvalid, AllOf(HasSubstr("s2.safetensors"), HasSubstr("zip archive"))));
}

TEST(Checkpoint, RefusesACheckpointWithoutTensors) {
  TempDir dir;
  dir.Write("model.safetensors", SafetensorsBytes({}));
  EXPECT_THAT(Checkpoint::Open(dir.path()), StatusIs(kInvalid, HasSubstr("hold no tensor")));
}

}  // namespace
}  // namespace plumbline
