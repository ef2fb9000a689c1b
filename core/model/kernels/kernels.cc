#include "core/model/kernels/kernels.h"

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

}  // namespace plumbline
