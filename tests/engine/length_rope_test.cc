// RoPE that depends on a sequence's length (dynamic, longrope), through the device engine: what is
// computed once and shared must be what each sequence would have computed for itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <future>

#include "core/engine/device_engine_internal.h"
#include "core/model/families/families.h"
#include "tests/model/case_files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using Tokens = std::vector<int32_t>;

void Here(const std::function<void()>& task) { task(); }

// Appends the best token until there are `length`.
class GreedyWork : public Work {
 public:
  GreedyWork(size_t length, std::promise<Tokens> done) : length_(length), done_(std::move(done)) {}
  void TakeLogits(int64_t, absl::Span<const float> logits) override {
    next_ = static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  }
  absl::StatusOr<bool> Advance(Tokens& tokens) override {
    tokens_ = tokens;
    tokens_.push_back(next_);
    if (tokens_.size() == length_) return true;
    tokens = tokens_;
    return false;
  }
  void Finish(const absl::Status& status) override {
    EXPECT_OK(status);
    done_.set_value(std::move(tokens_));
  }

 private:
  const size_t length_;
  int32_t next_ = 0;
  Tokens tokens_;
  std::promise<Tokens> done_;
};

class LengthRopeTest : public testing::TestWithParam<const char*> {
 protected:
  LengthRopeTest() {
    // No golden is dynamic: the linear one becomes it.
    const std::string& directory = copy_.path();
    std::filesystem::copy(std::string("tests/golden/model/") + GetParam(), directory);
    std::string config = ReadFileOrDie(copy_.Join("config.json"));
    if (const size_t linear = config.find("\"linear\""); linear != std::string::npos) {
      config.replace(linear, 8, "\"dynamic\"");
    }
    copy_.Write("config.json", config);
    spec_ = *LoadDecoderSpec(directory);
    checkpoint_ = *Checkpoint::Open(directory);
    auto threads = std::make_unique<ThreadPool>(1);
    auto decoder = *Decoder::Load(spec_, *checkpoint_, {ComputeType::kFloat32, 64}, threads.get());
    auto pool = *KvPool::Create(decoder->kv_layout(), 40 * decoder->kv_layout().block_bytes());
    engine_ = std::make_unique<DeviceEngine>(std::move(threads), std::move(decoder),
                                             std::move(pool), DeviceEngineOptions{8, 100, true});
  }

  int64_t Border() const { return FixedLength(spec_.ropes[0]); }

  Tokens Text(int64_t length) const {
    Tokens tokens;
    for (int64_t i = 0; i < length; ++i) {
      tokens.push_back(static_cast<int32_t>((i * i * 7 + 3 * i + 5) % spec_.vocabulary));
    }
    return tokens;
  }

  Tokens Grow(const Tokens& prompt, size_t length) {
    std::promise<Tokens> promise;
    std::future<Tokens> grown = promise.get_future();
    auto request = std::make_unique<Request>();
    request->tokens = prompt;
    request->output_from = static_cast<int64_t>(prompt.size()) - 1;
    request->max_tokens = static_cast<int64_t>(length) - 1;
    request->samples = true;
    request->work = std::make_unique<GreedyWork>(length, std::move(promise));
    engine_->Submit(std::move(request));
    return grown.get();
  }

  // Σ log p of the tokens from `begin` on, of the text alone.
  double Alone(const Tokens& text, size_t begin) {
    std::promise<std::vector<TokenLogits>> promise;
    engine_->Submit(MakeScore(
        text, 0, [&](auto result) { promise.set_value(*std::move(result)); }, Here));
    const std::vector<TokenLogits> logits = promise.get_future().get();
    double sum = 0;
    for (size_t i = begin; i < text.size(); ++i) sum += logits[i - 1].log_probability;
    return sum;
  }

  TempDir copy_;
  DecoderSpec spec_;
  std::shared_ptr<const Checkpoint> checkpoint_;
  std::unique_ptr<DeviceEngine> engine_;
};

TEST_P(LengthRopeTest, ChoicesHaveTheScoresOfTheirOwnSequences) {
  for (int64_t length : {Border() - 9, Border() - 2, Border(), Border() + 1, Border() + 9}) {
    const Tokens context = Text(length);
    const std::vector<Tokens> choices = {{1}, {2, 3}, {4, 5, 6, 7, 8}, {9, 8, 7}};
    const bool shares = RotatesAlike(spec_.ropes[0], length, length + 4);
    std::promise<std::vector<LogLikelihood>> promise;
    engine_->Submit(MakeLogLikelihoods(
        context, choices, shares, [&](auto result) { promise.set_value(*std::move(result)); },
        Here));
    const std::vector<LogLikelihood> together = promise.get_future().get();
    for (size_t c = 0; c < choices.size(); ++c) {
      Tokens text = context;
      text.insert(text.end(), choices[c].begin(), choices[c].end());
      EXPECT_EQ(together[c].sum, Alone(text, context.size())) << length << ", choice " << c;
    }
  }
}

TEST_P(LengthRopeTest, AResponseThatRestartsIsThatOfWholePrompts) {
  if (spec_.restart_beyond == 0) GTEST_SKIP() << "only Phi-3 restarts";
  const size_t end = static_cast<size_t>(Border()) + 12;
  for (int64_t length : {Border() - 5, Border(), Border() + 1}) {
    Tokens stepwise = Text(length);
    while (stepwise.size() < end) stepwise = Grow(stepwise, stepwise.size() + 1);
    EXPECT_EQ(Grow(Text(length), end), stepwise) << length;
  }
}

INSTANTIATE_TEST_SUITE_P(Goldens, LengthRopeTest, testing::Values("phi3_6", "llama_3"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace plumbline
