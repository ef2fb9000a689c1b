#include "core/weights/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string TwoTensors() {
  return SafetensorsBytes({F32("x", {2, 3}, {1, 2, 3, 4, 5, 6}), F32("y", {}, {7})});
}

TEST(Safetensors, OpensAndParses) {
  TempDir dir;
  const std::string path = dir.Write("m.safetensors", TwoTensors());
  ASSERT_OK_AND_ASSIGN(const auto mapped, SafetensorsFile::Open(path));
  ASSERT_OK_AND_ASSIGN(const auto read, SafetensorsFile::Parse(TwoTensors(), path));
  for (const auto& file : {mapped, read}) {
    ASSERT_EQ(file->tensors().size(), 2u);
    const TensorInfo* x = file->Find("x");
    ASSERT_NE(x, nullptr);
    EXPECT_THAT(x->shape, ElementsAre(2, 3));
    EXPECT_EQ(x->elements(), 6);
    EXPECT_EQ(DTypeName(x->dtype), "F32");
    EXPECT_EQ(file->data(*x).size(), 24u);
    EXPECT_EQ(file->Find("y")->elements(), 1);
    EXPECT_EQ(file->Find("z"), nullptr);
    EXPECT_EQ(file->metadata().at("format"), "pt");
    EXPECT_EQ(file->bytes(), TwoTensors());
  }
}

TEST(Safetensors, TensorsComeInTheOrderOfTheirData) {
  const std::string header = R"({"late":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},)"
                             R"("early":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},)"
                             R"("none":{"dtype":"F32","shape":[0,4],"data_offsets":[0,0]}})";
  ASSERT_OK_AND_ASSIGN(const auto file, SafetensorsFile::Parse(RawSafetensors(header, "ab"), "f"));
  std::vector<std::string> names;
  for (const TensorInfo& tensor : file->tensors()) names.push_back(tensor.name);
  EXPECT_THAT(names, ElementsAre("none", "early", "late"));
  EXPECT_EQ(file->data(file->tensors()[2]), "b");
}

TEST(Safetensors, KnowsEveryDType) {
  for (const auto& [name, size] : std::vector<std::pair<std::string, int>>{{"F64", 8},
                                                                           {"F32", 4},
                                                                           {"F16", 2},
                                                                           {"BF16", 2},
                                                                           {"I64", 8},
                                                                           {"I32", 4},
                                                                           {"I16", 2},
                                                                           {"I8", 1},
                                                                           {"U64", 8},
                                                                           {"U32", 4},
                                                                           {"U16", 2},
                                                                           {"U8", 1},
                                                                           {"BOOL", 1}}) {
    ASSERT_OK_AND_ASSIGN(
        const auto file,
        SafetensorsFile::Parse(SafetensorsBytes({{"t", name, {3}, std::string(3 * size, '\0')}}),
                               "f"));
    EXPECT_EQ(DTypeName(file->Find("t")->dtype), name);
    EXPECT_EQ(DTypeSize(file->Find("t")->dtype), size);
  }
}

TEST(Safetensors, NamesThePathThatCannotBeOpened) {
  TempDir dir;
  EXPECT_THAT(SafetensorsFile::Open(dir.Join("nope")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(dir.Join("nope"))));
  EXPECT_THAT(SafetensorsFile::Open(dir.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is a directory")));
  ASSERT_EQ(mkfifo(dir.Join("pipe").c_str(), 0600), 0);
  EXPECT_THAT(SafetensorsFile::Open(dir.Join("pipe")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a regular file")));
}

struct BadFile {
  std::string name;
  std::string bytes;
  std::string message;
};

std::string Header(const std::string& header, size_t data = 4) {
  return RawSafetensors(header, std::string(data, '\0'));
}
std::string Tensor(const std::string& body, size_t data = 4) {
  return Header(absl::StrCat("{\"t\":{", body, "}}"), data);
}

std::vector<BadFile> NotSafetensors() {
  return {
      {"Empty", "", "the file is empty"},
      {"FiveBytes", "12345", "too few for a safetensors header"},
      {"OnlyALength", std::string(8, '\0'), "too few for a safetensors header"},
      {"Pickle", std::string("\x80\x04\x95", 3) + std::string(50, 'x'), "a Python pickle"},
      {"OldPickle", std::string("\x80\x02}q", 4) + std::string(700, 'x'), "a Python pickle"},
      {"TorchZip", absl::StrCat("PK\x03\x04", std::string(50, 'x')), "a zip archive"},
      {"Html", "<!DOCTYPE html><html><body>404 Not Found</body></html>", "an HTML page"},
      {"HtmlAfterBlank", "\n\n  <HTML><body>Sign in</body></HTML>", "an HTML page"},
      {"GitLfs", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a git-lfs pointer"},
      {"Gguf", absl::StrCat("GGUF", std::string(50, '\3')), "a GGUF file"},
      {"BareJson", "{\"weight_map\": {\"a\": \"b.safetensors\"}}", "a JSON text"},
      {"Noise", std::string(64, '\xee'), "the limit is 100000000"},
      {"HeaderLongerThanFile", TwoTensors().substr(0, 40), "truncated or not safetensors"},
      {"ZeroHeader", RawSafetensors("", "data"), "does not begin with '{'"},
  };
}

std::vector<BadFile> BadHeaders() {
  return {
      {"NotJson", Header("{\"t\": }  "), "not JSON at byte"},
      {"TrailingText", Header("{} {}"), "not JSON at byte"},
      {"LeadingBlank", Header("  {}"), "does not begin with '{'"},
      {"Array", Header("[]"), "does not begin with '{'"},
      {"DeepNesting", Header(absl::StrCat("{\"t\":{\"shape\":", std::string(100000, '['))),
       "out of place"},
      {"BadUtf8", Header("{\"\xff\":{}}"), "not JSON"},
      {"DuplicateTensor",
       Header(R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
              R"("t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})"),
       "tensor \"t\" stands twice"},
      {"DuplicateKey", Tensor(R"("dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4])"),
       "tensor \"t\": key \"dtype\" stands twice"},
      {"UnknownKey", Tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1)"),
       "tensor \"t\": unknown key \"x\""},
      {"EmptyName", Header(R"({"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})"), "is empty"},
      {"ControlInName", Header(R"({"a\u0000":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})"),
       "control characters"},
      {"LongName", Header(absl::StrCat("{\"", std::string(2000, 'n'), "\":{}}")), "a name of 2000"},
      {"NoDtype", Tensor(R"("shape":[1],"data_offsets":[0,4])"), "\"t\": has no \"dtype\""},
      {"NoShape", Tensor(R"("dtype":"F32","data_offsets":[0,4])"), "\"t\": has no \"shape\""},
      {"NoOffsets", Tensor(R"("dtype":"F32","shape":[1])"), "\"t\": has no \"data_offsets\""},
      {"UnknownDtype", Tensor(R"("dtype":"F33","shape":[1],"data_offsets":[0,4])"),
       "\"t\": unknown dtype \"F33\""},
      {"DtypeNumber", Tensor(R"("dtype":32,"shape":[1],"data_offsets":[0,4])"), "out of place"},
      {"NegativeDimension", Tensor(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])"),
       "\"t\": shape: -1 is negative"},
      {"FractionalDimension", Tensor(R"("dtype":"F32","shape":[1.5],"data_offsets":[0,4])"),
       "1.5 is not a 64-bit integer"},
      {"HugeNumber", Tensor(R"("dtype":"F32","shape":[1e99],"data_offsets":[0,4])"),
       "not a 64-bit"},
      {"AbsurdDimension",
       Tensor(R"("dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4])"), "is absurd"},
      {"TooManyDimensions",
       Tensor(R"("dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4])"),
       "more than 8 dimensions"},
      {"ShapeOfStrings", Tensor(R"("dtype":"F32","shape":["1"],"data_offsets":[0,4])"),
       "out of place"},
      {"NestedShape", Tensor(R"("dtype":"F32","shape":[[1]],"data_offsets":[0,4])"),
       "out of place"},
      {"OneOffset", Tensor(R"("dtype":"F32","shape":[1],"data_offsets":[4])"), "1 numbers, want 2"},
      {"ThreeOffsets", Tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4,4])"),
       "more than 2"},
      {"NullTensor", Header(R"({"t":null})"), "null is out of place"},
      {"MetadataNumber", Header(R"({"__metadata__":{"a":1}})", 0), "out of place"},
      {"MetadataDuplicate", Header(R"({"__metadata__":{"a":"1","a":"2"}})", 0), "stands twice"},
  };
}

std::vector<BadFile> BadLayouts() {
  return {
      {"Backwards", Tensor(R"("dtype":"F32","shape":[1],"data_offsets":[4,0])"), "run backwards"},
      {"PastTheEnd", Tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])"),
       "\"t\": data_offsets [0,8] end after the 4 bytes"},
      {"WrapAround", Tensor(R"("dtype":"F32","shape":[1],"data_offsets":[18446744073709551615,3])"),
       "run backwards"},
      {"SizeDisagrees", Tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])"),
       "hold 4 bytes, F32 [2] needs 8"},
      {"Overflow", Tensor(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4])"),
       "shape [4294967296,4294967296] overflows"},
      {"OverflowBesideZero",
       Tensor(R"("dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0])", 0),
       "overflows"},
      {"Overlap",
       Header(R"({"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
              R"("u":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})"),
       "\"u\": data_offsets [2,4] overlap tensor \"t\""},
      {"SameBytesTwice",
       Header(R"({"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
              R"("u":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})"),
       "overlap tensor \"t\""},
      {"HoleAtStart", Tensor(R"("dtype":"U8","shape":[2],"data_offsets":[2,4])"),
       "a hole of 2 bytes"},
      {"HoleInside",
       Header(R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
              R"("u":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}})"),
       "\"u\": data_offsets [3,4] leave a hole of 2 bytes"},
      {"TrailingBytes", Tensor(R"("dtype":"U8","shape":[2],"data_offsets":[0,2])"),
       "2 bytes after the last tensor"},
      {"DataWithoutTensors", Header("{}"), "4 bytes after the last tensor"},
      {"TruncatedData", TwoTensors().substr(0, TwoTensors().size() - 1), "a truncated file?"},
  };
}

TEST(Safetensors, RefusesEveryBadFileByItsReason) {
  TempDir dir;
  int kinds = 0;
  for (const auto& list : {NotSafetensors(), BadHeaders(), BadLayouts()}) {
    for (const BadFile& bad : list) {
      SCOPED_TRACE(bad.name);
      const std::string path = dir.Write(bad.name, bad.bytes);
      const auto expected = StatusIs(absl::StatusCode::kInvalidArgument,
                                     AllOf(HasSubstr(path), HasSubstr(bad.message)));
      EXPECT_THAT(SafetensorsFile::Open(path), expected);
      EXPECT_THAT(SafetensorsFile::Parse(bad.bytes, path), expected);
      ++kinds;
    }
  }
  EXPECT_GE(kinds, 50);
}

TEST(Safetensors, QuantisedWeightsAreRefusedWithARemedy) {
  for (const char* dtype : {"F8_E4M3", "F8_E5M2", "F8_E8M0", "F4"}) {
    EXPECT_THAT(
        SafetensorsFile::Parse(
            Tensor(absl::StrCat("\"dtype\":\"", dtype, R"(","shape":[4],"data_offsets":[0,4])")),
            "f"),
        StatusIs(absl::StatusCode::kUnimplemented,
                 HasSubstr(absl::StrCat("\"t\": dtype ", dtype,
                                        ": quantised checkpoints are not supported; use the "
                                        "original float16, bfloat16 or float32 one"))));
  }
}

}  // namespace
}  // namespace plumbline
