#include "tests/model/mixed_run.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "absl/strings/str_cat.h"

namespace plumbline {
namespace {

std::vector<void*> Take(KvPool& pool, size_t tokens) {
  std::vector<void*> blocks;
  for (size_t t = 0; t < tokens; t += kKvBlockTokens) blocks.push_back(pool.Take());
  return blocks;
}
void Release(KvPool& pool, const std::vector<void*>& blocks) {
  for (void* block : blocks) pool.Release(block);
}

}  // namespace

std::vector<float> RunAlone(Decoder& decoder, KvPool& pool, const std::vector<int32_t>& tokens,
                            const std::vector<int64_t>& cuts, const LoraWeights* adapter) {
  const std::vector<void*> blocks = Take(pool, tokens.size());
  const int64_t v = decoder.spec().vocabulary;
  const int64_t count = static_cast<int64_t>(tokens.size());
  std::vector<float> logits(static_cast<size_t>(count * v));
  std::vector<int64_t> ends = cuts;
  ends.push_back(count);
  int64_t begin = 0;
  for (int64_t end : ends) {
    Chunk chunk;
    chunk.tokens = absl::MakeConstSpan(tokens).subspan(begin, end - begin);
    chunk.position = begin;
    chunk.prompt_length = count;
    chunk.blocks = blocks;
    chunk.adapter = adapter;
    decoder.Forward({&chunk, 1});
    decoder.Logits(0, end - begin, logits.data() + begin * v);
    begin = end;
  }
  Release(pool, blocks);
  return logits;
}

std::string CompareMixed(Decoder& decoder, KvPool& pool, std::vector<MixedSequence>& sequences,
                         int64_t longest_chunk, int64_t most_rows, uint32_t seed) {
  std::mt19937 random(seed);
  const auto upto = [&](int64_t n) { return static_cast<int64_t>(random() % n); };
  const int64_t v = decoder.spec().vocabulary;
  for (MixedSequence& s : sequences) {
    s.blocks = Take(pool, s.tokens.size());
    s.done = 0;
  }
  std::string difference;
  while (difference.empty()) {
    std::shuffle(sequences.begin(), sequences.end(), random);
    std::vector<Chunk> chunks;
    std::vector<const float*> want;
    int64_t rows = 0;
    for (MixedSequence& s : sequences) {
      const int64_t left = static_cast<int64_t>(s.tokens.size()) - s.done;
      // The first is never left out, so that every step gets on.
      if (left == 0 || rows == most_rows || (rows > 0 && upto(4) == 0)) continue;
      const int64_t longest = upto(3) == 0 ? 1 : 1 + upto(longest_chunk);
      const int64_t count = std::min({left, longest, most_rows - rows});
      Chunk chunk;
      chunk.tokens = absl::MakeConstSpan(s.tokens).subspan(s.done, count);
      chunk.position = s.done;
      chunk.prompt_length = static_cast<int64_t>(s.tokens.size());
      chunk.blocks = s.blocks;
      chunk.adapter = s.adapter;
      chunks.push_back(chunk);
      want.push_back(s.want.data() + s.done * v);
      s.done += count;
      rows += count;
    }
    if (chunks.empty()) break;
    decoder.Forward(chunks);
    if (decoder.output_rows() != rows) return absl::StrCat("output rows: ", decoder.output_rows());
    std::vector<float> got(static_cast<size_t>(rows * v));
    decoder.Logits(0, rows, got.data());
    const float* row = got.data();
    for (size_t c = 0; c < chunks.size() && difference.empty(); ++c) {
      const size_t size = chunks[c].tokens.size() * static_cast<size_t>(v);
      if (std::memcmp(row, want[c], size * sizeof(float)) != 0) {
        difference = absl::StrCat("chunk ", c, " of ", chunks.size(), ", ", rows,
                                  " rows, at position ", chunks[c].position);
      }
      row += size;
    }
  }
  for (MixedSequence& s : sequences) Release(pool, s.blocks);
  return difference;
}

}  // namespace plumbline
