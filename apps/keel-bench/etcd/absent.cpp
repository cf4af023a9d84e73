// The build found no gRPC.
#ifndef KEEL_BENCH_ETCD
#include "keel-bench/etcd/client.hpp"

namespace bench {

namespace {

std::unexpected<keel::Error> absent() {
  return keel::fail(keel::ErrorCode::unsupported, "built without gRPC (Debian: libgrpc++-dev, protobuf-compiler-grpc)");
}

}  // namespace

bool built_with_grpc() { return false; }

keel::Result<LoadResult> run_etcd_load(int, const Load&, const Edge&, const Edge&) { return absent(); }

keel::Result<std::size_t> find_etcd_leader(const std::vector<int>&, std::chrono::milliseconds) { return absent(); }

std::unique_ptr<Writer> etcd_writer(int) { return nullptr; }

}  // namespace bench
#endif
