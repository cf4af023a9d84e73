#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "keel/base/assert.hpp"
#include "keel/sim/sim_disk.hpp"
#include "keel/storage/write_ahead_log.hpp"
#include "keel/wire/frame.hpp"
#include "storage/wal_format.hpp"
#include "test_executor.hpp"
#include "wire/bytes.hpp"
#include "wire/checksum.hpp"

// What the fuzz target of the write-ahead log does with an input: makes a directory of it, opens it, reads what is said
// to be there, writes on and opens it again. The first byte says how:
//   bit 0  the rest are changes to a good directory, 4 bytes each: which file, where (u16), which byte; else they are
//          files: which (u8), how long (u16), the bytes
//   bit 1  checksums are made right first: a fuzzer would never find them, and all that lies behind them
namespace keel::fuzz {

using Input = std::span<const std::uint8_t>;

inline constexpr LogIdentity identity{ClusterId(0xc1), GroupId(3), NodeId(2)};

struct Process {
  explicit Process(sim::SimMedia& media)
      : disk(executor, media), log(disk, executor, {.segment_bytes = 4096, .salt_seed = 0}, identity) {}
  test::TestExecutor executor;
  sim::SimDisk disk;
  WriteAheadLog log;

  template <class Ended>
  void run_until(Ended ended) {
    KEEL_ASSERT(executor.run_until(ended, std::chrono::seconds(0)), "everything that was begun ends");
  }
  // Whether it was written.
  bool write(WriteBatch batch) {
    std::optional<bool> result;
    log.write(std::move(batch), [&](Result<void> r) { result = r.has_value(); });
    run_until([&] { return result.has_value(); });
    return *result;
  }
};

inline Entry entry(Index index, Term term, std::size_t size, EntryKind kind = EntryKind::command) {
  Entry made{index, term, kind, Payload::with_size(size)};
  std::ranges::fill(made.payload.mutable_bytes(), static_cast<std::byte>(index.value()));
  if (kind == EntryKind::genesis) made.payload = encode(make_genesis("fuzz", {{.id = NodeId(2), .address = "x:1"}}));
  wire::frame(made, identity.cluster, identity.group);
  return made;
}

// Several segments, footers, votes, a truncation, a compaction, and a segment that is ready.
inline sim::SimMedia good_directory() {
  sim::SimMedia media(1);
  Process process(media);
  KEEL_ASSERT(process.log.open(), "an empty directory opens");
  WriteBatch batch;
  batch.hard_state = HardState{Term(1), nobody};
  batch.entries = {entry(Index(1), Term(1), 0, EntryKind::genesis)};
  process.write(batch);
  for (std::uint64_t at = 2; at < 42; at += 4) {
    WriteBatch more;
    if (at % 12 == 2) more.hard_state = HardState{Term(at), NodeId(2)};
    for (std::uint64_t i = at; i < at + 4; ++i) {
      more.entries.push_back(entry(Index(i), Term(at / 12 * 12 + 2), 100));
    }
    if (at == 26) more.truncate_from = Index(26);
    if (at == 34) more.compact_to = Index(12);
    process.write(more);
  }
  process.executor.advance(std::chrono::seconds(1));
  process.log.close();
  return media;
}

inline void fix_checksum(std::span<std::byte> bytes, std::uint64_t seed) {
  const std::size_t checked = bytes.size() - 8;
  wire::store(bytes.data() + checked, wire::checksum_of(bytes.first(checked), seed));
}

inline constexpr std::uint64_t footer_magic = 0x31544f46'4c45454bULL;

inline void fix_frames(std::span<std::byte> bytes) {
  while (bytes.size() >= wire::frame_header_min) {
    const bool is_long = (wire::load<std::uint16_t>(bytes.data() + 6) & 1) != 0;
    const std::size_t head = is_long ? wire::frame_header_max : wire::frame_header_min;
    const std::size_t payload = wire::load<std::uint32_t>(bytes.data());
    if (payload > bytes.size() || head + payload + 8 > bytes.size()) return;
    fix_checksum(bytes.first(head), 0);
    const auto seed = wire::load<std::uint64_t>(bytes.data() + head - 8);
    fix_checksum(bytes.subspan(head, payload + 8), seed);
    bytes = bytes.subspan(head + payload + 8);
  }
}

inline void fix_segment(std::span<std::byte> file) {
  if (file.size() < 4096) return;
  const auto magic = wire::load<std::uint64_t>(file.data());
  fix_checksum(file.first(72), magic);
  fix_checksum(file.subspan(sector_bytes, 72), magic);
  const auto salt = wire::load<std::uint64_t>(file.data() + 48);
  for (std::uint64_t at = segment_prefix; at + record_fixed < file.size();) {
    const std::span<std::byte> rest = file.subspan(at);
    const std::uint64_t head = wire::load<std::uint32_t>(rest.data() + 16);
    const std::uint64_t frames = wire::load<std::uint32_t>(rest.data() + 20);
    if (head < record_fixed + 8 || aligned(head + frames) > rest.size()) break;
    fix_checksum(rest.first(head), salt);
    fix_frames(rest.subspan(head, frames));
    at += aligned(head + frames);
  }
  if (const auto size = footer_size(file); size && *size <= file.size()) {
    fix_checksum(file.last(*size), footer_magic);
  }
}

inline void fix_votes(std::span<std::byte> file) {
  for (std::size_t at = 0; at + sector_bytes <= file.size(); at += vote_slot_distance) {
    fix_checksum(file.subspan(at, sector_bytes), wire::load<std::uint64_t>(file.data() + at));
  }
}

inline void fix_checksums(sim::SimMedia& media) {
  for (const std::string& name : media.files()) {
    auto bytes = media.contents(name);
    if (segment_sequence(name)) {
      fix_segment(bytes);
    } else {
      fix_votes(bytes);
    }
    media.put(name, bytes);
  }
}

inline void change(sim::SimMedia& media, Input changes) {
  const auto files = media.files();
  for (; changes.size() >= 4; changes = changes.subspan(4)) {
    const std::string& name = files[changes[0] % files.size()];
    auto bytes = media.contents(name);
    bytes[(changes[1] | std::size_t{changes[2]} << 8) % bytes.size()] = std::byte{changes[3]};
    media.put(name, bytes);
  }
}

inline void put_files(sim::SimMedia& media, Input input) {
  while (input.size() >= 3 && media.files().size() < 8) {
    const std::string name = input[0] == 0 ? std::string(vote_file_name) : segment_name(input[0]);
    const std::size_t size = std::min<std::size_t>(input[1] | std::size_t{input[2]} << 8, input.size() - 3);
    std::vector<std::byte> bytes;
    std::ranges::copy(std::as_bytes(input.subspan(3, size)), std::back_inserter(bytes));
    bytes.resize((size + 4095) / 4096 * 4096);
    media.put(name, bytes);
    input = input.subspan(3 + size);
  }
}

// Reads all, entry after entry; what is there is what was said.
inline void read_all(Process& process, const Recovered& found) {
  for (Index at = found.base.position.index.next(); at <= found.last; ++at) {
    std::optional<Result<std::vector<Entry>>> result;
    process.log.read({at, found.last}, 2000, [&](auto read) { result = std::move(read); });
    process.run_until([&] { return result.has_value(); });
    if (!*result) continue;
    for (const Entry& each : **result) {
      KEEL_ASSERT(each.index == at, "a read gives what was asked for");
      ++at;
    }
    at = at.previous();
  }
}

inline bool has(const std::vector<IndexRange>& ranges, Index index) {
  return std::ranges::any_of(ranges,
                             [&](const IndexRange& range) { return range.first <= index && index <= range.last; });
}

inline bool can_read(Process& process, Index index) {
  std::optional<bool> could;
  process.log.read({index, index}, 1, [&](auto read) { could = read.has_value(); });
  process.run_until([&] { return could.has_value(); });
  return *could;
}

// Whether the directory was taken for a log.
inline bool take_directory(Input input) {
  static const sim::SimMedia good = good_directory();
  if (input.empty()) return false;
  const bool changes = (input[0] & 1) != 0;
  sim::SimMedia media = changes ? good.copy(1) : sim::SimMedia(1);
  changes ? change(media, input.subspan(1)) : put_files(media, input.subspan(1));
  const bool forged = (input[0] & 2) != 0;
  if (forged) fix_checksums(media);

  Recovered found;
  {
    Process process(media);
    auto opened = process.log.open();
    if (!opened) return false;
    found = std::move(*opened);
    KEEL_ASSERT(found.last >= found.base.position.index, "a log does not end before it begins");
    if (found.last - found.base.position.index > 10'000) return false;
    read_all(process, found);
    WriteBatch more;
    more.entries = {entry(found.last.next(), found.hard_state.term, 5000)};
    KEEL_ASSERT(process.write(more), "a log that opened can be written on");
    process.disk.crash();
  }
  Process process(media);
  const auto again = process.log.open();
  KEEL_ASSERT(again && again->last == found.last.next(), "and opens again");
  // A footer may have been written meanwhile, which does not tell of damage; then reading does. Not of what was forged: a
  // frame that is right in itself reads well, whatever the head before it says of its size.
  for (const IndexRange& damaged : forged ? std::vector<IndexRange>{} : found.untrusted) {
    for (Index at = damaged.first; at <= damaged.last; ++at) {
      KEEL_ASSERT(has(again->untrusted, at) || !can_read(process, at), "damage does not go away by itself");
    }
  }
  return true;
}

}  // namespace keel::fuzz
