// Checkpoints that are damaged, or do not belong together, in ways that loading alone may not show.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "core/weights/safetensors.h"
#include "tests/engine/tiny_model.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kTokenZ = 61;  // of the tiny model's bytes; no Z stands in the canary's prompt

// A copy of the tiny model to be damaged.
class BrokenModelTest : public ::testing::Test {
 protected:
  BrokenModelTest() {
    std::filesystem::copy(kTinyBase, folder_.path(),
                          std::filesystem::copy_options::recursive |
                              std::filesystem::copy_options::overwrite_existing);
  }

  void EditJson(const std::string& name, absl::FunctionRef<void(nlohmann::ordered_json&)> edit) {
    nlohmann::ordered_json json = nlohmann::ordered_json::parse(ReadFileOrDie(folder_.Join(name)));
    edit(json);
    folder_.Write(name, json.dump());
  }

  // The weights' tensors, edited and written again.
  void EditTensors(absl::FunctionRef<void(std::vector<TensorSpec>&)> edit) {
    const std::string path = folder_.Join("model.safetensors");
    std::vector<TensorSpec> tensors;
    {
      ASSERT_OK_AND_ASSIGN(const auto file, SafetensorsFile::Parse(ReadFileOrDie(path), path));
      for (const TensorInfo& tensor : file->tensors()) {
        tensors.push_back({tensor.name, "F32", tensor.shape, std::string(file->data(tensor))});
      }
    }
    edit(tensors);
    folder_.Write("model.safetensors", SafetensorsBytes(tensors));
  }

  absl::Status Load(int64_t kv_cache_bytes = 0) {
    LoadModelOptions options;
    options.name = "tiny";
    options.path = folder_.path();
    options.kv_cache_bytes = kv_cache_bytes;
    return host_->LoadModel(options).status();
  }

  std::shared_ptr<LanguageModel> Pin() {
    absl::StatusOr<std::shared_ptr<LanguageModel>> model = host_->Pin("tiny", "");
    EXPECT_OK(model);
    return *model;
  }

  TempDir folder_;
  std::unique_ptr<ModelHost> host_ = CreateEngineHost({});
};

TEST_F(BrokenModelTest, LogitsThatAreNoNumbersEndTheirRequestAndNoOther) {
  EditJson("config.json", [](auto& json) { json["tie_word_embeddings"] = false; });
  EditTensors([](std::vector<TensorSpec>& tensors) {
    TensorSpec& embedding = tensors[0];
    ASSERT_EQ(embedding.name, "model.embed_tokens.weight");
    TensorSpec head = embedding;
    head.name = "lm_head.weight";
    tensors.push_back(head);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(embedding.bytes.data() + kTokenZ * embedding.shape[1] * 4, &nan, 4);
  });
  ASSERT_OK(Load());
  const auto broken = [](const auto& result) {
    EXPECT_THAT(result, StatusIs(absl::StatusCode::kDataLoss, HasSubstr("NaN or infinity")));
  };
  const std::shared_ptr<LanguageModel> model = Pin();
  broken(Generate(*model, Call("Zebra", 8)));
  LanguageModel::GenerateCall sampled = Call("Zebra", 8);
  sampled.decoding.temperature = 1;
  sampled.decoding.top_k = 5;
  broken(Generate(*model, std::move(sampled)));
  broken(Score(*model, "a Z b", 2));
  broken(LogLikelihoods(*model, Plain("Zoo"), {" a", " b"}));
  broken(LogLikelihoods(*model, Plain("a"), {" Zoo", " b"}));
  EXPECT_OK(Generate(*model, Call("zebra", 8)));
  EXPECT_OK(LogLikelihoods(*model, Plain("zoo"), {" a", " b"}));
}

TEST_F(BrokenModelTest, ATokenizerOfAnotherModelIsRefusedAtLoad) {
  EditJson("tokenizer.json", [](auto& json) {
    for (auto& [token, id] : json["model"]["vocab"].items()) {
      if (token.size() == 1) id = id.template get<int>() + 5000;
    }
  });
  EXPECT_THAT(Load(), StatusIs(absl::StatusCode::kInvalidArgument,
                               AllOf(HasSubstr("vocabulary is 264"), HasSubstr("another model"))));
}

TEST_F(BrokenModelTest, ACheckpointThatWasWrittenToGivesNoMoreWeights) {
  ASSERT_OK(Load());
  ASSERT_OK(plumbline::Load(*host_, "before", TinyAdapter("dora")));
  std::ofstream(folder_.Join("model.safetensors"), std::ios::trunc);  // reading on would be SIGBUS
  EXPECT_THAT(plumbline::Load(*host_, "after", TinyAdapter("dora")),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("model.safetensors"), HasSubstr("load it again"))));
  EXPECT_OK(Generate(*Pin(), Call("Hello", 3)));
}

TEST_F(BrokenModelTest, AFileThatTookTheCheckpointsPlaceChangesNothing) {
  ASSERT_OK(Load());
  folder_.Write("other", "not weights");
  std::filesystem::rename(folder_.Join("other"), folder_.Join("model.safetensors"));
  EXPECT_OK(plumbline::Load(*host_, "dora", TinyAdapter("dora")));
}

TEST_F(BrokenModelTest, ACacheLargerThanTheMachineIsRefused) {
  EXPECT_THAT(Load(int64_t{1} << 50), StatusIs(absl::StatusCode::kResourceExhausted,
                                               HasSubstr("more than the machine's memory")));
}

TEST_F(BrokenModelTest, TensorsThatNothingReadsAreNamed) {
  EditTensors([](std::vector<TensorSpec>& tensors) {
    tensors.push_back(F32("model.layers.0.self_attn.q_norm.weight", {1}, {1}));
    tensors.push_back(F32("model.layers.0.self_attn.rotary_emb.inv_freq", {1}, {1}));
    tensors.push_back(F32("model.layers.7.mlp.up_proj.weight", {1}, {1}));
  });
  ASSERT_OK(Load());
  ASSERT_OK_AND_ASSIGN(const ModelInfo info, host_->GetModel("tiny"));
  ASSERT_EQ(info.warnings.size(), 1u);
  EXPECT_THAT(info.warnings[0],
              AllOf(HasSubstr("2 tensors"), HasSubstr("model.layers.0.self_attn.q_norm.weight, "
                                                      "model.layers.7.mlp.up_proj.weight")));
}

}  // namespace
}  // namespace plumbline
