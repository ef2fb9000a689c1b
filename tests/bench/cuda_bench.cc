// Tokens per second of the CUDA decoder on a model with the shape of Qwen2.5-0.5B and random
// weights: prefill, and decoding at several widths with and without graphs, adapters and logits,
// against the roofline (the weights' bytes over the device's measured copy bandwidth).
//
//   cuda_bench [--dtype float32|bfloat16] [--seconds S]
//   cuda_bench --emulate        a tiny model on the emulation: tests the benchmark, times nothing
//
// Links no LibTorch: the binary and libplumbline_cuda.so are enough (docs/cuda.md).
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/model/cuda/cuda_decoder_internal.h"
#include "core/model/cuda/plugin_loader.h"
#include "tests/bench/bench_support.h"
#include "tests/model/cuda/emulated_device.h"
#include "tests/model/cuda/emulation.h"
#include "tests/model/cuda/random_model.h"

namespace plumbline::cuda {
namespace {

struct Settings {
  ComputeType dtype = ComputeType::kBfloat16;
  double seconds = 2;
  bool emulate = false;
};

std::unique_ptr<Device> Open(const Settings& settings) {
  if (settings.emulate) return MakeEmulatedDevice(Schedule::kAscending);
  return OrDie(OpenDevice(0));
}

// Bytes per second, read and written, of a copy on the device.
double CopyBandwidth(const Settings& settings) {
  const std::unique_ptr<Device> device = Open(settings);
  const size_t bytes = settings.emulate ? size_t{1} << 20 : size_t{1} << 30;
  void* from = device->Allocate(bytes);
  void* to = device->Allocate(bytes);
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    device->Synchronize();
    const double start = Seconds();
    device->CopyOnDevice(to, from, bytes);
    device->Synchronize();
    best = std::max(best, 2 * static_cast<double>(bytes) / (Seconds() - start));
  }
  device->Free(from);
  device->Free(to);
  return best;
}

class Bench {
 public:
  Bench(const Settings& settings, const DecoderSpec& spec, bool graphs) : settings_(settings) {
    RandomSource source(1);
    CudaOptions options;
    options.graphs = graphs;
    std::unique_ptr<Device> device = Open(settings);
    device_ = device.get();
    decoder_ = OrDie(MakeDecoder(spec, {settings.dtype, 256}, options, source, std::move(device)));
    const int64_t bytes = std::min(decoder_->kv_memory().available(), int64_t{4} << 30);
    pool_ = OrDie(KvPool::Create(decoder_->kv_layout(), bytes, decoder_->kv_memory()));
    logits_.resize(static_cast<size_t>(64 * spec.vocabulary));
  }

  Decoder& decoder() { return *decoder_; }

  // Tokens per second.
  double Prefill(int64_t tokens) {
    return Repeat(tokens, [&] {
      std::vector<int32_t> prompt(static_cast<size_t>(tokens), 7);
      const std::vector<void*> blocks = Take(tokens);
      for (int64_t begin = 0; begin < tokens; begin += 256) {
        Chunk chunk = ChunkOf(prompt, begin, std::min<int64_t>(256, tokens - begin), blocks);
        chunk.first_output = static_cast<int64_t>(chunk.tokens.size());
        decoder_->Forward({&chunk, 1});
      }
      device_->Synchronize();
      for (void* block : blocks) pool_->Release(block);
    });
  }

  // `width` sequences from position 128 on, row i with adapters[i % size].
  double Decode(int64_t width, const std::vector<std::shared_ptr<const LoraWeights>>& adapters,
                bool logits) {
    constexpr int64_t kFrom = 128, kTokens = 64;
    const std::vector<int32_t> tokens(kFrom + kTokens, 7);
    std::vector<std::vector<void*>> blocks;
    for (int64_t i = 0; i < width; ++i) blocks.push_back(Take(kFrom + kTokens));
    int64_t step = 0;
    const double rate = Repeat(width, [&] {
      std::vector<Chunk> chunks;
      for (int64_t i = 0; i < width; ++i) {
        Chunk chunk = ChunkOf(tokens, kFrom + step % kTokens, 1, blocks[static_cast<size_t>(i)]);
        // Neighbours with one adapter, as the engine orders them.
        const size_t count = adapters.size();
        if (count > 0) {
          chunk.adapter =
              adapters[static_cast<size_t>(i) * count / static_cast<size_t>(width)].get();
        }
        chunks.push_back(chunk);
      }
      decoder_->Forward(chunks);
      if (logits) {
        decoder_->Logits(0, width, logits_.data());
      } else {
        device_->Synchronize();
      }
      ++step;
    });
    for (const auto& held : blocks) {
      for (void* block : held) pool_->Release(block);
    }
    return rate;
  }

 private:
  static Chunk ChunkOf(const std::vector<int32_t>& tokens, int64_t begin, int64_t count,
                       const std::vector<void*>& blocks) {
    Chunk chunk;
    chunk.tokens = absl::MakeConstSpan(tokens).subspan(begin, count);
    chunk.position = begin;
    chunk.prompt_length = static_cast<int64_t>(tokens.size());
    chunk.blocks = blocks;
    return chunk;
  }
  std::vector<void*> Take(int64_t tokens) {
    std::vector<void*> blocks;
    for (int64_t t = 0; t < tokens; t += kKvBlockTokens) blocks.push_back(pool_->Take());
    return blocks;
  }
  template <typename Body>
  double Repeat(int64_t tokens, Body body) {
    for (int i = 0; i < 3; ++i) body();  // the third is the first replay of a graph
    const double start = Seconds();
    int64_t rounds = 0;
    do {
      body();
      ++rounds;
    } while (!settings_.emulate && Seconds() - start < settings_.seconds);
    return static_cast<double>(rounds * tokens) / (Seconds() - start);
  }

  const Settings settings_;
  Device* device_ = nullptr;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<KvPool> pool_;
  std::vector<float> logits_;
};

void Run(const Settings& settings) {
  const DecoderSpec spec = settings.emulate ? SmallModels()[1].second : HalfBillion();
  const double bandwidth = CopyBandwidth(settings);
  std::vector<std::shared_ptr<const LoraWeights>> adapters;
  for (uint32_t i = 0; i < 8; ++i) adapters.push_back(RandomAdapter(spec, 16, false, i));
  Bench graphs(settings, spec, true);
  Bench eager(settings, spec, false);
  const double weights = static_cast<double>(graphs.decoder().weight_bytes());
  std::printf("%s, %s, %.0f MB of weights, copy bandwidth %.0f GB/s\n",
              Open(settings)->info().name.c_str(),
              settings.dtype == ComputeType::kBfloat16 ? "bfloat16" : "float32", weights / 1e6,
              bandwidth / 1e9);
  std::printf("prefill 512: %.0f tokens/s\n", graphs.Prefill(settings.emulate ? 40 : 512));
  std::printf("%6s %12s %12s %12s %14s %10s\n", "width", "no graphs", "graphs", "+ logits",
              "8 adapters", "roofline");
  for (int64_t width : {1, 8, 32, 64}) {
    if (settings.emulate && width > 8) break;
    const double plain = graphs.Decode(width, {}, false);
    std::printf("%6d %12.0f %12.0f %12.0f %14.0f %9.0f%%\n", static_cast<int>(width),
                eager.Decode(width, {}, false), plain, graphs.Decode(width, {}, true),
                graphs.Decode(width, adapters, false),
                100 * plain / static_cast<double>(width) * weights / bandwidth);
  }
}

}  // namespace
}  // namespace plumbline::cuda

int main(int argc, char** argv) {
  plumbline::cuda::Settings settings;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--emulate") == 0) settings.emulate = true;
    if (std::strcmp(argv[i], "--dtype") == 0 && i + 1 < argc) {
      settings.dtype = std::string(argv[++i]) == "float32" ? plumbline::ComputeType::kFloat32
                                                           : plumbline::ComputeType::kBfloat16;
    }
    if (std::strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) settings.seconds = atof(argv[++i]);
  }
  plumbline::cuda::Run(settings);
}
