#include "keel/raft/configuration.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "keel/base/assert.hpp"

namespace keel {

namespace {

constexpr std::uint8_t codec_version = 1;

// Little-endian numbers and length-prefixed strings.
class Writer {
 public:
  template <class T>
  void number(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      bytes_.push_back(static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i)));
    }
  }
  void text(std::string_view text) {
    number(static_cast<std::uint8_t>(text.size()));
    const auto* data = reinterpret_cast<const std::byte*>(text.data());
    bytes_.insert(bytes_.end(), data, data + text.size());
  }
  [[nodiscard]] ByteView bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

// Reads what Writer wrote; past the end, or past any damage, everything is zero and `ok` is false.
class Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes) {}
  template <class T>
  T number() {
    std::uint64_t value = 0;
    const ByteView taken = take(sizeof(T));
    for (std::size_t i = 0; i < taken.size(); ++i)
      value |= std::to_integer<std::uint64_t>(taken[i]) << (8 * i);
    return static_cast<T>(value);
  }
  bool flag() {
    const auto value = number<std::uint8_t>();
    ok_ = ok_ && value <= 1;  // one meaning has one form
    return value == 1;
  }
  std::string text() {
    const ByteView taken = take(number<std::uint8_t>());
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }
  [[nodiscard]] bool finished() const { return ok_ && bytes_.empty(); }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  ByteView take(std::size_t n) {
    if (!ok_ || n > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const ByteView taken = bytes_.first(n);
    bytes_ = bytes_.subspan(n);
    return taken;
  }

  ByteView bytes_;
  bool ok_ = true;
};

void write(Writer& out, const Configuration& configuration) {
  out.number(configuration.format_level);
  out.number(static_cast<std::uint8_t>(configuration.joint));
  out.number(static_cast<std::uint8_t>(configuration.members.size()));
  for (const Member& member : configuration.members) {
    out.number(member.id.value());
    out.number(static_cast<std::uint8_t>(member.role));
    out.number(static_cast<std::uint8_t>(member.old_role));
    out.text(member.address);
    out.text(member.data);
  }
}

// Whatever the bytes are, a Configuration comes out; `validate` and the reader's state tell whether it is one.
Configuration read_configuration(Reader& in) {
  Configuration configuration;
  configuration.format_level = in.number<std::uint32_t>();
  configuration.joint = in.flag();
  const auto count = in.number<std::uint8_t>();
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    Member member;
    member.id = NodeId(in.number<std::uint64_t>());
    member.role = static_cast<MemberRole>(in.number<std::uint8_t>());
    member.old_role = static_cast<MemberRole>(in.number<std::uint8_t>());
    member.address = in.text();
    member.data = in.text();
    configuration.members.push_back(std::move(member));
  }
  return configuration;
}

Result<void> check_read(const Reader& in, std::string_view what) {
  if (in.finished()) return {};
  return fail(
      ErrorCode::corrupt,
      std::string(what) + " entry: it is cut short, has bytes behind its end, or a flag that is neither 0 nor 1");
}

Result<void> check_version(Reader& in, std::string_view what) {
  const auto version = in.number<std::uint8_t>();
  if (version == codec_version) return {};
  return fail(ErrorCode::wrong_version, std::string(what) + " entry: version " + std::to_string(version) +
                                            ", this build reads " + std::to_string(codec_version));
}

std::unexpected<Error> bad(const std::string& message) { return fail(ErrorCode::invalid, "configuration: " + message); }

Result<void> validate(const Member& member) {
  const std::string who = "member " + std::to_string(member.id.value());
  if (member.id == nobody) return bad("a member has id 0, which stands for nobody; ids start at 1");
  if (member.role > MemberRole::witness || member.old_role > MemberRole::witness)
    return bad(who + " has no known role");
  if (member.address.size() > max_name_bytes) return bad(who + " has an address of over 255 bytes");
  if (member.data.size() > max_name_bytes) return bad(who + " has over 255 bytes of data");
  return {};
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
  return hash ^ (hash >> 29);
}

}  // namespace

const Member* Configuration::find(NodeId id) const {
  const auto found = std::ranges::find(members, id, &Member::id);
  return found == members.end() ? nullptr : &*found;
}

// From the name and the first voters, so that nodes started with different lists refuse each other.
ClusterId Genesis::cluster_id() const {
  std::uint64_t hash = mix(0x6b65656cULL, cluster_name.size());
  for (const char c : cluster_name)
    hash = mix(hash, static_cast<std::uint8_t>(c));
  for (const Member& member : configuration.members) {
    const bool votes = member.role == MemberRole::voter || member.role == MemberRole::witness;
    if (votes) hash = mix(mix(hash, static_cast<std::uint64_t>(member.role)), member.id.value());
  }
  return ClusterId(hash == 0 ? 1 : hash);
}

Genesis make_genesis(std::string cluster_name, std::vector<Member> members, Duration max_promise) {
  std::ranges::sort(members, {}, &Member::id);
  const auto voters = std::ranges::count(members, MemberRole::voter, &Member::role);
  return {.cluster_name = std::move(cluster_name),
          .configuration = {.members = std::move(members)},
          .min_election_voters = static_cast<std::uint32_t>(voters / 2 + 1),
          .max_promise = max_promise};
}

Result<void> validate(const Configuration& configuration) {
  const auto& members = configuration.members;
  if (members.size() > max_members) return bad("more than 64 members");
  if (configuration.format_level == 0) return bad("format level 0");
  for (const Member& member : members) {
    if (auto good = validate(member); !good) return good;
  }
  const auto not_ascending = std::ranges::adjacent_find(members, std::ranges::greater_equal{}, &Member::id);
  if (not_ascending != members.end()) {
    return bad("member ids must ascend and differ; see " + std::to_string(not_ascending->id.value()));
  }
  if (std::ranges::count(members, MemberRole::voter, &Member::role) == 0) return bad("no voter");
  if (configuration.joint && std::ranges::count(members, MemberRole::voter, &Member::old_role) == 0) {
    return bad("joint, but no voter in the half being left");
  }
  return {};
}

Result<void> validate(const Genesis& genesis) {
  if (genesis.cluster_name.empty() || genesis.cluster_name.size() > max_name_bytes) {
    return bad("a cluster's name has 1 to 255 bytes");
  }
  if (genesis.configuration.joint) return bad("a first configuration cannot be joint");
  if (genesis.max_promise < Duration::zero()) return bad("max_promise is negative");
  if (auto good = validate(genesis.configuration); !good) return good;
  const auto voters =
      static_cast<std::uint32_t>(std::ranges::count(genesis.configuration.members, MemberRole::voter, &Member::role));
  if (genesis.min_election_voters == 0 || genesis.min_election_voters > voters) {
    return bad("min_election_voters is " + std::to_string(genesis.min_election_voters) + "; allowed is 1 to " +
               std::to_string(voters) + ", the number of voters");
  }
  return {};
}

Payload encode(const Configuration& configuration) {
  KEEL_ASSERT(validate(configuration), "only a valid configuration is encoded");
  Writer out;
  out.number(codec_version);
  write(out, configuration);
  return Payload::copy_of(out.bytes());
}

Payload encode(const Genesis& genesis) {
  KEEL_ASSERT(validate(genesis), "only a valid genesis is encoded");
  Writer out;
  out.number(codec_version);
  out.text(genesis.cluster_name);
  out.number(genesis.min_election_voters);
  out.number(static_cast<std::uint64_t>(genesis.max_promise.count()));
  write(out, genesis.configuration);
  return Payload::copy_of(out.bytes());
}

Result<Configuration> decode_configuration(ByteView bytes) {
  Reader in(bytes);
  if (auto good = check_version(in, "configuration"); !good) return std::unexpected(good.error());
  Configuration configuration = read_configuration(in);
  if (auto good = check_read(in, "configuration"); !good) return std::unexpected(good.error());
  if (auto good = validate(configuration); !good) return fail(ErrorCode::corrupt, good.error().message);
  return configuration;
}

Result<Genesis> decode_genesis(ByteView bytes) {
  Reader in(bytes);
  if (auto good = check_version(in, "genesis"); !good) return std::unexpected(good.error());
  Genesis genesis;
  genesis.cluster_name = in.text();
  genesis.min_election_voters = in.number<std::uint32_t>();
  genesis.max_promise = Duration(static_cast<Duration::rep>(in.number<std::uint64_t>()));
  genesis.configuration = read_configuration(in);
  if (auto good = check_read(in, "genesis"); !good) return std::unexpected(good.error());
  if (auto good = validate(genesis); !good) return fail(ErrorCode::corrupt, good.error().message);
  return genesis;
}

}  // namespace keel
