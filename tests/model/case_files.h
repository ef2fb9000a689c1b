// Checkpoints with transformers' own logits beside them (tests/oracle/model/make_goldens.py).
#ifndef PLUMBLINE_TESTS_MODEL_CASE_FILES_H_
#define PLUMBLINE_TESTS_MODEL_CASE_FILES_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/model/decoder_internal.h"
#include "core/weights/safetensors.h"

namespace plumbline {

struct GoldenCase {
  std::string name;
  std::string directory;
  std::vector<int32_t> tokens;
  std::vector<float> logits;  // [tokens, V]
  float bf16_error = 0;       // of transformers' own bfloat16: the largest
  float bf16_rms_error = 0;   // and the root mean square
};

// Every folder of tests/golden/model, and of $PLUMBLINE_PARITY_DIR when it is set.
std::vector<std::string> GoldenDirectories();
GoldenCase LoadGoldenCase(const std::string& directory);

// Names of what a folder holds, sorted; empty when it is none.
std::vector<std::string> SortedNames(const std::string& directory);

// A tensor's values; the file must have it, with elements of T's size.
template <typename T>
std::vector<T> ReadTensor(const SafetensorsFile& file, const std::string& name) {
  const absl::string_view bytes = file.data(*file.Find(name));
  std::vector<T> values(bytes.size() / sizeof(T));
  std::copy_n(bytes.data(), bytes.size(), reinterpret_cast<char*>(values.data()));
  return values;
}

// The largest |a - b|; NaN when there is one, and of nothing or of different sizes.
float MaxDifference(const std::vector<float>& a, const std::vector<float>& b);
// The root mean square of a - b; NaN likewise.
float RmsDifference(const std::vector<float>& a, const std::vector<float>& b);

// The adapter in `directory`, for the checkpoint `base`. Throws std::runtime_error with the status.
std::shared_ptr<const LoraWeights> LoadAndPack(const std::string& base,
                                               const std::string& directory, ComputeType dtype);

// A decoder with its threads and a cache for one sequence, for tests.
class TestDecoder {
 public:
  TestDecoder(const std::string& directory, ComputeType dtype, int threads = 2,
              int64_t max_rows = 512, Isa isa = BestIsa());
  // The same around any decoder, with a cache of kv_bytes where that decoder wants it.
  TestDecoder(std::unique_ptr<Decoder> decoder, int64_t kv_bytes);
  Decoder& decoder() { return *decoder_; }
  KvPool& pool() { return *pool_; }

  // Logits [tokens, V] of one sequence whose prompt is cut at `cuts` (ascending).
  std::vector<float> Run(const std::vector<int32_t>& tokens, const std::vector<int64_t>& cuts = {},
                         const LoraWeights* adapter = nullptr);

 private:
  std::unique_ptr<ThreadPool> threads_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<KvPool> pool_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_MODEL_CASE_FILES_H_
