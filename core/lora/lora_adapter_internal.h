// A PEFT LoRA adapter, read, proved and ready to be applied.
//
// The rule: the tensors on disk are the truth. Every tensor of the file is applied or the load
// fails and names it; every module the configuration targets has its tensors or the load fails and
// names it; shape, rank, alpha and base must agree. What comes out can be applied without another
// check. docs/adapters.md lists what is accepted and refused.
//
// Island-internal: names torch types.
#ifndef PLUMBLINE_CORE_LORA_LORA_ADAPTER_INTERNAL_H_
#define PLUMBLINE_CORE_LORA_LORA_ADAPTER_INTERNAL_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/lora/adapter_files.h"
#include "core/lora/lora_config.h"
#include "core/lora/target_module.h"
#include "core/weights/safetensors.h"

namespace plumbline {

// Low-rank change of one module: y = base(x) + scaling · B(A(x)), with B's bias if there is one,
// scaled with it; with a magnitude, DoRA's formula (lora_reference_internal.h).
// Tensors are CPU, fp32 and contiguous: PEFT computes this branch in fp32 whatever the base.
struct LoraModule {
  TargetModule target;  // the base's module, by value
  int64_t rank = 0;
  double alpha = 0;
  double scaling = 0;     // alpha / rank, or alpha / √rank (rsLoRA)
  at::Tensor a;           // [rank, in]; of an embedding: lora_embedding_A [rank, vocabulary]
  at::Tensor b;           // [out, rank]; of an embedding: lora_embedding_B [dimension, rank]
  at::Tensor lora_bias;   // [out] or undefined: lora_B.bias
  at::Tensor magnitude;   // [out] or undefined: DoRA's lora_magnitude_vector
  double delta_norm = 0;  // Frobenius norm of scaling · B·A
};

// A whole module the adapter brings (modules_to_save), or the base weight stored beside a LoRA on
// an embedding or output head where it differs from the hosted base's; a LoraModule of the same
// name then works on top of it. In the file's dtype.
struct ModuleReplacement {
  TargetModule target;
  at::Tensor weight;  // shape of the base's weight; undefined: only the bias is replaced
  at::Tensor bias;    // [out] or undefined
};

// Trained rows of an embedding.
struct TrainableTokens {
  TargetModule target;           // an embedding
  std::vector<int64_t> indices;  // token ids, ascending, each < target.in_features
  at::Tensor rows;               // [indices, dimension] fp32: they replace the base's rows
  // Output head tied to the embedding, whose rows are replaced too; empty: none.
  std::string tied_module;
};

// Immutable once loaded and shared by whoever pins it.
struct LoraAdapter {
  // 64 hexadecimal digits: SHA-256 over the two files, see AdapterVersion.
  std::string version;
  // The files themselves. Tensors are views of them where they need no conversion.
  std::string config_json;
  std::shared_ptr<const SafetensorsFile> file;
  LoraConfig config;
  std::map<std::string, LoraModule> modules;              // by module name
  std::map<std::string, ModuleReplacement> replacements;  // by module name; biases included
  std::vector<TrainableTokens> tokens;
  // For the admission report.
  int tensors_in_file = 0;
  int tensors_applied = 0;  // == tensors_in_file
  std::vector<std::string> warnings;
};

struct LoraLoadOptions {
  // Every module with parameters of the base. Required.
  absl::Span<const TargetModule> modules;
  // What the forward pass can apply; anything else is refused by name.
  LoraFeatureSet supported;
  // The hosted base's names (path, repository id): base_model_name_or_path of another name is a
  // warning. Empty: not compared.
  std::vector<std::string> base_names;
  // The base's own weight of a module, in the checkpoint's layout. PEFT stores it again beside a
  // LoRA on an embedding or the output head; bit-equal to this, it is not a replacement. Null:
  // every stored base weight is taken for a replacement.
  std::function<absl::StatusOr<at::Tensor>(const TargetModule&)> base_weight;
  // Threads that check the values (finite, norms).
  int threads = 1;
};

// Proves the files, of `directory`, to be an adapter of this base. InvalidArgument: what disagrees,
// by tensor or key. Unimplemented: the option by name. Never throws, never writes.
absl::StatusOr<std::shared_ptr<const LoraAdapter>> CheckLoraAdapter(AdapterBytes files,
                                                                    const std::string& directory,
                                                                    const LoraLoadOptions& options);

// ReadAdapterFiles and CheckLoraAdapter; the errors of both.
absl::StatusOr<std::shared_ptr<const LoraAdapter>> LoadLoraAdapter(const std::string& directory,
                                                                   const LoraLoadOptions& options);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_LORA_LORA_ADAPTER_INTERNAL_H_
