#include "core/model/kernels/kernels.h"

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <type_traits>

namespace plumbline {

#define PLUMBLINE_DECLARE_ISA(name)          \
  namespace name {                           \
  extern const Kernels<float> kFloatKernels; \
  extern const Kernels<Bf16> kBf16Kernels;   \
  }
PLUMBLINE_DECLARE_ISA(isa_reference)
PLUMBLINE_DECLARE_ISA(isa_portable)
PLUMBLINE_DECLARE_ISA(isa_avx2)
PLUMBLINE_DECLARE_ISA(isa_avx512)
PLUMBLINE_DECLARE_ISA(isa_avx512bf16)
#undef PLUMBLINE_DECLARE_ISA

bool CanRun(Isa isa) {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  switch (isa) {
    case Isa::kReference:
    case Isa::kPortable:
      return true;
    case Isa::kAvx2:
      return avx2;
    case Isa::kAvx512:
      return avx512;
    case Isa::kAvx512Bf16:
      return avx512 && __builtin_cpu_supports("avx512bf16");
  }
  return false;
}

Isa BestIsa() {
  for (Isa isa : {Isa::kAvx512Bf16, Isa::kAvx512, Isa::kAvx2}) {
    if (CanRun(isa)) return isa;
  }
  return Isa::kPortable;
}

const char* IsaName(Isa isa) {
  switch (isa) {
    case Isa::kReference:
      return "reference";
    case Isa::kPortable:
      return "portable";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAvx512Bf16:
      return "avx512_bf16";
  }
  return "";
}

namespace {

template <typename T>
const Kernels<T>& TableOf(Isa isa) {
  constexpr bool kIsFloat = std::is_same_v<T, float>;
  switch (isa) {
#define PLUMBLINE_TABLE(name)   \
  if constexpr (kIsFloat) {     \
    return name::kFloatKernels; \
  } else {                      \
    return name::kBf16Kernels;  \
  }
    case Isa::kAvx512Bf16:
      PLUMBLINE_TABLE(isa_avx512bf16)
    case Isa::kAvx512:
      PLUMBLINE_TABLE(isa_avx512)
    case Isa::kAvx2:
      PLUMBLINE_TABLE(isa_avx2)
    case Isa::kReference:
      PLUMBLINE_TABLE(isa_reference)
    case Isa::kPortable:
      break;
  }
  PLUMBLINE_TABLE(isa_portable)
#undef PLUMBLINE_TABLE
}

template <typename T>
int64_t PaddedK(int64_t k) {
  return std::is_same_v<T, Bf16> ? (k + 1) / 2 * 2 : k;
}

int64_t PanelWidth(int64_t n, int64_t p) {
  return IsNarrowPanel(n, p) ? kPanelColumns / 2 : kPanelColumns;
}

}  // namespace

template <typename T>
const Kernels<T>* KernelsFor(Isa isa) {
  return CanRun(isa) ? &TableOf<T>(isa) : nullptr;
}

template <typename T>
const Kernels<T>& BestKernels() {
  return TableOf<T>(BestIsa());
}

template const Kernels<float>* KernelsFor<float>(Isa);
template const Kernels<Bf16>* KernelsFor<Bf16>(Isa);
template const Kernels<float>& BestKernels<float>();
template const Kernels<Bf16>& BestKernels<Bf16>();

template <typename T>
int64_t PackedElements(int64_t n, int64_t k) {
  constexpr int64_t kHalf = kPanelColumns / 2;
  return (n + kHalf - 1) / kHalf * kHalf * PaddedK<T>(k);
}
template int64_t PackedElements<float>(int64_t, int64_t);
template int64_t PackedElements<Bf16>(int64_t, int64_t);

void PackPanels(const float* const* rows, int64_t n, int64_t k, int64_t ldk, float* panels,
                int64_t panel_begin, int64_t panel_end) {
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    float* panel = panels + p * kPanelColumns * k;
    const float* const* columns = rows + p * kPanelColumns;
    const int64_t count = std::min<int64_t>(n - p * kPanelColumns, kPanelColumns);
    const int64_t width = PanelWidth(n, p);
    for (int64_t i = 0; i < k; ++i) {
      float* out = panel + i * width;
      for (int64_t c = 0; c < count; ++c) out[c] = columns[c][i * ldk];
      for (int64_t c = count; c < width; ++c) out[c] = 0;
    }
  }
}

void PackPanels(const Bf16* const* rows, int64_t n, int64_t k, int64_t ldk, Bf16* panels,
                int64_t panel_begin, int64_t panel_end) {
  const int64_t padded = PaddedK<Bf16>(k);
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    Bf16* panel = panels + p * kPanelColumns * padded;
    const Bf16* const* columns = rows + p * kPanelColumns;
    const int64_t count = std::min<int64_t>(n - p * kPanelColumns, kPanelColumns);
    const int64_t width = PanelWidth(n, p);
    for (int64_t i = 0; i < padded; i += 2) {
      Bf16* out = panel + i * width;
      std::memset(static_cast<void*>(out), 0, 2 * static_cast<size_t>(width) * sizeof(Bf16));
      for (int64_t c = 0; c < count; ++c) {
        out[2 * c] = columns[c][i * ldk];
        if (i + 1 < k) out[2 * c + 1] = columns[c][(i + 1) * ldk];
      }
    }
  }
}

template <typename T>
void UnpackRow(const T* panels, int64_t n, int64_t k, int64_t row, T* y) {
  constexpr int64_t kPair = std::is_same_v<T, Bf16> ? 2 : 1;  // neighbours in k lie side by side
  const int64_t p = row / kPanelColumns;
  const int64_t width = PanelWidth(n, p);
  const T* from = panels + p * kPanelColumns * PaddedK<T>(k) + row % kPanelColumns * kPair;
  for (int64_t i = 0; i < k; ++i) y[i] = from[i / kPair * kPair * width + i % kPair];
}
template void UnpackRow<float>(const float*, int64_t, int64_t, int64_t, float*);
template void UnpackRow<Bf16>(const Bf16*, int64_t, int64_t, int64_t, Bf16*);

void UnpackPanels(const float* panels, int64_t n, int64_t k, float* rows) {
  for (int64_t i = 0; i < n; ++i) UnpackRow(panels, n, k, i, rows + i * k);
}

void UnpackPanels(const Bf16* panels, int64_t n, int64_t k, Bf16* rows) {
  for (int64_t i = 0; i < n; ++i) UnpackRow(panels, n, k, i, rows + i * k);
}

}  // namespace plumbline
