// CONFIG and INFO.
#include <algorithm>
#include <expected>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/data/glob.hpp"
#include "keelkv/server/descriptors.hpp"
#include "keelkv/server/info.hpp"
#include "keelkv/server/kv_connection.hpp"
#include "keelkv/server/kv_server.hpp"

namespace keel {

namespace {

// What stock clients ask a Redis for, answered as it is here: every write is in a log that is synced before the answer.
std::map<std::string, std::string> redis_parameters(const KvServer& server, const KvSettings& settings) {
  return {
      {"appendfsync", "always"},
      {"appendonly", "yes"},
      {"databases", "1"},
      {"maxclients", fmt::format("{}", settings.max_clients)},
      {"maxmemory", "0"},
      {"port", fmt::format("{}", server.address().port)},
      {"proto-max-bulk-len", fmt::format("{}", settings.max_bulk)},
      {"save", ""},
  };
}

void config_get(KvConnection& connection, Args args, RespWriter& reply) {
  const KvSettings& settings = connection.server().settings();
  auto known = redis_parameters(connection.server(), settings);
  for (const Setting& setting : settings_table())
    known.emplace(setting.name, setting.get(settings));
  GlobSteps steps;
  std::erase_if(known, [&](const auto& parameter) {
    return std::ranges::none_of(args.subspan(2), [&](std::string_view glob) {
      return matches_glob(glob, parameter.first, LetterCase::ignored, steps);
    });
  });
  if (steps.spent()) return reply.error(GlobSteps::error);
  reply.map(known.size());
  for (const auto& [name, value] : known) {
    reply.bulk(name);
    reply.bulk(value);
  }
}

std::string cannot_set(std::string_view name, std::string_view why) {
  return fmt::format("ERR CONFIG SET failed (possibly related to argument '{}') - {}", name, why);
}

// The settings that every other word names, if each is there, can be changed, and is named once; or the error to answer.
std::expected<std::vector<const Setting*>, std::string> settings_named(Args pairs) {
  std::vector<const Setting*> found;
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    const Setting* const setting = find_setting(equal_ignoring_case(pairs[i], "maxclients") ? "max-clients" : pairs[i]);
    if (setting == nullptr) {
      return std::unexpected(fmt::format("ERR Unknown option or number of arguments for CONFIG SET - '{}'", pairs[i]));
    }
    if (setting->kind != SettingKind::changeable) {
      return std::unexpected(cannot_set(pairs[i], "can't set immutable config"));
    }
    if (std::ranges::find(found, setting) != found.end()) {
      return std::unexpected(cannot_set(pairs[i], "duplicate parameter"));
    }
    found.push_back(setting);
  }
  return found;
}

// Everything fits, or nothing is changed.
void config_set(KvConnection& connection, Args args, RespWriter& reply) {
  KvSettings changed = connection.server().settings();
  const Args pairs = args.subspan(2);
  if (pairs.size() % 2 != 0) return reply.error(errors::syntax);
  const auto settings = settings_named(pairs);
  if (!settings) return reply.error(settings.error());
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    if (const auto applied = apply_setting(*(*settings)[i / 2], changed, pairs[i + 1]); !applied) {
      return reply.error(cannot_set(pairs[i], applied.error().message));
    }
  }
  const std::uint64_t capacity = client_capacity(changed);
  if (changed.max_clients > std::max(capacity, connection.server().settings().max_clients)) {
    return reply.error(cannot_set("max-clients", fmt::format("the limit of open files allows {}", capacity)));
  }
  connection.server().settings() = changed;
  connection.server().settings_changed();
  reply.ok();
}

void config_reset_stat(KvConnection& connection, Args, RespWriter& reply) {
  connection.server().counters() = {};
  reply.ok();
}

void info(KvConnection& connection, Args args, RespWriter& reply) {
  reply.text(info_text(connection.server(), args.subspan(1)));
}

const CommandSpec config_subcommands[] = {
    {"config|get", -3, config_get, {}, "server", "Returns the settings that match the patterns."},
    {"config|help", 2, list_subcommands, {}, "server", "Lists the subcommands."},
    {"config|resetstat", 2, config_reset_stat, {}, "server", "Sets the counters of INFO to zero."},
    {"config|set", -4, config_set, {}, "server", "Changes settings of this node until it is restarted."},
};

const CommandSpec server_table[] = {
    {"config", -2, SessionHandler{nullptr}, {}, "server", "This node's settings.", config_subcommands},
    {"info", -1, info, {}, "server", "Describes this node: INFO [section ...]."},
};

}  // namespace

std::span<const CommandSpec> server_commands() { return server_table; }

}  // namespace keel
