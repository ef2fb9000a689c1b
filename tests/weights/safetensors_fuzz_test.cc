// Damaged files: whatever a mutation does to a valid file, opening it neither crashes nor admits a
// header that lies about its bytes. Run under the asan preset this also proves every read in
// bounds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <set>
#include <string>

#include "core/weights/safetensors.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

std::string Valid() {
  return SafetensorsBytes({F32Random("base_model.model.a.lora_A.weight", {4, 8}, 1),
                           F32Random("base_model.model.a.lora_B.weight", {8, 4}, 2),
                           {"flags", "BOOL", {3}, std::string("\0\1\0", 3)},
                           {"none", "F32", {0, 7}, ""},
                           F32Random("scalar", {}, 3)});
}

// The format's promises, checked independently of the parser's own arithmetic.
void ExpectHonest(const SafetensorsFile& file) {
  std::set<std::string> names;
  uint64_t covered = 0;
  uint64_t checksum = 0;
  for (const TensorInfo& tensor : file.tensors()) {
    EXPECT_TRUE(names.insert(tensor.name).second);
    EXPECT_EQ(tensor.begin, covered);
    EXPECT_EQ(static_cast<unsigned __int128>(tensor.end - tensor.begin),
              static_cast<unsigned __int128>(tensor.elements()) * DTypeSize(tensor.dtype));
    covered = tensor.end;
    for (char byte : file.data(tensor)) checksum += static_cast<unsigned char>(byte);
    EXPECT_EQ(file.Find(tensor.name), &tensor);
  }
  EXPECT_EQ(covered + 8 + file.header().size(), file.bytes().size());
  EXPECT_LE(checksum, covered * 255);
}

TEST(SafetensorsFuzz, EveryTruncationIsRefused) {
  const std::string valid = Valid();
  ASSERT_OK(SafetensorsFile::Parse(valid, "f"));
  for (size_t size = 0; size < valid.size(); ++size) {
    EXPECT_FALSE(SafetensorsFile::Parse(valid.substr(0, size), "f").ok()) << size;
  }
  EXPECT_FALSE(SafetensorsFile::Parse(valid + "x", "f").ok());
}

TEST(SafetensorsFuzz, EverySingleBitFlipOfTheHeaderIsRefusedOrHonest) {
  const std::string valid = Valid();
  const size_t header_end = valid.size() - 4 * (32 + 32 + 1) - 3;
  int refused = 0;
  for (size_t byte = 0; byte < header_end; ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = valid;
      damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << bit));
      const auto file = SafetensorsFile::Parse(damaged, "f");
      if (file.ok()) {
        ExpectHonest(**file);
      } else {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(SafetensorsFuzz, RandomDamageIsRefusedOrHonest) {
  const std::string valid = Valid();
  std::mt19937 random(20240611);
  const std::string interesting = "{}[]\",:0919-e.\\ \n\xff";
  for (int round = 0; round < 50'000; ++round) {
    std::string damaged = valid;
    const int edits = 1 + static_cast<int>(random() % 4);
    for (int edit = 0; edit < edits; ++edit) {
      const size_t at = random() % damaged.size();
      switch (random() % 5) {
        case 0:
          damaged[at] = static_cast<char>(random());
          break;
        case 1:
          damaged[at] = interesting[random() % interesting.size()];
          break;
        case 2:
          damaged.erase(at, 1 + random() % 8);
          break;
        case 3:
          damaged.insert(at, damaged.substr(random() % damaged.size(), random() % 64));
          break;
        default:
          damaged.resize(at + 1);
      }
      if (damaged.empty()) damaged.push_back('x');
    }
    // Half of the time the length is made right again, so that the damage reaches the parser.
    if (damaged.size() > 16 && random() % 2 == 0) {
      const uint64_t length = 8 + random() % (damaged.size() - 8) - 8;
      for (int i = 0; i < 8; ++i) damaged[i] = static_cast<char>(length >> (8 * i));
    }
    const auto file = SafetensorsFile::Parse(damaged, "f");
    if (file.ok()) ExpectHonest(**file);
  }
}

}  // namespace
}  // namespace plumbline
