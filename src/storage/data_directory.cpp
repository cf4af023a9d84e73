#include "keel/storage/data_directory.hpp"

#include <optional>

#include <fmt/core.h>

#include "keel/base/assert.hpp"
#include "keel/raft/configuration.hpp"
#include "storage/fields.hpp"

namespace keel {
namespace {

constexpr std::string_view identity_name = "identity";
constexpr std::string_view peers_name = "peers";
constexpr std::uint64_t identity_magic = 0x31444944'4c45454bULL;  // "KEELDID1"
constexpr std::uint64_t peers_magic = 0x31524550'4c45454bULL;     // "KEELPER1"
constexpr std::uint32_t directory_format = 1;
constexpr std::size_t max_file = 64u << 10;

// The file whole, or nothing if there is none. Errors: `io`, `corrupt`, `wrong_version`.
Result<std::optional<std::vector<std::byte>>> read_small(Disk& disk, std::string_view name, std::uint64_t magic) {
  auto file = disk.open(name);
  if (!file && file.error().code == ErrorCode::not_found) return std::nullopt;
  if (!file) return std::unexpected(std::move(file.error()));
  auto bytes = disk.read_now(**file, 0, max_file);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  if (!checks_out(*bytes, magic) || bytes->size() < 20 || wire::load<std::uint64_t>(bytes->data()) != magic) {
    return fail(ErrorCode::corrupt,
                fmt::format("the file {} in the data directory is damaged (checksum mismatch): treat this "
                            "node's data as lost (docs/operating.md)",
                            name));
  }
  if (const auto format = wire::load<std::uint32_t>(bytes->data() + 8); format != directory_format) {
    return fail(ErrorCode::wrong_version,
                fmt::format("the data directory has format {}, this build reads format {}: use a build that reads it",
                            format, directory_format));
  }
  return std::move(*bytes);
}

std::vector<std::byte> encode(const DirectoryIdentity& identity) {
  KEEL_ASSERT(identity.cluster_name.size() <= max_name_bytes, "a genesis with a longer name is refused");
  std::vector<std::byte> bytes;
  FieldWriter out(bytes);
  out.put(identity_magic);
  out.put(directory_format);
  out.put(static_cast<std::uint32_t>(identity.cluster_name.size()));
  out.put(identity.cluster);
  out.put(identity.group);
  out.put(identity.node);
  out.put(identity.incarnation);
  out.bytes(std::as_bytes(std::span(identity.cluster_name)));
  out.checksum(identity_magic);
  return bytes;
}

std::optional<DirectoryIdentity> decode_identity(ByteView bytes) {
  FieldReader in(bytes.first(bytes.size() - 8));
  in.bytes(12);
  const auto name_size = in.take<std::uint32_t>();
  DirectoryIdentity identity;
  identity.cluster = in.id<ClusterId>();
  identity.group = in.id<GroupId>();
  identity.node = in.id<NodeId>();
  identity.incarnation = in.id<Incarnation>();
  const ByteView name = in.bytes(name_size);
  if (!in.ok() || in.left() != 0) return std::nullopt;
  identity.cluster_name.assign(reinterpret_cast<const char*>(name.data()), name.size());
  return identity;
}

Result<void> check(const DirectoryIdentity& found, const DirectoryIdentity& expected) {
  if (found.cluster != expected.cluster) {
    const bool same_name = found.cluster_name == expected.cluster_name;
    return fail(ErrorCode::wrong_cluster,
                fmt::format("the data directory belongs to cluster \"{}\" ({:016x}), not to \"{}\" ({:016x}){}: use "
                            "another directory, or start the node for the cluster it belongs to",
                            found.cluster_name, found.cluster.value(), expected.cluster_name, expected.cluster.value(),
                            same_name ? ", which has the same name and other first voters" : ""));
  }
  if (found.node != expected.node) {
    return fail(ErrorCode::wrong_node,
                fmt::format("the data directory belongs to node {}, not to node {}: use another directory, or start it "
                            "with the id it belongs to",
                            found.node.value(), expected.node.value()));
  }
  if (found.group != expected.group) {
    return fail(ErrorCode::wrong_node, fmt::format("the data directory belongs to group {}, not to group {}",
                                                   found.group.value(), expected.group.value()));
  }
  return {};
}

}  // namespace

Result<DirectoryIdentity> open_data_directory(Disk& disk, const DirectoryIdentity& expected) {
  if (auto locked = disk.lock(); !locked) return std::unexpected(std::move(locked.error()));
  auto bytes = read_small(disk, identity_name, identity_magic);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  if (*bytes) {
    const auto found = decode_identity(**bytes);
    if (!found) return fail(ErrorCode::corrupt, "the file identity in the data directory contradicts itself");
    if (auto good = check(*found, expected); !good) return std::unexpected(std::move(good.error()));
    return *found;
  }
  auto names = disk.list();
  if (!names) return std::unexpected(std::move(names.error()));
  if (!names->empty()) {
    return fail(ErrorCode::corrupt,
                fmt::format("the data directory has files ({}, ...) but no file identity: it is not a data directory, "
                            "or that file was lost; use an empty directory",
                            names->front()));
  }
  if (auto made = disk.replace_now(identity_name, encode(expected)); !made) {
    return std::unexpected(std::move(made.error()));
  }
  return expected;
}

Result<PeerBook> PeerBook::open(Disk& disk) {
  PeerBook book(disk);
  auto bytes = read_small(disk, peers_name, peers_magic);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  if (!*bytes) return book;
  FieldReader in(ByteView(**bytes).first((*bytes)->size() - 8));
  in.bytes(12);
  const auto count = in.take<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    const auto peer = in.id<NodeId>();
    book.peers_[peer] = in.id<Incarnation>();
  }
  if (!in.ok() || in.left() != 0 || book.peers_.size() != count || count > max_peers) {
    return fail(ErrorCode::corrupt, "the file peers in the data directory contradicts itself");
  }
  return book;
}

Result<void> PeerBook::admit(NodeId peer, Incarnation incarnation) {
  const auto known = peers_.find(peer);
  if (known != peers_.end() && known->second == incarnation) return {};
  if (known != peers_.end()) {
    return fail(ErrorCode::wrong_incarnation,
                fmt::format("node {} comes with another data directory (incarnation {:016x}, known is {:016x}): it has "
                            "lost its disk and with it what it voted and acknowledged; give it its old directory back, "
                            "or see 'A node that lost its directory' in docs/operating.md",
                            peer.value(), incarnation.value(), known->second.value()));
  }
  if (peers_.size() == max_peers) {
    return fail(ErrorCode::overloaded, fmt::format("this node remembers {} peers, no more fit", max_peers));
  }
  auto more = peers_;
  more.emplace(peer, incarnation);
  return keep(std::move(more));
}

Result<void> PeerBook::forget(NodeId peer) {
  auto fewer = peers_;
  if (fewer.erase(peer) == 0) return fail(ErrorCode::not_found, fmt::format("node {} is not known", peer.value()));
  return keep(std::move(fewer));
}

// On disk first: who was admitted once must be known after a crash.
Result<void> PeerBook::keep(std::map<NodeId, Incarnation> peers) {
  std::vector<std::byte> bytes;
  FieldWriter out(bytes);
  out.put(peers_magic);
  out.put(directory_format);
  out.put(static_cast<std::uint32_t>(peers.size()));
  for (const auto& [peer, incarnation] : peers) {
    out.put(peer);
    out.put(incarnation);
  }
  out.checksum(peers_magic);
  if (auto written = disk_->replace_now(peers_name, bytes); !written) return written;
  peers_ = std::move(peers);
  return {};
}

}  // namespace keel
