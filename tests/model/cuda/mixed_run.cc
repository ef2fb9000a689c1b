#include "tests/model/cuda/mixed_run.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "absl/strings/str_cat.h"

namespace plumbline::cuda {
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

std::string CompareMixed(Decoder& decoder, KvPool& pool, std::vector<Sequence>& sequences,
                         int64_t longest_chunk, int64_t most_rows, uint32_t seed) {
  std::mt19937 random(seed);
  const int64_t v = decoder.spec().vocabulary;
  for (Sequence& s : sequences) {
    s.blocks = Take(pool, s.tokens.size());
    s.done = 0;
  }
  std::string difference;
  while (difference.empty()) {
    std::shuffle(sequences.begin(), sequences.end(), random);
    std::vector<Chunk> chunks;
    std::vector<const float*> want;
    int64_t rows = 0;
    for (Sequence& s : sequences) {
      const int64_t left = static_cast<int64_t>(s.tokens.size()) - s.done;
      const int64_t count =
          std::min({left, 1 + static_cast<int64_t>(random() % longest_chunk), most_rows - rows});
      if (count <= 0) continue;
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
  for (Sequence& s : sequences) Release(pool, s.blocks);
  return difference;
}

}  // namespace plumbline::cuda
