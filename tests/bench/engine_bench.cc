// Tokens per second of a checkpoint, side by side in one run: prefill, decoding at several widths,
// and a batch that mixes adapters. Against the roofline: the weights' bytes over the bandwidth or
// the step's FLOPs over those of a large GEMM, whichever takes longer, both measured here.
//
// Adapters are measured as their files are, and as if the same had been saved in bfloat16.
//
//   engine_bench CHECKPOINT [--dtype float32|bfloat16] [--only prefill|decode[:WIDTH]]
//                [--seconds S] [--serve] [ADAPTER_DIR...]
//
// --serve: reads `prefill|decode WIDTH ADAPTERS SECONDS` from stdin, a line a measurement, and
// answers with tokens/s; compare_engines.py runs it so, in turn with other engines.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "core/model/decoder_internal.h"
#include "core/model/decoder_weights_internal.h"
#include "core/model/families/families.h"
#include "tests/bench/bench_support.h"

namespace plumbline {
namespace {

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
    best = std::max(best, n * sizeof(float) / (Seconds() - start));
  }
  return best;
}

// FLOP/s of one large product, by the engine's own kernel and by LibTorch: the better counts.
template <typename T>
double LargeGemm(ThreadPool& threads, at::ScalarType type) {
  const int64_t rows = 512;
  const int64_t k = 1024;
  const int64_t n = 4096;
  const at::Tensor x = at::rand({rows, k}).to(type);
  const at::Tensor w = at::rand({n, k}).to(type);
  std::vector<const T*> w_rows;
  for (int64_t i = 0; i < n; ++i) {
    w_rows.push_back(static_cast<const T*>(w.const_data_ptr()) + i * k);
  }
  AlignedBuffer<T> panels(PackedElements<T>(n, k));
  PackPanels(w_rows.data(), n, k, panels.data(), 0, PanelCount(n));
  AlignedBuffer<T> y(rows * n);
  const GemmArgs<T> args{static_cast<const T*>(x.const_data_ptr()),
                         k,
                         rows,
                         k,
                         panels.data(),
                         nullptr,
                         y.data(),
                         n,
                         n};
  at::set_num_threads(threads.threads());
  double best = 1e9;
  for (int round = 0; round < 6; ++round) {
    double start = Seconds();
    threads.Run(PanelCount(n), 4,
                [&](int64_t begin, int64_t end, int) { BestKernels<T>().gemm(args, begin, end); });
    best = std::min(best, Seconds() - start);
    start = Seconds();
    at::linear(x, w);
    best = std::min(best, Seconds() - start);
  }
  return 2.0 * rows * k * n / best;
}

class Bench {
 public:
  Bench(const std::string& directory, ComputeType dtype, std::string only, double seconds)
      : only_(std::move(only)),
        seconds_(seconds),
        spec_(OrDie(LoadDecoderSpec(directory))),
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
    LoraAdapter half = *adapter;
    for (auto& [name, module] : half.modules) {
      module.a = module.a.to(at::kBFloat16).to(at::kFloat);
      module.b = module.b.to(at::kBFloat16).to(at::kFloat);
    }
    half_adapters_.push_back(OrDie(PackLora(spec_, half, decoder_->options().dtype, base)));
  }

  void Run() {
    const bool half = decoder_->options().dtype == ComputeType::kBfloat16;
    bandwidth_ = ReadBandwidth(threads_);
    flops_ =
        half ? LargeGemm<Bf16>(threads_, at::kBFloat16) : LargeGemm<float>(threads_, at::kFloat);
    std::printf(
        "%s: %.1f M parameters, %.0f MB, %d threads, read bandwidth %.1f GB/s, large GEMM "
        "%.0f GFLOP/s\n",
        spec_.architecture.c_str(), decoder_->parameters() / 1e6, decoder_->weight_bytes() / 1e6,
        threads_.threads(), bandwidth_ / 1e9, flops_ / 1e9);
    for (const Adapters* set : {&adapters_, &half_adapters_}) {
      if (set->empty()) continue;
      std::printf("an adapter as %s: %.1f MB\n", set == &adapters_ ? "filed" : "bfloat16",
                  (*set)[0]->bytes / 1e6);
    }
    const int64_t prompt = std::min<int64_t>(512, spec_.context / 2);
    Compare("prefill", 1, prompt);
    for (int width : {1, 8, 32, 64}) Compare("decode", width, 1);
  }

  void Serve() {
    std::string what;
    int width;
    size_t adapters;
    double seconds;
    while (std::cin >> what >> width >> adapters >> seconds) {
      const int64_t tokens = what == "prefill" ? 512 : 1;
      Step step = Prepare(width, tokens, adapters_, std::min(adapters, adapters_.size()));
      std::vector<float> logits(width * spec_.vocabulary);
      const double end = Seconds() + seconds;
      while (step.times.size() < 2 || Seconds() < end) Time(step, logits);
      std::printf("%.2f\n", width * tokens / step.median());
      std::fflush(stdout);
      Release(step);
    }
  }

 private:
  using Adapters = std::vector<std::shared_ptr<const LoraWeights>>;

  // The chunks of a step and the blocks they need.
  struct Step {
    std::vector<int32_t> ids;
    std::vector<std::vector<void*>> blocks;
    std::vector<Chunk> chunks;
    std::vector<double> times;
    double median() const { return Median(times); }
  };

  static double Median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  }

  Step Prepare(int width, int64_t tokens, const Adapters& set, size_t adapters) {
    const int64_t context = std::min<int64_t>(128, spec_.context / 2);
    Step step{std::vector<int32_t>(tokens, 7),
              std::vector<std::vector<void*>>(width),
              std::vector<Chunk>(width),
              {}};
    for (int i = 0; i < width; ++i) {
      for (int64_t t = 0; t < context + tokens; t += kKvBlockTokens) {
        step.blocks[i].push_back(pool_->Take());
        std::memset(step.blocks[i].back(), 0, pool_->layout().block_bytes());
      }
      Chunk& chunk = step.chunks[i];
      chunk.tokens = step.ids;
      chunk.position = tokens > 1 ? 0 : context;
      chunk.prompt_length = context;
      chunk.blocks = step.blocks[i];
      chunk.first_output = tokens - 1;
      if (adapters > 0) chunk.adapter = set[i * adapters / width].get();
    }
    return step;
  }

  void Time(Step& step, std::vector<float>& logits) {
    const double start = Seconds();
    decoder_->Forward(step.chunks);
    decoder_->Logits(0, static_cast<int64_t>(step.chunks.size()), logits.data());
    step.times.push_back(Seconds() - start);
  }

  void Release(Step& step) {
    for (auto& list : step.blocks) {
      for (void* block : list) pool_->Release(block);
    }
  }

  // The base, one adapter and all adapters, a step of each in turn: the machine's moods hit all. A
  // ratio is the median of those within a turn.
  void Compare(const std::string& what, int width, int64_t tokens) {
    if (!only_.empty() && only_ != what && only_ != what + ":" + std::to_string(width)) return;
    struct Case {
      std::string name;
      Step step;
    };
    std::vector<Case> cases;
    cases.reserve(5);  // chunks point into them
    cases.push_back({"base", Prepare(width, tokens, adapters_, 0)});
    for (const Adapters* set : {&adapters_, &half_adapters_}) {
      const std::string kind = set == &adapters_ ? " as filed" : " in bfloat16";
      for (size_t n : {size_t{1}, set->size()}) {
        if (n > set->size() || (n > 1 && width == 1)) continue;
        cases.push_back({std::to_string(n) + kind, Prepare(width, tokens, *set, n)});
      }
    }
    std::vector<float> logits(width * spec_.vocabulary);
    const double end = Seconds() + seconds_;
    while (cases[0].step.times.size() < 3 || Seconds() < end) {
      for (Case& c : cases) Time(c.step, logits);
    }
    const std::vector<double>& base = cases[0].step.times;
    for (Case& c : cases) {
      const double median = c.step.median();
      std::printf("%-8s width %3d, %-13s: %9.1f tokens/s  %8.3f ms/step (best %.3f)", what.c_str(),
                  width, c.name.c_str(), width * tokens / median, median * 1e3,
                  *std::min_element(c.step.times.begin(), c.step.times.end()) * 1e3);
      if (&c != &cases[0]) {
        std::vector<double> ratios;
        for (size_t i = 0; i < base.size(); ++i) ratios.push_back(c.step.times[i] / base[i]);
        std::printf("  %+.1f %%", (Median(ratios) - 1) * 100);
      } else if (tokens == 1) {
        const double roof = std::max(decoder_->weight_bytes() / bandwidth_,
                                     2.0 * width * decoder_->parameters() / flops_);
        std::printf("  %.0f %% of the roofline", roof / median * 100);
      }
      std::printf("\n");
      Release(c.step);
    }
  }

  const std::string only_;
  const double seconds_;  // of a measurement
  double bandwidth_ = 0;  // bytes/s
  double flops_ = 0;      // of a large GEMM, a second
  const DecoderSpec spec_;
  ThreadPool threads_;
  const std::shared_ptr<const Checkpoint> checkpoint_;
  const std::unique_ptr<Decoder> decoder_;
  const std::unique_ptr<KvPool> pool_;
  Adapters adapters_;       // as their files are
  Adapters half_adapters_;  // the same, saved in bfloat16
};

}  // namespace
}  // namespace plumbline

int main(int argc, char** argv) {
  std::string checkpoint, only;
  bool serve = false;
  std::vector<std::string> adapters;
  auto dtype = plumbline::ComputeType::kFloat32;
  double seconds = 3;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--dtype" && i + 1 < argc) {
      if (std::strcmp(argv[++i], "bfloat16") == 0) dtype = plumbline::ComputeType::kBfloat16;
    } else if (arg == "--only" && i + 1 < argc) {
      only = argv[++i];
    } else if (arg == "--seconds" && i + 1 < argc) {
      seconds = std::atof(argv[++i]);
    } else if (arg == "--serve") {
      serve = true;
    } else if (checkpoint.empty()) {
      checkpoint = arg;
    } else {
      adapters.push_back(arg);
    }
  }
  if (checkpoint.empty()) {
    std::fprintf(stderr, "usage: see the head of tests/bench/engine_bench.cc\n");
    return 2;
  }
  plumbline::Bench bench(checkpoint, dtype, only, seconds);
  for (const std::string& adapter : adapters) bench.LoadAdapter(adapter);
  serve ? bench.Serve() : bench.Run();
}
