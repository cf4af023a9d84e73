#pragma once

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <vector>

#include "keel/raft/write.hpp"

namespace keel::test {

// What a node's log store would find after a power cut, and nothing else.
struct ModelDisk {
  HardState hard_state;
  LogBase base;
  std::vector<Entry> entries;  // behind the base
  LogPosition acknowledged;    // beyond the last entry once the disk has lost some

  [[nodiscard]] Index last() const { return base.position.index + entries.size(); }
  [[nodiscard]] const Entry* find(Index index) const {
    const bool here = index > base.position.index && index <= last();
    return here ? &entries[index - base.position.index - 1] : nullptr;
  }
  [[nodiscard]] std::optional<Term> term_at(Index index) const {
    if (index == base.position.index) return base.position.term;
    const Entry* entry = find(index);
    return entry == nullptr ? std::nullopt : std::optional(entry->term);
  }

  void write(const WriteBatch& batch) { write_torn(batch, batch.entries.size() + 2); }
  // A power cut in the middle: only the first `steps` of hard state, truncation and each entry are there.
  void write_torn(const WriteBatch& batch, std::size_t steps) {
    if (batch.hard_state && steps > 0) hard_state = *batch.hard_state;
    if (batch.truncate_from && steps > 1) cut(*batch.truncate_from);
    for (std::size_t i = 0; i < batch.entries.size() && i + 2 < steps; ++i)
      append(batch.entries[i]);
  }

  void cut(Index from) {
    if (from <= base.position.index || from > last()) throw std::logic_error("a truncation of what is not there");
    entries.resize(from - base.position.index - 1);
  }
  void append(const Entry& entry) {
    if (entry.index != last().next()) throw std::logic_error("a write with a gap");
    entries.push_back(entry);
  }
  // Damage costs the last entry, and the store notices.
  void lose_last() {
    acknowledged = std::max(acknowledged, {entries.back().term, entries.back().index});
    entries.pop_back();
  }
  // What a snapshot up to `index` lets go.
  void compact(Index index) {
    for (; base.position.index < index; entries.erase(entries.begin())) {
      const Entry& gone = entries.front();
      base.position = {gone.term, gone.index};
      if (gone.kind == EntryKind::genesis) {
        base.genesis = std::make_shared<const Genesis>(*decode_genesis(gone.payload.bytes()));
        base.configuration = {base.genesis, &base.genesis->configuration};
      }
    }
  }

  [[nodiscard]] Recovered recover() const {
    Recovered found{.hard_state = hard_state,
                    .base = base,
                    .terms = {},
                    .configurations = {},
                    .last = last(),
                    .untrusted = {},
                    .acknowledged = acknowledged};
    for (const Entry& entry : entries) {
      if (found.terms.empty() || found.terms.back().term != entry.term)
        found.terms.push_back({entry.index, entry.term});
      const bool configures = entry.kind == EntryKind::genesis || entry.kind == EntryKind::configuration;
      if (configures) found.configurations.push_back(entry);
    }
    return found;
  }
};

}  // namespace keel::test
