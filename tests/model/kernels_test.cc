// Every kernel of every instruction set this machine can run, against the plain loops of
// reference.cc, on sizes with and without tails; and the promise of kernels.h: a row's bits do not
// depend on how many rows there are.
#include "core/model/kernels/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <type_traits>
#include <vector>

namespace plumbline {
namespace {

// A fast table of T, compared with the reference.
template <typename T>
class KernelsTest : public testing::Test {
 protected:
  static constexpr bool kIsFloat = std::is_same_v<T, float>;
  // Relative to the values' size: rounding of sums in another order, and of one bfloat16.
  static constexpr float kTolerance = kIsFloat ? 2e-5f : 1.2e-2f;

  static const Kernels<T>& Reference() { return *KernelsFor<T>(Isa::kReference); }

  static std::vector<const Kernels<T>*> FastTables() {
    std::vector<const Kernels<T>*> tables;
    for (Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Bf16}) {
      if (const Kernels<T>* table = KernelsFor<T>(isa)) tables.push_back(table);
    }
    return tables;
  }

  std::vector<float> RandomFloats(int64_t count) {
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float& value : values) value = normal(random_);
    return values;
  }
  std::vector<T> Random(int64_t count) {
    const std::vector<float> values = RandomFloats(count);
    std::vector<T> result(count);
    Reference().from_float(values.data(), result.data(), count);
    return result;
  }
  std::vector<Bf16> RandomHalves(int64_t count) {
    const std::vector<float> values = RandomFloats(count);
    std::vector<Bf16> result(count);
    KernelsFor<Bf16>(Isa::kReference)->from_float(values.data(), result.data(), count);
    return result;
  }
  static std::vector<float> Floats(const std::vector<T>& values) {
    std::vector<float> result(values.size());
    Reference().to_float(values.data(), result.data(), static_cast<int64_t>(values.size()));
    return result;
  }
  static void ExpectNear(const std::vector<float>& got, const std::vector<float>& want,
                         const char* isa, float scale = 1) {
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_LE(std::fabs(got[i] - want[i]), kTolerance * (scale + std::fabs(want[i])))
          << isa << ", element " << i << ": " << got[i] << ", the reference says " << want[i];
    }
  }
  template <typename U>
  static std::vector<U> Packed(const std::vector<U>& w, int64_t n, int64_t k) {
    std::vector<const U*> rows;
    for (int64_t i = 0; i < n; ++i) rows.push_back(w.data() + i * k);
    std::vector<U> panels(PackedElements<U>(n, k));
    PackPanels(rows.data(), n, k, panels.data(), 0, PanelCount(n));
    return panels;
  }

  // f(table) -> values, for each fast table against the reference.
  template <typename F>
  void Compare(F f, float scale = 1) {
    const std::vector<float> want = f(Reference());
    for (const Kernels<T>* table : FastTables()) {
      ExpectNear(f(*table), want, IsaName(table->isa), scale);
    }
  }

  std::mt19937 random_{7};
};

using Types = testing::Types<float, Bf16>;
TYPED_TEST_SUITE(KernelsTest, Types);

TYPED_TEST(KernelsTest, Gemm) {
  using T = TypeParam;
  for (int64_t n : {1, 16, 17, 32, 40, 65}) {
    for (int64_t k : {1, 2, 33, 96}) {
      const std::vector<T> x = this->Random(11 * k);
      const std::vector<T> panels = this->Packed(this->Random(n * k), n, k);
      const std::vector<float> bias = this->RandomFloats(n);
      this->Compare(
          [&](const Kernels<T>& table) {
            std::vector<T> y(11 * n);
            GemmArgs<T> args{x.data(), k, 11, k, panels.data(), bias.data(), y.data(), n, n};
            table.gemm(args, 0, PanelCount(n));
            return this->Floats(y);
          },
          std::sqrt(static_cast<float>(k)));
    }
  }
}

TYPED_TEST(KernelsTest, ARowOfAGemmHasTheSameBitsInEveryCompany) {
  using T = TypeParam;
  const int64_t n = 50;
  const int64_t k = 67;
  const std::vector<T> x = this->Random(19 * k);
  const std::vector<T> panels = this->Packed(this->Random(n * k), n, k);
  for (const Kernels<T>* table : this->FastTables()) {
    std::vector<T> together(19 * n);
    table->gemm({x.data(), k, 19, k, panels.data(), nullptr, together.data(), n, n}, 0,
                PanelCount(n));
    for (int64_t row = 0; row < 19; ++row) {
      std::vector<T> alone(n);
      table->gemm({x.data() + row * k, k, 1, k, panels.data(), nullptr, alone.data(), n, n}, 0,
                  PanelCount(n));
      ASSERT_EQ(std::memcmp(alone.data(), together.data() + row * n, n * sizeof(T)), 0)
          << IsaName(table->isa) << ", row " << row;
    }
  }
}

TYPED_TEST(KernelsTest, LoraDownRoundsNoValue) {
  using T = TypeParam;
  for (int64_t n : {1, 16, 17, 48}) {
    for (int64_t k : {1, 2, 33, 96}) {
      const std::vector<T> x = this->Random(11 * k);
      const auto check = [&](auto lora_down, const auto& panels) {
        const auto down = [&](const Kernels<T>& table, int64_t row, int64_t rows) {
          std::vector<float> h(rows * n);
          (table.*lora_down)(
              {x.data() + row * k, k, rows, k, panels.data(), nullptr, h.data(), n, n}, 0,
              PanelCount(n));
          return h;
        };
        const std::vector<float> want = down(this->Reference(), 0, 11);
        for (const Kernels<T>* table : this->FastTables()) {
          const std::vector<float> got = down(*table, 0, 11);
          for (size_t i = 0; i < got.size(); ++i) {
            ASSERT_NEAR(got[i], want[i], 2e-5 * std::sqrt(k)) << IsaName(table->isa);
          }
          for (int64_t row = 0; row < 11; ++row) {
            const std::vector<float> alone = down(*table, row, 1);
            ASSERT_EQ(std::memcmp(alone.data(), got.data() + row * n, n * sizeof(float)), 0)
                << IsaName(table->isa) << ", row " << row;
          }
        }
      };
      check(&Kernels<T>::lora_down_half, this->Packed(this->RandomHalves(n * k), n, k));
      check(&Kernels<T>::lora_down_wide, this->Packed(this->RandomFloats(n * k), n, k));
    }
  }
}

TYPED_TEST(KernelsTest, ABInBfloat16GivesTheBitsOfTheSameBInFloat32) {
  using T = TypeParam;
  for (int64_t rank : {1, 5, 16}) {
    for (int64_t n : {16, 50}) {
      const std::vector<Bf16> half = this->RandomHalves(n * rank);
      std::vector<float> wide(half.size());
      KernelsFor<Bf16>(Isa::kReference)->to_float(half.data(), wide.data(), n * rank);
      const std::vector<Bf16> half_panels = this->Packed(half, n, rank);
      const std::vector<float> wide_panels = this->Packed(wide, n, rank);
      const std::vector<float> h = this->RandomFloats(9 * rank);
      const std::vector<T> y = this->Random(9 * n);
      const auto up = [&](const Kernels<T>& table, bool in_half) {
        std::vector<T> out = y;
        LoraUpArgs<T> args;
        args.h = h.data();
        args.ldh = args.rank = rank;
        args.rows = 9;
        args.panels = in_half ? nullptr : wide_panels.data();
        args.half_panels = in_half ? half_panels.data() : nullptr;
        args.scaling = 0.5f;
        args.y = out.data();
        args.ldy = args.n = n;
        table.lora_up(args, 0, PanelCount(n));
        return out;
      };
      std::vector<const Kernels<T>*> tables = this->FastTables();
      tables.push_back(&this->Reference());
      for (const Kernels<T>* table : tables) {
        const std::vector<T> a = up(*table, true);
        const std::vector<T> b = up(*table, false);
        ASSERT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(T)), 0)
            << IsaName(table->isa) << ", rank " << rank;
      }
    }
  }
}

TYPED_TEST(KernelsTest, WhatAGemmPrefetchesChangesNoBit) {
  using T = TypeParam;
  const int64_t n = 50;
  const int64_t k = 67;
  const std::vector<T> x = this->Random(9 * k);
  const std::vector<T> panels = this->Packed(this->Random(n * k), n, k);
  const std::vector<float> other(300);
  const PrefetchRange ranges[] = {{other.data(), 1000}, {other.data() + 250, 64}};
  for (const Kernels<T>* table : this->FastTables()) {
    std::vector<T> plain(9 * n), fed(9 * n);
    GemmArgs<T> args{x.data(), k, 9, k, panels.data(), nullptr, plain.data(), n, n};
    table->gemm(args, 0, PanelCount(n));
    args.y = fed.data();
    args.prefetches = ranges;
    args.prefetch_count = 2;
    table->gemm(args, 0, PanelCount(n));
    ASSERT_EQ(std::memcmp(plain.data(), fed.data(), plain.size() * sizeof(T)), 0)
        << IsaName(table->isa);
  }
}

TYPED_TEST(KernelsTest, LoraUpWithAndWithoutDora) {
  using T = TypeParam;
  for (int64_t n : {16, 48, 50}) {
    const int64_t rank = 5;
    const std::vector<float> h = this->RandomFloats(9 * rank);
    const std::vector<float> panels = this->Packed(this->RandomFloats(n * rank), n, rank);
    const std::vector<float> lora_bias = this->RandomFloats(n);
    const std::vector<float> magnitude = this->RandomFloats(n);
    const std::vector<float> base_bias = this->RandomFloats(n);
    const std::vector<T> y = this->Random(9 * n);
    for (bool dora : {false, true}) {
      this->Compare(
          [&](const Kernels<T>& table) {
            std::vector<T> out = y;
            LoraUpArgs<T> args{h.data(),         rank, 9, rank, panels.data(), nullptr,
                               lora_bias.data(), 0.5f};
            args.magnitude = dora ? magnitude.data() : nullptr;
            args.base_bias = dora ? base_bias.data() : nullptr;
            args.y = out.data();
            args.ldy = args.n = n;
            table.lora_up(args, 0, PanelCount(n));
            return this->Floats(out);
          },
          4);
    }
  }
}

TYPED_TEST(KernelsTest, Attention) {
  using T = TypeParam;
  for (int head_dim : {8, 24, 64}) {
    for (int window : {0, 40}) {
      const int64_t first = 70;  // keys before query 0
      const int64_t queries = 7;
      const int group = 3;
      const int64_t ldv = (head_dim + 15) / 16 * 16;
      const int64_t block = kKvBlockTokens * (head_dim + ldv);
      std::vector<std::vector<T>> memory;
      std::vector<const T*> blocks;
      for (int64_t t = 0; t < first + queries; t += kKvBlockTokens) {
        memory.push_back(this->Random(block));
        blocks.push_back(memory.back().data());
      }
      const std::vector<T> q = this->Random(queries * group * head_dim);
      for (float softcap : {0.f, 5.f}) {
        this->Compare([&](const Kernels<T>& table) {
          std::vector<T> out(q.size());
          AttentionArgs<T> args{q.data(), group * head_dim, out.data(),   group * head_dim, first,
                                group,    head_dim,         blocks.data()};
          args.v_offset = kKvBlockTokens * head_dim;
          args.window = window;
          args.scale = 0.3f;
          args.softcap = softcap;
          std::vector<float> scratch(AttentionScratchFloats(first + queries, head_dim));
          table.attention(args, 0, queries * group, scratch.data());
          return this->Floats(out);
        });
      }
    }
  }
}

TYPED_TEST(KernelsTest, Norms) {
  using T = TypeParam;
  for (int64_t n : {8, 50, 64}) {
    const std::vector<T> x = this->Random(3 * n);
    const std::vector<float> w = this->RandomFloats(n);
    const std::vector<float> b = this->RandomFloats(n);
    for (NormStyle style :
         {NormStyle::kRms, NormStyle::kRmsUnitOffset, NormStyle::kRmsLateCast, NormStyle::kLayer}) {
      this->Compare([&](const Kernels<T>& table) {
        std::vector<T> y(3 * n);
        table.norm(style, x.data(), n, w.data(), b.data(), 1e-6f, 3, n, y.data(), n);
        return this->Floats(y);
      });
    }
  }
}

TYPED_TEST(KernelsTest, ElementwiseFunctions) {
  using T = TypeParam;
  for (int64_t n : {1, 16, 37}) {
    const std::vector<T> x = this->Random(2 * n);
    for (Activation act : {Activation::kSilu, Activation::kGeluTanh, Activation::kRelu}) {
      this->Compare([&](const Kernels<T>& table) {
        std::vector<T> y(n);
        table.gated(act, x.data(), 2 * n, 1, n, y.data(), n);
        return this->Floats(y);
      });
      this->Compare([&](const Kernels<T>& table) {
        std::vector<T> y = x;
        table.activate(act, y.data(), 2 * n);
        return this->Floats(y);
      });
    }
    this->Compare([&](const Kernels<T>& table) {
      std::vector<T> y = x;
      table.add(x.data() + n, y.data(), n);
      table.scale(1.7f, y.data(), n);
      return this->Floats(y);
    });
  }
}

TYPED_TEST(KernelsTest, Rope) {
  using T = TypeParam;
  const int half = 20;
  const int head_dim = 56;  // partial: 40 of 56 turn
  const std::vector<float> cos = this->RandomFloats(half);
  const std::vector<float> sin = this->RandomFloats(half);
  const std::vector<T> x = this->Random(3 * head_dim);
  for (bool late : {false, true}) {
    this->Compare([&](const Kernels<T>& table) {
      std::vector<T> y = x;
      table.rope(y.data(), 3, head_dim, half, cos.data(), sin.data(), late);
      return this->Floats(y);
    });
  }
}

TYPED_TEST(KernelsTest, KvWriteMovesBits) {
  using T = TypeParam;
  const int head_dim = 24;
  const std::vector<T> k = this->Random(head_dim);
  const std::vector<T> v = this->Random(head_dim);
  const std::vector<T> before = this->Random(kKvBlockTokens * (24 + 32));
  std::vector<T> want = before;
  this->Reference().kv_write(k.data(), v.data(), head_dim, 13, want.data(),
                             want.data() + kKvBlockTokens * 24);
  for (const Kernels<T>* table : this->FastTables()) {
    std::vector<T> got = before;
    table->kv_write(k.data(), v.data(), head_dim, 13, got.data(), got.data() + kKvBlockTokens * 24);
    EXPECT_EQ(std::memcmp(got.data(), want.data(), got.size() * sizeof(T)), 0)
        << IsaName(table->isa);
  }
}

TYPED_TEST(KernelsTest, Logits) {
  using T = TypeParam;
  for (int64_t n : {1, 16, 101}) {
    const std::vector<float> x = this->RandomFloats(n);
    for (const Kernels<T>* table : this->FastTables()) {
      EXPECT_EQ(table->argmax(x.data(), n), this->Reference().argmax(x.data(), n));
      EXPECT_NEAR(table->log_sum_exp(x.data(), n), this->Reference().log_sum_exp(x.data(), n),
                  1e-6);
      std::vector<float> capped = x;
      std::vector<float> want = x;
      table->softcap(2, capped.data(), n);
      this->Reference().softcap(2, want.data(), n);
      for (int64_t i = 0; i < n; ++i) EXPECT_NEAR(capped[i], want[i], 1e-5);
    }
  }
}

TYPED_TEST(KernelsTest, UnpackRowGivesBackWhatWasPacked) {
  using T = TypeParam;
  for (int64_t n : {5, 32, 45, 70}) {
    for (int64_t k : {1, 7, 8, 33, 66}) {
      const std::vector<T> w = this->Random(n * k);
      const std::vector<T> panels = this->Packed(w, n, k);
      for (int64_t row = 0; row < n; ++row) {
        std::vector<T> got(k);
        UnpackRow(panels.data(), n, k, row, got.data());
        ASSERT_EQ(std::memcmp(got.data(), w.data() + row * k, k * sizeof(T)), 0)
            << "n " << n << ", k " << k << ", row " << row;
      }
    }
  }
}

}  // namespace
}  // namespace plumbline
