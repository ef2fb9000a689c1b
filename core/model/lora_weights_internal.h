// What an adapter changes, packed for one decoder: the bank's slot.
//
// Whole weights, biases, norms, tables and rows that the adapter brings (modules_to_save, bias,
// trainable_token_indices) stand in the base's stead on the adapter's rows; low-rank branches add
// to what came out.
//
// The modules of a group share their input, so their A matrices are stacked and h = A·x is one
// product; each module's B then adds to its own columns. Branches are computed in fp32, whatever
// the base, as PEFT does; what replaces is rounded to the model's dtype. Products run in the same
// fixed order as the base's (kernels.h), and an adapter's rows are computed from its own slot only:
// neither the other adapters of a batch nor their ranks touch a row's bits.
//
// Island-internal: names torch types.
#ifndef PLUMBLINE_CORE_MODEL_LORA_WEIGHTS_INTERNAL_H_
#define PLUMBLINE_CORE_MODEL_LORA_WEIGHTS_INTERNAL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "core/lora/lora_adapter_internal.h"
#include "core/model/aligned_buffer.h"
#include "core/model/branch_panels.h"
#include "core/model/decoder_spec.h"
#include "core/model/decoder_weights_internal.h"

namespace plumbline {

// One module's branch: y[columns] += scaling · (B·h[ranks] + lora_bias), or DoRA's formula.
struct LoraPart {
  int64_t rank_begin = 0;  // in the group's stacked h
  int64_t rank = 0;
  int64_t column_begin = 0;
  int64_t columns = 0;
  float scaling = 1;
  BranchPanels b;                // [columns, rank]
  std::vector<float> lora_bias;  // [columns] or empty
  std::vector<float> magnitude;  // DoRA's m' [columns] or empty
  std::vector<float> base_bias;  // [columns] or empty; DoRA only
};

// Bytes of a matrix in the model's dtype: panels (kernels.h) or rows.
using DtypeBuffer = AlignedBuffer<uint8_t>;

// A module whose weight the adapter brings: y[columns] = x · Wᵀ + bias.
struct ReplacedLinear {
  int64_t column_begin = 0;
  int64_t columns = 0;
  DtypeBuffer panels;  // [columns, in]
};

// Rows of the output head that the adapter trained: y[columns[i]] = x · row i.
struct ReplacedColumns {
  std::vector<int32_t> columns;  // ascending; empty: none
  DtypeBuffer panels;            // [columns, in]
};

struct LoraGroup {
  int64_t rank = 0;  // Σ of the parts'
  int64_t in = 0;
  BranchPanels a;  // the stacked A [rank, in]
  std::vector<LoraPart> parts;
  std::vector<float> bias;  // [out of the group], in the base's stead; empty: the base's
  std::vector<ReplacedLinear> replaced;
  bool replaces_all = false;                       // `replaced` leaves no column to the base
  ReplacedColumns rows;                            // the head's only
  bool present() const { return !parts.empty(); }  // low-rank branches
  // Whether the adapter changes what comes out of these linears at all.
  bool changes_output() const {
    return present() || !bias.empty() || !replaced.empty() || !rows.columns.empty();
  }
};

// An embedding's table, its trained rows and its low-rank branch.
struct EmbeddingChange {
  DtypeBuffer table;                           // [rows, E]; size 0: the base's
  absl::flat_hash_map<int32_t, int32_t> rows;  // token to row of `trained`
  DtypeBuffer trained;                         // [rows.size(), E]
  AlignedBuffer<float> a;                      // [vocabulary, rank]: A transposed
  LoraPart low_rank;                           // rank 0: none
  bool present() const { return table.size() > 0 || !rows.empty() || low_rank.rank > 0; }
};

struct LoraLayer {
  LoraGroup attention_in, attention_out, mlp_in, mlp_out;
  // Absent: the base's.
  NormWeights before_attention, after_attention, before_mlp, after_mlp, q_norm, k_norm;
};

// Immutable once built.
struct LoraWeights {
  std::string version;
  PanelArena arena;  // of the branches
  std::vector<LoraLayer> layers;
  EmbeddingChange embedding, position_embedding;
  NormWeights final_norm;  // absent: the base's
  LoraGroup head;
  int64_t max_rank = 0;  // of any group
  int64_t bytes = 0;
};

// What the decoder can apply; anything else is refused by core/lora, by name.
LoraFeatureSet SupportedLoraFeatures();

// The base's parameter of a module: ("model.layers.0.self_attn.q_proj", "weight").
using BaseParameter =
    absl::FunctionRef<absl::StatusOr<at::Tensor>(const TargetModule&, absl::string_view)>;

// Packs `adapter` for a decoder of `dtype`. Unimplemented: a module that the decoder does not
// know, or trained rows together with a low-rank branch (PEFT has no such thing). Touches no
// decoder state: call it from any thread. `threads`: how many threads pack the branches.
absl::StatusOr<std::shared_ptr<const LoraWeights>> PackLora(const DecoderSpec& spec,
                                                            const LoraAdapter& adapter,
                                                            ComputeType dtype, BaseParameter base,
                                                            int threads = 1);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_LORA_WEIGHTS_INTERNAL_H_
