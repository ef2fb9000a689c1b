// Same bits whatever the load, for every family in both types, through the device engine: logits
// and greedy texts of each request are compared with those of the request alone, over widths from
// 1 to 64, arrival orders, neighbours of any length, adapters, step sizes, threads, prefix reuse on
// and off, and engines started anew. Checkpoints: every one of tests/golden/model, and of
// tests/golden/peft with its adapters.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <future>
#include <random>

#include "absl/hash/hash.h"
#include "core/engine/device_engine_internal.h"
#include "core/model/families/families.h"
#include "tests/model/case_files.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

namespace fs = std::filesystem;

constexpr int kRequests = 40;
constexpr int kSharedPrefix = 40;  // tokens: more than a block, so that it is found again

struct Prompt {
  std::vector<int32_t> tokens;
  int more = 1;        // tokens to generate
  bool score = false;  // logits of every position, nothing generated
  std::shared_ptr<const LoraWeights> adapter;
};

// Bits of the logits by position, and the tokens.
struct Answer {
  std::vector<size_t> logits;
  std::vector<int32_t> tokens;
  bool operator==(const Answer& other) const {
    return logits == other.logits && tokens == other.tokens;
  }
};

class GreedyWork : public Work {
 public:
  GreedyWork(const Prompt& prompt, std::promise<Answer> done)
      : more_(prompt.more),
        score_(prompt.score),
        next_(prompt.tokens.size() + static_cast<size_t>(prompt.more)),
        done_(std::move(done)) {
    answer_.logits.resize(next_.size());
  }
  void TakeLogits(int64_t position, absl::Span<const float> logits) override {
    answer_.logits[position] = absl::Hash<absl::string_view>()(absl::string_view(
        reinterpret_cast<const char*>(logits.data()), logits.size() * sizeof(float)));
    next_[position] =
        static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  }
  absl::StatusOr<bool> Advance(std::vector<int32_t>& tokens) override {
    if (!score_ && --more_ > 0) tokens.push_back(next_[tokens.size() - 1]);
    answer_.tokens = tokens;
    return score_ || more_ <= 0;
  }
  void Finish(const absl::Status& status) override {
    EXPECT_OK(status);
    done_.set_value(std::move(answer_));
  }

 private:
  int more_;
  const bool score_;
  std::vector<int32_t> next_;
  std::promise<Answer> done_;
  Answer answer_;
};

struct Load {
  int max_batch;
  int64_t step_tokens;
  int threads;
  bool prefix_cache;
};

class Engine {
 public:
  Engine(const std::string& directory, ComputeType dtype, const Load& load) {
    const DecoderSpec spec = *LoadDecoderSpec(directory);
    checkpoint_ = *Checkpoint::Open(directory);
    auto threads = std::make_unique<ThreadPool>(load.threads);
    auto decoder =
        *Decoder::Load(spec, *checkpoint_,
                       {dtype, std::max<int64_t>(load.step_tokens, load.max_batch)}, threads.get());
    auto pool = *KvPool::Create(decoder->kv_layout(), 400 * decoder->kv_layout().block_bytes());
    engine_ = std::make_unique<DeviceEngine>(
        std::move(threads), std::move(decoder), std::move(pool),
        DeviceEngineOptions{load.max_batch, 65536, load.prefix_cache});
  }
  const DecoderSpec& spec() const { return engine_->decoder().spec(); }
  std::future<Answer> Send(const Prompt& prompt, std::mt19937& random) {
    std::promise<Answer> promise;
    std::future<Answer> future = promise.get_future();
    auto request = std::make_unique<Request>();
    request->tokens = prompt.tokens;
    const int64_t length = static_cast<int64_t>(prompt.tokens.size());
    request->output_from = prompt.score ? 0 : length - 1;
    request->max_tokens = prompt.score ? length : length + prompt.more - 1;
    request->samples = !prompt.score;
    request->adapter = prompt.adapter;
    request->ticket = {static_cast<int>(random() % 3), std::string(1, 'a' + random() % 3),
                       request->max_tokens};
    request->work = std::make_unique<GreedyWork>(prompt, std::move(promise));
    engine_->Submit(std::move(request));
    return future;
  }

 private:
  std::shared_ptr<const Checkpoint> checkpoint_;
  std::unique_ptr<DeviceEngine> engine_;
};

struct Case {
  std::string base;
  std::vector<std::string> adapters;  // directories
};

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const std::string& directory : GoldenDirectories()) cases.push_back({directory, {}});
  for (const auto& family : fs::directory_iterator("tests/golden/peft")) {
    Case c{family.path().string() + "/base", {}};
    for (const auto& adapter : fs::directory_iterator(family.path() / "adapters")) {
      c.adapters.push_back(adapter.path().string());
    }
    std::sort(c.adapters.begin(), c.adapters.end());
    cases.push_back(std::move(c));
  }
  std::sort(cases.begin(), cases.end(),
            [](const Case& a, const Case& b) { return a.base < b.base; });
  return cases;
}

std::vector<Prompt> RandomPrompts(const Case& c, const DecoderSpec& spec, ComputeType dtype,
                                  std::mt19937& random) {
  const auto upto = [&](int64_t n) { return static_cast<int64_t>(random() % n); };
  std::vector<std::shared_ptr<const LoraWeights>> adapters = {nullptr};
  for (const std::string& adapter : c.adapters) {
    adapters.push_back(LoadAndPack(c.base, adapter, dtype));
  }
  std::vector<int32_t> shared(kSharedPrefix);
  for (int32_t& token : shared) token = static_cast<int32_t>(upto(spec.vocabulary));
  const int64_t longest = std::min<int64_t>(spec.context, 110);
  std::vector<Prompt> prompts(kRequests);
  for (size_t i = 0; i < prompts.size(); ++i) {
    Prompt& p = prompts[i];
    p.adapter = adapters[i % adapters.size()];
    p.more = static_cast<int>(1 + upto(8));
    p.score = upto(5) == 0;
    if (i % 2 == 0 && longest > kSharedPrefix + 10) p.tokens = shared;
    const int64_t room = longest - static_cast<int64_t>(p.tokens.size()) - p.more;
    const int64_t own = 1 + upto(i % 3 == 0 ? std::max<int64_t>(room - 1, 1) : 8);
    for (int64_t t = 0; t < own; ++t) {
      p.tokens.push_back(static_cast<int32_t>(upto(spec.vocabulary)));
    }
  }
  return prompts;
}

class FamilyInvarianceTest : public testing::TestWithParam<ComputeType> {};

TEST_P(FamilyInvarianceTest, LogitsAndTextsAreThoseOfTheRequestAlone) {
  std::mt19937 random(41);
  for (const Case& c : Cases()) {
    SCOPED_TRACE(c.base);
    std::vector<Answer> alone;
    std::vector<Prompt> prompts;
    {
      Engine engine(c.base, GetParam(), {1, 128, 1, false});
      prompts = RandomPrompts(c, engine.spec(), GetParam(), random);
      for (const Prompt& prompt : prompts) alone.push_back(engine.Send(prompt, random).get());
    }
    for (const Load& load :
         {Load{64, 256, 2, true}, Load{1 + static_cast<int>(random() % 20), 24, 1, false},
          Load{1 + static_cast<int>(random() % 63), 100, 2, true}}) {
      Engine engine(c.base, GetParam(), load);
      std::vector<size_t> order(prompts.size());
      for (size_t i = 0; i < order.size(); ++i) order[i] = i;
      // The second round finds the first one's prefixes.
      for (int round = 0; round < (load.prefix_cache ? 2 : 1); ++round) {
        std::shuffle(order.begin(), order.end(), random);
        std::vector<std::future<Answer>> answers(prompts.size());
        for (size_t i : order) answers[i] = engine.Send(prompts[i], random);
        for (size_t i = 0; i < prompts.size(); ++i) {
          ASSERT_TRUE(answers[i].get() == alone[i])
              << "request " << i << " of " << prompts[i].tokens.size() << " tokens, batch "
              << load.max_batch << ", step " << load.step_tokens << ", round " << round;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, FamilyInvarianceTest,
                         testing::Values(ComputeType::kFloat32, ComputeType::kBfloat16));

}  // namespace
}  // namespace plumbline
