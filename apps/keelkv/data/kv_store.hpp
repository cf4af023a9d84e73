#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "keel/base/ids.hpp"
#include "keelkv/data/kv_value.hpp"
#include "keelkv/data/ordered_set.hpp"

namespace keel {

// The keys and what they hold, as the log has made them: whatever happens here depends on the log alone, its time too, so
// that all nodes do the same.
//
// Changes only by its own functions, so that the hash of the whole state is always at hand: a sum over keys, values and
// expiries. What a change costs is in proportion to what it brings, not to what is there.
class KvStore {
 public:
  using Entry = Keys::Element;

  // Before each command is applied: its index, and the log's time there. Removes dead keys, at most so many that no
  // command waits long for it; others remain, dead as they are, until later.
  void begin(Index index, std::int64_t now);
  static constexpr std::size_t dead_removed_at_once = 64;

  // The log's time, in milliseconds since 1970.
  [[nodiscard]] std::int64_t now() const { return now_; }
  [[nodiscard]] bool is_dead(const Entry& entry) const { return entry.second.value.expiry <= now_; }

  // All that are there, dead ones too; null if there is none such.
  [[nodiscard]] const Keys& keys() const { return keys_; }
  [[nodiscard]] const Entry* look(const HashedKey& key) const { return keys_.find(key); }
  // Commands on keys with these table hashes come next.
  void prefetch(std::span<const std::uint64_t> table_hashes) const;
  // How many have an expiry.
  [[nodiscard]] std::size_t expiring() const { return expiries_.size(); }
  // How many keys would be dead at `time`.
  [[nodiscard]] std::size_t count_dead(std::int64_t time) const { return expiries_.order_of_key(Expiry(time + 1, {})); }

  // For commands that write. Entries are good until they are removed, which happens to a dead one that is looked for.
  [[nodiscard]] Entry* find(const HashedKey& key);
  // One that holds a T, or null: made empty, and to be filled by an Edit.
  template <class T>
  [[nodiscard]] Entry& make(const HashedKey& key);
  // Whatever was there before is gone.
  Entry& set(const HashedKey& key, std::string_view text);
  Entry& put(const HashedKey& key, KvValue value, std::int64_t expiry);
  // `never` takes the expiry away. A key whose time is over is removed.
  void set_expiry(Entry& entry, std::int64_t expiry);
  // What is at `from` stands at `to` from now on; what was there is gone.
  void rename(Entry& from, const HashedKey& to);
  void erase(Entry& entry);
  void clear();
  // Another number at each call; a function of the log like everything else.
  [[nodiscard]] std::uint64_t random() { return mix(random_++); }

  // Whether anything may have happened to the key behind `index`: always true if something did. What is remembered of
  // keys that are gone takes bounded room, so one of them may be taken for another.
  [[nodiscard]] bool changed_since(const HashedKey& key, Index index) const;

  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  // Of keys and values alone, without what it costs to hold them.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  template <class T>
  friend class Edit;
  using Expiry = std::pair<std::int64_t, std::string_view>;  // the key lies in `keys_`

  // The first entry of the log whose time is not before `expiry`, which lies behind us; or a later one.
  [[nodiscard]] Index index_at(std::int64_t expiry) const;
  static std::uint64_t share(std::uint64_t key_hash, const KvEntry& entry);
  void leave_sums(std::uint64_t key_hash, const Entry& entry);
  void join_sums(std::uint64_t key_hash, const Entry& entry);
  Entry& replace(const HashedKey& key);
  void forget_expiry(Entry& entry);
  void remove(std::uint64_t key_hash, Entry& entry);
  void drop(std::uint64_t key_hash, Entry& entry);

  Keys keys_;
  OrderedSet<Expiry> expiries_;  // in one order on all nodes
  std::int64_t now_ = 0;
  Index index_;
  std::deque<std::pair<std::int64_t, Index>> times_;  // each time of the log, lately, and the first entry that had it
  std::uint64_t random_ = 0;
  std::uint64_t hash_ = 0;
  std::uint64_t bytes_ = 0;
  // When keys were removed last: those that share a place by their hash share the newest index. Empty until one is.
  static constexpr std::size_t removal_places = 1u << 16;
  std::vector<Index> removed_;
  Index cleared_;
};

// A value that a command is changing. When it is done the sums are right again, and a collection that has become empty
// is gone.
template <class T>
class Edit {
 public:
  Edit(KvStore& store, KvStore::Entry& entry)
      : store_(store),
        entry_(entry),
        value_(*value_as<T>(entry.second.value.value)),
        key_hash_(hash_bytes(entry.first)) {
    store_.leave_sums(key_hash_, entry_);
  }
  ~Edit() {
    if (changed_) entry_.second.value.changed = store_.index_;
    store_.join_sums(key_hash_, entry_);
    if (is_empty(entry_.second.value.value)) store_.remove(key_hash_, entry_);
  }
  Edit(const Edit&) = delete;
  Edit& operator=(const Edit&) = delete;

  T* operator->() { return &value_; }
  T& operator*() { return value_; }
  // To be called if something was.
  void changed() { changed_ = true; }

 private:
  KvStore& store_;
  KvStore::Entry& entry_;
  T& value_;
  std::uint64_t key_hash_;
  bool changed_ = false;
};

template <class T>
KvStore::Entry& KvStore::make(const HashedKey& key) {
  const auto [entry, is_new] = keys_.make(key);
  if (is_new) {
    entry->second.value.value = empty_value<T>();
    join_sums(key.hash, *entry);
  }
  return *entry;
}

}  // namespace keel
