#pragma once

#include <cstdint>
#include <memory>

#include "keel/port/disk.hpp"
#include "keel/port/executor.hpp"
#include "keel/port/log_store.hpp"

namespace keel {

// Whose log it is: in every segment, so that a directory that strayed is recognised.
struct LogIdentity {
  ClusterId cluster;
  GroupId group;
  NodeId node;
  bool operator==(const LogIdentity&) const = default;
};

// What a log's salts are made from: drawn at random at each start, so that no client can write what looks like a
// segment's own records. Has no default.
struct SaltSeed {
  constexpr SaltSeed(std::uint64_t drawn) : drawn(drawn) {}  // not explicit: options name it
  std::uint64_t drawn;
};

struct WriteAheadLogOptions {
  std::uint64_t segment_bytes = 64u << 20;  // 4 KiB to 1 GiB, a multiple of 4 KiB
  // Past this `stats().room` is 0. The log itself goes on: a vote is never refused for want of a few hundred bytes.
  std::uint64_t max_log_bytes = ~std::uint64_t{0};
  std::uint32_t spare_segments = 1;  // files kept, of those that compaction frees, to be written over
  SaltSeed salt_seed;
};

// A log store over a Disk: a sequence of preallocated segment files, to which batches of unchanged frames are appended,
// and a small file that repeats the vote. docs/formats-storage.md has the bytes.
//
// Group commit: one write is outstanding; batches that arrive meanwhile make up the next, as one record. A record is in
// the log whole or not at all, so a prefix of the batches survives a crash.
//
// Segments. The next one is made ready ahead of time, from one that compaction freed if there is one. Its old records
// stay in it and would still check out; a random salt in the header and in each record, and a value chained from record
// to record, tell old from new. A full segment ends in a footer that says all that opening needs; only the last segment
// is read through.
//
// Votes. A batch that changes the hard state is done when two files have it: the log, and then one of two slots in the
// file `vote`, which take turns. At open the newer counts: the higher term, and in one term the one with a vote. So
// damage in one place never loses a vote that was told durable.
//
// Damage. Everything below the highest offset known to have been synced must check out. That offset is known from every
// record (it was written after all before it had been synced), from a segment's footer, from the segment behind it, and
// from the vote file, which at each change of vote and at each open says how far the log then reached.
//  - Beyond that offset, what does not check out is a torn write: it is cut, and the segment closed, so that its remains
//    never come back.
//  - Below it, a damaged payload, or frame header, in a record whose own head is whole makes an entry `untrusted`: its
//    index and term are known, its bytes are not, and `read` reports it as `corrupt`. Writing it again (a truncation
//    and the entries behind it) mends it; for now Raft::make refuses such a log.
//  - Any other damage there fails `open` with `corrupt`, naming file and offset. Nothing is ever cut or guessed.
//  - What cannot be told apart: the last record, when it was synced, nothing was written behind it, and it is damaged
//    later, looks like a torn write. It is cut, unless the vote file vouches for it.
//  - A damaged footer or segment header is stood in for by what it repeats (a footer by its segment's records, which are
//    then read at each open), a damaged vote slot by the other until it is written again.
//
// Room. What `room` promises fits into segments that exist or can be made. The next one is made long before it is
// needed: when that cannot be, on a full disk, room is what is left of the present one, and shrinks to 0 before it ends.
// Only a batch larger than a segment needs one made just then; if that cannot be, the log fails. Each segment's file
// stays open: a process that has no descriptor left for the next one loses its log as if the disk had failed.
class WriteAheadLog final : public LogStore {
 public:
  WriteAheadLog(Disk& disk, Executor& executor, WriteAheadLogOptions options, LogIdentity identity);
  ~WriteAheadLog() override;

  // Errors, beside those of LogStore: `invalid` options.
  Result<Recovered> open() override;
  void write(WriteBatch batch, Completion<void> done) override;
  void read(IndexRange range, std::size_t max_bytes, Completion<std::vector<Entry>> done) override;
  [[nodiscard]] LogStats stats() const override;
  void close() override;

 private:
  class Log;
  std::shared_ptr<Log> log_;
};

}  // namespace keel
