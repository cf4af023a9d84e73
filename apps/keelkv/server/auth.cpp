#include "keelkv/server/auth.hpp"

#include "keelkv/server/kv_connection.hpp"
#include "keelkv/server/kv_server.hpp"

namespace keel {

namespace {

// Goes through all of `given` whatever is in it, so that time tells nothing about `secret`.
bool same(std::string_view secret, std::string_view given) {
  volatile unsigned difference = secret.size() == given.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const char expected = i < secret.size() ? secret[i] : '\0';
    difference = difference | static_cast<unsigned>(static_cast<unsigned char>(given[i] ^ expected));
  }
  return difference == 0;
}

}  // namespace

bool sign_in(KvConnection& connection, std::string_view user, std::string_view password) {
  const std::string& secret = connection.server().settings().password;
  KvSession& session = connection.session();
  const bool right = same(secret, password) || secret.empty();
  if (right && user == "default") {
    session.authenticated = true;
    return true;
  }
  ++connection.server().counters().wrong_passwords;
  connection.server().log().info("client {} at {}: wrong password or user", session.id, session.peer);
  return false;
}

}  // namespace keel
