#pragma once

#include <cstdint>
#include <vector>

#include "keel/base/ids.hpp"
#include "keel/base/payload.hpp"

namespace keel {

// What an entry is for. Raft itself acts on `genesis` and `configuration` only; every other kind, known or not, is
// kept, replicated and handed on. Values are part of the disk and wire formats.
enum class EntryKind : std::uint8_t {
  genesis = 1,        // index 1 of every log: name, first members, constants (`Genesis`)
  term_start = 2,     // a new leader's first entry: commits what it inherited (Raft, section 8)
  configuration = 3,  // members, in force when appended (`Configuration`)
  command = 4,        // for the state machine
  session = 5,        // opens or closes a client session
  application = 128,  // this and above: the application's own
};

// Made by Raft alone.
[[nodiscard]] constexpr bool is_for_raft(EntryKind kind) {
  return kind == EntryKind::genesis || kind == EntryKind::term_start || kind == EntryKind::configuration;
}
// What a state machine sees, and a caller may submit. Any other kind that is not Raft's either is of a later version.
[[nodiscard]] constexpr bool is_for_machine(EntryKind kind) {
  return kind == EntryKind::command || kind == EntryKind::session || kind >= EntryKind::application;
}

// A replicated log entry. Cheap to copy: the payload is shared.
struct Entry {
  Index index;
  Term term;
  EntryKind kind = EntryKind::command;
  Payload payload;

  bool operator==(const Entry&) const = default;
};

// The entries first..last, both included; empty when last < first.
struct IndexRange {
  Index first;
  Index last;

  [[nodiscard]] bool empty() const { return last < first; }
  // The first `count` of them, or all: a bound may be the largest number there is.
  [[nodiscard]] IndexRange first_few(std::size_t count) const {
    return !empty() && last - first >= count ? IndexRange{first, (first + count).previous()} : *this;
  }
  bool operator==(const IndexRange&) const = default;
};

// A position with the term of the entry there. Logs are compared by it: later term first, then the longer log
// (Raft, section 5.4.1).
struct LogPosition {
  Term term;
  Index index;

  auto operator<=>(const LogPosition&) const = default;
};

// Entries from `first` up to the next run were all made in `term`.
struct TermRun {
  Index first;
  Term term;

  bool operator==(const TermRun&) const = default;
};

}  // namespace keel
