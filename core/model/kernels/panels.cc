// Packing matrices into panels (kernels.h has the layout) and back.
//
// Packing is a transposition of 32-bit words: of floats, or of pairs of bfloat16, which lie side by
// side in a row and in a panel alike.
#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "core/model/kernels/kernels.h"

namespace plumbline {
namespace {

template <typename T>
int64_t PaddedK(int64_t k) {
  return std::is_same_v<T, Bf16> ? (k + 1) / 2 * 2 : k;
}

int64_t PanelWidth(int64_t n, int64_t p) {
  return IsNarrowPanel(n, p) ? kPanelColumns / 2 : kPanelColumns;
}

constexpr int64_t kWord = 4;  // bytes

// to[i][c] = from[c][i] for four words of four rows; `stride` in bytes.
void TransposeFour(const char* const* from, int64_t offset, char* to, int64_t stride) {
  __m128 row[4];
  for (int c = 0; c < 4; ++c)
    row[c] = _mm_loadu_ps(reinterpret_cast<const float*>(from[c] + offset));
  _MM_TRANSPOSE4_PS(row[0], row[1], row[2], row[3]);
  for (int i = 0; i < 4; ++i) _mm_storeu_ps(reinterpret_cast<float*>(to + i * stride), row[i]);
}

// Words [0, words) of `count` rows into a panel whose rows are `stride` bytes apart; a cache line
// of every row at a time.
void TransposeWords(const char* const* rows, int64_t count, int64_t words, char* panel,
                    int64_t stride) {
  constexpr int64_t kLine = 16;  // words
  const auto single = [&](int64_t c, int64_t i) {
    std::memcpy(panel + i * stride + c * kWord, rows[c] + i * kWord, kWord);
  };
  for (int64_t begin = 0; begin < words; begin += kLine) {
    const int64_t end = std::min(words, begin + kLine);
    int64_t c = 0;
    for (; c + 4 <= count; c += 4) {
      int64_t i = begin;
      for (; i + 4 <= end; i += 4) {
        TransposeFour(rows + c, i * kWord, panel + i * stride + c * kWord, stride);
      }
      for (; i < end; ++i) {
        for (int64_t d = c; d < c + 4; ++d) single(d, i);
      }
    }
    for (; c < count; ++c) {
      for (int64_t i = begin; i < end; ++i) single(c, i);
    }
  }
}

template <typename T>
void Pack(const T* const* rows, int64_t n, int64_t k, T* panels, int64_t panel_begin,
          int64_t panel_end) {
  constexpr int64_t kElements = kWord / static_cast<int64_t>(sizeof(T));  // of a word
  const int64_t whole = k / kElements * kElements;
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    T* const panel = panels + p * kPanelColumns * PaddedK<T>(k);
    const T* const* columns = rows + p * kPanelColumns;
    const int64_t count = std::min<int64_t>(n - p * kPanelColumns, kPanelColumns);
    const int64_t width = PanelWidth(n, p);
    if (count < width || whole < k) {
      std::memset(static_cast<void*>(panel), 0,
                  static_cast<size_t>(width * PaddedK<T>(k)) * sizeof(T));
    }
    const char* bytes[kPanelColumns];
    for (int64_t c = 0; c < count; ++c) bytes[c] = reinterpret_cast<const char*>(columns[c]);
    TransposeWords(bytes, count, whole / kElements, reinterpret_cast<char*>(panel), width * kWord);
    for (int64_t c = 0; c < count && whole < k; ++c) {
      panel[whole * width + c * kElements] = columns[c][whole];
    }
  }
}

}  // namespace

template <typename T>
int64_t PackedElements(int64_t n, int64_t k) {
  constexpr int64_t kHalf = kPanelColumns / 2;
  return (n + kHalf - 1) / kHalf * kHalf * PaddedK<T>(k);
}
template int64_t PackedElements<float>(int64_t, int64_t);
template int64_t PackedElements<Bf16>(int64_t, int64_t);

void PackPanels(const float* const* rows, int64_t n, int64_t k, float* panels, int64_t panel_begin,
                int64_t panel_end) {
  Pack(rows, n, k, panels, panel_begin, panel_end);
}

void PackPanels(const Bf16* const* rows, int64_t n, int64_t k, Bf16* panels, int64_t panel_begin,
                int64_t panel_end) {
  Pack(rows, n, k, panels, panel_begin, panel_end);
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
