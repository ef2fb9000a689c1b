#include <utility>

#include "core/engine/adapter_registry_internal.h"

namespace plumbline {
namespace {

void Describe(const AdapterVersionEntry& entry, AdapterInfo& info) {
  info.pins = entry.pins.load();
  info.resident = entry.slots != nullptr && entry.slots->IsResident(&entry);
}

}  // namespace

void AdapterRegistry::DropExpired() const {
  for (auto it = by_version_.begin(); it != by_version_.end();) {
    it = it->second.entry.expired() ? by_version_.erase(it) : std::next(it);
  }
}

AdapterRegistry::Entry AdapterRegistry::FindVersion(absl::string_view version) const {
  absl::MutexLock lock(&mutex_);
  const auto it = by_version_.find(std::string(version));
  return it == by_version_.end() ? nullptr : it->second.entry.lock();
}

AdapterRegistry::Publication AdapterRegistry::Find(absl::string_view name) const {
  absl::MutexLock lock(&mutex_);
  const std::string key(name);
  if (const auto it = by_alias_.find(key); it != by_alias_.end()) return it->second;
  // A version that some alias points to is found with that alias.
  for (const auto& [alias, publication] : by_alias_) {
    if (publication.entry->version == key) return publication;
  }
  if (const auto it = by_version_.find(key); it != by_version_.end()) {
    if (Entry entry = it->second.entry.lock()) return {std::move(entry), it->second.info};
  }
  return {};
}

void AdapterRegistry::Publish(Publication publication) {
  Publication replaced;  // freed after the lock
  absl::MutexLock lock(&mutex_);
  Resident resident{publication.entry, publication.info};
  resident.info.alias.clear();
  by_version_[publication.entry->version] = std::move(resident);
  Publication& place = by_alias_[publication.info.alias];
  replaced = std::move(place);
  place = std::move(publication);
}

bool AdapterRegistry::Unpublish(absl::string_view alias) {
  Publication removed;  // freed after the lock
  absl::MutexLock lock(&mutex_);
  const auto it = by_alias_.find(std::string(alias));
  if (it == by_alias_.end()) return false;
  removed = std::move(it->second);
  by_alias_.erase(it);
  return true;
}

std::vector<AdapterInfo> AdapterRegistry::List() const {
  absl::MutexLock lock(&mutex_);
  DropExpired();
  std::vector<AdapterInfo> list;
  for (const auto& [version, resident] : by_version_) {
    bool published = false;
    for (const auto& [alias, publication] : by_alias_) {
      published = published || publication.entry->version == version;
    }
    const Entry entry = resident.entry.lock();
    if (published || entry == nullptr) continue;
    list.push_back(resident.info);
    Describe(*entry, list.back());
  }
  for (const auto& [alias, publication] : by_alias_) {
    list.push_back(publication.info);
    Describe(*publication.entry, list.back());
  }
  return list;
}

std::vector<std::string> AdapterRegistry::Aliases() const {
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> aliases;
  for (const auto& [alias, publication] : by_alias_) aliases.push_back(alias);
  return aliases;
}

}  // namespace plumbline
