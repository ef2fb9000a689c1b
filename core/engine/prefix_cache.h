// Blocks of the KV cache that may serve again: whole blocks of a prompt, found by everything that
// determines their content.
//
// The one idea: the key of block k is a digest over the adapter's version and all tokens up to the
// end of block k, so equal keys mean equal keys and values, bit for bit (a row's bits depend on its
// own sequence only). A stale hit after an adapter is reloaded under its old name cannot happen.
//
// No torch type here.
#ifndef PLUMBLINE_CORE_ENGINE_PREFIX_CACHE_H_
#define PLUMBLINE_CORE_ENGINE_PREFIX_CACHE_H_

#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/model/kv_pool.h"

namespace plumbline {

// The keys of the first `blocks` blocks of `tokens`. `salt`: the adapter's version and whatever
// else changes keys and values.
std::vector<std::string> PrefixKeys(absl::string_view salt, absl::Span<const int32_t> tokens,
                                    int64_t blocks);

// Thread-compatible: the device thread's. Holds each of its blocks once in the pool; a block held
// by nobody else is given up, least recently used first, when the pool runs dry.
class PrefixCache {
 public:
  // `pool` is borrowed. Disabled, it finds and keeps nothing.
  PrefixCache(KvPool* pool, bool enabled) : pool_(*pool), enabled_(enabled) {}

  // Blocks of the longest known prefix, each held once more for the caller.
  std::vector<void*> Find(absl::Span<const std::string> keys);
  // Remembers a fully written block; nothing happens when the key is known.
  void Insert(const std::string& key, void* block);
  bool Contains(const std::string& key) const { return entries_.contains(key); }

  // `count` blocks for the caller, or none (and nothing changes but the cache).
  std::vector<void*> Take(int64_t count);
  // Forgets everything that nobody else holds.
  void Clear();
  int64_t blocks() const { return static_cast<int64_t>(entries_.size()); }

 private:
  struct Entry {
    void* block;
    std::list<std::string>::iterator place;
  };
  bool Evict();

  KvPool& pool_;
  const bool enabled_;
  std::list<std::string> by_use_;  // front: used last
  absl::flat_hash_map<std::string, Entry> entries_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_PREFIX_CACHE_H_
