// Tokens per second of a checkpoint, side by side in one run: prefill, decoding at several widths,
// and a batch that mixes adapters. Against the roofline: bytes of weights read a step over the
// bandwidth measured here.
//
//   engine_bench CHECKPOINT [float32|bfloat16] [ADAPTER_DIR...]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "core/model/decoder_internal.h"
#include "core/model/decoder_weights_internal.h"
#include "core/model/families/families.h"

namespace plumbline {
namespace {

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "%s\n", value.status().ToString().c_str());
  std::exit(1);
}

double ReadBandwidth(ThreadPool& threads) {
  const int64_t n = int64_t{64} << 20;  // floats: 256 MiB
  std::vector<float> data(n, 1.f);
  std::vector<double> sums(threads.threads());
  double best = 0;
  for (int round = 0; round < 3; ++round) {
    const double start = Seconds();
    threads.Run(n / 4096, 64, [&](int64_t begin, int64_t end, int thread) {
      float lanes[64] = {};
      for (int64_t i = begin * 4096; i < end * 4096; i += 64) {
        for (int j = 0; j < 64; ++j) lanes[j] += data[i + j];
      }
      sums[thread] += lanes[0] + lanes[63];
    });
    best = std::max(best, n * sizeof(float) / (Seconds() - start) / 1e9);
  }
  return best;
}

class Bench {
 public:
  Bench(const std::string& directory, ComputeType dtype)
      : spec_(OrDie(LoadDecoderSpec(directory))),
        threads_(static_cast<int>(std::thread::hardware_concurrency())),
        checkpoint_(OrDie(Checkpoint::Open(directory))),
        decoder_(OrDie(Decoder::Load(spec_, *checkpoint_, {dtype, 512}, &threads_))),
        pool_(OrDie(KvPool::Create(decoder_->kv_layout(), int64_t{4} << 30))) {}

  void LoadAdapter(const std::string& directory) {
    const std::vector<TargetModule> modules = ModulesOf(spec_);
    LoraLoadOptions options;
    options.modules = modules;
    options.supported = SupportedLoraFeatures();
    const auto adapter = OrDie(LoadLoraAdapter(directory, options));
    const auto base = [&](const TargetModule& m, absl::string_view parameter) {
      return LoadParameter(spec_, *checkpoint_, m.name, parameter, {m.out_features, m.in_features});
    };
    adapters_.push_back(OrDie(PackLora(spec_, *adapter, decoder_->options().dtype, base)));
  }

  void Run() {
    std::printf("%s: %.1f M parameters, %.0f MB, %d threads, read bandwidth %.1f GB/s\n",
                spec_.architecture.c_str(), decoder_->parameters() / 1e6,
                decoder_->weight_bytes() / 1e6, threads_.threads(), ReadBandwidth(threads_));
    std::vector<int32_t> prompt(std::min<int64_t>(512, spec_.context / 2), 7);
    Measure("prefill", 1, static_cast<int64_t>(prompt.size()), false);
    for (int width : {1, 8, 32, 64}) Measure("decode", width, 1, false);
    if (!adapters_.empty()) {
      for (int width : {8, 32, 64}) Measure("decode, adapters mixed", width, 1, true);
    }
  }

 private:
  void Measure(const char* what, int width, int64_t tokens, bool mixed) {
    const int64_t context = std::min<int64_t>(128, spec_.context / 2);
    const int64_t v = spec_.vocabulary;
    std::vector<int32_t> ids(tokens, 7);
    std::vector<std::vector<void*>> blocks(width);
    for (auto& list : blocks) {
      for (int64_t t = 0; t < context + tokens; t += kKvBlockTokens) list.push_back(pool_->Take());
      for (void* block : list) std::memset(block, 0, pool_->layout().block_bytes());
    }
    std::vector<Chunk> chunks(width);
    for (int i = 0; i < width; ++i) {
      chunks[i].tokens = ids;
      chunks[i].position = tokens > 1 ? 0 : context;
      chunks[i].prompt_length = context;
      chunks[i].blocks = blocks[i];
      chunks[i].first_output = tokens - 1;
      if (mixed) chunks[i].adapter = adapters_[i * adapters_.size() / width].get();
    }
    std::vector<float> logits(width * v);
    std::vector<double> times;
    const double end = Seconds() + 1.5;
    while (times.size() < 3 || Seconds() < end) {
      const double start = Seconds();
      decoder_->Forward(chunks);
      decoder_->Logits(0, width, logits.data());
      times.push_back(Seconds() - start);
    }
    std::sort(times.begin(), times.end());
    const double median = times[times.size() / 2];
    std::printf(
        "%-24s width %3d: %9.1f tokens/s  %8.3f ms/step (best %.3f)  %.1f GB/s of weights\n", what,
        width, width * tokens / median, median * 1e3, times[0] * 1e3,
        decoder_->weight_bytes() / median / 1e9);
    for (auto& list : blocks) {
      for (void* block : list) pool_->Release(block);
    }
  }

  const DecoderSpec spec_;
  ThreadPool threads_;
  const std::shared_ptr<const Checkpoint> checkpoint_;
  const std::unique_ptr<Decoder> decoder_;
  const std::unique_ptr<KvPool> pool_;
  std::vector<std::shared_ptr<const LoraWeights>> adapters_;
};

}  // namespace
}  // namespace plumbline

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: engine_bench CHECKPOINT [float32|bfloat16] [ADAPTER_DIR...]\n");
    return 2;
  }
  const bool half = argc > 2 && std::strcmp(argv[2], "bfloat16") == 0;
  plumbline::Bench bench(
      argv[1], half ? plumbline::ComputeType::kBfloat16 : plumbline::ComputeType::kFloat32);
  for (int i = 3; i < argc; ++i) bench.LoadAdapter(argv[i]);
  bench.Run();
}
