#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include "keel/node/node.hpp"
#include "keelkv/commands/command.hpp"
#include "keelkv/commands/kv_transaction.hpp"
#include "keelkv/resp/input_buffer.hpp"
#include "keelkv/resp/reply_queue.hpp"
#include "keelkv/resp/reply_target.hpp"
#include "keelkv/resp/resp_parser.hpp"
#include "keelkv/resp/resp_writer.hpp"

namespace keel {

class KvServer;

// What a client said about itself, and what we know of it.
struct KvSession {
  std::uint64_t id = 0;
  std::string peer;
  std::string local;
  std::string name;
  std::string library_name;
  std::string library_version;
  RespVersion version = RespVersion::resp2;
  bool authenticated = false;
  bool read_only = false;  // said READONLY
  bool no_evict = false;
  bool no_touch = false;
  Instant since;
  Instant last_active;  // when anything came, or was taken by the client
  std::string_view last_command;
};

// One client. Its requests take effect in their order: writes that stand together are all in flight at once; whatever
// is no write waits until they are answered, and a write waits for the reads before it. A connection that waits reads
// no more from its socket. What is answered without looking at the store, as in a transaction that is being gathered,
// waits for nothing. No client is served longer at a time than `longest_turn`, but for the request that reaches it.
//
// Kept alive by the server until it is closed, and by what is in flight for it.
class KvConnection : public boost::intrusive_ref_counter<KvConnection, boost::thread_unsafe_counter> {
 public:
  KvConnection(KvServer& server, boost::asio::ip::tcp::socket socket, std::uint64_t id);

  void start();
  // Once a turn, after something happened: goes on with requests that waited, and sends what there is.
  void settle();
  void close();

  // For commands.
  [[nodiscard]] KvSession& session() { return session_; }
  [[nodiscard]] KvServer& server() { return server_; }
  [[nodiscard]] const KvTransaction& transaction() const { return transaction_; }
  void close_after_reply() { ending_ = true; }
  void forget_transaction() { transaction_.clear(); }
  // Nothing is under way for it; only its client can bring it on.
  [[nodiscard]] bool is_idle() const {
    return replies_.empty() && (waiting_ == Waiting::no || waiting_ == Waiting::for_output);
  }

  [[nodiscard]] std::size_t accounted() const { return accounted_; }  // of its memory, with the server
  bool is_touched = false;                                            // the server's own mark
  [[nodiscard]] std::size_t input_bytes() const { return input_.readable().size(); }
  [[nodiscard]] std::size_t output_bytes() const { return output_.size() - sent_; }
  [[nodiscard]] std::size_t memory() const {
    return sizeof(*this) + input_.capacity() + parser_.memory() + replies_.memory() + output_.capacity() +
           transaction_.memory();
  }

 private:
  enum class Waiting : std::uint8_t { no, for_writes, for_room, for_read, for_output, for_turn };

  void receive();
  void received(const boost::system::error_code& error, std::size_t bytes);
  void process();
  bool take_request();
  bool dispatch();
  bool refuse(std::string_view error);
  bool wait_for_writes();
  bool has_room_for_reply();
  bool answer(std::string_view reply);
  bool run_write();
  bool submit_scratch();
  bool run_read(ReadHandler handler);
  bool turn_is_over();
  bool may_read();
  bool read(ReadHandler handler, RespWriter& reply);
  [[nodiscard]] bool read_failed() const;
  bool tell_log();
  bool run_step(TransactionStep step);
  bool spoil(std::string_view error);
  bool abort_transaction(std::string_view error);
  bool queue_command(const CommandSpec& command);
  bool run_transaction();
  bool run_watch();
  void request_done();
  [[nodiscard]] RespWriter bounded_reply();
  bool reply_done(const RespWriter& reply);
  void write_done(ReplyQueue::Place place, Result<Applied> result);
  void read_done(std::uint64_t up_to, Result<Index> result);
  void time_committed(const Result<void>& result);
  void send();
  void wait_until_writable();
  void end();
  void account();
  bool within_bounds();
  void close_for_output();

  KvServer& server_;
  boost::asio::ip::tcp::socket socket_;
  KvSession session_;

  InputBuffer input_;
  RespParser parser_;
  std::uint64_t consumed_ = 0;  // bytes of the client's stream behind us
  Waiting waiting_ = Waiting::no;
  Instant turn_ends_;
  bool receiving_ = false;
  bool input_ended_ = false;
  bool ending_ = false;  // nothing more is read; close when all is sent
  bool closed_ = false;

  std::shared_ptr<ReplyTarget> target_;  // where writes are answered to
  ReplyQueue replies_;                   // of writes in flight, and what was answered behind them
  KvTransaction transaction_;
  std::uint64_t reads_confirmed_ = 0;  // requests that begin before this place of the stream may read,
  std::optional<Error> read_error_;    // or are refused with this
  // Whether the log was told the time for the read that is next: then it goes by the log's time.
  std::optional<Result<void>> time_committed_;

  std::string output_;
  std::size_t sent_ = 0;
  bool wait_writable_ = false;
  std::size_t accounted_ = 0;
};

}  // namespace keel
