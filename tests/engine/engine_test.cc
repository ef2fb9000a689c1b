// The engine through its facade: generation, scoring, adapters, limits and endings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "tests/engine/tiny_model.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class FlagToken : public CancelToken {
 public:
  bool cancelled() const override { return flag_; }
  void Cancel() { flag_ = true; }

 private:
  std::atomic<bool> flag_{false};
};

class EngineTest : public testing::Test {
 protected:
  std::shared_ptr<LanguageModel> Pin(const std::string& adapter = "") {
    absl::StatusOr<std::shared_ptr<LanguageModel>> model = host_->Pin("tiny", adapter);
    EXPECT_OK(model);
    return *std::move(model);
  }

  std::unique_ptr<ModelHost> host_ = TinyHost();
};

TEST_F(EngineTest, DescribesWhatItLoaded) {
  ASSERT_OK_AND_ASSIGN(const ModelInfo info, host_->GetModel("tiny"));
  EXPECT_EQ(info.architecture, "LlamaForCausalLM");
  EXPECT_EQ(info.options.dtype, "float32");
  EXPECT_EQ(info.context_length, 256);
  EXPECT_EQ(info.version.size(), 64u);
  EXPECT_EQ(info.numerics.mode, "batch_invariant");
  EXPECT_TRUE(info.has_chat_template);
  EXPECT_GT(info.parameters, 10'000);
}

TEST_F(EngineTest, LoadingTheSameAgainIsFineAndAnotherPathIsNot) {
  LoadModelOptions options;
  options.name = "tiny";
  options.path = kTinyBase;
  options.dtype = "float32";
  EXPECT_OK(host_->LoadModel(options));
  options.path = "tests/golden/model/llama_3";
  EXPECT_THAT(host_->LoadModel(options), StatusIs(absl::StatusCode::kAlreadyExists));
}

// The kernels a verdict was computed with are on record, and the plain ones can be asked for.
TEST_F(EngineTest, TheKernelsCanBeChosenAndAreNamed) {
  ASSERT_OK_AND_ASSIGN(const ModelInfo info, host_->GetModel("tiny"));
  EXPECT_THAT(info.numerics.device, testing::StartsWith("cpu:"));
  LoadModelOptions options;
  options.name = "plain";
  options.path = kTinyBase;
  options.dtype = "float32";
  options.device = "cpu:reference";
  EXPECT_OK(host_->LoadModel(options));
  ASSERT_OK_AND_ASSIGN(const ModelInfo plain, host_->GetModel("plain"));
  EXPECT_EQ(plain.numerics.device, "cpu:reference");
  options.name = "other";
  options.device = "cpu:mmx";
  EXPECT_THAT(host_->LoadModel(options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cpu:portable")));
}

TEST_F(EngineTest, ABadModelDirectoryIsOneClearError) {
  LoadModelOptions options;
  options.name = "other";
  options.path = "tests/golden/no-such-folder";
  EXPECT_THAT(host_->LoadModel(options),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no-such-folder")));
  options.name = "Not A Name";
  EXPECT_THAT(host_->LoadModel(options), StatusIs(absl::StatusCode::kInvalidArgument));
  options.name = "gpu";
  options.path = kTinyBase;
  options.device = "cuda:99";  // no machine has it; most have no GPU at all
  EXPECT_THAT(host_->LoadModel(options),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("cuda:99")));
}

TEST_F(EngineTest, GenerationEndsAtTheLimit) {
  ASSERT_OK_AND_ASSIGN(const Generation result, Generate(*Pin(), Call("Hello the", 12)));
  EXPECT_LE(result.completion_tokens, 12);
  EXPECT_GT(result.prompt_tokens, 3);
  EXPECT_TRUE(result.completion_tokens < 12 || result.finish_reason == FinishReason::kLength);
}

TEST_F(EngineTest, AStopStringCutsTheTextEvenAcrossTokens) {
  ASSERT_OK_AND_ASSIGN(const Generation whole, Generate(*Pin(), Call("Hello the", 40)));
  ASSERT_GT(whole.text.size(), 12u);
  // Characters 5..8 of the text, wherever its token boundaries are (a byte tokenizer: several).
  const std::string stop = whole.text.substr(5, 3);
  LanguageModel::GenerateCall call = Call("Hello the", 40);
  call.decoding.stop = {"never-in-there", stop};
  ASSERT_OK_AND_ASSIGN(const Generation cut, Generate(*Pin(), call));
  EXPECT_EQ(cut.text, whole.text.substr(0, whole.text.find(stop)));
  EXPECT_EQ(cut.finish_reason, FinishReason::kStop);
  EXPECT_LT(cut.completion_tokens, whole.completion_tokens);
}

TEST_F(EngineTest, APromptTooLongForTheContextNamesBothNumbers) {
  const std::string text(200, 'x');
  EXPECT_THAT(Generate(*Pin(), Call(text, 100)),
              StatusIs(absl::StatusCode::kOutOfRange,
                       AllOf(HasSubstr("201"), HasSubstr("100"), HasSubstr("256"))));
  EXPECT_OK(Generate(*Pin(), Call(text, 55)));
  EXPECT_THAT(Score(*Pin(), std::string(300, 'x'), 1),
              StatusIs(absl::StatusCode::kOutOfRange,
                       "the text has 301 tokens; the model's context is 256"));
}

TEST_F(EngineTest, BadCallsAreRefused) {
  LanguageModel::GenerateCall call = Call("x", 0);
  EXPECT_THAT(Generate(*Pin(), call),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("max_new_tokens")));
  call = Call("x", 5);
  call.decoding.top_p = 0;
  EXPECT_THAT(Generate(*Pin(), call),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("top_p")));
  call = Call("x", 5);
  call.prompt.format = PromptFormat::kChat;
  EXPECT_THAT(Generate(*Pin(), call),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("messages")));
  EXPECT_THAT(Score(*Pin(), "x", 101), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(EngineTest, AChatPromptIsRenderedWithOneBos) {
  LanguageModel::GenerateCall call = Call("", 4);
  call.prompt.format = PromptFormat::kChat;
  call.prompt.messages = {{"user", "ab"}};
  // <|bos|> <|im_start|> u s e r \n a b <|im_end|> \n <|im_start|> a s s i s t a n t \n
  ASSERT_OK_AND_ASSIGN(const Generation result, Generate(*Pin(), call));
  EXPECT_EQ(result.prompt_tokens, 22);
}

TEST_F(EngineTest, SamplingIsAFunctionOfSeedPromptAndSampleIndex) {
  const auto sample = [&](uint64_t seed, int index) {
    LanguageModel::GenerateCall call = Call("Hello the", 30);
    call.decoding.temperature = 1.5;
    call.decoding.top_k = 50;
    call.decoding.top_p = 0.95;
    call.decoding.seed = seed;
    call.sample_index = index;
    return Generate(*Pin(), call)->text;
  };
  EXPECT_EQ(sample(1, 0), sample(1, 0));
  EXPECT_NE(sample(1, 0), sample(1, 1));
  EXPECT_NE(sample(1, 0), sample(2, 0));
}

TEST_F(EngineTest, TextsDoNotDependOnTheLoad) {
  ASSERT_OK(Load(*host_, "wide", TinyAdapter("wide")));
  ASSERT_OK(Load(*host_, "dora", TinyAdapter("dora")));
  ASSERT_OK(Load(*host_, "saved", TinyAdapter("saved")));
  ASSERT_OK(Load(*host_, "tokens", TinyAdapter("tokens")));
  const std::vector<std::shared_ptr<LanguageModel>> models = {Pin(), Pin("wide"), Pin("dora"),
                                                              Pin("saved"), Pin("tokens")};
  const auto call = [](int i) {
    LanguageModel::GenerateCall c =
        Call(std::string(1 + i * 7 % 60, static_cast<char>('a' + i % 26)) + " the", 20 + i % 30);
    if (i % 3 == 0) {
      c.decoding.temperature = 1;
      c.decoding.seed = static_cast<uint64_t>(i);
    }
    return c;
  };
  constexpr int kCalls = 60;
  std::vector<std::string> alone;
  for (int i = 0; i < kCalls; ++i) alone.push_back(Generate(*models[i % 5], call(i))->text);
  std::vector<std::future<absl::StatusOr<Generation>>> together;
  for (int i = 0; i < kCalls; ++i) together.push_back(StartGenerate(*models[i % 5], call(i)));
  for (int i = 0; i < kCalls; ++i) EXPECT_EQ(together[i].get()->text, alone[i]) << i;
}

TEST_F(EngineTest, PrefixReuseChangesNothing) {
  EngineHostOptions options;
  options.prefix_cache = false;
  std::unique_ptr<ModelHost> plain = TinyHost(options);
  std::shared_ptr<LanguageModel> without = *plain->Pin("tiny", "");
  const std::string shots(100, 'q');
  for (int i = 0; i < 4; ++i) {
    const std::string text = shots + std::string(i * 11, static_cast<char>('a' + i));
    EXPECT_EQ(Generate(*Pin(), Call(text, 20))->text, Generate(*without, Call(text, 20))->text);
  }
  EXPECT_LT(host_->Stats()[0].second.prompt_tokens, plain->Stats()[0].second.prompt_tokens);
}

TEST_F(EngineTest, CancellationFreesTheSlotAndCallsBack) {
  auto token = std::make_shared<FlagToken>();
  token->Cancel();
  LanguageModel::GenerateCall call = Call("Hello", 200);
  call.cancel = token;
  const absl::StatusOr<Generation> result = Generate(*Pin(), call);
  ASSERT_OK(result);
  EXPECT_EQ(result->finish_reason, FinishReason::kCancelled);
  EXPECT_OK(Generate(*Pin(), Call("Hello", 3)));
  EXPECT_EQ(host_->Stats()[0].second.waiting, 0);
}

TEST_F(EngineTest, ScoresAreLogProbabilitiesOfTheText) {
  ASSERT_OK_AND_ASSIGN(const std::vector<TokenScore> scores, Score(*Pin(), "Hello the", 3));
  ASSERT_GT(scores.size(), 4u);
  EXPECT_FALSE(scores[0].has_log_probability);
  std::string text;
  for (size_t i = 1; i < scores.size(); ++i) {
    text += scores[i].text;
    EXPECT_LE(scores[i].log_probability, 0);
    ASSERT_EQ(scores[i].top.size(), 3u);
    EXPECT_GE(scores[i].top[0].log_probability, scores[i].top[1].log_probability);
    EXPECT_GE(scores[i].top[0].log_probability, scores[i].log_probability);
  }
  EXPECT_EQ(text, "Hello the");
}

TEST_F(EngineTest, LogLikelihoodsAreSumsOfScores) {
  const std::string context = std::string(70, 'k') + " and";
  const std::vector<std::string> choices = {" the", " a", " something longer", "!"};
  ASSERT_OK_AND_ASSIGN(const std::vector<LogLikelihood> sums,
                       LogLikelihoods(*Pin(), Plain(context), choices));
  ASSERT_EQ(sums.size(), choices.size());
  for (size_t c = 0; c < choices.size(); ++c) {
    ASSERT_OK_AND_ASSIGN(const std::vector<TokenScore> scores,
                         Score(*Pin(), context + choices[c], 1));
    double sum = 0;
    bool greedy = true;
    for (size_t i = scores.size() - sums[c].tokens; i < scores.size(); ++i) {
      sum += scores[i].log_probability;
      greedy = greedy && scores[i].top[0].id == scores[i].id;
    }
    EXPECT_EQ(sums[c].sum, sum) << choices[c];  // the same bits, though computed in another batch
    EXPECT_EQ(sums[c].is_greedy, greedy);
  }
}

TEST_F(EngineTest, AnEmptyContextIsTheBosToken) {
  ASSERT_OK_AND_ASSIGN(const std::vector<LogLikelihood> sums,
                       LogLikelihoods(*Pin(), Plain(""), {"ab"}));
  ASSERT_OK_AND_ASSIGN(const std::vector<TokenScore> scores, Score(*Pin(), "ab", 0));
  EXPECT_EQ(sums[0].tokens, 2);
  EXPECT_EQ(sums[0].sum, scores[1].log_probability + scores[2].log_probability);
}

TEST_F(EngineTest, ASmallCacheStillServesEverybody) {
  LoadModelOptions options;
  options.name = "small";
  options.path = kTinyBase;
  options.dtype = "float32";
  options.kv_cache_bytes = 12 * 32 * 2 * 2 * (12 + 16) * 4;  // 12 blocks
  ASSERT_OK(host_->LoadModel(options));
  std::shared_ptr<LanguageModel> model = *host_->Pin("small", "");
  std::vector<std::future<absl::StatusOr<Generation>>> calls;
  for (int i = 0; i < 20; ++i) {
    calls.push_back(StartGenerate(*model, Call(std::string(i * 9 + 1, 'z'), 30)));
  }
  std::atomic<int> answered{0};
  std::promise<void> all;
  for (int i = 0; i < 10; ++i) {
    LanguageModel::LogLikelihoodCall call;
    call.context = Plain(std::string(40 + i * 10, 'y'));
    call.continuations = {" one two", " three", std::string(50, 'w')};
    model->LogLikelihoods(call, [&](absl::StatusOr<std::vector<LogLikelihood>> result) {
      EXPECT_OK(result);
      if (++answered == 10) all.set_value();
    });
  }
  for (int i = 0; i < 20; ++i) EXPECT_OK(calls[i].get()) << i;
  all.get_future().get();
  EXPECT_THAT(Generate(*model, Call("x", 250)), IsOk());
  model.reset();
}

TEST_F(EngineTest, ARequestLargerThanTheCacheIsRefused) {
  LoadModelOptions options;
  options.name = "smaller";
  options.path = kTinyBase;
  options.dtype = "float32";
  options.kv_cache_bytes = 3 * 32 * 2 * 2 * (12 + 16) * 4;
  ASSERT_OK(host_->LoadModel(options));
  std::shared_ptr<LanguageModel> model = *host_->Pin("smaller", "");
  EXPECT_THAT(Generate(*model, Call(std::string(80, 'x'), 100)),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("96")));
}

// ---- adapters ----

TEST_F(EngineTest, AnAdapterIsProvedAndReported) {
  ASSERT_OK_AND_ASSIGN(const AdapterInfo info, Load(*host_, "wide", TinyAdapter("wide")));
  EXPECT_EQ(info.version.size(), 64u);
  EXPECT_EQ(info.report.tensors_in_file, 28);
  EXPECT_EQ(info.report.tensors_applied, 28);
  EXPECT_EQ(info.report.modules.size(), 14u);
  EXPECT_TRUE(info.report.rslora);
  EXPECT_GT(info.report.canary_max_abs_logit_change, 0);
  EXPECT_TRUE(info.report.base_restored_bitwise);
  EXPECT_GT(info.bytes, 0);
}

TEST_F(EngineTest, AnAdapterThatDoesNothingIsRefused) {
  EXPECT_THAT(Load(*host_, "zero", TinyAdapter("zero")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no effect")));
  EXPECT_THAT(host_->Pin("tiny", "zero"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(EngineTest, WhatAnAdapterReplacesIsReportedAndGoesWithIt) {
  const std::string base = Generate(*Pin(), Call("Hello the", 30))->text;
  ASSERT_OK_AND_ASSIGN(const AdapterInfo saved, Load(*host_, "saved", TinyAdapter("saved")));
  EXPECT_EQ(saved.report.tensors_applied, saved.report.tensors_in_file);
  const auto count = [](const AdmissionReport& report, AppliedKind kind) {
    return std::count_if(report.modules.begin(), report.modules.end(),
                         [&](const AppliedModule& module) { return module.kind == kind; });
  };
  EXPECT_EQ(count(saved.report, AppliedKind::kReplacement), 4);  // lm_head, two o_proj, norm
  EXPECT_GT(saved.bytes, 264 * 48 * 4);                          // the whole head
  ASSERT_OK_AND_ASSIGN(const AdapterInfo tokens, Load(*host_, "tokens", TinyAdapter("tokens")));
  EXPECT_EQ(count(tokens.report, AppliedKind::kTokens), 1);
  EXPECT_LT(tokens.bytes, saved.bytes);
  EXPECT_NE(Generate(*Pin("saved"), Call("Hello the", 30))->text, base);
  ASSERT_OK(host_->UnloadAdapter("tiny", "saved"));
  ASSERT_OK(host_->UnloadAdapter("tiny", "tokens"));
  EXPECT_THAT(host_->ListAdapters("tiny"), IsEmpty());
  EXPECT_EQ(Generate(*Pin(), Call("Hello the", 30))->text, base);
}

TEST_F(EngineTest, ASwapNeverChangesAPinnedSubject) {
  ASSERT_OK_AND_ASSIGN(const AdapterInfo first, Load(*host_, "live", TinyAdapter("small")));
  std::shared_ptr<LanguageModel> pinned = Pin("live");
  const std::string before = Generate(*pinned, Call("Hello the", 30))->text;
  ASSERT_OK(Load(*host_, "live", TinyAdapter("wide")));
  EXPECT_EQ(Generate(*pinned, Call("Hello the", 30))->text, before);
  EXPECT_NE(Generate(*Pin("live"), Call("Hello the", 30))->text, before);
  // Still resident, without an alias, because it is held; found by its version.
  EXPECT_EQ(Pin(first.version)->identity().adapter_version, first.version);
  std::vector<AdapterInfo> list = host_->ListAdapters("tiny");
  ASSERT_EQ(list.size(), 2u);
  EXPECT_THAT(list[0].alias, IsEmpty());
  EXPECT_EQ(list[0].pins, 1);
  pinned.reset();
  EXPECT_EQ(host_->ListAdapters("tiny").size(), 1u);
  EXPECT_THAT(host_->Pin("tiny", first.version), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(EngineTest, UnloadingRestoresTheBaseAndNamesWhatIsThere) {
  const std::string base = Generate(*Pin(), Call("Hello the", 30))->text;
  ASSERT_OK(Load(*host_, "wide", TinyAdapter("wide")));
  EXPECT_NE(Generate(*Pin("wide"), Call("Hello the", 30))->text, base);
  ASSERT_OK(host_->UnloadAdapter("tiny", "wide"));
  EXPECT_EQ(Generate(*Pin(), Call("Hello the", 30))->text, base);
  ASSERT_OK(Load(*host_, "small", TinyAdapter("small")));
  EXPECT_THAT(host_->UnloadAdapter("tiny", "wide"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("small")));
}

TEST_F(EngineTest, AdmittedAdaptersAreKeptByContent) {
  TempDir store;
  EngineHostOptions options;
  options.adapter_store_dir = store.path();
  std::unique_ptr<ModelHost> host = TinyHost(options);
  ASSERT_OK_AND_ASSIGN(const AdapterInfo info, Load(*host, "a", TinyAdapter("small")));
  ASSERT_OK_AND_ASSIGN(const AdapterInfo again, Load(*host, "b", store.Join(info.version)));
  EXPECT_EQ(again.version, info.version);
}

TEST_F(EngineTest, APinnedModelCannotBeUnloaded) {
  std::shared_ptr<LanguageModel> pinned = Pin();
  EXPECT_THAT(host_->UnloadModel("tiny"), StatusIs(absl::StatusCode::kFailedPrecondition));
  pinned.reset();
  EXPECT_OK(host_->UnloadModel("tiny"));
  EXPECT_THAT(host_->Pin("tiny", ""), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(EngineTest, AHandleThatOutlivesItsHostRefuses) {
  std::shared_ptr<LanguageModel> pinned = Pin();
  host_.reset();
  EXPECT_THAT(Generate(*pinned, Call("x", 3)), StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace plumbline
