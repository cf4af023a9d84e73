#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include "keel/asio/executor.hpp"
#include "keelkv/server/kv_connection.hpp"
#include "keelkv/server/kv_server.hpp"
#include "scripted_replica.hpp"

namespace keel {

// A server on loopback and its clients on one loop, a replica in the test's hands.
class KvServerTest : public testing::Test {
 protected:
  using tcp = boost::asio::ip::tcp;

  class Client {
   public:
    Client(KvServerTest& test, const HostPort& server) : test_(test), socket_(test.context_) {
      socket_.connect(tcp::endpoint(boost::asio::ip::make_address(server.host), server.port));
    }
    void send(std::string_view bytes) { boost::asio::write(socket_, boost::asio::buffer(bytes)); }
    // As much as goes without waiting.
    std::size_t send_some(std::string_view bytes) {
      boost::system::error_code error;
      socket_.non_blocking(true);
      return socket_.write_some(boost::asio::buffer(bytes), error);
    }
    void end_input() { socket_.shutdown(tcp::socket::shutdown_send); }

    // As many bytes as `expected` has, or fewer if the server closes before.
    std::string receive(std::size_t size) {
      std::string bytes(size, '\0');
      bool done = false;
      boost::asio::async_read(socket_, boost::asio::buffer(bytes), [&](auto, std::size_t received) {
        bytes.resize(received);
        done = true;
      });
      EXPECT_TRUE(test_.run_until([&] { return done; })) << "waited for " << size << " bytes";
      return bytes;
    }
    void expect(std::string_view reply) { EXPECT_EQ(receive(reply.size()), reply); }
    // A whole bulk or verbatim string.
    std::string receive_text() {
      std::string line;
      while (!line.ends_with("\r\n"))
        line += receive(1);
      return receive(std::stoul(line.substr(1)) + 2);
    }
    // True once the server has closed the connection; nothing but that may come.
    bool is_closed() { return receive(1).empty(); }
    std::size_t available() { return socket_.available(); }
    // As the server names it.
    [[nodiscard]] std::string address() const {
      const auto endpoint = socket_.local_endpoint();
      return endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
    }

   private:
    KvServerTest& test_;
    tcp::socket socket_;
  };

  void SetUp() override {
    settings_.id = NodeId(1);
    settings_.listen = {"127.0.0.1", 0};
    restart();
  }

  // With the settings as they are now.
  void restart() {
    server_.reset();
    server_ = std::make_unique<KvServer>(executor_, settings_, replica_, machine_, log_);
    const auto listening = server_->listen();
    ASSERT_TRUE(listening) << listening.error().message;
  }

  std::unique_ptr<Client> connect() { return std::make_unique<Client>(*this, server_->address()); }

  // Runs the loop until `condition` holds; false if it does not within a time that only a hang takes.
  template <class Condition>
  bool run_until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      context_.restart();
      if (context_.run_one_until(deadline) == 0) return condition();
    }
    return true;
  }
  // Runs everything that is ready.
  void run_ready() {
    context_.restart();
    while (context_.poll() > 0) {
    }
  }
  void await_writes(std::size_t count) {
    ASSERT_TRUE(run_until([&] { return replica_.writes.size() >= count; })) << replica_.writes.size();
  }
  void await_reads(std::size_t count) {
    ASSERT_TRUE(run_until([&] { return replica_.reads.size() >= count; })) << replica_.reads.size();
  }

  boost::asio::io_context context_{1};
  AsioExecutor executor_{context_};
  KvSettings settings_;
  KvMachine machine_;
  ScriptedReplica replica_{machine_};
  spdlog::logger log_{"test", std::make_shared<spdlog::sinks::null_sink_st>()};
  std::unique_ptr<KvServer> server_;
};

}  // namespace keel
