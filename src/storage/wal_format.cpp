#include "storage/wal_format.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/core.h>

#include "keel/base/assert.hpp"
#include "keel/wire/frame.hpp"
#include "storage/fields.hpp"

namespace keel {
namespace {

constexpr std::uint64_t segment_magic = 0x31474553'4c45454bULL;  // "KEELSEG1"
constexpr std::uint64_t footer_magic = 0x31544f46'4c45454bULL;   // "KEELFOT1"
constexpr std::uint64_t vote_magic = 0x31544f56'4c45454bULL;     // "KEELVOT1"

constexpr std::uint32_t flag_hard_state = 1;
constexpr std::uint32_t flag_base = 2;
constexpr std::uint32_t flag_resets = 4;
constexpr std::uint32_t flag_truncates = 8;
constexpr std::uint32_t all_flags = 15;

constexpr std::uint32_t frame_is_configuration = 1u << 31;
constexpr std::size_t min_frame = wire::frame_header_min + wire::frame_checksum_size;
constexpr std::uint64_t max_record = std::numeric_limits<std::uint32_t>::max() / 2;

constexpr std::string_view name_prefix = "log-";
constexpr std::size_t header_size = 72;
constexpr std::size_t footer_fixed = 112;

template <class Parts>
std::uint32_t flags_of(const Parts& parts, bool hard_state) {
  return (hard_state ? flag_hard_state : 0) | (parts.base ? flag_base : 0) | (parts.resets ? flag_resets : 0) |
         (parts.truncate_from ? flag_truncates : 0);
}

void put(FieldWriter& out, const LogIdentity& identity) {
  out.put(identity.cluster);
  out.put(identity.group);
  out.put(identity.node);
}

LogIdentity take_identity(FieldReader& in) {
  const auto cluster = in.id<ClusterId>();
  const auto group = in.id<GroupId>();
  return {cluster, group, in.id<NodeId>()};
}

void put(FieldWriter& out, const HardState& state) {
  out.put(state.term);
  out.put(state.vote);
}

HardState take_hard_state(FieldReader& in) {
  const auto term = in.id<Term>();
  return {term, in.id<NodeId>()};
}

void put(FieldWriter& out, const std::vector<TermRun>& runs) {
  for (const TermRun& run : runs) {
    out.put(run.first);
    out.put(run.term);
  }
}

// Runs must begin with `first`, ascend, and end before `end`.
bool take_terms(FieldReader& in, std::uint32_t count, Index first, Index end, std::vector<TermRun>& runs) {
  if (in.left() / 16 < count) return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto begin = in.id<Index>();
    runs.push_back({begin, in.id<Term>()});
    if (i == 0 ? begin != first : begin <= runs[i - 1].first) return false;
  }
  return runs.empty() ? first == end : runs.back().first < end;
}

Payload payload_of(const LogBase& base) {
  return base.configuration == nullptr ? Payload{} : encode(*base.configuration);
}
Payload genesis_of(const LogBase& base) { return base.genesis == nullptr ? Payload{} : encode(*base.genesis); }

void put(FieldWriter& out, const StoredBase& stored) {
  const Payload genesis = genesis_of(stored.base);
  const Payload configuration = payload_of(stored.base);
  out.put(stored.base.position);
  out.put(stored.first_segment);
  out.put(static_cast<std::uint32_t>(genesis.size()));
  out.put(static_cast<std::uint32_t>(configuration.size()));
  out.bytes(genesis.bytes());
  out.bytes(configuration.bytes());
  for (std::size_t at = genesis.size() + configuration.size(); at % 8 != 0; ++at) {
    out.put(std::uint8_t{0});
  }
}

std::optional<StoredBase> take_base(FieldReader& in) {
  StoredBase stored;
  stored.base.position = in.position();
  stored.first_segment = in.take<std::uint64_t>();
  const auto genesis_size = in.take<std::uint32_t>();
  const auto configuration_size = in.take<std::uint32_t>();
  const ByteView genesis = in.bytes(genesis_size);
  const ByteView configuration = in.bytes(configuration_size);
  in.bytes((8 - (std::uint64_t{genesis_size} + configuration_size) % 8) % 8);
  if (!in.ok()) return std::nullopt;
  if (!genesis.empty()) {
    auto decoded = decode_genesis(genesis);
    if (!decoded) return std::nullopt;
    stored.base.genesis = std::make_shared<const Genesis>(std::move(*decoded));
  }
  if (!configuration.empty()) {
    auto decoded = decode_configuration(configuration);
    if (!decoded) return std::nullopt;
    stored.base.configuration = std::make_shared<const Configuration>(std::move(*decoded));
  }
  return stored;
}

}  // namespace

std::string segment_name(std::uint64_t sequence) { return fmt::format("{}{:08}", name_prefix, sequence); }

std::optional<std::uint64_t> segment_sequence(std::string_view name) {
  if (!name.starts_with(name_prefix)) return std::nullopt;
  std::uint64_t sequence = 0;
  const std::string_view digits = name.substr(name_prefix.size());
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), sequence);
  if (error != std::errc{} || end != digits.data() + digits.size() || segment_name(sequence) != name) {
    return std::nullopt;
  }
  return sequence;
}

std::vector<std::byte> encode(const SegmentHeader& header) {
  std::vector<std::byte> bytes;
  FieldWriter out(bytes);
  for (int copy = 0; copy < 2; ++copy) {
    const std::size_t from = bytes.size();
    out.put(segment_magic);
    out.put(wal_format);
    out.put(std::uint32_t{0});
    put(out, header.identity);
    out.put(header.sequence);
    out.put(header.salt);
    out.put(header.size);
    out.checksum(segment_magic, from);
    out.pad_to(sector_bytes);
  }
  return bytes;
}

Result<SegmentHeader> decode_segment_header(ByteView bytes) {
  for (std::size_t at = 0; at + sector_bytes <= std::min<std::size_t>(bytes.size(), segment_prefix);
       at += sector_bytes) {
    if (!checks_out(bytes.subspan(at, header_size), segment_magic)) continue;
    FieldReader in(bytes.subspan(at, header_size));
    if (in.take<std::uint64_t>() != segment_magic) continue;
    if (const auto format = in.take<std::uint32_t>(); format != wal_format) {
      return fail(ErrorCode::wrong_version, fmt::format("format {}, this build reads format {}", format, wal_format));
    }
    (void)in.take<std::uint32_t>();
    SegmentHeader header;
    header.identity = take_identity(in);
    header.sequence = in.take<std::uint64_t>();
    header.salt = in.take<std::uint64_t>();
    header.size = in.take<std::uint64_t>();
    return header;
  }
  return fail(ErrorCode::corrupt, "both copies of the header are damaged");
}

Term RecordHead::term_of(std::size_t entry) const {
  const auto after = std::ranges::upper_bound(terms, first + entry, {}, &TermRun::first);
  return std::prev(after)->term;
}

void RecordHead::clear() {
  RecordHead empty;
  std::swap(empty.terms, terms);
  std::swap(empty.frames, frames);
  empty.terms.clear();
  empty.frames.clear();
  *this = std::move(empty);
}

std::size_t encoded_size(const StoredBase& base) {
  return 32 + aligned(genesis_of(base.base).size() + payload_of(base.base).size());
}

void measure(RecordHead& head) {
  std::uint64_t size = record_fixed + (head.hard_state ? 16 : 0) + (head.truncate_from ? 8 : 0);
  if (head.base) size += encoded_size(*head.base);
  size += 16 * head.terms.size() + aligned(4 * head.frames.size()) + 8;
  std::uint64_t frames = 0;
  for (const RecordHead::Frame& frame : head.frames) {
    frames += frame.size;
  }
  KEEL_ASSERT(size + frames < max_record, "a batch is far smaller than 2 GiB");
  head.head_size = static_cast<std::uint32_t>(size);
  head.frames_size = static_cast<std::uint32_t>(frames);
}

void encode(RecordHead& head, std::vector<std::byte>& bytes) {
  const std::size_t from = bytes.size();
  FieldWriter out(bytes);
  out.put(head.salt);
  out.put(head.chain);
  out.put(head.head_size);
  out.put(head.frames_size);
  out.put(head.first);
  out.put(static_cast<std::uint32_t>(head.frames.size()));
  out.put(head.synced);
  out.put(flags_of(head, head.hard_state.has_value()));
  out.put(static_cast<std::uint32_t>(head.terms.size()));
  if (head.hard_state) put(out, *head.hard_state);
  if (head.base) put(out, *head.base);
  if (head.truncate_from) out.put(*head.truncate_from);
  put(out, head.terms);
  for (const RecordHead::Frame& frame : head.frames) {
    out.put(frame.size | (frame.configuration ? frame_is_configuration : 0));
  }
  out.pad_to(8, from);
  head.checksum = wire::checksum_of(ByteView(bytes).subspan(from), head.salt);
  out.put(head.checksum);
  KEEL_ASSERT(bytes.size() - from == head.head_size, "a head is as long as it was measured");
}

std::optional<RecordExtent> record_extent(ByteView bytes, std::uint64_t salt) {
  FieldReader in(bytes);
  const auto found = in.take<std::uint64_t>();
  (void)in.take<std::uint64_t>();
  const auto head_size = in.take<std::uint32_t>();
  const auto frames_size = in.take<std::uint32_t>();
  const auto first = in.id<Index>();
  const auto entries = in.take<std::uint32_t>();
  if (!in.ok() || found != salt || head_size < record_fixed + 8 || head_size % 8 != 0) return std::nullopt;
  if (std::uint64_t{head_size} + frames_size >= max_record) return std::nullopt;
  if (std::uint64_t{entries} * 4 > head_size || std::uint64_t{entries} * min_frame > frames_size) return std::nullopt;
  return RecordExtent{head_size, frames_size, first, entries};
}

std::optional<RecordHead> decode_record_head(ByteView bytes, std::uint64_t salt) {
  const auto extent = record_extent(bytes, salt);
  if (!extent || extent->head_size != bytes.size() || !checks_out(bytes, salt)) return std::nullopt;
  FieldReader in(bytes);
  RecordHead head;
  head.salt = in.take<std::uint64_t>();
  head.chain = in.take<std::uint64_t>();
  head.head_size = in.take<std::uint32_t>();
  head.frames_size = in.take<std::uint32_t>();
  head.first = in.id<Index>();
  const auto entries = in.take<std::uint32_t>();
  head.synced = in.take<std::uint32_t>();
  const auto flags = in.take<std::uint32_t>();
  const auto runs = in.take<std::uint32_t>();
  if ((flags & ~all_flags) != 0 || head.first == Index(0)) return std::nullopt;
  head.resets = (flags & flag_resets) != 0;
  if ((flags & flag_hard_state) != 0) head.hard_state = take_hard_state(in);
  if ((flags & flag_base) != 0) {
    head.base = take_base(in);
    if (!head.base) return std::nullopt;
  }
  if ((flags & flag_truncates) != 0) head.truncate_from = in.id<Index>();
  if (!take_terms(in, runs, head.first, head.first + entries, head.terms)) return std::nullopt;
  std::uint64_t sum = 0;
  head.frames.reserve(entries);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const auto field = in.take<std::uint32_t>();
    head.frames.push_back({field & ~frame_is_configuration, (field & frame_is_configuration) != 0});
    sum += head.frames.back().size;
    if (head.frames.back().size < min_frame) return std::nullopt;
  }
  if (!in.ok() || sum != head.frames_size || (head.resets && !head.base)) return std::nullopt;
  head.checksum = wire::load<std::uint64_t>(bytes.data() + bytes.size() - 8);
  return head;
}

std::size_t footer_bound(std::size_t terms, std::size_t configurations, std::size_t points, std::size_t base_size) {
  constexpr std::size_t truncation = 8;
  return footer_fixed + truncation + 16 * (terms + configurations + points) + base_size + footer_trailer;
}

std::vector<std::byte> encode(const SegmentFooter& footer) {
  std::vector<std::byte> bytes;
  FieldWriter out(bytes);
  put(out, footer.header.identity);
  out.put(footer.header.sequence);
  out.put(footer.header.size);
  out.put(footer.chain_before);
  out.put(footer.chain_after);
  out.put(footer.records_end);
  out.put(flags_of(footer, true));
  put(out, footer.hard_state);
  out.put(footer.first);
  out.put(footer.last);
  out.put(static_cast<std::uint32_t>(footer.terms.size()));
  out.put(static_cast<std::uint32_t>(footer.configurations.size()));
  out.put(static_cast<std::uint32_t>(footer.points.size()));
  out.put(wal_format);
  if (footer.base) put(out, *footer.base);
  if (footer.truncate_from) out.put(*footer.truncate_from);
  put(out, footer.terms);
  for (const FooterConfiguration& each : footer.configurations) {
    out.put(each.index);
    out.put(each.offset);
    out.put(each.size);
  }
  for (const FooterPoint& each : footer.points) {
    out.put(each.index);
    out.put(each.offset);
    out.put(each.frames_end);
  }
  out.put(footer.header.salt);
  out.put(static_cast<std::uint64_t>(bytes.size() + 16));
  out.checksum(footer_magic);
  return bytes;
}

std::optional<std::size_t> footer_size(ByteView bytes) {
  if (bytes.size() < footer_trailer) return std::nullopt;
  const auto size = wire::load<std::uint64_t>(bytes.data() + bytes.size() - 16);
  if (size < footer_fixed + footer_trailer || size > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::size_t>(size);
}

std::optional<SegmentFooter> decode_footer(ByteView bytes) {
  if (!checks_out(bytes, footer_magic)) return std::nullopt;
  FieldReader in(bytes.first(bytes.size() - footer_trailer));
  SegmentFooter footer;
  footer.header.identity = take_identity(in);
  footer.header.sequence = in.take<std::uint64_t>();
  footer.header.size = in.take<std::uint64_t>();
  footer.header.salt = wire::load<std::uint64_t>(bytes.data() + bytes.size() - footer_trailer);
  footer.chain_before = in.take<std::uint64_t>();
  footer.chain_after = in.take<std::uint64_t>();
  footer.records_end = in.take<std::uint32_t>();
  const auto flags = in.take<std::uint32_t>();
  footer.hard_state = take_hard_state(in);
  footer.first = in.id<Index>();
  footer.last = in.id<Index>();
  const auto runs = in.take<std::uint32_t>();
  const auto configurations = in.take<std::uint32_t>();
  const auto points = in.take<std::uint32_t>();
  if (in.take<std::uint32_t>() != wal_format || (flags & ~all_flags) != 0) return std::nullopt;
  footer.resets = (flags & flag_resets) != 0;
  if ((flags & flag_base) != 0) {
    footer.base = take_base(in);
    if (!footer.base) return std::nullopt;
  }
  if ((flags & flag_truncates) != 0) footer.truncate_from = in.id<Index>();
  if (footer.first > footer.last.next() || footer.first == Index(0)) return std::nullopt;
  if (!take_terms(in, runs, footer.first, footer.last.next(), footer.terms)) return std::nullopt;
  if (in.left() != 16 * (std::uint64_t{configurations} + points)) return std::nullopt;
  for (std::uint32_t i = 0; i < configurations; ++i) {
    const auto index = in.id<Index>();
    const auto offset = in.take<std::uint32_t>();
    footer.configurations.push_back({index, offset, in.take<std::uint32_t>()});
  }
  for (std::uint32_t i = 0; i < points; ++i) {
    const auto index = in.id<Index>();
    const auto offset = in.take<std::uint32_t>();
    footer.points.push_back({index, offset, in.take<std::uint32_t>()});
  }
  if (!in.ok() || (footer.resets && !footer.base)) return std::nullopt;
  return footer;
}

std::vector<std::byte> encode(const VoteSlot& slot) {
  std::vector<std::byte> bytes;
  FieldWriter out(bytes);
  out.put(vote_magic);
  out.put(wal_format);
  out.put(std::uint32_t{0});
  put(out, slot.identity);
  out.put(slot.counter);
  put(out, slot.hard_state);
  out.put(slot.segment);
  out.put(slot.offset);
  out.pad_to(sector_bytes - 8);
  out.checksum(vote_magic);
  return bytes;
}

Result<VoteSlot> decode_vote_slot(ByteView bytes) {
  if (bytes.size() < sector_bytes || !checks_out(bytes.first(sector_bytes), vote_magic)) {
    return fail(ErrorCode::corrupt, "checksum mismatch");
  }
  FieldReader in(bytes);
  if (in.take<std::uint64_t>() != vote_magic) return fail(ErrorCode::corrupt, "not a vote");
  if (const auto format = in.take<std::uint32_t>(); format != wal_format) {
    return fail(ErrorCode::wrong_version, fmt::format("format {}, this build reads format {}", format, wal_format));
  }
  (void)in.take<std::uint32_t>();
  VoteSlot slot;
  slot.identity = take_identity(in);
  slot.counter = in.take<std::uint64_t>();
  slot.hard_state = take_hard_state(in);
  slot.segment = in.take<std::uint64_t>();
  slot.offset = in.take<std::uint64_t>();
  return slot;
}

bool is_newer(const HardState& a, const HardState& b) {
  return a.term > b.term || (a.term == b.term && b.vote == nobody && a.vote != nobody);
}

}  // namespace keel
