#include "core/base/sha256.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

// FIPS 180-4's own examples.
TEST(Sha256, AgreesWithTheStandardsExamples) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, PiecesGiveTheSameDigestAsTheWhole) {
  Sha256 digest;
  digest.Update("a");
  digest.Update("bc");
  EXPECT_EQ(digest.FinishHex(), Sha256Hex("abc"));
}

TEST(Sha256, ADigestIs64LowerCaseHexDigits) {
  const std::string digest = Sha256Hex("abc");
  EXPECT_TRUE(IsSha256Hex(digest));
  EXPECT_FALSE(IsSha256Hex(digest.substr(1)));
  EXPECT_FALSE(IsSha256Hex(digest + "0"));
  EXPECT_FALSE(IsSha256Hex(std::string(64, 'g')));
  EXPECT_FALSE(IsSha256Hex(std::string(64, 'A')));
}

TEST(Sha256, DigestsAFileAndNamesOneThatIsMissing) {
  TempDir dir;
  EXPECT_THAT(Sha256HexOfFile(dir.Write("f", "abc")), IsOkAndHolds(Sha256Hex("abc")));
  EXPECT_THAT(Sha256HexOfFile(dir.Join("missing")),
              StatusIs(absl::StatusCode::kNotFound, testing::HasSubstr("missing")));
}

}  // namespace
}  // namespace plumbline
