#include <algorithm>
#include <atomic>
#include <utility>

#include "core/base/status_macros.h"
#include "core/engine/work_internal.h"
#include "core/model/kernels/kernels.h"

namespace plumbline {
namespace {

class GenerateWork : public Work {
 public:
  GenerateWork(std::vector<int32_t> prompt, GenerateSpec spec,
               std::function<void(absl::StatusOr<Generation>)> done, Deliver deliver)
      : spec_(std::move(spec)),
        done_(std::move(done)),
        deliver_(std::move(deliver)),
        text_(spec_.tokenizer, spec_.decoding.stop) {
    result_.prompt_tokens = static_cast<int>(prompt.size());
    key_.seed = spec_.decoding.seed;
    key_.sample = static_cast<uint32_t>(spec_.sample_index);
    if (spec_.decoding.temperature > 0) key_.prompt = PromptKey(prompt);
  }

  void TakeLogits(int64_t position, absl::Span<const float> logits) override {
    DrawKey key = key_;
    key.position = static_cast<uint32_t>(position);
    next_ = SampleToken(logits, spec_.decoding, key);
  }

  absl::StatusOr<bool> Advance(std::vector<int32_t>& tokens) override {
    ++result_.completion_tokens;
    if (spec_.end_tokens.contains(next_)) {
      result_.finish_reason = FinishReason::kStop;
      return true;
    }
    // A model's vocabulary may be wider than the tokenizer's: such an id has no text.
    bool stopped = false;
    absl::StatusOr<bool> pushed = text_.Push(next_);
    if (pushed.ok()) {
      stopped = *pushed;
    } else if (!absl::IsOutOfRange(pushed.status())) {
      return pushed.status();
    }
    if (stopped) {
      stopped_ = true;
      return true;
    }
    if (result_.completion_tokens >= spec_.decoding.max_new_tokens) {
      result_.finish_reason = FinishReason::kLength;
      return true;
    }
    tokens.push_back(next_);
    return false;
  }

  void Finish(const absl::Status& status) override {
    absl::StatusOr<Generation> outcome = status.ok() || absl::IsCancelled(status)
                                             ? Complete(status)
                                             : absl::StatusOr<Generation>(status);
    deliver_([done = std::move(done_), outcome = std::move(outcome)]() mutable {
      done(std::move(outcome));
    });
  }

 private:
  absl::StatusOr<Generation> Complete(const absl::Status& status) {
    if (!stopped_) {
      ABSL_ASSIGN_OR_RETURN(const bool stop, text_.Finish());
      if (stop) result_.finish_reason = FinishReason::kStop;
    }
    if (!status.ok()) result_.finish_reason = FinishReason::kCancelled;
    result_.text = text_.text();
    return std::move(result_);
  }

  const GenerateSpec spec_;
  std::function<void(absl::StatusOr<Generation>)> done_;
  const Deliver deliver_;
  ResponseText text_;
  DrawKey key_;
  Generation result_;
  int32_t next_ = 0;
  bool stopped_ = false;
};

class ScoreWork : public Work {
 public:
  ScoreWork(std::vector<int32_t> tokens, int top,
            std::function<void(absl::StatusOr<std::vector<TokenLogits>>)> done, Deliver deliver)
      : tokens_(std::move(tokens)),
        top_(top),
        done_(std::move(done)),
        deliver_(std::move(deliver)),
        results_(tokens_.size() - 1) {}

  void TakeLogits(int64_t position, absl::Span<const float> logits) override {
    TokenLogits& result = results_[position];
    const double sum =
        BestKernels<float>().log_sum_exp(logits.data(), static_cast<int64_t>(logits.size()));
    result.log_probability = logits[tokens_[position + 1]] - sum;
    if (top_ > 0) result.top = TopTokens(logits, top_);
    for (int32_t id : result.top) result.top_log_probabilities.push_back(logits[id] - sum);
    taken_.fetch_add(1, std::memory_order_relaxed);
  }

  absl::StatusOr<bool> Advance(std::vector<int32_t>&) override {
    return taken_.load(std::memory_order_relaxed) == static_cast<int64_t>(results_.size());
  }

  void Finish(const absl::Status& status) override {
    absl::StatusOr<std::vector<TokenLogits>> outcome = std::move(results_);
    if (!status.ok()) outcome = status;
    deliver_([done = std::move(done_), outcome = std::move(outcome)]() mutable {
      done(std::move(outcome));
    });
  }

 private:
  const std::vector<int32_t> tokens_;
  const int top_;
  std::function<void(absl::StatusOr<std::vector<TokenLogits>>)> done_;
  const Deliver deliver_;
  std::vector<TokenLogits> results_;
  std::atomic<int64_t> taken_{0};
};

// What the context and the choices of one question have in common. The last of them to end hands
// over the result. Only the device thread ends works, so no lock is needed.
struct Question {
  std::vector<int32_t> context;
  std::vector<std::vector<int32_t>> continuations;
  bool shares_context = true;  // else a continuation's own pass gives its first token, too
  std::vector<std::vector<double>> log_probabilities;  // by continuation and token
  std::vector<std::vector<char>> greedy;               // bytes: written by several threads
  std::function<void(absl::StatusOr<std::vector<LogLikelihood>>)> done;
  Deliver deliver;
  absl::Status status;
  int open = 0;

  void Take(size_t choice, size_t token, absl::Span<const float> logits, double sum, int64_t best) {
    const int32_t id = continuations[choice][token];
    log_probabilities[choice][token] = logits[id] - sum;
    greedy[choice][token] = best == id;
  }

  void End(const absl::Status& ended) {
    if (status.ok()) status = ended;
    if (--open > 0) return;
    absl::StatusOr<std::vector<LogLikelihood>> outcome = Sums();
    if (!status.ok()) outcome = status;
    deliver([done = std::move(done), outcome = std::move(outcome)]() mutable {
      done(std::move(outcome));
    });
  }

  std::vector<LogLikelihood> Sums() const {
    std::vector<LogLikelihood> sums(continuations.size());
    for (size_t c = 0; c < sums.size(); ++c) {
      sums[c].tokens = static_cast<int>(continuations[c].size());
      sums[c].is_greedy = true;
      for (size_t t = 0; t < continuations[c].size(); ++t) {
        sums[c].sum += log_probabilities[c][t];
        sums[c].is_greedy = sums[c].is_greedy && greedy[c][t] != 0;
      }
    }
    return sums;
  }
};

// One continuation behind its context, without its last token (nothing is asked after it).
class ChoiceWork : public Work {
 public:
  ChoiceWork(std::shared_ptr<Question> question, size_t choice)
      : question_(std::move(question)), choice_(choice) {}

  void TakeLogits(int64_t position, absl::Span<const float> logits) override {
    const int64_t n = static_cast<int64_t>(logits.size());
    const size_t token = position + 1 - question_->context.size();
    question_->Take(choice_, token, logits, BestKernels<float>().log_sum_exp(logits.data(), n),
                    BestKernels<float>().argmax(logits.data(), n));
    taken_.fetch_add(1, std::memory_order_relaxed);
  }
  absl::StatusOr<bool> Advance(std::vector<int32_t>&) override {
    return taken_.load(std::memory_order_relaxed) + (question_->shares_context ? 1 : 0) ==
           static_cast<int64_t>(question_->continuations[choice_].size());
  }
  void Finish(const absl::Status& status) override { question_->End(status); }

 private:
  const std::shared_ptr<Question> question_;
  const size_t choice_;
  std::atomic<int64_t> taken_{0};
};

// The context: its last position gives every continuation's first token.
class ContextWork : public Work {
 public:
  explicit ContextWork(std::shared_ptr<Question> question) : question_(std::move(question)) {}

  void TakeLogits(int64_t, absl::Span<const float> logits) override {
    const int64_t n = static_cast<int64_t>(logits.size());
    const double sum = BestKernels<float>().log_sum_exp(logits.data(), n);
    const int64_t best = BestKernels<float>().argmax(logits.data(), n);
    for (size_t c = 0; c < question_->continuations.size(); ++c) {
      question_->Take(c, 0, logits, sum, best);
    }
  }
  absl::StatusOr<bool> Advance(std::vector<int32_t>&) override { return true; }
  void Finish(const absl::Status& status) override { question_->End(status); }

  std::vector<std::unique_ptr<Request>> Children() override {
    std::vector<std::unique_ptr<Request>> children;
    for (size_t c = 0; c < question_->continuations.size(); ++c) {
      const std::vector<int32_t>& continuation = question_->continuations[c];
      if (continuation.size() < 2) continue;
      auto child = std::make_unique<Request>();
      child->tokens = question_->context;
      child->tokens.insert(child->tokens.end(), continuation.begin(), continuation.end() - 1);
      child->output_from =
          static_cast<int64_t>(question_->context.size()) - (question_->shares_context ? 0 : 1);
      child->max_tokens = static_cast<int64_t>(child->tokens.size());
      child->work = std::make_unique<ChoiceWork>(question_, c);
      ++question_->open;
      children.push_back(std::move(child));
    }
    return children;
  }

 private:
  const std::shared_ptr<Question> question_;
};

}  // namespace

std::unique_ptr<Request> MakeGenerate(std::vector<int32_t> tokens, GenerateSpec spec,
                                      std::function<void(absl::StatusOr<Generation>)> done,
                                      Deliver deliver) {
  auto request = std::make_unique<Request>();
  request->output_from = static_cast<int64_t>(tokens.size()) - 1;
  // The last token is sampled, never computed.
  request->max_tokens = static_cast<int64_t>(tokens.size()) + spec.decoding.max_new_tokens - 1;
  request->ticket.tokens = request->max_tokens;
  request->tokens = tokens;
  request->samples = true;
  request->work = std::make_unique<GenerateWork>(std::move(tokens), std::move(spec),
                                                 std::move(done), std::move(deliver));
  return request;
}

std::unique_ptr<Request> MakeScore(
    std::vector<int32_t> tokens, int top,
    std::function<void(absl::StatusOr<std::vector<TokenLogits>>)> done, Deliver deliver) {
  auto request = std::make_unique<Request>();
  request->tokens.assign(tokens.begin(), tokens.end() - 1);
  request->max_tokens = static_cast<int64_t>(request->tokens.size());
  request->ticket.tokens = request->max_tokens;
  request->work =
      std::make_unique<ScoreWork>(std::move(tokens), top, std::move(done), std::move(deliver));
  return request;
}

std::unique_ptr<Request> MakeLogLikelihoods(
    std::vector<int32_t> context, std::vector<std::vector<int32_t>> continuations,
    bool shares_context, std::function<void(absl::StatusOr<std::vector<LogLikelihood>>)> done,
    Deliver deliver) {
  auto question = std::make_shared<Question>();
  auto request = std::make_unique<Request>();
  request->ticket.tokens = static_cast<int64_t>(context.size());
  for (const std::vector<int32_t>& continuation : continuations) {
    question->log_probabilities.emplace_back(continuation.size());
    question->greedy.emplace_back(continuation.size());
    request->largest_child =
        std::max(request->largest_child, static_cast<int64_t>(continuation.size()) - 1);
    request->ticket.tokens += static_cast<int64_t>(continuation.size()) - 1;
  }
  question->open = 1;
  question->shares_context = shares_context;
  request->lone_children = !shares_context;
  request->share_prefix = shares_context;
  question->context = std::move(context);
  question->continuations = std::move(continuations);
  question->done = std::move(done);
  question->deliver = std::move(deliver);
  request->tokens = question->context;
  request->output_from = static_cast<int64_t>(request->tokens.size()) - 1;
  request->max_tokens = static_cast<int64_t>(request->tokens.size());
  request->work = std::make_unique<ContextWork>(std::move(question));
  return request;
}

}  // namespace plumbline
