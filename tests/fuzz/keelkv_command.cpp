// Whatever bytes stand in a log entry: they are refused, or they are something that every replica applies alike, whether
// somebody waits for the reply there or not.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "keelkv/commands/kv_machine.hpp"
#include "keelkv/resp/command_bytes.hpp"

namespace {

keel::Result<keel::Replies> apply(keel::KvMachine& machine, keel::ByteView bytes, keel::Context context) {
  keel::Command command{.index = keel::Index(1),
                        .term = keel::Term(1),
                        .kind = keel::EntryKind::command,
                        .bytes = bytes,
                        .envelope = {},
                        .context = std::move(context)};
  keel::Result<keel::Replies> replies;
  machine.apply({&command, 1}, keel::Index(1),
                [&](keel::Result<keel::Replies> result) { replies = std::move(result); });
  return replies;
}

std::string encoded_again(const keel::DecodedEntry& entry) {
  std::string bytes;
  std::string commands;
  for (std::size_t i = 0; i < entry.size(); ++i)
    keel::append_queued(entry.command(i), commands);
  switch (entry.kind()) {
    case keel::DecodedEntry::Kind::command: keel::encode_command(entry.command(0), bytes); break;
    case keel::DecodedEntry::Kind::transaction:
      keel::encode_transaction(entry.watched(), entry.size(), commands, bytes);
      break;
    case keel::DecodedEntry::Kind::time: keel::encode_time(bytes); break;
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  keel::DecodedEntry entry;
  const bool decoded = entry.decode(bytes).has_value();
  if (decoded) {
    const std::string again = encoded_again(entry);
    if (!std::ranges::equal(std::as_bytes(std::span(again)), bytes)) std::abort();  // one spelling each
  }
  const auto all = std::make_shared<keel::ReplyRoom>(keel::ReplyRoom{1u << 16, 0});
  const auto target = std::make_shared<keel::ReplyTarget>(keel::RespVersion::resp3, 1u << 16, all);
  keel::KvMachine waited_for;
  keel::KvMachine alone;
  const auto replies = apply(waited_for, bytes, target);
  const auto nothing = apply(alone, bytes, nullptr);
  if (replies.has_value() != nothing.has_value()) std::abort();
  if (replies && (!decoded || replies->size() != 1 || nothing->size() != 1 || !nothing->front().empty())) std::abort();
  if (replies && !replies->front().empty() && replies->front().size() < 3) std::abort();
  if (waited_for.store().hash() != alone.store().hash()) std::abort();
  if (waited_for.store().bytes() != alone.store().bytes()) std::abort();
  return 0;
}
