// The CUDA engine on a GPU: what the emulation computes, and the same bits whatever the load, with
// the hardware's own tensor cores, memory and graphs. Skips, and says why, where there is no GPU.
//
// Links no LibTorch: the binary and libplumbline_cuda.so are enough (docs/cuda.md has the command).
// PLUMBLINE_GPU_TEST_ON_EMULATION=1 runs it on the emulation instead, to test the test.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>

#include "core/model/cuda/cuda_decoder_internal.h"
#include "core/model/cuda/plugin_loader.h"
#include "tests/model/cuda/emulated_device.h"
#include "tests/model/cuda/emulation.h"
#include "tests/model/cuda/random_model.h"
#include "tests/model/mixed_run.h"
#include "tests/support/status_matchers.h"

namespace plumbline::cuda {
namespace {

bool OnEmulation() { return std::getenv("PLUMBLINE_GPU_TEST_ON_EMULATION") != nullptr; }

absl::StatusOr<std::unique_ptr<Device>> OpenGpu() {
  if (OnEmulation()) return MakeEmulatedDevice(Schedule::kShuffled);
  return OpenDevice(0);
}

struct Model {
  std::unique_ptr<Decoder> decoder;
  std::unique_ptr<KvPool> pool;
};

Model Make(const DecoderSpec& spec, ComputeType dtype, std::unique_ptr<Device> device,
           bool graphs = true) {
  RandomSource source(1);
  CudaOptions options;
  options.adapter_bytes = 32 << 20;
  options.graphs = graphs;
  auto decoder = MakeDecoder(spec, {dtype, 256}, options, source, std::move(device));
  if (!decoder.ok()) throw std::runtime_error(decoder.status().ToString());
  auto pool = KvPool::Create((*decoder)->kv_layout(), int64_t{16} << 20, (*decoder)->kv_memory());
  if (!pool.ok()) throw std::runtime_error(pool.status().ToString());
  return {*std::move(decoder), *std::move(pool)};
}

class GpuTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<Device>> device = OpenGpu();
    if (!device.ok()) GTEST_SKIP() << "no GPU: " << device.status().message();
    device_ = *std::move(device);
    std::cout << "on " << device_->info().name << "\n";
  }
  DecoderSpec spec() const { return SmallModels()[static_cast<size_t>(GetParam())].second; }
  std::vector<int32_t> Tokens(std::mt19937& random, size_t count) const {
    std::vector<int32_t> tokens(count);
    for (int32_t& t : tokens) t = static_cast<int32_t>(random() % 333);
    return tokens;
  }
  std::unique_ptr<Device> device_;
};

TEST_P(GpuTest, LogitsEqualTheEmulations) {
  const auto adapter = RandomAdapter(spec(), 8, GetParam() % 2 == 0, 3);
  std::mt19937 random(1);
  const std::vector<int32_t> tokens = Tokens(random, 45);
  for (ComputeType dtype : {ComputeType::kFloat32, ComputeType::kBfloat16}) {
    const bool half = dtype == ComputeType::kBfloat16;
    for (const LoraWeights* lora : {static_cast<const LoraWeights*>(nullptr), adapter.get()}) {
      Model gpu = Make(spec(), dtype, *OpenGpu());
      Model cpu = Make(spec(), dtype, MakeEmulatedDevice(Schedule::kAscending));
      const std::vector<float> got = RunAlone(*gpu.decoder, *gpu.pool, tokens, {40}, lora);
      const std::vector<float> want = RunAlone(*cpu.decoder, *cpu.pool, tokens, {40}, lora);
      const auto [low, high] = std::minmax_element(want.begin(), want.end());
      float difference = 0;
      for (size_t i = 0; i < got.size(); ++i) {
        ASSERT_TRUE(std::isfinite(got[i]));
        difference = std::max(difference, std::fabs(got[i] - want[i]));
      }
      EXPECT_LE(difference, (half ? 3e-2f : 1e-6f) * (*high - *low));
      // Expected in fp32, where nothing is left to the hardware; not required.
      std::cout << (half ? "bf16" : "fp32") << (lora == nullptr ? "" : " with an adapter")
                << ": largest difference " << difference << " of a range of " << *high - *low
                << (difference == 0 ? ", the same bits\n" : "\n");
    }
  }
}

TEST_P(GpuTest, ARowsBitsAreThoseOfTheSequenceAlone) {
  std::vector<std::shared_ptr<const LoraWeights>> adapters = {nullptr};
  for (uint32_t i = 0; i < 4; ++i) {
    adapters.push_back(RandomAdapter(spec(), 4 << i, i % 2 == 0, i));
  }
  const int scale = OnEmulation() ? 1 : 4;
  for (ComputeType dtype : {ComputeType::kFloat32, ComputeType::kBfloat16}) {
    Model alone = Make(spec(), dtype, *OpenGpu(), /*graphs=*/false);
    std::mt19937 random(5);
    std::vector<MixedSequence> sequences(static_cast<size_t>(10 * scale));
    for (size_t i = 0; i < sequences.size(); ++i) {
      MixedSequence& s = sequences[i];
      s.tokens = Tokens(random, 1 + random() % static_cast<size_t>(25 * scale));
      s.adapter = adapters[i % adapters.size()].get();
      s.want = RunAlone(*alone.decoder, *alone.pool, s.tokens, {}, s.adapter);
    }
    Model loaded = Make(spec(), dtype, *OpenGpu());
    for (int64_t longest : {1, 12, 100}) {  // as graphs, and any way
      EXPECT_EQ(CompareMixed(*loaded.decoder, *loaded.pool, sequences, longest, 256,
                             static_cast<uint32_t>(longest)),
                "");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, GpuTest,
                         testing::Range(0, static_cast<int>(SmallModels().size())));

// The one thing the design takes from the hardware on trust (kernels/gemm.cuh), at the shapes of
// real models: few rows and many go through different kernels and must give the same bits.
TEST(GpuGemmTest, ARowsBitsDoNotDependOnTheNumberOfRows) {
  absl::StatusOr<std::unique_ptr<Device>> opened = OpenGpu();
  if (!opened.ok()) GTEST_SKIP() << "no GPU: " << opened.status().message();
  Device& device = **opened;
  constexpr int64_t kRows = 200, kN = 160;
  for (int64_t k :
       OnEmulation() ? std::vector<int64_t>{96} : std::vector<int64_t>{896, 4864, 18944}) {
    RandomSource source(3);
    const auto x = source.Matrix("x", kRows + kRowSlack, k, false, ComputeType::kBfloat16);
    const auto w = source.Matrix("w", 192, k, false, ComputeType::kBfloat16);
    const auto put = [&](const HostMatrix& m, int64_t rows) {
      DeviceBuffer buffer(device, rows * k * 2);
      device.CopyToDevice(buffer.data(), m.data, static_cast<size_t>(rows * k * 2));
      return buffer;
    };
    const DeviceBuffer xs = put(*x, kRows + kRowSlack), ws = put(*w, 192);
    DeviceBuffer ys(device, kRows * kN * 2);
    const auto run = [&](int64_t begin, int64_t end) {
      GemmParams p{};
      p.dtype = ComputeType::kBfloat16;
      p.x = xs.data() + begin * k * 2;
      p.ldx = p.k = k;
      p.rows = end - begin;
      p.w = ws.data();
      p.y = ys.data();
      p.ldy = p.n = kN;
      device.Run(p);
      std::vector<uint16_t> y(static_cast<size_t>((end - begin) * kN));
      device.CopyToHost(y.data(), ys.data(), y.size() * 2);
      return y;
    };
    const std::vector<uint16_t> whole = run(0, kRows);
    for (int64_t rows : {1, 2, 7, 8, 9, 16, 17, 31, 32, 33, 63, 64, 65, 128, 129}) {
      for (int64_t begin : {int64_t{0}, int64_t{5}, kRows - rows}) {
        if (begin + rows > kRows) continue;
        const std::vector<uint16_t> part = run(begin, begin + rows);
        EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + begin * kN))
            << "k " << k << ", " << rows << " rows from " << begin;
      }
    }
  }
}

}  // namespace
}  // namespace plumbline::cuda
