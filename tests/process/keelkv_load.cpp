#include "keelkv_load.hpp"

#include <algorithm>
#include <array>

namespace keel::test {

namespace {

constexpr std::array<std::string_view, 5> certainly_refused = {"CLUSTERDOWN", "TRYAGAIN", "BUSY", "MOVED", "LOADING"};

std::uint64_t& bucket(KeelkvLoad::Totals& totals, const std::optional<RedisReply>& reply) {
  if (reply && !reply->is_error()) return totals.acknowledged;
  const bool refused = reply && std::ranges::count(certainly_refused, reply->word()) > 0;
  return refused ? totals.refused : totals.unknown;
}

}  // namespace

KeelkvLoad::KeelkvLoad(KeelkvCluster& cluster, std::size_t writers) : cluster_(cluster), acknowledged_(writers) {
  for (std::size_t node = 0; node < cluster.size(); ++node)
    ports_.push_back(cluster.port(node));
  for (std::size_t writer = 0; writer < writers; ++writer)
    threads_.emplace_back([this, writer] { write(writer); });
}

void KeelkvLoad::stop() {
  stopping_ = true;
  changed_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

std::string KeelkvLoad::key(std::size_t writer, std::uint64_t number) {
  return "load:" + std::to_string(writer) + ":" + std::to_string(number);
}

void KeelkvLoad::write(std::size_t writer) {
  std::size_t node = writer;
  auto client = std::make_unique<RedisClient>(ports_[node % ports_.size()]);
  for (std::uint64_t number = 0; !stopping_; ++number) {
    const bool counts = number % 4 == 3;
    const auto reply = !client->connected() && !client->connect()
                           ? std::optional(RedisReply{'-', "CLUSTERDOWN not even connected", 0, {}})
                       : counts ? client->call({"INCR", counter_key})
                                : client->call({"SET", key(writer, number), std::to_string(number)});
    std::unique_lock lock(mutex_);
    ++bucket(totals_, reply);
    if (counts) ++bucket(counter_, reply);
    if (reply && !reply->is_error()) {
      if (!counts) acknowledged_[writer].push_back(number);
      changed_.notify_all();
      continue;
    }
    client = std::make_unique<RedisClient>(ports_[++node % ports_.size()]);
    // Nobody leads: asking at full speed would only take the processor from the election. A client's backoff; no check
    // waits on it.
    changed_.wait_for(lock, std::chrono::milliseconds(5), [this] { return stopping_.load(); });
  }
}

bool KeelkvLoad::await_acknowledged(std::uint64_t more) {
  std::unique_lock lock(mutex_);
  const std::uint64_t wanted = totals_.acknowledged + more;
  return changed_.wait_until(lock, in(patience), [&] { return totals_.acknowledged >= wanted; });
}

KeelkvLoad::Totals KeelkvLoad::totals() const {
  const std::lock_guard lock(mutex_);
  return totals_;
}

KeelkvLoad::Totals KeelkvLoad::counter() const {
  const std::lock_guard lock(mutex_);
  return counter_;
}

std::vector<std::string> KeelkvLoad::missing_on(std::size_t node) const {
  constexpr std::size_t at_once = 500;
  std::vector<std::string> missing;
  const auto client = cluster_.client(node);
  for (std::size_t writer = 0; writer < acknowledged_.size(); ++writer) {
    const auto& numbers = acknowledged_[writer];
    for (std::size_t begin = 0; begin < numbers.size(); begin += at_once) {
      const std::size_t end = std::min(begin + at_once, numbers.size());
      std::vector<std::vector<std::string>> asks;
      for (std::size_t i = begin; i < end; ++i)
        asks.push_back({"KEEL", "GET", key(writer, numbers[i])});
      client->send(asks);
      for (std::size_t i = begin; i < end; ++i) {
        const auto reply = client->receive();
        const bool there = reply && reply->items.size() == 2 && reply->items[1].text == std::to_string(numbers[i]);
        if (!there) missing.push_back(key(writer, numbers[i]));
      }
    }
  }
  return missing;
}

}  // namespace keel::test
