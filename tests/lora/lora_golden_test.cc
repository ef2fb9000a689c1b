// Against PEFT: the committed golden adapters always, freshly made random ones where the oracle's
// Python is installed.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/lora/lora_reference_internal.h"
#include "tests/lora/golden_case.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

int CompareFolders(const std::string& root, int* cases) {
  int compared = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (!entry.is_directory()) continue;
    compared += ExpectEqualsPeft(entry.path().string());
    ++*cases;
  }
  return compared;
}

TEST(LoraGolden, EqualsPeft) {
  int cases = 0;
  EXPECT_GE(CompareFolders("tests/golden/lora", &cases), 100);
  EXPECT_EQ(cases, 23);
}

// PLUMBLINE_LORA_CASES and PLUMBLINE_LORA_SEED ask for another sample; a failure names its case.
TEST(LoraGolden, RandomAdaptersEqualPeft) {
  const auto python = OraclePython();
  if (!python.has_value()) GTEST_SKIP() << "no oracle Python: run tests/oracle/setup.sh";
  const char* count = std::getenv("PLUMBLINE_LORA_CASES");
  const char* seed = std::getenv("PLUMBLINE_LORA_SEED");
  const int wanted = count == nullptr ? 40 : std::atoi(count);
  TempDir dir;
  const std::string command =
      absl::StrCat(*python, " tests/oracle/lora/make_golden.py --out ", dir.path(), " --random ",
                   wanted, " --seed ", seed == nullptr ? "1" : seed);
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  int cases = 0;
  EXPECT_GE(CompareFolders(dir.path(), &cases), wanted);
  EXPECT_EQ(cases, wanted);
}

// The packer computes DoRA's magnitudes in pieces.
TEST(LoraReference, PiecesOfDoraScaleAreTheWholes) {
  at::manual_seed(1);
  for (const TargetKind kind : {TargetKind::kLinear, TargetKind::kConv1d}) {
    LoraModule module;
    module.target = {"m", kind, 300, 130, false};
    module.scaling = 0.5;
    module.a = at::randn({7, 300});
    module.b = at::randn({130, 7});
    module.magnitude = at::rand({130}) + 1;
    const at::Tensor weight = at::randn(kind == TargetKind::kLinear ? at::IntArrayRef{130, 300}
                                                                    : at::IntArrayRef{300, 130})
                                  .to(at::kBFloat16);
    std::vector<at::Tensor> pieces;
    for (int64_t begin = 0; begin < 130; begin += 40) {
      pieces.push_back(DoraScaleOf(module, weight, begin, std::min<int64_t>(40, 130 - begin)));
    }
    const at::Tensor whole = DoraScale(module, weight);
    EXPECT_TRUE(at::allclose(at::cat(pieces), whole, 1e-6, 0));
    EXPECT_EQ(whole.size(0), 130);
  }
}

}  // namespace
}  // namespace plumbline
