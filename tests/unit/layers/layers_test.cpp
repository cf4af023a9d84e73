#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "layer_rules.hpp"

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

// A source tree made for one test.
class Layers : public testing::Test {
 protected:
  Layers() { fs::create_directories(root_); }
  ~Layers() override { fs::remove_all(root_); }

  void file(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }

  fs::path root_ = fs::path(testing::TempDir()) / ("keel-layers-" + std::to_string(getpid()) + "-" +
                                                   testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST(LayersOfKeel, KeepTheirArrows) {
  ASSERT_TRUE(fs::exists(fs::path(KEEL_SOURCE_DIR) / "include/keel/base"));
  EXPECT_THAT(broken_layer_rules(KEEL_SOURCE_DIR), IsEmpty());
}

TEST_F(Layers, ArrowsDownwardAreFine) {
  file("include/keel/base/ids.hpp", "#include <cstdint>\n");
  file("include/keel/raft/raft.hpp", "#include \"keel/base/ids.hpp\"\n");
  file("include/keel/node/node.hpp", "#include <fmt/core.h>\n#include \"keel/raft/raft.hpp\"\n");
  file("include/keel/asio/loop.hpp", "#include <boost/asio.hpp>\n#include \"keel/node/node.hpp\"\n");
  file("include/keel/asio/tcp.hpp", "#include <boost/asio.hpp>\n#include \"keel/raft/raft.hpp\"\n");
  file("src/asio/tcp.cpp", "#include \"keel/asio/tcp.hpp\"\n");
  file("src/raft/log.cpp", "#include \"log.hpp\"\n#include \"raft/log.hpp\"\n");
  file("src/raft/log.hpp", "#include <map>\n");
  file("apps/keelkv/main.cpp", "#include <boost/asio/ip/tcp.hpp>\n#include \"keel/asio/loop.hpp\"\n");
  EXPECT_THAT(broken_layer_rules(root_), IsEmpty());
}

TEST_F(Layers, AnArrowUpwardIsNamedWithItsLine) {
  file("include/keel/raft/raft.hpp", "#include <map>\n#include \"keel/wire/frame.hpp\"\n");
  EXPECT_THAT(broken_layer_rules(root_), ElementsAre(HasSubstr("include/keel/raft/raft.hpp:2: raft may not use wire")));
}

TEST_F(Layers, SiblingsDoNotMeet) {
  file("include/keel/storage/wal.hpp", "");
  file("src/node/pump.cpp", "#  include <keel/storage/wal.hpp>\n");
  EXPECT_THAT(broken_layer_rules(root_), ElementsAre(HasSubstr("node may not use storage")));
}

TEST_F(Layers, ADetourIsSeen) {
  file("include/keel/node/node.hpp", "");
  file("src/port/submit.hpp", "#include \"keel/node/node.hpp\"\n");
  file("src/transport/tcp.cpp", "#include \"port/submit.hpp\"\n");
  EXPECT_THAT(broken_layer_rules(root_),
              ElementsAre(HasSubstr("port may not use node"), HasSubstr("transport may not use node")));
}

TEST_F(Layers, PrivateHeadersCountToo) {
  file("src/sim/world.hpp", "");
  file("src/machine/session.cpp", "#include \"sim/world.hpp\"\n");
  file("src/client/client.cpp", "#include \"../sim/world.hpp\"\n");
  EXPECT_THAT(broken_layer_rules(root_),
              ElementsAre(HasSubstr("client may not use sim"), HasSubstr("machine may not use sim")));
}

TEST_F(Layers, BaseAndRaftUseTheStandardLibraryOnly) {
  file("include/keel/base/bytes.hpp", "#include <unistd.h>\n");
  file("src/raft/print.cpp", "#include <fmt/core.h>\n#include <vector>\n");
  EXPECT_THAT(broken_layer_rules(root_), ElementsAre(HasSubstr("not unistd.h"), HasSubstr("not fmt/core.h")));
}

TEST_F(Layers, AsioStaysInItsPlaces) {
  file("include/keel/transport/tcp.hpp", "#include <boost/asio.hpp>\n");
  file("include/keel/transport/wrapped.hpp", "#include \"keel/asio/tcp.hpp\"\n");
  file("src/sim/world.cpp", "#include <boost/asio/io_context.hpp>\n");
  file("src/transport/tcp.cpp", "#include <boost/asio.hpp>\n");
  EXPECT_THAT(broken_layer_rules(root_),
              ElementsAre(HasSubstr("tcp.hpp:1: no Asio here"), HasSubstr("transport may not use asio"),
                          HasSubstr("world.cpp:1: no Asio here"), HasSubstr("transport/tcp.cpp:1: no Asio here")));
}

TEST_F(Layers, AFileOutsideTheLayersIsNamed) {
  file("include/keel/keel.hpp", "");
  file("src/helpers/strings.cpp", "");
  EXPECT_THAT(broken_layer_rules(root_),
              ElementsAre("include/keel/keel.hpp: lies in no layer", "src/helpers/strings.cpp: lies in no layer"));
}

}  // namespace
