#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/engine/pinned_model_internal.h"
#include "core/weights/torch_guard_internal.h"

namespace plumbline {
namespace {

// OutOfRange with the numbers when a sequence would not fit the context.
absl::Status CheckLength(absl::string_view what, int64_t tokens, int64_t context) {
  if (tokens <= context) return absl::OkStatus();
  return absl::OutOfRangeError(
      absl::StrCat(what, tokens, " tokens; the model's context is ", context));
}

absl::Status CheckLength(int64_t prompt, int64_t more, absl::string_view more_name,
                         int64_t context) {
  if (prompt + more <= context) return absl::OkStatus();
  return CheckLength(
      absl::StrCat("the prompt has ", prompt, " tokens and ", more_name, " ", more, ", together "),
      prompt + more, context);
}

// Whether the context is rotated in every continuation's sequence as it is alone.
bool SharesContext(const DecoderSpec& spec, const PromptEncoder::Split& split) {
  const int64_t context = static_cast<int64_t>(split.context.size());
  int64_t longest = context;
  for (const std::vector<int32_t>& continuation : split.continuations) {
    longest = std::max(longest, context + static_cast<int64_t>(continuation.size()) - 1);
  }
  return std::all_of(spec.ropes.begin(), spec.ropes.end(),
                     [=](const RopeSpec& rope) { return RotatesAlike(rope, context, longest); });
}

absl::StatusOr<std::vector<TokenScore>> WithTexts(const Tokenizer& tokenizer,
                                                  const std::vector<int32_t>& tokens,
                                                  const std::vector<TokenLogits>& logits) {
  const auto text = [&](int32_t id) {
    absl::StatusOr<std::string> result = tokenizer.TokenText(id);
    return result.ok() ? *std::move(result) : std::string();  // a padding id has no text
  };
  std::vector<TokenScore> scores(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    TokenScore& score = scores[i];
    score.id = tokens[i];
    score.text = text(tokens[i]);
    score.has_log_probability = i > 0;
    if (i == 0) continue;
    const TokenLogits& from = logits[i - 1];
    score.log_probability = from.log_probability;
    for (size_t t = 0; t < from.top.size(); ++t) {
      score.top.push_back({from.top[t], text(from.top[t]), from.top_log_probabilities[t]});
    }
  }
  return scores;
}

}  // namespace

PinnedModel::PinnedModel(std::shared_ptr<HostedModel> model,
                         std::shared_ptr<const AdapterVersionEntry> adapter,
                         std::shared_ptr<const LoraWeights> weights, ModelIdentity identity)
    : model_(std::move(model)),
      adapter_(std::move(adapter)),
      weights_(std::move(weights)),
      identity_(std::move(identity)) {
  ++model_->pins_;
  if (adapter_ != nullptr) ++adapter_->pins;
}

PinnedModel::~PinnedModel() {
  --model_->pins_;
  if (adapter_ != nullptr) --adapter_->pins;
}

template <typename Result, typename Call, typename Prepare>
void PinnedModel::Start(Call call, Done<Result> done, Prepare prepare) {
  // The task holds the model, not this handle: a handle may go while its call is under way.
  std::shared_ptr<HostedModel> model = model_;
  const auto shared_done = std::make_shared<const Done<Result>>(std::move(done));
  const bool posted = model_->prepare_.Post([model, adapter = weights_, call = std::move(call),
                                             prepare = std::move(prepare), shared_done] {
    // What the request ends with comes from the engine's thread, which the model outlives.
    const Deliver deliver = [to = model.get()](std::function<void()> task) {
      to->deliver_.Post(std::move(task));
    };
    absl::StatusOr<std::unique_ptr<Request>> request = GuardTorch([&] {
      return prepare(
          *model, call,
          [shared_done](absl::StatusOr<Result> result) { (*shared_done)(std::move(result)); },
          deliver);
    });
    if (!request.ok()) {
      deliver([shared_done, status = request.status()] { (*shared_done)(status); });
      return;
    }
    (*request)->adapter = adapter;
    (*request)->cancel = call.cancel;
    (*request)->ticket.client = call.origin.caller;
    (*request)->ticket.priority = call.origin.priority;
    model->engine_->Submit(*std::move(request));
  });
  // The threads are gone: there is nobody else to call back.
  if (!posted) (*shared_done)(absl::UnavailableError("the model is unloaded"));
}

void PinnedModel::Generate(GenerateCall call, Done<Generation> done) {
  Start<Generation>(
      std::move(call), std::move(done),
      [](const HostedModel& model, const GenerateCall& call, Done<Generation> finish,
         Deliver deliver) -> absl::StatusOr<std::unique_ptr<Request>> {
        ABSL_RETURN_IF_ERROR(ValidateDecoding(call.decoding));
        ABSL_ASSIGN_OR_RETURN(std::vector<int32_t> tokens, model.encoder_->Encode(call.prompt));
        ABSL_RETURN_IF_ERROR(CheckLength(static_cast<int64_t>(tokens.size()),
                                         call.decoding.max_new_tokens, "max_new_tokens is",
                                         model.info_.context_length));
        GenerateSpec spec{model.encoder_->tokenizer(), call.decoding, call.sample_index,
                          model.encoder_->end_tokens()};
        // A stop string that is a special token never shows in the text: it ends by its id.
        for (const std::string& stop : call.decoding.stop) {
          const std::optional<int32_t> id = spec.tokenizer->TokenId(stop);
          if (id && spec.tokenizer->IsSpecial(*id)) spec.end_tokens.insert(*id);
        }
        return MakeGenerate(std::move(tokens), std::move(spec), std::move(finish),
                            std::move(deliver));
      });
}

void PinnedModel::LogLikelihoods(LogLikelihoodCall call, Done<std::vector<LogLikelihood>> done) {
  Start<std::vector<LogLikelihood>>(
      std::move(call), std::move(done),
      [](const HostedModel& model, const LogLikelihoodCall& call,
         Done<std::vector<LogLikelihood>> finish,
         Deliver deliver) -> absl::StatusOr<std::unique_ptr<Request>> {
        ABSL_ASSIGN_OR_RETURN(PromptEncoder::Split split,
                              model.encoder_->EncodeChoices(call.context, call.continuations));
        for (const std::vector<int32_t>& continuation : split.continuations) {
          ABSL_RETURN_IF_ERROR(CheckLength(static_cast<int64_t>(split.context.size()),
                                           static_cast<int64_t>(continuation.size()),
                                           "a continuation", model.info_.context_length));
        }
        const bool shares = SharesContext(model.engine_->decoder().spec(), split);
        return MakeLogLikelihoods(std::move(split.context), std::move(split.continuations), shares,
                                  std::move(finish), std::move(deliver));
      });
}

void PinnedModel::Score(ScoreCall call, Done<std::vector<TokenScore>> done) {
  Start<std::vector<TokenScore>>(
      std::move(call), std::move(done),
      [](const HostedModel& model, const ScoreCall& call, Done<std::vector<TokenScore>> finish,
         Deliver deliver) -> absl::StatusOr<std::unique_ptr<Request>> {
        if (call.top < 0 || call.top > 100) {
          return absl::InvalidArgumentError(absl::StrCat("top is ", call.top, ", want 0 to 100"));
        }
        Prompt prompt;
        prompt.text = call.text;
        ABSL_ASSIGN_OR_RETURN(std::vector<int32_t> tokens, model.encoder_->Encode(prompt));
        ABSL_RETURN_IF_ERROR(CheckLength("the text has ", static_cast<int64_t>(tokens.size()),
                                         model.info_.context_length));
        Done<std::vector<TokenLogits>> with_texts =
            [&model, finish = std::move(finish),
             tokens](absl::StatusOr<std::vector<TokenLogits>> logits) {
              if (!logits.ok()) return finish(logits.status());
              finish(WithTexts(*model.encoder_->tokenizer(), tokens, *logits));
            };
        int top = call.top;
        if (tokens.size() == 1) {  // nothing precedes the only token: there is nothing to compute
          tokens.resize(2, int32_t{tokens[0]});
          top = 0;
        }
        return MakeScore(std::move(tokens), top, std::move(with_texts), std::move(deliver));
      });
}

}  // namespace plumbline
