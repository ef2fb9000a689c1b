// The demo's base and adapters against transformers + PEFT (tests/golden/demo).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/model/families/families.h"
#include "core/model/kernels/kernels.h"
#include "tests/engine/tiny_model.h"
#include "tests/model/case_files.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

constexpr char kBase[] = "deploy/demo/models/plumb-tiny";

std::string Adapter(const std::string& name) { return "deploy/demo/adapters/" + name; }

class DemoTest : public testing::TestWithParam<std::string> {
 protected:
  std::vector<float> Golden(const std::string& name) {
    const absl::string_view bytes = file_->data(*file_->Find(name));
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }

  const nlohmann::json golden_ =
      nlohmann::json::parse(ReadFileOrDie("tests/golden/demo/golden.json"));
  const std::shared_ptr<const SafetensorsFile> file_ =
      *SafetensorsFile::Open("tests/golden/demo/logits.safetensors");
};

TEST_P(DemoTest, LogitsEqualTransformersAndPeft) {
  const std::string subject = GetParam();
  std::shared_ptr<const LoraWeights> adapter;
  const DecoderSpec spec = *LoadDecoderSpec(kBase);
  if (subject != "base") {
    adapter = LoadAndPack(kBase, Adapter(subject), ComputeType::kFloat32);
  }
  TestDecoder decoder(kBase, ComputeType::kFloat32);
  const int64_t v = spec.vocabulary;
  for (const auto& [name, prompt] : golden_["prompts"].items()) {
    const std::vector<int32_t> ids = prompt["ids"].get<std::vector<int32_t>>();
    const std::vector<float> got = decoder.Run(ids, {}, adapter.get());
    const std::vector<float> want = Golden(subject + "." + name + ".logits");
    const auto [low, high] = std::minmax_element(want.begin(), want.end());
    const float* last = got.data() + (ids.size() - 2) * v;
    for (size_t i = 0; i < want.size(); ++i) {
      ASSERT_NEAR(last[i], want[i], 1e-4f * (*high - *low)) << subject << " " << name << " " << i;
    }
    const std::vector<float> log_probabilities = Golden(subject + "." + name + ".next_logprob");
    for (size_t i = 0; i < log_probabilities.size(); ++i) {
      const float* row = got.data() + i * v;
      EXPECT_NEAR(row[ids[i + 1]] - BestKernels<float>().log_sum_exp(row, v), log_probabilities[i],
                  1e-4f * (*high - *low));
    }
  }
}

TEST_P(DemoTest, GreedyTextsAreTransformers) {
  std::unique_ptr<ModelHost> host = CreateEngineHost({});
  LoadModelOptions options;
  options.name = "tiny";
  options.path = kBase;
  options.dtype = "float32";
  ASSERT_OK(host->LoadModel(options));
  const std::string subject = GetParam() == "base" ? "" : GetParam();
  if (!subject.empty()) ASSERT_OK(Load(*host, subject, Adapter(subject)));
  std::shared_ptr<LanguageModel> model = *host->Pin("tiny", subject);
  for (const std::string& name : {std::string("short"), std::string("long")}) {
    ASSERT_OK_AND_ASSIGN(
        const Generation result,
        Generate(*model, Call(golden_["prompts"][name]["text"].get<std::string>(), 32)));
    EXPECT_EQ(result.text, golden_["greedy"][GetParam()][name]["text"].get<std::string>());
    EXPECT_EQ(result.completion_tokens,
              static_cast<int>(golden_["greedy"][GetParam()][name]["ids"].size()));
  }
}

INSTANTIATE_TEST_SUITE_P(Subjects, DemoTest,
                         testing::Values("base", "instruct", "arithmetic", "format"));

TEST(DemoAdmissionTest, AnAdapterOfAnotherBaseIsRefusedAndNamed) {
  std::unique_ptr<ModelHost> host = CreateEngineHost({});
  LoadModelOptions options;
  options.name = "tiny";
  options.path = kBase;
  ASSERT_OK_AND_ASSIGN(const ModelInfo info, host->LoadModel(options));
  EXPECT_EQ(info.options.dtype, "bfloat16");
  EXPECT_THAT(Load(*host, "wrong", Adapter("wrong-base")),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("proj")));
  EXPECT_OK(Load(*host, "right", Adapter("instruct")));
}

}  // namespace
}  // namespace plumbline
