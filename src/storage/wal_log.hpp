#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "keel/storage/write_ahead_log.hpp"
#include "storage/log_state.hpp"
#include "storage/segment_pool.hpp"
#include "storage/wal_recovery.hpp"
#include "storage/write_group.hpp"

namespace keel {

// The log itself. Its owner may go while it is called back, so it is shared with those calls for as long as they run.
class WriteAheadLog::Log : public std::enable_shared_from_this<Log> {
 public:
  Log(Disk& disk, Executor& executor, WriteAheadLogOptions options, LogIdentity identity)
      : disk_(disk), executor_(executor), options_(options), identity_(identity) {}

  Result<Recovered> open();
  void write(WriteBatch batch, Completion<void> done);
  void read(IndexRange range, std::size_t max_bytes, Completion<std::vector<Entry>> done);
  [[nodiscard]] LogStats stats() const;
  void close();

 private:
  class Reading;

  // An entry that is not durable yet, and the group that will make it so.
  struct Unwritten {
    Entry entry;
    std::uint64_t group;
  };

  // Taking batches in.
  [[nodiscard]] Result<void> check_options() const;
  void note(const WriteBatch& batch, std::uint64_t group);
  WriteGroup& group_for(const WriteBatch& batch);

  // Writing them, one record at a time.
  void pump();
  void plan(const WriteGroup& group, const Segment* segment);
  void plan_entries(const std::vector<Entry>& entries);
  [[nodiscard]] StoredBase base_at(Index index, const WriteGroup& group, std::uint64_t segment) const;
  void rotate(const WriteGroup& group);
  void seal();
  void write_record();
  [[nodiscard]] std::vector<DiskBuffer> buffers_of(const std::vector<Entry>& entries);
  void on_written(Result<void> result);
  void write_vote();
  void finish();
  void drop_segments();
  void fail(const Error& error);

  template <class F>
  auto guarded(F f);
  void post(std::move_only_function<void()> task);
  [[nodiscard]] Segment* active() { return segments_.empty() ? nullptr : &segments_.back(); }
  [[nodiscard]] const Segment* segment(std::uint64_t sequence) const;
  [[nodiscard]] std::uint64_t next_sequence() const { return last_sequence_ + 1; }

  Disk& disk_;
  Executor& executor_;
  const WriteAheadLogOptions options_;
  const LogIdentity identity_;
  bool closed_ = false;
  std::optional<Error> failure_;

  // The log as it will be when all that was taken in is written.
  Index first_;
  Index last_;
  std::deque<Unwritten> tail_;  // its end: what reads find in memory
  std::uint64_t rewrites_ = 0;  // truncations and resets, which a read that is under way must notice

  // The log as written, or being written.
  LogState state_;
  std::deque<Segment> segments_;
  std::uint64_t last_sequence_ = 0;  // of the segment begun last
  std::uint64_t first_needed_ = 0;   // segments before this are dropped once the record that says so is durable
  std::shared_ptr<SegmentPool> pool_;

  std::deque<WriteGroup> queue_;
  std::uint64_t next_group_ = 1;
  std::optional<WriteGroup> in_flight_;
  bool busy_ = false;  // something is being written
  RecordHead head_;    // of the next record
  std::vector<std::byte> head_bytes_;

  std::unique_ptr<File> vote_file_;
  VoteSlot vote_;
  std::size_t vote_slot_ = 0;

  std::uint64_t syncs_ = 0;
  std::uint64_t bytes_written_ = 0;
  std::uint64_t queued_bytes_ = 0;
  std::uint64_t sealed_bytes_ = 0;  // of the segments that are full
};

}  // namespace keel
