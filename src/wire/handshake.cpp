#include "keel/wire/handshake.hpp"

#include <fmt/core.h>

#include "keel/base/assert.hpp"
#include "wire/checksum.hpp"
#include "wire/fields.hpp"

// u32 magic   u8 what (1 hello, 2 welcome)   u8 version   u16 size of the whole   fields   u64 XXH3-64 of all before it
//
// A text is a u16 length and its bytes. Magic, size and checksum stay where they are in every version, so that a damaged
// version is told from another one.

namespace keel::wire {
namespace {

constexpr std::uint32_t magic = 0x4c45454b;  // the bytes "KEEL"
constexpr std::uint8_t version = 1;
constexpr std::size_t at_size = 6;
static_assert(max_hello_texts + 512 < max_hello_bytes, "with all the rest well below it");

enum class What : std::uint8_t { hello = 1, welcome = 2 };

What what_of(const Hello&) { return What::hello; }
What what_of(const Welcome&) { return What::welcome; }

void fields(auto& io, Of<Hello> auto& hello) {
  io(hello.cluster, hello.cluster_name, hello.node, hello.expects, hello.incarnation, hello.min_format,
     hello.max_format, hello.member_data);
}
void fields(auto& io, Of<Welcome> auto& welcome) { io(welcome.refusal, welcome.reason); }

template <class Handshake>
std::vector<std::byte> encode_any(const Handshake& handshake) {
  std::vector<std::byte> bytes(max_hello_bytes);
  Writer writer(bytes.data());
  writer(magic, static_cast<std::uint8_t>(what_of(handshake)), version, std::uint16_t{0});
  fields(writer, handshake);
  const ByteView checked(bytes.data(), writer.at());
  store(bytes.data() + at_size, static_cast<std::uint16_t>(checked.size() + checksum_size));
  writer(checksum_of(checked));
  bytes.resize(checked.size() + checksum_size);
  return bytes;
}

std::size_t texts_of(const Hello& hello) { return hello.cluster_name.size() + hello.member_data.size(); }

std::unexpected<Error> corrupt(const char* what) {
  return fail(ErrorCode::corrupt, fmt::format("handshake: {}", what));
}

template <class Handshake>
Result<Handshake> decode_any(ByteView bytes) {
  if (bytes.size() < handshake_prefix_bytes) return corrupt("cut short");
  const auto size = handshake_size(bytes);
  if (!size) return std::unexpected(size.error());
  if (bytes.size() < *size) return corrupt("cut short");
  if (bytes.size() > *size) return corrupt("bytes behind its end");
  const ByteView checked = bytes.first(*size - checksum_size);
  if (checksum_of(checked) != load<std::uint64_t>(checked.data() + checked.size())) return corrupt("checksum mismatch");

  Handshake handshake;
  Reader reader(checked);
  std::uint32_t its_magic = 0;
  std::uint8_t what = 0;
  std::uint8_t its_version = 0;
  std::uint16_t its_size = 0;
  reader(its_magic, what, its_version, its_size);
  if (its_version != version) {
    return fail(ErrorCode::wrong_version,
                fmt::format("handshake of version {}, this build speaks version {}", its_version, version));
  }
  if (what != static_cast<std::uint8_t>(what_of(handshake))) return corrupt("another part of it was due");
  fields(reader, handshake);
  if (!reader.ok() || reader.left() != 0) return corrupt("a field out of range");
  return handshake;
}

}  // namespace

std::vector<std::byte> encode(const Hello& hello) {
  KEEL_ASSERT(texts_of(hello) <= max_hello_texts, "a transport checks them when it is made");
  return encode_any(hello);
}

std::vector<std::byte> encode(const Welcome& welcome) {
  if (welcome.reason.size() <= max_hello_texts) return encode_any(welcome);
  return encode_any(Welcome{welcome.refusal, welcome.reason.substr(0, max_hello_texts)});
}

Result<std::size_t> handshake_size(ByteView bytes) {
  KEEL_ASSERT(bytes.size() >= handshake_prefix_bytes, "a handshake's prefix is read when all of it is there");
  if (load<std::uint32_t>(bytes.data()) != magic) return corrupt("the other side does not speak Keel's protocol");
  const std::size_t size = load<std::uint16_t>(bytes.data() + at_size);
  if (size < handshake_prefix_bytes + checksum_size || size > max_hello_bytes) return corrupt("a size it cannot have");
  return size;
}

Result<Hello> decode_hello(ByteView bytes) {
  auto hello = decode_any<Hello>(bytes);
  if (hello && hello->min_format > hello->max_format) return corrupt("a least format above the greatest");
  if (hello && texts_of(*hello) > max_hello_texts) return corrupt("longer texts than it may have");
  return hello;
}

Result<Welcome> decode_welcome(ByteView bytes) {
  auto welcome = decode_any<Welcome>(bytes);
  if (welcome && welcome->reason.size() > max_hello_texts) return corrupt("a longer reason than it may have");
  return welcome;
}

}  // namespace keel::wire
