#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "core/base/status_macros.h"
#include "core/engine/canary_internal.h"
#include "core/weights/torch_guard_internal.h"

namespace plumbline {
namespace {

// The largest absolute difference, or NaN when a value of `with` is not finite.
double LargestChange(absl::Span<const float> with, absl::Span<const float> without) {
  float largest = 0;
  bool finite = true;
  for (size_t i = 0; i < with.size(); ++i) {
    finite = finite && std::isfinite(with[i]);
    largest = std::max(largest, std::fabs(with[i] - without[i]));
  }
  return finite ? largest : NAN;
}

}  // namespace

Canary::Canary(DeviceEngine& engine, Prompt prompt, size_t glance, int64_t glance_logits)
    : engine_(engine),
      prompt_(std::move(prompt)),
      glance_(prompt_.begin(),
              prompt_.begin() + static_cast<std::ptrdiff_t>(std::min(glance, prompt_.size()))),
      glance_logits_(std::min(glance_logits / kPanelColumns * kPanelColumns,
                              engine.decoder().spec().vocabulary)) {}

absl::StatusOr<std::unique_ptr<const Canary>> Canary::Make(DeviceEngine& engine,
                                                           std::vector<int32_t> prompt,
                                                           size_t glance, int64_t glance_logits) {
  std::unique_ptr<Canary> canary(new Canary(engine, std::move(prompt), glance, glance_logits));
  ABSL_ASSIGN_OR_RETURN(canary->base_, canary->Logits({{&canary->glance_, nullptr}},
                                                      engine.decoder().spec().vocabulary));
  return canary;
}

absl::StatusOr<std::vector<float>> Canary::Logits(absl::Span<const Row> rows,
                                                  int64_t columns) const {
  std::vector<float> logits;
  absl::Status status;
  ABSL_RETURN_IF_ERROR(engine_.RunBetweenSteps([&](Decoder& decoder) {
    status = GuardTorch([&]() -> absl::Status {
      const auto blocks_of = [](const Row& row) {
        return (static_cast<int64_t>(row.prompt->size()) + kKvBlockTokens - 1) / kKvBlockTokens;
      };
      int64_t blocks_all = 1;
      for (const Row& row : rows) blocks_all += blocks_of(row);
      ABSL_ASSIGN_OR_RETURN(
          const std::unique_ptr<KvPool> pool,
          KvPool::Create(decoder.kv_layout(), blocks_all * decoder.kv_layout().block_bytes(),
                         decoder.kv_memory()));
      std::vector<std::vector<void*>> blocks(rows.size());
      std::vector<Chunk> chunks(rows.size());
      for (size_t i = 0; i < rows.size(); ++i) {
        for (int64_t b = blocks_of(rows[i]); b > 0; --b) blocks[i].push_back(pool->Take());
        const int64_t length = static_cast<int64_t>(rows[i].prompt->size());
        chunks[i].tokens = *rows[i].prompt;
        chunks[i].prompt_length = length;
        chunks[i].blocks = blocks[i];
        chunks[i].adapter = rows[i].adapter;
        chunks[i].first_output = length - 1;
      }
      decoder.Forward(chunks);
      logits.resize(rows.size() * static_cast<size_t>(columns));
      decoder.FirstLogits(0, static_cast<int64_t>(rows.size()), columns, logits.data());
      return absl::OkStatus();
    });
  }));
  ABSL_RETURN_IF_ERROR(status);
  return logits;
}

absl::Status Canary::Prove(const LoraWeights& weights, std::optional<int32_t> trained,
                           AdmissionReport& report) const {
  for (const bool glance : {true, false}) {
    Prompt prompt = glance ? glance_ : prompt_;
    const size_t v = glance && !weights.head.changes_output() ? static_cast<size_t>(glance_logits_)
                                                              : base_.size();
    if (trained.has_value()) prompt.back() = *trained;
    std::vector<Row> rows = {{&prompt, &weights}, {&glance_, nullptr}};
    if (prompt != glance_) rows.push_back({&prompt, nullptr});
    ABSL_ASSIGN_OR_RETURN(const std::vector<float> logits, Logits(rows, static_cast<int64_t>(v)));
    const auto row = [&](size_t i) { return absl::MakeConstSpan(logits).subspan(i * v, v); };
    if (std::memcmp(base_.data(), row(1).data(), v * sizeof(float)) != 0) {
      return absl::InternalError("the base's logits changed while the adapter was resident");
    }
    report.base_restored_bitwise = true;
    report.canary_max_abs_logit_change = LargestChange(row(0), row(rows.size() - 1));
    if (std::isnan(report.canary_max_abs_logit_change)) {
      return absl::InvalidArgumentError(
          "the canary prompt's logits are not finite with this adapter: it holds NaN, infinite or "
          "absurdly large values");
    }
    if (report.canary_max_abs_logit_change > 0) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "the canary prompt's logits are the base's own: the adapter does nothing (is lora_B all "
      "zeros, as before training?)");
}

}  // namespace plumbline
