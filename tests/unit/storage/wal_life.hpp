#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keel/sim/sim_disk.hpp"
#include "keel/storage/write_ahead_log.hpp"
#include "log_store_conformance.hpp"
#include "test_executor.hpp"

namespace keel::test {

inline constexpr LogIdentity wal_identity{conformance::cluster, conformance::group, conformance::node};

// One life of a process with a write-ahead log on a simulated disk: from its start to its end or a crash.
class WalLife {
 public:
  explicit WalLife(sim::SimMedia& media, std::uint64_t segment_bytes = 4096) : media_(media) {
    options.segment_bytes = segment_bytes;
  }

  Result<void> open() {
    log = std::make_unique<WriteAheadLog>(disk, executor, options, wal_identity);
    auto opened = log->open();
    if (!opened) return std::unexpected(opened.error());
    found.recovered = std::move(*opened);
    return {};
  }

  void begin(WriteBatch batch) {
    ++begun;
    log->write(std::move(batch), [this](Result<void> result) {
      if (result && !failure) {
        ++acknowledged;
      } else if (!result && !failure) {
        failure = result.error();
      } else if (result) {
        acknowledged_after_failure = true;
      }
      ++ended;
    });
  }
  // Until all that was begun has ended, or the power is gone.
  void wait() {
    executor.run_until([this] { return ended == begun || !disk.alive(); }, std::chrono::seconds(0));
  }
  bool write(WriteBatch batch) {
    begin(std::move(batch));
    wait();
    return ended == begun && !failure;
  }

  Result<std::vector<Entry>> read(Index first, Index last, std::size_t max_bytes = 1u << 30) {
    std::optional<Result<std::vector<Entry>>> result;
    log->read({first, last}, max_bytes, [&](auto entries) { result = std::move(entries); });
    executor.run_until([&] { return result.has_value(); }, std::chrono::seconds(0));
    return result ? std::move(*result) : fail(ErrorCode::failed, "never ended");
  }
  // Everything behind the base, into `found`. False if something cannot be read.
  bool read_all() {
    const Index base = found.recovered.base.position.index;
    if (found.recovered.last == base) return true;
    auto entries = read(base.next(), found.recovered.last);
    if (!entries || entries->size() != found.recovered.last - base) return false;
    found.entries = std::move(*entries);
    return true;
  }

  WriteAheadLogOptions options{.salt_seed = 1};
  TestExecutor executor;

 private:
  sim::SimMedia& media_;

 public:
  sim::SimDisk disk{executor, media_};
  std::unique_ptr<WriteAheadLog> log;
  conformance::Contents found;
  std::size_t begun = 0;
  std::size_t ended = 0;
  std::size_t acknowledged = 0;
  bool acknowledged_after_failure = false;
  std::optional<Error> failure;
};

// Batches that go through everything a log does, in segments of 4 KiB: votes, appends over several segments,
// truncations within and across them, compaction and recycling, batches larger than a segment, and resets, one of them
// back to indices whose old frames still lie in the segments that are recycled then.
inline std::vector<WriteBatch> wal_script() {
  using conformance::append;
  using conformance::entry;
  std::vector<WriteBatch> script;
  const auto add = [&script](WriteBatch batch, std::optional<HardState> hard_state = {}) {
    batch.hard_state = hard_state;
    script.push_back(std::move(batch));
  };
  const auto truncated = [](WriteBatch batch, Index from) {
    batch.truncate_from = from;
    return batch;
  };
  const auto compacted = [](WriteBatch batch, Index to) {
    batch.compact_to = to;
    return batch;
  };
  const auto first = std::make_shared<const Genesis>(conformance::genesis());
  const auto reset = [first](WriteBatch batch, LogPosition to) {
    batch.reset_to = LogBase{to, first, {first, &first->configuration}};
    return batch;
  };

  WriteBatch genesis;
  genesis.entries = {entry(Index(1), Term(1), 0, EntryKind::genesis)};
  add(genesis, HardState{Term(1), nobody});
  add({}, HardState{Term(2), NodeId(7)});
  for (std::uint64_t at = 2; at <= 32; at += 5) {
    add(append(Index(at), Index(at + 4), Term(2), 150));  // 2..36, over two or three segments
  }
  add(truncated(append(Index(34), Index(35), Term(3), 20), Index(34)), HardState{Term(3), nobody});
  add(truncated(append(Index(9), Index(10), Term(4), 200), Index(9)), HardState{Term(4), nobody});  // across segments
  WriteBatch configuration;
  configuration.entries = {entry(Index(11), Term(4), 0, EntryKind::configuration)};
  add(configuration);
  add(append(Index(12), Index(13), Term(4), 5000));  // larger than a segment
  add(append(Index(14), Index(40), Term(4), 100));
  add(compacted({}, Index(12)));
  for (std::uint64_t at = 41; at <= 60; at += 4) {
    add(append(Index(at), Index(at + 3), Term(4), 250));
  }
  add(compacted(append(Index(61), Index(62), Term(4), 100), Index(55)), HardState{Term(4), NodeId(2)});
  add(append(Index(63), Index(80), Term(4), 150));
  add(reset(append(Index(501), Index(503), Term(5), 100), {Term(5), Index(500)}), HardState{Term(5), nobody});
  add(append(Index(504), Index(520), Term(5), 150));
  add(reset({}, {Term(4), Index(60)}));
  for (std::uint64_t at = 61; at <= 80; at += 4) {
    add(append(Index(at), Index(at + 3), Term(6), 150),
        at == 61 ? std::optional(HardState{Term(6), nobody}) : std::nullopt);
  }
  add(truncated({}, Index(75)));
  add(append(Index(75), Index(76), Term(6), 10));
  return script;
}

// Runs it, several batches at a time, until its end or the power's.
inline void run_script(WalLife& life, const std::vector<WriteBatch>& script) {
  for (std::size_t i = 0; i < script.size() && life.disk.alive() && !life.failure; ++i) {
    life.begin(script[i]);
    if (i % 4 != 1) life.wait();
  }
  life.wait();
}

}  // namespace keel::test
