#include "tests/model/case_files.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <stdexcept>

#include "core/model/families/families.h"
#include "tests/model/mixed_run.h"

namespace plumbline {
namespace {

template <typename T>
T OrThrow(absl::StatusOr<T> value) {
  if (!value.ok()) throw std::runtime_error(value.status().ToString());
  return *std::move(value);
}

// What has no difference: NaN fails every comparison with a bound.
bool Comparable(const std::vector<float>& a, const std::vector<float>& b) {
  return !a.empty() && a.size() == b.size();
}
constexpr float kNoDifference = std::numeric_limits<float>::quiet_NaN();

}  // namespace

std::vector<std::string> GoldenDirectories() {
  std::vector<std::string> roots = {"tests/golden/model"};
  if (const char* more = std::getenv("PLUMBLINE_PARITY_DIR")) roots.push_back(more);
  std::vector<std::string> result;
  for (const std::string& root : roots) {
    if (!std::filesystem::is_directory(root)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(root)) {
      if (std::filesystem::exists(entry.path() / "golden.safetensors")) {
        result.push_back(entry.path().string());
      }
    }
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::vector<std::string> SortedNames(const std::string& directory) {
  std::vector<std::string> names;
  if (!std::filesystem::is_directory(directory)) return names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

float MaxDifference(const std::vector<float>& a, const std::vector<float>& b) {
  if (!Comparable(a, b)) return kNoDifference;
  float largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const float difference = std::fabs(a[i] - b[i]);
    if (std::isnan(difference)) return difference;
    largest = std::max(largest, difference);
  }
  return largest;
}

float RmsDifference(const std::vector<float>& a, const std::vector<float>& b) {
  if (!Comparable(a, b)) return kNoDifference;
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return static_cast<float>(std::sqrt(sum / static_cast<double>(a.size())));
}

GoldenCase LoadGoldenCase(const std::string& directory) {
  GoldenCase golden;
  golden.directory = directory;
  golden.name = std::filesystem::path(directory).filename().string();
  const auto file = OrThrow(SafetensorsFile::Open(directory + "/golden.safetensors"));
  const auto read = [&](const char* name, auto& into) {
    const TensorInfo* info = file->Find(name);
    if (info == nullptr) throw std::runtime_error(directory + ": golden without " + name);
    const absl::string_view bytes = file->data(*info);
    into.resize(bytes.size() / sizeof(into[0]));
    std::memcpy(into.data(), bytes.data(), bytes.size());
  };
  std::vector<float> error;
  read("input_ids", golden.tokens);
  read("logits", golden.logits);
  read("bf16_error", error);
  golden.bf16_error = error.at(0);
  golden.bf16_rms_error = error.at(1);
  return golden;
}

std::shared_ptr<const LoraWeights> LoadAndPack(const std::string& base,
                                               const std::string& directory, ComputeType dtype) {
  const DecoderSpec spec = OrThrow(LoadDecoderSpec(base));
  const std::shared_ptr<const Checkpoint> checkpoint = OrThrow(Checkpoint::Open(base));
  const std::vector<TargetModule> modules = ModulesOf(spec);
  LoraLoadOptions options;
  options.modules = modules;
  options.supported = SupportedLoraFeatures();
  options.base_weight = [&](const TargetModule& module) {
    return LoadModuleParameter(spec, *checkpoint, module, "weight");
  };
  const auto adapter = OrThrow(LoadLoraAdapter(directory, options));
  return OrThrow(
      PackLora(spec, *adapter, dtype, [&](const TargetModule& module, absl::string_view parameter) {
        return LoadModuleParameter(spec, *checkpoint, module, parameter);
      }));
}

TestDecoder::TestDecoder(const std::string& directory, ComputeType dtype, int threads,
                         int64_t max_rows, Isa isa)
    : threads_(std::make_unique<ThreadPool>(threads)) {
  const DecoderSpec spec = OrThrow(LoadDecoderSpec(directory));
  const auto checkpoint = OrThrow(Checkpoint::Open(directory));
  decoder_ = OrThrow(Decoder::Load(spec, *checkpoint, {dtype, max_rows, isa}, threads_.get()));
  pool_ = OrThrow(KvPool::Create(decoder_->kv_layout(), int64_t{256} << 20));
}

TestDecoder::TestDecoder(std::unique_ptr<Decoder> decoder, int64_t kv_bytes)
    : decoder_(std::move(decoder)),
      pool_(OrThrow(KvPool::Create(decoder_->kv_layout(), kv_bytes, decoder_->kv_memory()))) {}

std::vector<float> TestDecoder::Run(const std::vector<int32_t>& tokens,
                                    const std::vector<int64_t>& cuts, const LoraWeights* adapter) {
  return RunAlone(*decoder_, *pool_, tokens, cuts, adapter);
}

}  // namespace plumbline
