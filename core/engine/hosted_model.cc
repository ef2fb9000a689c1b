#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/names.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"
#include "core/engine/generation_config.h"
#include "core/engine/hosted_model_internal.h"
#include "core/engine/pinned_model_internal.h"
#include "core/model/decoder_device_internal.h"
#include "core/model/decoder_weights_internal.h"
#include "core/model/families/families.h"
#include "core/weights/torch_guard_internal.h"

namespace plumbline {
namespace {

constexpr absl::string_view kCanary =
    "The quick brown fox counts 3 + 4 = 7, writes a list:\n1. one\n2. two\nand ends.";
constexpr int64_t kCanaryTokens = 16;

absl::StatusOr<ComputeType> ResolveDtype(const LoadModelOptions& options,
                                         const Checkpoint& checkpoint) {
  if (options.dtype == "float32") return ComputeType::kFloat32;
  if (options.dtype == "bfloat16") return ComputeType::kBfloat16;
  if (options.dtype != "auto") {
    return absl::InvalidArgumentError(
        absl::StrCat("dtype \"", options.dtype, "\": want auto, float32 or bfloat16"));
  }
  // The checkpoint's own: what its matrices are stored in. float16 is widened, never narrowed.
  for (const std::string& name : checkpoint.names()) {
    const TensorInfo* info = checkpoint.info(name);
    if (info->shape.size() < 2) continue;
    return info->dtype == DType::kBF16 ? ComputeType::kBfloat16 : ComputeType::kFloat32;
  }
  return ComputeType::kFloat32;
}

absl::StatusOr<std::vector<int32_t>> CanaryPrompt(const PromptEncoder& encoder,
                                                  const DecoderSpec& spec) {
  Prompt prompt;
  prompt.text = std::string(kCanary);
  ABSL_ASSIGN_OR_RETURN(std::vector<int32_t> tokens, encoder.Encode(prompt));
  if (tokens.empty()) tokens.push_back(0);
  tokens.resize(std::min<size_t>(tokens.size(), std::min(kCanaryTokens, spec.context)));
  return tokens;
}

int64_t PlanCacheBytes(const KvLayout& layout, int64_t context, int max_batch, int64_t most) {
  const int64_t per_sequence =
      (context + kKvBlockTokens - 1) / kKvBlockTokens * layout.block_bytes();
  // One block at least; 64 bytes: the pool's blocks begin at cache lines.
  return std::max(std::min(per_sequence * max_batch, most), layout.block_bytes() + 64);
}

}  // namespace

absl::StatusOr<std::shared_ptr<HostedModel>> HostedModel::Load(const LoadModelOptions& options,
                                                               const EngineHostOptions& host,
                                                               const Clock& clock) {
  std::shared_ptr<HostedModel> model(new HostedModel(options, host, clock));
  ABSL_RETURN_IF_ERROR(Annotate(GuardTorch([&] { return model->Open(); }),
                                absl::StrCat("load model \"", options.name, "\"")));
  return model;
}

absl::Status HostedModel::Open() {
  const absl::Time start = absl::Now();
  if (requested_.max_batch < 0 || requested_.max_batch > 4096) {
    return absl::InvalidArgumentError("max_batch: want 0 (the default) to 4096");
  }
  if (requested_.kv_cache_bytes < 0) return absl::InvalidArgumentError("kv_cache_bytes: negative");
  ABSL_ASSIGN_OR_RETURN(DecoderSpec spec, LoadDecoderSpec(requested_.path));
  ABSL_ASSIGN_OR_RETURN(checkpoint_, Checkpoint::Open(requested_.path));
  ABSL_RETURN_IF_ERROR(SettleTiedHead(*checkpoint_, spec));
  ABSL_ASSIGN_OR_RETURN(encoder_, PromptEncoder::Load(requested_.path, spec.vocabulary));
  ABSL_ASSIGN_OR_RETURN(const ComputeType dtype, ResolveDtype(requested_, *checkpoint_));
  ABSL_ASSIGN_OR_RETURN(const std::string config_digest,
                        Sha256HexOfFile(absl::StrCat(requested_.path, "/config.json")));
  const int cores = std::max(1u, std::thread::hardware_concurrency());
  auto threads = std::make_unique<ThreadPool>(host_.threads > 0 ? host_.threads : cores);
  const int max_batch = requested_.max_batch > 0 ? requested_.max_batch : host_.max_batch;
  const int64_t rows =
      std::max<int64_t>({host_.step_tokens, max_batch, Canary::StepRows(kCanaryTokens)});
  ABSL_ASSIGN_OR_RETURN(PlacedDecoder placed, LoadDecoderOn(requested_.device, spec, *checkpoint_,
                                                            {dtype, rows}, threads.get()));
  std::unique_ptr<Decoder> decoder = std::move(placed.decoder);
  // A device's memory is there to be used; the host's is everybody's.
  const int64_t most =
      IsCpuDevice(requested_.device) ? host_.max_kv_cache_bytes : decoder->kv_memory().available();
  const int64_t cache_bytes =
      requested_.kv_cache_bytes > 0
          ? requested_.kv_cache_bytes
          : PlanCacheBytes(decoder->kv_layout(), spec.context, max_batch, most);
  ABSL_ASSIGN_OR_RETURN(std::unique_ptr<KvPool> pool,
                        KvPool::Create(decoder->kv_layout(), cache_bytes, decoder->kv_memory()));

  info_.options = requested_;
  info_.options.dtype = dtype == ComputeType::kBfloat16 ? "bfloat16" : "float32";
  info_.options.max_batch = max_batch;
  info_.options.kv_cache_bytes = cache_bytes;
  info_.architecture = spec.architecture;
  info_.version = Sha256Hex(absl::StrCat(config_digest, checkpoint_->version()));
  info_.parameters = decoder->parameters();
  info_.weight_bytes = decoder->weight_bytes();
  info_.kv_cache_bytes = cache_bytes;
  info_.context_length = static_cast<int>(spec.context);
  info_.vocabulary = static_cast<int>(spec.vocabulary);
  info_.threads = threads->threads();
  info_.has_chat_template = encoder_->has_chat_template();
  info_.warnings = UnappliedDecoding(requested_.path);
  const std::vector<std::string> unused = UnusedTensors(spec, *checkpoint_);
  if (!unused.empty()) {
    info_.warnings.push_back(absl::StrCat(
        unused.size(), unused.size() == 1 ? " tensor" : " tensors", " of the checkpoint that ",
        spec.architecture, " has no use for: ", FirstNames(unused, 3)));
  }
  info_.numerics = {placed.device, info_.options.dtype, placed.mode};

  slots_ = std::make_shared<AdapterSlots>(host_.adapter_memory_bytes, host_.max_resident_adapters);
  modules_ = ModulesOf(spec);
  engine_ = std::make_unique<DeviceEngine>(
      std::move(threads), std::move(decoder), std::move(pool),
      DeviceEngineOptions{max_batch, host_.max_queue, host_.prefix_cache});
  if (!host_.adapter_store_dir.empty()) {
    ABSL_ASSIGN_OR_RETURN(store_, AdapterStore::Open(host_.adapter_store_dir));
  }
  absl::StatusOr<std::vector<int32_t>> prompt = CanaryPrompt(*encoder_, spec);
  if (!prompt.ok()) return Annotate(prompt.status(), requested_.path);
  ABSL_ASSIGN_OR_RETURN(canary_, Canary::Make(*engine_, *std::move(prompt)));
  const std::vector<float>& logits = canary_->base_logits();
  if (!std::all_of(logits.begin(), logits.end(), [](float x) { return std::isfinite(x); })) {
    return absl::InvalidArgumentError(absl::StrCat(
        requested_.path, ": the logits of a short prompt hold NaN or infinity: damaged weights",
        dtype == ComputeType::kBfloat16 ? ", or values beyond bfloat16 (try float32)" : ""));
  }
  info_.load_time = absl::Now() - start;
  return absl::OkStatus();
}

HostedModel::~HostedModel() { Stop(); }

ModelInfo HostedModel::info() const {
  ModelInfo info = info_;
  info.adapters = slots_->stats();
  return info;
}

EngineStats HostedModel::stats() const {
  EngineStats stats = engine_->stats();
  stats.adapters = slots_->stats();
  return stats;
}

std::shared_ptr<const void> HostedModel::HoldPin() {
  ++pins_;
  return std::shared_ptr<const void>(this,
                                     [model = shared_from_this()](const void*) { --model->pins_; });
}

// Order matters: what is prepared goes to the engine, what the engine ends goes to deliver.
void HostedModel::Stop() {
  prepare_.Stop();
  if (engine_ != nullptr) engine_->Stop();
  deliver_.Stop();
}

absl::Status HostedModel::UnloadAdapter(absl::string_view alias) {
  if (adapters_.Unpublish(alias)) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("model \"", info_.options.name, "\" has no adapter \"",
                                          alias, "\"", NamesInstead(alias, adapters_.Aliases())));
}

absl::StatusOr<std::shared_ptr<LanguageModel>> HostedModel::Pin(absl::string_view adapter) {
  ModelIdentity identity;
  identity.model = info_.options.name;
  identity.numerics = info_.numerics;
  identity.model_version = info_.version;
  if (adapter.empty()) {
    return std::make_shared<PinnedModel>(shared_from_this(), nullptr, nullptr, std::move(identity));
  }
  AdapterRegistry::Publication publication = adapters_.Find(adapter);
  if (publication.entry == nullptr) {
    return absl::NotFoundError(absl::StrCat("model \"", info_.options.name, "\" has no adapter \"",
                                            adapter, "\"",
                                            NamesInstead(adapter, adapters_.Aliases())));
  }
  const AdapterRegistry::Entry& entry = publication.entry;
  ABSL_ASSIGN_OR_RETURN(
      AdapterSlots::Weights weights,
      slots_->Get(entry.get(), adapter, entry->bytes, [&] { return Repack(*entry); }));
  identity.adapter = publication.info.alias;
  identity.adapter_version = entry->version;
  identity.nominal_target = publication.info.nominal_target;
  return std::make_shared<PinnedModel>(shared_from_this(), entry, std::move(weights),
                                       std::move(identity));
}

}  // namespace plumbline
