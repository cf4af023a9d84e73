#include "storage/wal_recovery.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include <fmt/core.h>

#include "keel/wire/frame.hpp"
#include "storage/log_base.hpp"
#include "storage/wal_scan.hpp"

namespace keel {
namespace {

constexpr std::uint64_t min_segment = 4096;
constexpr std::uint64_t may_be_unsynced = 3;  // the newest segments: one ready, one begun, one just closed
constexpr const char* advice = "treat this node's data as lost (docs/operating.md)";

std::unexpected<Error> corrupt(std::string_view file, std::uint64_t offset, std::string_view what) {
  return fail(ErrorCode::corrupt, fmt::format("{} at byte {}: {}; {}", file, offset, what, advice));
}

Result<void> check_owner(std::string_view file, const LogIdentity& found, const LogIdentity& expected) {
  if (found.cluster != expected.cluster) {
    return fail(ErrorCode::wrong_cluster,
                fmt::format("{} belongs to cluster {:016x}, not {:016x}: this is another cluster's data directory",
                            file, found.cluster.value(), expected.cluster.value()));
  }
  if (found.node != expected.node || found.group != expected.group) {
    return fail(
        ErrorCode::wrong_node,
        fmt::format("{} belongs to node {} (group {}), not {} (group {}): this is another node's data directory", file,
                    found.node.value(), found.group.value(), expected.node.value(), expected.group.value()));
  }
  return {};
}

// A segment file as found, before anything is concluded from it.
struct Found {
  std::shared_ptr<File> file;
  std::uint64_t file_size = 0;
  std::optional<SegmentHeader> header;
  std::optional<SegmentFooter> footer;
  std::optional<std::uint64_t> chain_before;  // as its footer or first record says: it has records
  std::optional<Scan> scan;

  [[nodiscard]] const std::string& name() const { return file->name(); }
};

class Recovery {
 public:
  Recovery(Disk& disk, const LogIdentity& identity) : disk_(disk), identity_(identity) {}

  Result<RecoveredLog> run() {
    using Step = Result<void> (Recovery::*)();
    for (const Step step : {&Recovery::read_votes, &Recovery::find_segments, &Recovery::find_tail, &Recovery::walk_back,
                            &Recovery::replay, &Recovery::load_configurations, &Recovery::settle_vote}) {
      if (auto done = (this->*step)(); !done) return std::unexpected(std::move(done.error()));
    }
    report();
    return std::move(log_);
  }

 private:
  Result<void> read_votes() {
    auto file = disk_.open(vote_file_name);
    if (!file) return file.error().code == ErrorCode::not_found ? Result<void>{} : std::unexpected(file.error());
    if (auto synced = disk_.sync_now(**file); !synced) return synced;
    for (std::size_t slot = 0; slot < 2; ++slot) {
      auto bytes = disk_.read_now(**file, slot * vote_slot_distance, sector_bytes);
      if (!bytes) return std::unexpected(std::move(bytes.error()));
      auto found = decode_vote_slot(*bytes);
      if (!found) {
        if (found.error().code != ErrorCode::corrupt) return wrong(vote_file_name, found.error());
        continue;
      }
      if (auto good = check_owner(vote_file_name, found->identity, identity_); !good) return good;
      if (found->counter <= log_.vote.counter) continue;
      log_.vote = *found;
      log_.vote_slot = slot;
    }
    auto size = disk_.size(**file);
    if (!size) return std::unexpected(std::move(size.error()));
    if (*size == vote_file_size) log_.vote_file = std::move(*file);
    return {};
  }

  static std::unexpected<Error> wrong(std::string_view file, const Error& error) {
    return fail(error.code, fmt::format("{}: {}", file, error.message));
  }

  Result<void> find_segments() {
    auto names = disk_.list();
    if (!names) return std::unexpected(std::move(names.error()));
    std::uint64_t highest = 0;
    for (const std::string& name : *names) {
      highest = std::max(highest, segment_sequence(name).value_or(0));
    }
    for (const std::string& name : *names) {
      const auto sequence = segment_sequence(name);
      if (!sequence || *sequence == 0) continue;
      auto found = look_at(name, *sequence, highest - *sequence < may_be_unsynced);
      if (!found) return std::unexpected(std::move(found.error()));
      found_.emplace(*sequence, std::move(*found));
    }
    return {};
  }

  Result<Found> look_at(const std::string& name, std::uint64_t sequence, bool sync) {
    Found found;
    auto file = disk_.open(name);
    if (!file) return std::unexpected(std::move(file.error()));
    found.file = std::move(*file);
    // What a killed process wrote may lie in the page cache alone: believed only once it is on the device.
    if (auto synced = sync ? disk_.sync_now(*found.file) : Result<void>{}; !synced) {
      return std::unexpected(std::move(synced.error()));
    }
    auto size = disk_.size(*found.file);
    if (!size) return std::unexpected(std::move(size.error()));
    found.file_size = *size;
    auto bytes = disk_.read_now(*found.file, 0, segment_prefix + min_segment);
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    auto header = decode_segment_header(*bytes);
    if (!header && header.error().code != ErrorCode::corrupt) return wrong(name, header.error());
    if (header && header->sequence == sequence) {
      if (auto good = check_owner(name, header->identity, identity_); !good) return std::unexpected(good.error());
      if (header->size == found.file_size && header->size >= min_segment &&
          header->size <= std::numeric_limits<std::uint32_t>::max()) {
        found.header = *header;
      }
    }
    if (auto looked = look_for_records(found, sequence); !looked) return std::unexpected(std::move(looked.error()));
    return found;
  }

  // The footer repeats the header, and stands in for one that is damaged.
  Result<void> look_for_records(Found& found, std::uint64_t sequence) {
    auto footer = read_footer(found);
    if (!footer) return std::unexpected(std::move(footer.error()));
    if (*footer && (*footer)->header.sequence == sequence && (*footer)->header.identity == identity_ &&
        (!found.header || *found.header == (*footer)->header)) {
      found.header = (*footer)->header;
      found.chain_before = (*footer)->chain_before;
      found.footer = std::move(**footer);
    }
    if (!found.header || found.chain_before) return {};
    FileReader reader(disk_, *found.file, found.file_size);
    auto bytes = reader.at(segment_prefix, record_fixed);
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    const auto extent = record_extent(*bytes, found.header->salt);
    if (!extent || extent->size() > found.file_size - segment_prefix) return {};
    bytes = reader.at(segment_prefix, extent->head_size);
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    if (const auto head = decode_record_head(*bytes, found.header->salt)) found.chain_before = head->chain;
    return {};
  }

  Result<std::optional<SegmentFooter>> read_footer(const Found& found) {
    if (found.file_size < min_segment) return std::nullopt;
    std::size_t size = min_segment;
    for (int attempt = 0; attempt < 2; ++attempt) {
      auto bytes = disk_.read_now(*found.file, found.file_size - size, size);
      if (!bytes) return std::unexpected(std::move(bytes.error()));
      const auto claimed = footer_size(*bytes);
      if (!claimed || *claimed > found.file_size - segment_prefix) return std::nullopt;
      if (*claimed <= size) return decode_footer(ByteView(*bytes).last(*claimed));
      size = *claimed;
    }
    return std::nullopt;
  }

  // Which segment is the last with anything in it, and whether the one behind it is ready or was never finished.
  Result<void> find_tail() {
    for (const auto& [sequence, found] : found_) {
      if (found.chain_before) tail_ = sequence;
    }
    if (tail_ == 0 && !found_.empty()) {
      // Nothing was ever finished, or the very first record is damaged, which reading it will show.
      if (found_.begin()->first != 1) return missing(1);
      if (found_.begin()->second.header) {
        tail_ = 1;
      } else if (found_.size() > 1) {
        return corrupt(found_.begin()->second.name(), 0, "both copies of the header are damaged");
      }
    }
    if (tail_ != 0 && found_.at(tail_).footer) {
      const auto behind = found_.find(tail_ + 1);
      if (behind == found_.end()) return missing(tail_ + 1);
      if (!behind->second.header) return corrupt(behind->second.name(), 0, "both copies of the header are damaged");
      ++tail_;
    }
    for (auto behind = found_.upper_bound(tail_); behind != found_.end(); behind = found_.erase(behind)) {
      if (behind->first != tail_ + 1) return missing(tail_ + 1);
      Found& next = behind->second;
      if (next.header) {
        log_.next = segment_of(next);
      } else if (auto blank = is_blank(next); !blank) {
        return std::unexpected(std::move(blank.error()));
      } else if (!*blank && tail_ == 0) {
        return corrupt(next.name(), 0, "both copies of the header are damaged");
      } else {
        log_.debris.push_back(next.name());
      }
    }
    return {};
  }

  // A first segment that was never finished holds nothing but, perhaps, its header.
  Result<bool> is_blank(const Found& found) {
    FileReader reader(disk_, *found.file, found.file_size);
    auto bytes = reader.at(segment_prefix, record_fixed);
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    return std::ranges::all_of(*bytes, [](std::byte b) { return b == std::byte{}; });
  }

  static std::unexpected<Error> missing(std::uint64_t sequence) {
    return corrupt(segment_name(sequence), 0, "this log segment is missing");
  }

  static Segment segment_of(const Found& found) {
    Segment segment;
    segment.header = *found.header;
    segment.file = found.file;
    return segment;
  }

  // From the end back to where the log begins, which the newest base says. Each segment must end with the value that
  // the one behind it begins with.
  Result<void> walk_back() {
    first_ = tail_ == 0 ? 0 : 1;
    std::optional<std::uint64_t> chain;
    for (std::uint64_t at = tail_; at >= first_ && at > 0; --at) {
      const auto here = found_.find(at);
      if (here == found_.end()) return missing(at);
      Found& found = here->second;
      if (!found.header) return corrupt(found.name(), 0, "both copies of the header are damaged");
      if (!found.footer) {
        if (auto read = read_through(found, chain); !read) return read;
      } else if (chain && found.footer->chain_after != *chain) {
        return missing_end(found, found.footer->records_end);
      }
      if (const auto base = newest_base(found); base && is_whole_) {
        is_whole_ = false;
        first_ = base->first_segment;
        if (first_ == 0 || first_ > at) return corrupt(found.name(), 0, "its base names a segment behind it");
      }
      if (found.footer) chain = found.footer->chain_before;
      if (found.scan && !found.scan->records.empty()) chain = found.scan->records.front().head.chain;
    }
    if (first_ == 1 && chain.value_or(0) != 0) return corrupt(segment_name(1), segment_prefix, "records are missing");
    return {};
  }

  static std::unexpected<Error> missing_end(const Found& found, std::uint64_t offset) {
    return corrupt(found.name(), offset, "the next segment does not follow: records are missing");
  }

  static std::optional<StoredBase> newest_base(const Found& found) {
    if (found.footer) return found.footer->base;
    if (!found.scan) return std::nullopt;
    std::optional<StoredBase> newest;
    for (const ScannedRecord& record : found.scan->records) {
      if (record.head.base) newest = record.head.base;
    }
    return newest;
  }

  // Reads a segment without a footer and decides how far it goes. `chain`: where it must end, if others follow it.
  Result<void> read_through(Found& found, std::optional<std::uint64_t> chain) {
    auto scan = scan_segment(disk_, *found.file, *found.header, std::nullopt);
    if (!scan) return std::unexpected(std::move(scan.error()));
    const bool is_tail = found.header->sequence == tail_;
    Result<void> good = is_tail ? cut_tail(found, *scan) : chain ? end_at(found, *scan, *chain) : Result<void>{};
    found.scan = std::move(*scan);
    return good;
  }

  // Beyond what is known to have been synced, what does not check out was never finished.
  Result<void> cut_tail(const Found& found, Scan& scan) {
    std::uint64_t synced = scan.synced;
    if (log_.vote.segment == found.header->sequence) synced = std::max(synced, log_.vote.offset);
    if (synced > scan.end) return corrupt(found.name(), scan.end, lost_record(scan));
    if (!scan.records.empty() && !scan.records.back().damaged.empty() && scan.records.back().offset >= synced) {
      scan.end = scan.records.back().offset;
      scan.records.pop_back();
      scan.remains = true;
    }
    return {};
  }

  // What is behind the end that the next segment gives was torn once, and cut.
  static Result<void> end_at(const Found& found, Scan& scan, std::uint64_t chain) {
    const std::uint64_t end = scan.end;
    const auto begins_with = scan.records.empty() ? chain : scan.records.front().head.chain;
    while (!scan.records.empty() && scan.records.back().head.checksum != chain) {
      scan.end = scan.records.back().offset;
      scan.records.pop_back();
    }
    if (scan.records.empty() && begins_with != chain) return missing_end(found, end);
    return {};
  }

  static std::string lost_record(const Scan& scan) {
    Index next{1};
    if (!scan.records.empty()) next = scan.records.back().head.last().next();
    return fmt::format("a record that was synced is damaged, with what it held from entry {} on", next.value());
  }

  Result<void> replay() {
    if (!is_whole_) log_.state.begin_anywhere();
    for (auto& [sequence, found] : found_) {
      if (sequence < first_) {
        if (found.header) {
          log_.spares.push_back(segment_of(found));
        } else {
          log_.debris.push_back(found.name());
        }
        continue;
      }
      log_.segments.push_back(segment_of(found));
      const auto good = found.footer ? replay_footer(found) : replay_records(found);
      if (!good) return good;
    }
    if (log_.state.has_gap()) return corrupt(segment_name(first_), segment_prefix, "entries are missing");
    if (const VoteSlot& vote = log_.vote; vote.segment > tail_ || (vote.segment == tail_ && vote.offset > end())) {
      return corrupt(
          segment_name(std::max(tail_, std::uint64_t{1})), end(),
          fmt::format("the log ends here, but reached {} byte {} once", segment_name(vote.segment), vote.offset));
    }
    return {};
  }

  [[nodiscard]] std::uint64_t end() const { return log_.segments.empty() ? 0 : log_.segments.back().records_end; }

  Result<void> replay_footer(const Found& found) {
    Segment& segment = log_.segments.back();
    segment.records_end = found.footer->records_end;
    segment.chain_before = found.footer->chain_before;
    segment.chain_after = found.footer->chain_after;
    segment.sealed = true;
    if (!log_.state.apply(*found.footer, segment)) {
      return corrupt(found.name(), found.file_size, "its footer does not fit what comes before");
    }
    return {};
  }

  Result<void> replay_records(const Found& found) {
    Segment& segment = log_.segments.back();
    segment.records_end = found.scan->end;
    segment.chain_before = segment.chain_after = last_chain();
    if (!found.scan->records.empty()) {
      segment.chain_before = found.scan->records.front().head.chain;
      segment.chain_after = found.scan->records.back().head.checksum;
    }
    for (const ScannedRecord& record : found.scan->records) {
      if (!log_.state.apply(record.head, segment, record.offset)) {
        return corrupt(found.name(), record.offset, "a record does not fit what comes before");
      }
      for (const std::uint32_t entry : record.damaged) {
        const Index index = record.head.first + entry;
        if (index > log_.state.base().position.index) log_.state.add_untrusted(index);
      }
    }
    // A torn write's remains are never written over: what comes next goes to the next segment.
    segment.remains = found.scan->remains;
    const bool will_be_sealed = found.header->sequence == tail_;
    if (will_be_sealed && segment.records_end + encode(log_.state.footer_of(segment)).size() > segment.header.size) {
      return corrupt(found.name(), segment.records_end, "its records leave no room for its footer");
    }
    return {};
  }

  [[nodiscard]] std::uint64_t last_chain() const {
    return log_.segments.size() < 2 ? 0 : log_.segments[log_.segments.size() - 2].chain_after;
  }

  Result<void> load_configurations() {
    for (KnownConfiguration& each : log_.state.configurations()) {
      const Segment& segment = log_.segments[static_cast<std::size_t>(each.segment - first_)];
      auto bytes = disk_.read_now(*segment.file, each.offset, each.size);
      if (!bytes) return std::unexpected(std::move(bytes.error()));
      const BlockPtr block(Block::make(bytes->size()));
      std::ranges::copy(*bytes, block->data());
      auto entry = wire::decode_frame(*block, 0, block->size());
      LogBase decoded;
      if (!entry || entry->index != each.index || entry->term != log_.state.term_at(each.index) ||
          !is_configuration(entry->kind) || !take_configuration(decoded, *entry)) {
        return corrupt(segment.file->name(), each.offset,
                       fmt::format("configuration entry {} is damaged", each.index.value()));
      }
      each.entry = std::move(*entry);
    }
    return {};
  }

  // Both places have the vote again, and the vote file vouches for all that was found.
  Result<void> settle_vote() {
    if (is_newer(log_.vote.hard_state, log_.state.hard_state())) log_.state.set_hard_state(log_.vote.hard_state);
    if (const HardState &a = log_.vote.hard_state, &b = log_.state.hard_state();
        a.term == b.term && a.vote != b.vote && a.vote != nobody && b.vote != nobody) {
      return corrupt(vote_file_name, 0,
                     fmt::format("it has a vote for node {} in term {}, the log one for node {}", a.vote.value(),
                                 a.term.value(), b.vote.value()));
    }
    const VoteSlot settled{identity_, log_.vote.counter, log_.state.hard_state(), tail_, end()};
    if (log_.vote_file != nullptr && settled == log_.vote) return {};
    log_.vote = settled;
    ++log_.vote.counter;
    return log_.vote_file != nullptr ? write_older_slot() : make_vote_file();
  }

  // In place: a node whose disk is full can be restarted. Should it be torn, the newer slot is whole.
  Result<void> write_older_slot() {
    log_.vote_slot = 1 - log_.vote_slot;
    return disk_.write_now(*log_.vote_file, log_.vote_slot * vote_slot_distance, encode(log_.vote));
  }

  Result<void> make_vote_file() {
    std::vector<std::byte> contents = encode(log_.vote);
    contents.resize(vote_file_size);
    log_.vote_slot = 0;
    if (auto written = disk_.replace_now(vote_file_name, contents); !written) return written;
    auto file = disk_.open(vote_file_name);
    if (!file) return std::unexpected(std::move(file.error()));
    log_.vote_file = std::move(*file);
    return {};
  }

  void report() {
    Recovered& report = log_.report;
    const LogState& state = log_.state;
    report.hard_state = state.hard_state();
    report.base = state.base();
    report.terms = state.terms();
    report.last = state.last();
    report.acknowledged = {state.term_at(state.last()), state.last()};
    for (const KnownConfiguration& each : state.configurations()) {
      report.configurations.push_back(each.entry);
    }
    for (const Index index : state.untrusted()) {
      if (!report.untrusted.empty() && report.untrusted.back().last.next() == index) {
        report.untrusted.back().last = index;
      } else {
        report.untrusted.push_back({index, index});
      }
    }
  }

  Disk& disk_;
  const LogIdentity& identity_;
  RecoveredLog log_;
  std::map<std::uint64_t, Found> found_;
  std::uint64_t tail_ = 0;   // the last live segment; 0 if there is none
  std::uint64_t first_ = 0;  // the first
  bool is_whole_ = true;     // the log was never cut at its front
};

}  // namespace

Result<RecoveredLog> recover_log(Disk& disk, const LogIdentity& identity) { return Recovery(disk, identity).run(); }

}  // namespace keel
