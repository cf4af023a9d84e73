// Whatever bytes stand in a log entry: they are refused, or they are a command that every replica applies alike.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "keelkv/command_bytes.hpp"
#include "keelkv/kv_machine.hpp"

namespace {

keel::Result<keel::Replies> apply(keel::KvMachine& machine, keel::ByteView bytes) {
  keel::Command command{.index = keel::Index(1),
                        .term = keel::Term(1),
                        .kind = keel::EntryKind::command,
                        .bytes = bytes,
                        .envelope = {},
                        .context = nullptr};
  keel::Result<keel::Replies> replies;
  machine.apply({&command, 1}, keel::Index(1),
                [&](keel::Result<keel::Replies> result) { replies = std::move(result); });
  return replies;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  std::vector<std::string_view> args;
  const bool decoded = keel::decode_command(bytes, args).has_value();
  if (decoded) {
    std::string again;
    keel::encode_command(args, again);
    if (!std::ranges::equal(std::as_bytes(std::span(again)), bytes)) std::abort();  // one spelling each
  }
  keel::KvMachine one;
  keel::KvMachine other;
  const auto replies = apply(one, bytes);
  if (replies != apply(other, bytes)) std::abort();
  if (replies && (!decoded || replies->size() != 1 || replies->front().size() < 3)) std::abort();
  if (one.store().hash() != other.store().hash()) std::abort();
  return 0;
}
