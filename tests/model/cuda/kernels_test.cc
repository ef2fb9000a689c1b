// The CUDA kernels, emulated thread by thread (emulation.h), against plain loops in double; and the
// property that everything rests on: a row's bits depend on nothing but the row.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <tuple>
#include <vector>

#include "tests/model/cuda/emulated_device.h"
#include "tests/model/cuda/emulation.h"

namespace plumbline::cuda {
namespace {

constexpr ComputeType kTypes[] = {ComputeType::kFloat32, ComputeType::kBfloat16};

// Values of either dtype, as floats on the host.
class Matrix {
 public:
  Matrix() = default;
  Matrix(ComputeType dtype, int64_t rows, int64_t ld) : dtype_(dtype), rows_(rows), ld_(ld) {
    values_.assign(static_cast<size_t>(rows * ld), 0.f);
  }
  float& At(int64_t r, int64_t c) { return values_[static_cast<size_t>(r * ld_ + c)]; }
  int64_t ld() const { return ld_; }
  const std::vector<float>& values() const { return values_; }
  int64_t bytes() const { return rows_ * ld_ * (dtype_ == ComputeType::kBfloat16 ? 2 : 4); }
  // Random values of the dtype in columns [0, width); zero beyond.
  void Fill(std::mt19937& random, int64_t width, float scale = 1) {
    std::normal_distribution<float> normal(0, scale);
    for (int64_t r = 0; r < rows_; ++r) {
      for (int64_t c = 0; c < width; ++c) At(r, c) = Round(normal(random));
    }
  }
  float Round(float x) const {
    if (dtype_ == ComputeType::kFloat32) return x;
    uint32_t u = BitsOf(x);
    u = (u + 0x7fffu + ((u >> 16) & 1u)) & 0xffff0000u;
    return FloatOf(u);
  }
  std::vector<char> Bytes() const {
    std::vector<char> bytes(static_cast<size_t>(this->bytes()));
    for (size_t i = 0; i < values_.size(); ++i) {
      const uint32_t u = BitsOf(values_[i]);
      const uint16_t half = static_cast<uint16_t>(u >> 16);
      if (dtype_ == ComputeType::kBfloat16) {
        std::memcpy(&bytes[2 * i], &half, 2);
      } else {
        std::memcpy(&bytes[4 * i], &u, 4);
      }
    }
    return bytes;
  }
  void Read(const std::vector<char>& bytes) {
    for (size_t i = 0; i < values_.size(); ++i) {
      uint32_t u = 0;
      if (dtype_ == ComputeType::kBfloat16) {
        uint16_t half;
        std::memcpy(&half, &bytes[2 * i], 2);
        u = static_cast<uint32_t>(half) << 16;
      } else {
        std::memcpy(&u, &bytes[4 * i], 4);
      }
      values_[i] = FloatOf(u);
    }
  }

 private:
  ComputeType dtype_ = ComputeType::kFloat32;
  int64_t rows_ = 0;
  int64_t ld_ = 0;
  std::vector<float> values_;
};

// Puts things on an emulated device and takes them back.
class Bench {
 public:
  explicit Bench(Schedule schedule = Schedule::kShuffled) : device_(MakeEmulatedDevice(schedule)) {}
  Device& device() { return *device_; }
  void* Put(const void* data, size_t bytes) {
    void* memory = device_->Allocate(std::max<size_t>(bytes, 1));
    device_->CopyToDevice(memory, data, bytes);
    return memory;
  }
  void* Put(const Matrix& m) {
    const std::vector<char> bytes = m.Bytes();
    return Put(bytes.data(), bytes.size());
  }
  template <typename V>
  V* Put(const std::vector<V>& v) {
    return static_cast<V*>(Put(v.data(), v.size() * sizeof(V)));
  }
  void Take(const void* from, Matrix& into) {
    std::vector<char> bytes(static_cast<size_t>(into.bytes()));
    device_->CopyToHost(bytes.data(), from, bytes.size());
    into.Read(bytes);
  }

 private:
  std::unique_ptr<Device> device_;
};

// [n][k] as panels of 32 columns.
std::vector<float> Panels(Matrix& w, int64_t n, int64_t k) {
  std::vector<float> panels(static_cast<size_t>(Padded(n) * k), 0.f);
  for (int64_t c = 0; c < n; ++c) {
    for (int64_t i = 0; i < k; ++i) {
      panels[static_cast<size_t>((c / 32 * k + i) * 32 + c % 32)] = w.At(c, i);
    }
  }
  return panels;
}

void ExpectNear(float got, double want, double scale, ComputeType dtype, const std::string& what) {
  const double tolerance = dtype == ComputeType::kBfloat16 ? 1.0 / 128 : 2e-6;
  EXPECT_NEAR(got, want, tolerance * (std::fabs(want) + scale)) << what;
}

// ---- products ----

class GemmCase {
 public:
  GemmCase(ComputeType dtype, int64_t most_rows, int64_t k, int64_t n, bool bias, uint32_t seed)
      : dtype_(dtype), k_(k), n_(n), x_(dtype, most_rows + kRowSlack, Padded(k) + 32) {
    std::mt19937 random(seed);
    x_.Fill(random, k);
    w_ = Matrix(dtype, (n + 63) / 64 * 64, Padded(k));
    w_.Fill(random, k);
    for (int64_t c = n; c < (n + 63) / 64 * 64; ++c) {
      for (int64_t i = 0; i < k; ++i) w_.At(c, i) = 0;
    }
    if (bias) {
      Matrix b(ComputeType::kFloat32, 1, n);
      b.Fill(random, n);
      bias_ = b.values();
    }
  }

  // Rows [begin, end) alone.
  Matrix Run(int64_t begin, int64_t end, Schedule schedule = Schedule::kShuffled) {
    Bench bench(schedule);
    GemmParams p{};
    p.dtype = dtype_;
    const int64_t element = dtype_ == ComputeType::kBfloat16 ? 2 : 4;
    p.x = static_cast<char*>(bench.Put(x_)) + begin * x_.ld() * element;
    p.ldx = x_.ld();
    p.rows = end - begin;
    p.k = k_;
    p.w = dtype_ == ComputeType::kBfloat16 ? bench.Put(w_) : bench.Put(Panels(w_, n_, k_));
    p.bias = bias_.empty() ? nullptr : bench.Put(bias_);
    Matrix y(dtype_, end - begin, Padded(n_));
    p.y = bench.Put(y);
    p.ldy = y.ld();
    p.n = n_;
    bench.device().Run(p);
    bench.Take(p.y, y);
    return y;
  }

  double Want(int64_t row, int64_t column) {
    double sum = bias_.empty() ? 0 : bias_[static_cast<size_t>(column)];
    for (int64_t i = 0; i < k_; ++i) sum += static_cast<double>(x_.At(row, i)) * w_.At(column, i);
    return sum;
  }

 private:
  ComputeType dtype_;
  int64_t k_, n_;
  Matrix x_, w_;
  std::vector<float> bias_;
};

TEST(GemmTest, IsTheProduct) {
  for (ComputeType dtype : kTypes) {
    for (const auto& [rows, k, n] : std::vector<std::tuple<int, int, int>>{
             {1, 20, 5}, {7, 33, 70}, {16, 100, 33}, {29, 64, 16}, {64, 300, 40}, {70, 290, 65}}) {
      GemmCase c(dtype, rows, k, n, rows % 2 == 1, 3);
      Matrix y = c.Run(0, rows);
      for (int r = 0; r < rows; ++r) {
        for (int i = 0; i < n; ++i) {
          ExpectNear(y.At(r, i), c.Want(r, i), std::sqrt(k), dtype,
                     "row " + std::to_string(r) + " column " + std::to_string(i));
        }
        for (int64_t i = n; i < y.ld(); ++i) EXPECT_EQ(y.At(r, i), 0) << "padding was written";
      }
    }
  }
}

TEST(GemmTest, ARowsBitsAreThoseOfTheRowAlone) {
  constexpr int kRows = 150;
  for (ComputeType dtype : kTypes) {
    for (int k : {24, 96, 560}) {
      GemmCase c(dtype, kRows, k, 40, true, 5);
      Matrix whole = c.Run(0, kRows);  // the kernel for many rows
      for (const auto& [begin, end] : std::vector<std::pair<int, int>>{
               {0, 1}, {37, 38}, {5, 14}, {70, 86}, {70, 87}, {100, 140}, {3, 67}, {3, 68}}) {
        Matrix part = c.Run(begin, end);
        for (int r = begin; r < end; ++r) {
          for (int i = 0; i < 40; ++i) {
            ASSERT_EQ(BitsOf(part.At(r - begin, i)), BitsOf(whole.At(r, i)))
                << "k " << k << " rows " << begin << ".." << end << " row " << r;
          }
        }
      }
    }
  }
}

TEST(GemmTest, NoThreadWaitsForLuck) {
  for (ComputeType dtype : kTypes) {
    for (int rows : {5, 40, 100}) {
      GemmCase c(dtype, rows, 200, 70, true, 9);
      const std::vector<float> want = c.Run(0, rows, Schedule::kAscending).values();
      EXPECT_EQ(c.Run(0, rows, Schedule::kDescending).values(), want);
      EXPECT_EQ(c.Run(0, rows, Schedule::kShuffled).values(), want);
    }
  }
}

// ---- rows ----

double NormOf(NormStyle style, const std::vector<double>& x, size_t i, double w, double b,
              double eps, const Matrix& rounding) {
  double mean = 0, square = 0;
  if (style == NormStyle::kLayer) {
    for (double v : x) mean += v / static_cast<double>(x.size());
  }
  for (double v : x) square += (v - mean) * (v - mean) / static_cast<double>(x.size());
  const double normal = (x[i] - mean) / std::sqrt(square + eps);
  if (style == NormStyle::kLayer) return normal * w + b;
  if (style == NormStyle::kRmsUnitOffset) return normal * (1 + w);
  if (style == NormStyle::kRmsLateCast) return normal * w;
  return rounding.Round(static_cast<float>(normal)) * w;
}

TEST(JoinTest, AddsAndNormalises) {
  constexpr int kRows = 3, kWidth = 300;
  for (ComputeType dtype : kTypes) {
    for (NormStyle style :
         {NormStyle::kRms, NormStyle::kRmsUnitOffset, NormStyle::kRmsLateCast, NormStyle::kLayer}) {
      for (bool post : {false, true}) {
        std::mt19937 random(11);
        Matrix x(dtype, kRows, 320), t(dtype, kRows, 320), y(dtype, kRows, 320);
        Matrix w(ComputeType::kFloat32, 4, kWidth);
        x.Fill(random, kWidth);
        t.Fill(random, kWidth);
        w.Fill(random, kWidth);
        Bench bench;
        const float* weights = static_cast<const float*>(bench.Put(w));
        JoinParams p{};
        p.dtype = dtype;
        p.style = style;
        p.epsilon = 1e-5f;
        p.width = kWidth;
        p.t = bench.Put(t);
        p.x = bench.Put(x);
        if (post) p.post = {weights, weights + kWidth};
        p.next = {weights + 2 * kWidth, weights + 3 * kWidth};
        p.y = bench.Put(y);
        p.ld = 320;
        p.rows = kRows;
        bench.device().Run(p);
        Matrix joined(dtype, kRows, 320);
        bench.Take(p.x, joined);
        bench.Take(p.y, y);
        for (int r = 0; r < kRows; ++r) {
          std::vector<double> ts, xs;
          for (int i = 0; i < kWidth; ++i) ts.push_back(t.At(r, i));
          for (int i = 0; i < kWidth; ++i) {
            double v = ts[static_cast<size_t>(i)];
            if (post) {
              v = x.Round(static_cast<float>(
                  NormOf(style, ts, static_cast<size_t>(i), w.At(0, i), w.At(1, i), 1e-5, x)));
            }
            ExpectNear(joined.At(r, i), x.At(r, i) + v, 1, dtype, "joined");
            xs.push_back(joined.At(r, i));
          }
          for (int i = 0; i < kWidth; ++i) {
            const double want =
                NormOf(style, xs, static_cast<size_t>(i), w.At(2, i), w.At(3, i), 1e-5, x);
            ExpectNear(y.At(r, i), want, 1, dtype, "normalised");
          }
        }
      }
    }
  }
}

TEST(ActivateTest, GatedAndNot) {
  constexpr int kRows = 3, kWidth = 270;
  const auto act = [](Activation a, double x) {
    if (a == Activation::kRelu) return std::max(x, 0.0);
    if (a == Activation::kSilu) return x / (1 + std::exp(-x));
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  };
  for (ComputeType dtype : kTypes) {
    for (Activation a : {Activation::kSilu, Activation::kGeluTanh, Activation::kRelu}) {
      for (bool gated : {true, false}) {
        std::mt19937 random(13);
        Matrix x(dtype, kRows, Padded(2 * kWidth)), y(dtype, kRows, Padded(kWidth));
        x.Fill(random, 2 * kWidth, 4);
        Bench bench;
        ActivateParams p{};
        p.dtype = dtype;
        p.activation = a;
        p.gated = gated;
        p.x = bench.Put(x);
        p.ldx = x.ld();
        p.width = kWidth;
        p.y = bench.Put(y);
        p.ldy = y.ld();
        p.rows = kRows;
        bench.device().Run(p);
        bench.Take(p.y, y);
        for (int r = 0; r < kRows; ++r) {
          for (int i = 0; i < kWidth; ++i) {
            double want = x.Round(static_cast<float>(act(a, x.At(r, i))));
            if (gated) want *= x.At(r, kWidth + i);
            ExpectNear(y.At(r, i), want, 1, dtype, "activation");
          }
        }
      }
    }
  }
}

// ---- attention ----

struct AttentionCase {
  ComputeType dtype;
  int heads, kv_heads, head_dim, window;
  float softcap;
  int tokens;
};

// Keys and values of one sequence go through Rotate into blocks, queries through Attention.
class Attended {
 public:
  // Queries in chunks that end at `ends`.
  Attended(const AttentionCase& c, const std::vector<int>& ends, Schedule schedule)
      : c_(c),
        bench_(schedule),
        qkv_(c.dtype, c.tokens, Padded((c.heads + 2 * c.kv_heads) * c.head_dim)) {
    std::mt19937 random(21);
    qkv_.Fill(random, (c.heads + 2 * c.kv_heads) * c.head_dim);
    const int64_t element = c.dtype == ComputeType::kBfloat16 ? 2 : 4;
    const int64_t ldv = (c.head_dim + 15) / 16 * 16;
    const int64_t head_stride = 32 * (c.head_dim + ldv);
    const int64_t block_bytes = 2 * c.kv_heads * head_stride * element;  // of two layers
    std::vector<void*> blocks;
    for (int t = 0; t < c.tokens; t += 32) {
      blocks.push_back(bench_.device().Allocate(static_cast<size_t>(block_bytes)));
    }
    void* qkv = bench_.Put(qkv_);
    std::vector<void*> row_blocks;
    std::vector<int32_t> slots;
    for (int t = 0; t < c.tokens; ++t) {
      row_blocks.push_back(blocks[static_cast<size_t>(t / 32)]);
      slots.push_back(t % 32);
    }
    RotateParams rotate{};
    rotate.dtype = c.dtype;
    rotate.qkv = qkv;
    rotate.ld = qkv_.ld();
    rotate.rows = c.tokens;
    rotate.heads = c.heads;
    rotate.kv_heads = c.kv_heads;
    rotate.head_dim = c.head_dim;
    rotate.blocks = bench_.Put(row_blocks);
    rotate.slots = bench_.Put(slots);
    rotate.k_offset = c.kv_heads * head_stride;
    rotate.head_stride = head_stride;
    bench_.device().Run(rotate);
    void* const* table = bench_.Put(blocks);
    std::vector<AttentionUnit> units;
    const int group = c.heads / c.kv_heads;
    int position = 0;
    for (int end : ends) {
      for (int row = 0; row < (end - position) * group; row += kAttentionRows) {
        units.push_back({table, position, position, row,
                         std::min(row + kAttentionRows, (end - position) * group)});
      }
      position = end;
    }
    out_ = Matrix(c.dtype, c.tokens, Padded(c.heads * c.head_dim));
    AttentionParams p{};
    p.dtype = c.dtype;
    p.units = bench_.Put(units);
    p.unit_count = static_cast<int64_t>(units.size());
    p.q = qkv;
    p.ldq = qkv_.ld();
    p.out = bench_.Put(out_);
    p.ldo = out_.ld();
    p.kv_heads = c.kv_heads;
    p.group = group;
    p.head_dim = c.head_dim;
    p.k_offset = rotate.k_offset;
    p.head_stride = head_stride;
    p.window = c.window;
    p.scale = 1.f / std::sqrt(static_cast<float>(c.head_dim));
    p.softcap = c.softcap;
    bench_.device().Run(p);
    bench_.Take(p.out, out_);
  }

  Matrix& out() { return out_; }
  std::vector<double> Want(int token, int head) {
    const int d = c_.head_dim;
    const int kv = head / (c_.heads / c_.kv_heads);
    const int first = c_.window > 0 ? std::max(0, token + 1 - c_.window) : 0;
    std::vector<double> scores;
    double sum = 0;
    for (int key = first; key <= token; ++key) {
      double s = 0;
      for (int i = 0; i < d; ++i) {
        s += static_cast<double>(qkv_.At(token, head * d + i)) *
             qkv_.At(key, (c_.heads + kv) * d + i);
      }
      s /= std::sqrt(d);
      if (c_.softcap > 0) s = c_.softcap * std::tanh(s / c_.softcap);
      scores.push_back(std::exp(s));
      sum += scores.back();
    }
    std::vector<double> want(static_cast<size_t>(d), 0.0);
    for (int key = first; key <= token; ++key) {
      for (int i = 0; i < d; ++i) {
        want[static_cast<size_t>(i)] += scores[static_cast<size_t>(key - first)] / sum *
                                        qkv_.At(key, (c_.heads + c_.kv_heads + kv) * d + i);
      }
    }
    return want;
  }

 private:
  AttentionCase c_;
  Bench bench_;
  Matrix qkv_, out_;
};

const AttentionCase kAttentionCases[] = {
    {ComputeType::kFloat32, 4, 2, 20, 0, 0, 75},   {ComputeType::kBfloat16, 9, 3, 6, 7, 0, 50},
    {ComputeType::kFloat32, 12, 1, 64, 33, 5, 70}, {ComputeType::kBfloat16, 2, 2, 80, 0, 0, 40},
    {ComputeType::kFloat32, 1, 1, 256, 0, 30, 34}, {ComputeType::kFloat32, 2, 1, 8, 40, 0, 300},
};

TEST(AttentionTest, IsTheWeightedMean) {
  for (const AttentionCase& c : kAttentionCases) {
    Attended attended(c, {c.tokens}, Schedule::kShuffled);
    for (int token = 0; token < c.tokens; token += 3) {
      for (int head = 0; head < c.heads; ++head) {
        const std::vector<double> want = attended.Want(token, head);
        for (int i = 0; i < c.head_dim; ++i) {
          ExpectNear(attended.out().At(token, head * c.head_dim + i), want[static_cast<size_t>(i)],
                     1, c.dtype, "token " + std::to_string(token));
        }
      }
    }
  }
}

TEST(AttentionTest, ChunksAndSchedulesGiveTheSameBits) {
  for (const AttentionCase& c : kAttentionCases) {
    const std::vector<float> want = Attended(c, {c.tokens}, Schedule::kAscending).out().values();
    EXPECT_EQ(Attended(c, {1, 2, 13, 31, 34 - 1, c.tokens}, Schedule::kDescending).out().values(),
              want);
    std::vector<int> every(static_cast<size_t>(c.tokens));
    for (int i = 0; i < c.tokens; ++i) every[static_cast<size_t>(i)] = i + 1;
    EXPECT_EQ(Attended(c, every, Schedule::kShuffled).out().values(), want);
  }
}

// ---- low-rank branches ----

struct Adapter {
  std::vector<int> ranks;    // of its parts
  std::vector<int> columns;  // that they cover, side by side
  bool dora = false;
  bool bias = false;
};

class LoraCase {
 public:
  LoraCase(ComputeType dtype, const std::vector<Adapter>& adapters, const std::vector<int>& rows,
           Schedule schedule = Schedule::kShuffled)
      : dtype_(dtype), bench_(schedule) {
    std::mt19937 random(31);
    const int64_t count = static_cast<int64_t>(rows.size());
    x_ = Matrix(dtype, count + kRowSlack, Padded(kIn));
    y_ = Matrix(dtype, count, Padded(kOut));
    x_.Fill(random, kIn);
    y_.Fill(random, kOut);
    before_ = y_;
    for (const Adapter& adapter : adapters) Add(adapter, random);
    std::vector<const LoraGroupParams*> of_row;
    for (int a : rows) of_row.push_back(a < 0 ? nullptr : groups_[static_cast<size_t>(a)]);
    LoraParams p{};
    p.dtype = dtype;
    p.adapters = bench_.Put(of_row);
    p.group = 1;
    p.max_rank = 100;
    p.x = bench_.Put(x_);
    p.ldx = x_.ld();
    p.k = kIn;
    p.h = static_cast<float*>(bench_.device().Allocate(static_cast<size_t>(count) * 100 * 4));
    p.ldh = 100;
    p.y = bench_.Put(y_);
    p.ldy = y_.ld();
    p.n = kOut;
    p.rows = count;
    bench_.device().Run(p);
    bench_.Take(p.y, y_);
  }

  static constexpr int kIn = 70, kOut = 300;
  Matrix& y() { return y_; }
  double Want(int64_t row, int adapter, int column) {
    double base = before_.At(row, column);
    if (adapter < 0) return base;
    for (Part& part : parts_[static_cast<size_t>(adapter)]) {
      const int c = column - part.begin;
      if (c < 0 || c >= part.columns) continue;
      double delta = part.lora_bias.empty() ? 0 : part.lora_bias[static_cast<size_t>(c)];
      for (int r = 0; r < part.rank; ++r) {
        double h = 0;
        for (int i = 0; i < kIn; ++i) {
          h += static_cast<double>(part.a.At(r, i)) * x_.At(row, i);
        }
        delta += h * part.b.At(c, r);
      }
      delta *= kScaling;
      if (part.magnitude.empty()) {
        base += delta;
      } else {
        const double m = part.magnitude[static_cast<size_t>(c)];
        base += (m - 1) * (base - part.base_bias[static_cast<size_t>(c)]) + m * delta;
      }
    }
    return base;
  }

 private:
  static constexpr float kScaling = 0.7f;
  struct Part {
    int rank, begin, columns;
    Matrix a, b;
    std::vector<float> lora_bias, magnitude, base_bias;
  };

  std::vector<float> Row(std::mt19937& random, int n) {
    Matrix m(ComputeType::kFloat32, 1, n);
    m.Fill(random, n);
    return m.values();
  }

  void Add(const Adapter& adapter, std::mt19937& random) {
    LoraGroupParams group{};
    std::vector<Part>& parts = parts_.emplace_back();
    int column = 0;
    for (size_t i = 0; i < adapter.ranks.size(); ++i) {
      Part part{adapter.ranks[i], column, adapter.columns[i], {}, {}, {}, {}, {}};
      column += part.columns;
      part.a = Matrix(ComputeType::kFloat32, part.rank, kIn);
      part.a.Fill(random, kIn, 0.1f);
      part.b = Matrix(ComputeType::kFloat32, part.columns, part.rank);
      part.b.Fill(random, part.rank);
      if (adapter.bias) part.lora_bias = Row(random, part.columns);
      if (adapter.dora) {
        part.magnitude = Row(random, part.columns);
        part.base_bias = Row(random, part.columns);
      }
      LoraPartParams& p = group.part[group.parts++];
      p.rank_begin = group.rank;
      p.rank = part.rank;
      p.column_begin = part.begin;
      p.columns = part.columns;
      p.scaling = kScaling;
      p.b = bench_.Put(Panels(part.b, part.columns, part.rank));
      p.lora_bias = part.lora_bias.empty() ? nullptr : bench_.Put(part.lora_bias);
      p.magnitude = part.magnitude.empty() ? nullptr : bench_.Put(part.magnitude);
      p.base_bias = part.base_bias.empty() ? nullptr : bench_.Put(part.base_bias);
      group.rank += part.rank;
      parts.push_back(std::move(part));
    }
    Matrix stacked(ComputeType::kFloat32, group.rank, kIn);
    int64_t r = 0;
    for (Part& part : parts) {
      for (int i = 0; i < part.rank; ++i, ++r) {
        for (int c = 0; c < kIn; ++c) stacked.At(r, c) = part.a.At(i, c);
      }
    }
    group.a = bench_.Put(Panels(stacked, group.rank, kIn));
    groups_.push_back(bench_.Put(std::vector<LoraGroupParams>{LoraGroupParams{}, group}));
  }

  ComputeType dtype_;
  Bench bench_;
  Matrix x_, y_, before_;
  std::vector<std::vector<Part>> parts_;
  std::vector<const LoraGroupParams*> groups_;
};

const std::vector<Adapter> kAdapters = {{{4}, {300}},
                                        {{8, 1, 40}, {100, 33, 167}, false, true},
                                        {{33, 2}, {150, 60}, true, true},
                                        {{100}, {20}, true, false}};
const std::vector<int> kMix = {0, 0, -1, 1, 1, 1, 2, 2, 2, 3, 0, -1, -1, 3, 1, 2, 0, 0, 0, 0, 0};

TEST(LoraTest, AddsEachAdaptersOwnBranch) {
  for (ComputeType dtype : kTypes) {
    LoraCase c(dtype, kAdapters, kMix);
    for (size_t r = 0; r < kMix.size(); ++r) {
      for (int i = 0; i < LoraCase::kOut; ++i) {
        ExpectNear(c.y().At(static_cast<int64_t>(r), i),
                   c.Want(static_cast<int64_t>(r), kMix[r], i), 3, dtype,
                   "row " + std::to_string(r) + " column " + std::to_string(i));
      }
    }
  }
}

TEST(LoraTest, NeighboursChangeNothing) {
  for (ComputeType dtype : kTypes) {
    LoraCase mixed(dtype, kAdapters, kMix);
    for (int adapter = -1; adapter < 4; ++adapter) {  // every row with one adapter
      LoraCase same(dtype, kAdapters, std::vector<int>(kMix.size(), adapter),
                    adapter % 2 == 0 ? Schedule::kAscending : Schedule::kDescending);
      for (size_t r = 0; r < kMix.size(); ++r) {
        if (kMix[r] != adapter) continue;
        for (int i = 0; i < LoraCase::kOut; ++i) {
          ASSERT_EQ(BitsOf(mixed.y().At(static_cast<int64_t>(r), i)),
                    BitsOf(same.y().At(static_cast<int64_t>(r), i)));
        }
      }
    }
  }
}

}  // namespace
}  // namespace plumbline::cuda
