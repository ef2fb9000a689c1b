// What a layer consists of, in one place: everybody who makes one (weights of the CPU and of a
// device, an adapter's changes) or lists its modules walks it here.
//
// No torch type here.
#ifndef PLUMBLINE_CORE_MODEL_LAYER_WALK_H_
#define PLUMBLINE_CORE_MODEL_LAYER_WALK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/base/status_macros.h"
#include "core/model/decoder_spec.h"

namespace plumbline {

// Calls norm(name, width, layer.member) for each norm that the family has and
// linear(parts, inputs, layer.member) for each linear, names relative to the layer; stops at the
// first error. Layer: a struct with these members.
template <typename Layer, typename Norm, typename Linear>
absl::Status WalkLayer(const DecoderSpec& spec, Layer& layer, Norm norm, Linear linear) {
  const auto present = [&](const std::string& name, int64_t width, auto& into) {
    return name.empty() ? absl::OkStatus() : norm(name, width, into);
  };
  const NormNames& names = spec.norms;
  const bool full = spec.qk_norm == QkNorm::kFullWidth;
  ABSL_RETURN_IF_ERROR(present(names.before_attention, spec.hidden, layer.before_attention));
  ABSL_RETURN_IF_ERROR(present(names.after_attention, spec.hidden, layer.after_attention));
  ABSL_RETURN_IF_ERROR(present(names.before_mlp, spec.hidden, layer.before_mlp));
  ABSL_RETURN_IF_ERROR(present(names.after_mlp, spec.hidden, layer.after_mlp));
  ABSL_RETURN_IF_ERROR(present(names.q, full ? spec.q_width() : spec.head_dim, layer.q_norm));
  ABSL_RETURN_IF_ERROR(present(names.k, full ? spec.kv_width() : spec.head_dim, layer.k_norm));
  ABSL_RETURN_IF_ERROR(linear(spec.attention_in, spec.hidden, layer.attention_in));
  ABSL_RETURN_IF_ERROR(
      linear(std::vector<LinearSpec>{spec.attention_out}, spec.q_width(), layer.attention_out));
  ABSL_RETURN_IF_ERROR(linear(spec.mlp_in, spec.hidden, layer.mlp_in));
  return linear(std::vector<LinearSpec>{spec.mlp_out}, spec.intermediate, layer.mlp_out);
}

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_LAYER_WALK_H_
