#pragma once

#include "wal_fuzz.hpp"

// What the fuzz target of the log's formats does with an input: the first byte says whether the rest stands where a
// header, a record's head, a footer or a vote does. Checksums are made right first. It is refused, or what it says is
// written and read again as the same.
namespace keel::fuzz {

using Bytes = std::vector<std::byte>;

inline std::uint64_t number_at(const Bytes& bytes, std::size_t at) {
  return wire::load<std::uint64_t>(bytes.data() + at);
}

inline bool take_header(Bytes bytes) {
  bytes.resize(segment_prefix);
  fix_checksum(std::span(bytes).first(72), number_at(bytes, 0));
  fix_checksum(std::span(bytes).subspan(sector_bytes, 72), number_at(bytes, sector_bytes));
  const auto header = decode_segment_header(bytes);
  if (!header) return false;
  const auto again = decode_segment_header(encode(*header));
  KEEL_ASSERT(again && *again == *header, "a header is read as it was written");
  return true;
}

inline bool take_record(Bytes bytes) {
  if (bytes.size() < record_fixed) return false;
  const std::uint64_t salt = number_at(bytes, 0);
  const auto extent = record_extent(bytes, salt);
  if (!extent || extent->head_size > bytes.size()) return false;
  bytes.resize(extent->head_size);
  fix_checksum(bytes, salt);
  auto head = decode_record_head(bytes, salt);
  if (!head) return false;
  KEEL_ASSERT(head->size() == extent->size(), "a record is as long as it begins by saying");
  Bytes written;
  measure(*head);
  encode(*head, written);
  auto again = decode_record_head(written, salt);
  KEEL_ASSERT(again, "what was written is a record's head");
  Bytes once_more;
  measure(*again);
  encode(*again, once_more);
  KEEL_ASSERT(once_more == written, "a record's head is read as it was written");
  return true;
}

inline bool take_footer(Bytes bytes) {
  const auto size = footer_size(bytes);
  if (!size || *size > bytes.size() || *size < footer_trailer) return false;
  fix_checksum(std::span(bytes).last(*size), footer_magic);
  const auto footer = decode_footer(bytes);
  if (!footer) return false;
  const Bytes written = encode(*footer);
  const auto again = decode_footer(written);
  KEEL_ASSERT(again && encode(*again) == written, "a footer is read as it was written");
  return true;
}

inline bool take_vote(Bytes bytes) {
  bytes.resize(sector_bytes);
  fix_checksum(bytes, number_at(bytes, 0));
  const auto vote = decode_vote_slot(bytes);
  if (!vote) return false;
  const auto again = decode_vote_slot(encode(*vote));
  KEEL_ASSERT(again && *again == *vote, "a vote is read as it was written");
  return true;
}

// Whether it says something.
inline bool take_format(Input input) {
  if (input.empty()) return false;
  const auto rest = std::as_bytes(input.subspan(1));
  Bytes bytes(rest.begin(), rest.end());
  switch (input[0] % 4) {
    case 0: return take_header(std::move(bytes));
    case 1: return take_record(std::move(bytes));
    case 2: return take_footer(std::move(bytes));
    default: return take_vote(std::move(bytes));
  }
}

}  // namespace keel::fuzz
