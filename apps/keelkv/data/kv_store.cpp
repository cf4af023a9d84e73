#include "keelkv/data/kv_store.hpp"

#include <algorithm>

namespace keel {

namespace {

constexpr std::size_t times_kept = 4096;

}  // namespace

void KvStore::begin(Index index, std::int64_t now) {
  index_ = index;
  now_ = std::max(now_, now);
  if (times_.empty() || times_.back().first < now_) times_.emplace_back(now_, index_);
  if (times_.size() > times_kept) times_.pop_front();
  random_ = mix(index.value());
  for (std::size_t i = 0; i < dead_removed_at_once && !expiries_.empty(); ++i) {
    const auto [expiry, key] = *expiries_.begin();
    if (expiry > now_) return;
    const HashedKey hashed(key);
    remove(hashed.hash, *keys_.find(hashed));
  }
}

void KvStore::prefetch(std::span<const std::uint64_t> table_hashes) const {
  static constexpr std::size_t at_most = 512;  // of a longer value the processor sees for itself what comes next
  keys_.prefetch(table_hashes, [](const KvEntry& entry) {
    const auto* const string = value_as<StringValue>(entry.value);
    if (string != nullptr) prefetch_bytes(string->text().data(), std::min(string->bytes(), at_most));
  });
}

KvStore::Entry* KvStore::find(const HashedKey& key) {
  Entry* const entry = keys_.find(key);
  if (entry == nullptr || !is_dead(*entry)) return entry;
  remove(key.hash, *entry);
  return nullptr;
}

std::uint64_t KvStore::share(std::uint64_t key_hash, const KvEntry& entry) {
  return mix(key_hash + mix(hash_of(entry.value) + static_cast<std::uint64_t>(entry.expiry)));
}

void KvStore::leave_sums(std::uint64_t key_hash, const Entry& entry) {
  hash_ -= share(key_hash, entry.second.value);
  bytes_ -= entry.first.size() + bytes_of(entry.second.value.value);
}

void KvStore::join_sums(std::uint64_t key_hash, const Entry& entry) {
  hash_ += share(key_hash, entry.second.value);
  bytes_ += entry.first.size() + bytes_of(entry.second.value.value);
}

// An entry that is out of the sums and changed now, with whatever value it had.
KvStore::Entry& KvStore::replace(const HashedKey& key) {
  const auto [entry, is_new] = keys_.make(key);
  if (!is_new) {
    leave_sums(key.hash, *entry);
    forget_expiry(*entry);
  }
  entry->second.value.changed = index_;
  return *entry;
}

KvStore::Entry& KvStore::set(const HashedKey& key, std::string_view text) {
  Entry& entry = replace(key);
  KvValue& value = entry.second.value.value;
  if (!std::holds_alternative<StringValue>(value)) value = StringValue();
  std::get<StringValue>(value).assign(text);
  join_sums(key.hash, entry);
  return entry;
}

KvStore::Entry& KvStore::put(const HashedKey& key, KvValue value, std::int64_t expiry) {
  Entry& entry = replace(key);
  entry.second.value.value = std::move(value);
  entry.second.value.expiry = expiry;
  if (expiry != never) expiries_.insert(Expiry(expiry, entry.first));
  join_sums(key.hash, entry);
  return entry;
}

void KvStore::set_expiry(Entry& entry, std::int64_t expiry) {
  const std::uint64_t key_hash = hash_bytes(entry.first);
  if (expiry <= now_) return remove(key_hash, entry);
  leave_sums(key_hash, entry);
  forget_expiry(entry);
  entry.second.value.expiry = expiry;
  if (expiry != never) expiries_.insert(Expiry(expiry, entry.first));
  entry.second.value.changed = index_;
  join_sums(key_hash, entry);
}

void KvStore::forget_expiry(Entry& entry) {
  std::int64_t& expiry = entry.second.value.expiry;
  if (expiry == never) return;
  expiries_.erase(Expiry(expiry, entry.first));
  expiry = never;
}

void KvStore::rename(Entry& from, const HashedKey& to) {
  const std::uint64_t key_hash = hash_bytes(from.first);
  leave_sums(key_hash, from);
  const std::int64_t expiry = from.second.value.expiry;
  KvValue value = std::move(from.second.value.value);
  drop(key_hash, from);
  put(to, std::move(value), expiry);
}

void KvStore::erase(Entry& entry) { remove(hash_bytes(entry.first), entry); }

void KvStore::remove(std::uint64_t key_hash, Entry& entry) {
  leave_sums(key_hash, entry);
  drop(key_hash, entry);
}

Index KvStore::index_at(std::int64_t expiry) const {
  return std::ranges::lower_bound(times_, expiry, {}, [](const auto& time) { return time.first; })->second;
}

// An entry that is out of the sums. One that is dead was gone when it died, not now.
void KvStore::drop(std::uint64_t key_hash, Entry& entry) {
  const Index gone = is_dead(entry) ? index_at(entry.second.value.expiry) : index_;
  forget_expiry(entry);
  if (removed_.empty()) removed_.resize(removal_places);
  Index& last_gone = removed_[key_hash % removal_places];
  last_gone = std::max(last_gone, gone);
  keys_.erase(entry);
}

void KvStore::clear() {
  expiries_.clear();
  keys_.clear();
  cleared_ = index_;
  hash_ = 0;
  bytes_ = 0;
}

bool KvStore::changed_since(const HashedKey& key, Index index) const {
  const Entry* const entry = look(key);
  if (entry != nullptr) {
    const KvEntry& value = entry->second.value;
    return value.changed > index || (is_dead(*entry) && index_at(value.expiry) > index);
  }
  return cleared_ > index || (!removed_.empty() && removed_[key.hash % removal_places] > index);
}

}  // namespace keel
