// The device engine over a decoder that computes nothing but notes every step: who gets how many
// rows, who waits, and who is taken down by a failure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "core/engine/device_engine_internal.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Gt;
using testing::HasSubstr;

constexpr int32_t kPoison = 666;  // a token that makes Forward throw
constexpr int64_t kVocabulary = 16;

// One row of a step: the first token of its sequence's chunk and how many.
struct Row {
  int32_t token;
  int64_t count;
  int64_t position;
};

class FakeDecoder : public Decoder {
 public:
  explicit FakeDecoder(int64_t max_rows) : options_{ComputeType::kFloat32, max_rows} {
    spec_.vocabulary = kVocabulary;
  }
  const DecoderSpec& spec() const override { return spec_; }
  const DecoderOptions& options() const override { return options_; }
  int64_t weight_bytes() const override { return 0; }
  int64_t parameters() const override { return 0; }
  KvLayout kv_layout() const override { return {1, 1, 16, 4}; }
  int64_t output_rows() const override { return outputs_; }

  void Forward(absl::Span<const Chunk> chunks) override {
    std::vector<Row> rows;
    outputs_ = 0;
    for (const Chunk& chunk : chunks) {
      const int64_t count = static_cast<int64_t>(chunk.tokens.size());
      for (int32_t token : chunk.tokens) {
        if (token == kPoison) throw std::runtime_error("a poisoned token");
      }
      rows.push_back({chunk.tokens[0], count, chunk.position});
      outputs_ += count - chunk.first_output;
    }
    absl::MutexLock lock(&mutex_);
    steps_.push_back(std::move(rows));
    mutex_.Await(absl::Condition(this, &FakeDecoder::MayGoOn));
  }
  void Logits(int64_t begin, int64_t end, float* out) override {
    std::fill(out, out + (end - begin) * kVocabulary, 0.f);
  }

  // Holds the device thread in its next step until Release.
  void Hold() {
    absl::MutexLock lock(&mutex_);
    held_ = true;
  }
  void Release() {
    absl::MutexLock lock(&mutex_);
    held_ = false;
  }
  void WaitForSteps(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto there = [&]()
                           ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return steps_.size() >= count; };
    mutex_.Await(absl::Condition(&there));
  }
  std::vector<std::vector<Row>> steps() const {
    absl::MutexLock lock(&mutex_);
    return steps_;
  }

 private:
  bool MayGoOn() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !held_; }

  DecoderSpec spec_;
  const DecoderOptions options_;
  int64_t outputs_ = 0;
  mutable absl::Mutex mutex_;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::vector<Row>> steps_ ABSL_GUARDED_BY(mutex_);
};

class FlagToken : public CancelToken {
 public:
  bool cancelled() const override { return flag_; }
  void Cancel() { flag_ = true; }

 private:
  std::atomic<bool> flag_{false};
};

// Repeats its own token `length` times.
class EchoWork : public Work {
 public:
  EchoWork(int32_t token, int length, std::function<void(absl::Status)> done)
      : token_(token), left_(length), done_(std::move(done)) {}
  void TakeLogits(int64_t, absl::Span<const float>) override {
    if (token_ < 0) throw std::runtime_error("cannot look at logits");
  }
  absl::StatusOr<bool> Advance(std::vector<int32_t>& tokens) override {
    if (--left_ <= 0) return true;
    tokens.push_back(token_);
    return false;
  }
  void Finish(const absl::Status& status) override { done_(status); }

 private:
  const int32_t token_;
  int left_;
  std::function<void(absl::Status)> done_;
};

class SchedulingTest : public testing::Test {
 protected:
  void Make(int max_batch, int64_t max_rows, int64_t kv_blocks = 4096) {
    auto decoder = std::make_unique<FakeDecoder>(max_rows);
    decoder_ = decoder.get();
    auto pool =
        KvPool::Create(decoder->kv_layout(), kv_blocks * (decoder->kv_layout().block_bytes()) + 64);
    ASSERT_OK(pool);
    engine_ = std::make_unique<DeviceEngine>(std::make_unique<ThreadPool>(1), std::move(decoder),
                                             *std::move(pool),
                                             DeviceEngineOptions{max_batch, 65536, false});
  }

  // A prompt of `prompt` tokens `token`, answered by `length` more.
  std::future<absl::Status> Send(int32_t token, int64_t prompt, int length, Ticket ticket = {},
                                 std::shared_ptr<CancelToken> cancel = nullptr) {
    auto promise = std::make_shared<std::promise<absl::Status>>();
    auto request = std::make_unique<Request>();
    request->tokens.assign(static_cast<size_t>(prompt), token);
    request->output_from = prompt - 1;
    request->max_tokens = prompt + length - 1;
    request->samples = true;
    request->cancel = std::move(cancel);
    request->ticket = std::move(ticket);
    request->ticket.tokens = request->max_tokens;
    request->work =
        std::make_unique<EchoWork>(token, length, [this, promise, token](absl::Status s) {
          {
            absl::MutexLock lock(&mutex_);
            ended_.push_back(token);
          }
          promise->set_value(std::move(s));
        });
    std::future<absl::Status> future = promise->get_future();
    engine_->Submit(std::move(request));
    return future;
  }
  // Keeps the device busy with one step, so that everything sent meanwhile waits together.
  std::future<absl::Status> Block() {
    decoder_->Hold();
    std::future<absl::Status> blocker = Send(0, 1, 1);
    decoder_->WaitForSteps(1);
    return blocker;
  }
  std::vector<int32_t> ended() const {
    absl::MutexLock lock(&mutex_);
    return ended_;
  }

  FakeDecoder* decoder_ = nullptr;
  mutable absl::Mutex mutex_;
  std::vector<int32_t> ended_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<DeviceEngine> engine_;
};

TEST_F(SchedulingTest, JobsOfOnePriorityShareTheSlots) {
  ASSERT_NO_FATAL_FAILURE(Make(1, 64));
  auto blocker = Block();
  std::vector<std::future<absl::Status>> calls;
  for (int i = 0; i < 6; ++i) calls.push_back(Send(1, 4, 2, {0, "first", 0}));
  for (int i = 0; i < 3; ++i) calls.push_back(Send(2, 4, 2, {0, "second", 0}));
  decoder_->Release();
  for (auto& call : calls) EXPECT_OK(call.get());
  EXPECT_THAT(ended(), ElementsAre(0, 1, 2, 1, 2, 1, 2, 1, 1, 1));
}

TEST_F(SchedulingTest, AHigherPriorityGoesFirst) {
  ASSERT_NO_FATAL_FAILURE(Make(1, 64));
  auto blocker = Block();
  std::vector<std::future<absl::Status>> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(Send(1, 4, 2, {0, "job", 0}));
  calls.push_back(Send(2, 4, 2, {10, "urgent", 0}));
  calls.push_back(Send(3, 4, 2, {kInteractivePriority, "Generate", 0}));
  decoder_->Release();
  for (auto& call : calls) EXPECT_OK(call.get());
  EXPECT_THAT(ended(), ElementsAre(0, 3, 2, 1, 1, 1));
}

TEST_F(SchedulingTest, ALongPromptNeverHoldsUpAResponse) {
  ASSERT_NO_FATAL_FAILURE(Make(4, 16));
  auto blocker = Block();
  auto response = Send(1, 1, 40);
  auto prompt = Send(2, 500, 1, {0, "another job", 0});
  decoder_->Release();
  EXPECT_OK(response.get());
  EXPECT_OK(prompt.get());
  // From the response's first token to its last, every step has one of its rows; the prompt gets
  // all the others.
  int steps = 0;
  for (const std::vector<Row>& step : decoder_->steps()) {
    int64_t of_response = 0, rows = 0;
    for (const Row& row : step) {
      rows += row.count;
      if (row.token == 1) of_response += row.count;
    }
    EXPECT_LE(rows, 16);
    steps += of_response > 0 ? 1 : 0;
  }
  EXPECT_EQ(steps, 40);
  // The prompt (500 rows) beside it took 500 / 15 steps, not more.
  EXPECT_LE(decoder_->steps().size(), 45u);
}

TEST_F(SchedulingTest, CancellingFreesTheSlotAtOnce) {
  ASSERT_NO_FATAL_FAILURE(Make(1, 16));
  auto blocker = Block();
  auto token = std::make_shared<FlagToken>();
  auto endless = Send(1, 1, 100'000, {5, "a", 0}, token);
  auto queued = Send(2, 1, 100'000, {5, "a", 0}, token);
  auto next = Send(3, 1, 1);
  decoder_->Release();
  decoder_->WaitForSteps(10);
  decoder_->Hold();
  token->Cancel();
  const size_t at_cancel = decoder_->steps().size();
  decoder_->Release();
  EXPECT_OK(next.get());
  EXPECT_THAT(endless.get(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(queued.get(), StatusIs(absl::StatusCode::kCancelled));
  // At most the step under way, one more that had been planned, and the next one's own.
  EXPECT_LE(decoder_->steps().size(), at_cancel + 3);
}

TEST_F(SchedulingTest, APoisonedRequestTakesNobodyDown) {
  ASSERT_NO_FATAL_FAILURE(Make(8, 64));
  auto blocker = Block();
  std::vector<std::future<absl::Status>> good;
  for (int i = 1; i <= 4; ++i) good.push_back(Send(i, 3, 5));
  auto bad = Send(kPoison, 3, 5);
  decoder_->Release();
  EXPECT_THAT(bad.get(), StatusIs(absl::StatusCode::kInternal, HasSubstr("poisoned")));
  for (auto& call : good) EXPECT_OK(call.get());
}

TEST_F(SchedulingTest, AWorkThatThrowsEndsAlone) {
  ASSERT_NO_FATAL_FAILURE(Make(8, 64));
  auto blocker = Block();
  auto good = Send(1, 3, 5);
  auto bad = Send(-1, 3, 5);
  decoder_->Release();
  EXPECT_THAT(bad.get(), StatusIs(absl::StatusCode::kInternal, HasSubstr("logits")));
  EXPECT_OK(good.get());
}

TEST_F(SchedulingTest, APromptThatCannotFitTheCacheIsOneClearError) {
  ASSERT_NO_FATAL_FAILURE(Make(8, 64, /*kv_blocks=*/4));
  EXPECT_THAT(Send(1, 100, 40).get(),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       testing::AllOf(HasSubstr("KV cache"), HasSubstr("160"), HasSubstr("128"))));
  EXPECT_OK(Send(1, 100, 20).get());
}

TEST_F(SchedulingTest, TheCacheIsNeverOvercommitted) {
  ASSERT_NO_FATAL_FAILURE(Make(64, 64, /*kv_blocks=*/4));
  auto blocker = Block();
  std::vector<std::future<absl::Status>> calls;
  for (int i = 0; i < 30; ++i) {
    calls.push_back(Send(1 + i % 7, 20 + i, 30, {i % 3, absl::StrCat("job", i % 4), 0}));
  }
  decoder_->Release();
  for (auto& call : calls) EXPECT_OK(call.get());
  EXPECT_EQ(engine_->stats().kv_tokens_capacity, 128);
}

}  // namespace
}  // namespace plumbline
