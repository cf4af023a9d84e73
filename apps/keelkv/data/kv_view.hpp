#pragma once

#include <algorithm>
#include <cstdint>

#include "keelkv/data/kv_store.hpp"

namespace keel {

// The store as one read sees it: dead keys are not there.
//
// A key dies by the log's time, which stands still while nothing is written. One whose expiry lies between that and
// `wall`, this node's clock, is still there, but `found_due` says that it was seen: the log should be told the time, and
// the read run again. With the log's own time for `wall` nothing is ever due.
class KvView {
 public:
  using Entry = KvStore::Entry;

  // `seed` is for what RANDOMKEY and its like choose.
  KvView(const KvStore& store, std::int64_t wall, std::uint64_t seed)
      : store_(store), now_(std::max(store.now(), wall)), random_(mix(seed)) {}

  [[nodiscard]] const Entry* find(const HashedKey& key) {
    const Entry* const entry = store_.look(key);
    return entry != nullptr && sees(*entry) ? entry : nullptr;
  }
  // Whether an entry of `keys` is there.
  [[nodiscard]] bool sees(const Entry& entry) {
    const std::int64_t expiry = entry.second.value.expiry;
    found_due_ = found_due_ || (expiry <= now_ && expiry > store_.now());
    return expiry > store_.now();
  }
  // All, dead ones too.
  [[nodiscard]] const Keys& keys() const { return store_.keys(); }
  [[nodiscard]] std::size_t size() {
    const std::size_t dead = store_.count_dead(store_.now());
    found_due_ = found_due_ || store_.count_dead(now_) > dead;
    return store_.keys().size() - dead;
  }
  [[nodiscard]] std::int64_t now() const { return now_; }
  [[nodiscard]] std::uint64_t random() { return mix(random_++); }
  [[nodiscard]] bool found_due() const { return found_due_; }

 private:
  const KvStore& store_;
  std::int64_t now_;
  std::uint64_t random_;
  bool found_due_ = false;
};

}  // namespace keel
