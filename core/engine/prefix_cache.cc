#include "core/engine/prefix_cache.h"

#include "core/base/sha256.h"

namespace plumbline {

std::vector<std::string> PrefixKeys(absl::string_view salt, absl::Span<const int32_t> tokens,
                                    int64_t blocks) {
  std::vector<std::string> keys;
  std::string previous(salt);
  for (int64_t b = 0; b < blocks; ++b) {
    const auto slice = tokens.subspan(b * kKvBlockTokens, kKvBlockTokens);
    Sha256 digest;
    digest.Update(previous);
    digest.Update(absl::string_view(reinterpret_cast<const char*>(slice.data()),
                                    slice.size() * sizeof(int32_t)));
    keys.push_back(digest.FinishHex());
    previous = keys.back();
  }
  return keys;
}

std::vector<void*> PrefixCache::Find(absl::Span<const std::string> keys) {
  std::vector<void*> blocks;
  for (const std::string& key : keys) {
    const auto it = entries_.find(key);
    if (it == entries_.end()) break;
    by_use_.splice(by_use_.begin(), by_use_, it->second.place);
    pool_.Share(it->second.block);
    blocks.push_back(it->second.block);
  }
  return blocks;
}

void PrefixCache::Insert(const std::string& key, void* block) {
  if (!enabled_ || entries_.contains(key)) return;
  pool_.Share(block);
  by_use_.push_front(key);
  entries_[key] = {block, by_use_.begin()};
}

bool PrefixCache::Evict() {
  for (auto it = by_use_.end(); it != by_use_.begin();) {
    --it;
    const auto entry = entries_.find(*it);
    if (pool_.holders(entry->second.block) > 1) continue;
    pool_.Release(entry->second.block);
    entries_.erase(entry);
    by_use_.erase(it);
    return true;
  }
  return false;
}

std::vector<void*> PrefixCache::Take(int64_t count) {
  std::vector<void*> blocks;
  while (static_cast<int64_t>(blocks.size()) < count) {
    void* block = pool_.Take();
    if (block == nullptr) {
      if (Evict()) continue;
      for (void* taken : blocks) pool_.Release(taken);
      return {};
    }
    blocks.push_back(block);
  }
  return blocks;
}

void PrefixCache::Clear() {
  while (Evict()) {
  }
}

}  // namespace plumbline
