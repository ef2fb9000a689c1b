#include "server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

absl::StatusOr<std::optional<ServerConfig>> Parse(std::vector<const char*> flags,
                                                  std::string* printed = nullptr) {
  flags.insert(flags.begin(), "plumblined");
  std::ostringstream out;
  auto config = ParseServerConfig(static_cast<int>(flags.size()), flags.data(), out);
  if (printed != nullptr) *printed = out.str();
  return config;
}

TEST(ServerConfig, DefaultsAreLoopback) {
  ASSERT_OK_AND_ASSIGN(auto config, Parse({}));
  EXPECT_EQ(config->listen, "127.0.0.1:7878");
  EXPECT_EQ(config->metrics_listen, "127.0.0.1:9464");
  EXPECT_FALSE(config->insecure_remote);
  EXPECT_THAT(config->data_dir, HasSubstr("/plumbline"));
}

TEST(ServerConfig, ModelsAndAdaptersRepeat) {
  ASSERT_OK_AND_ASSIGN(auto config, Parse({"--model", "a=/m/a=1", "--model", "b=rel", "--adapter",
                                           "a/x:numeric=/ad/x:y", "--adapter", "a/y=/ad/y"}));
  ASSERT_EQ(config->models.size(), 2u);
  EXPECT_EQ(config->models[0].path, "/m/a=1");
  EXPECT_EQ(config->models[1].path[0], '/');
  ASSERT_EQ(config->adapters.size(), 2u);
  EXPECT_EQ(config->adapters[0].alias, "x");
  EXPECT_EQ(config->adapters[0].nominal_target, "numeric");
  EXPECT_EQ(config->adapters[0].path, "/ad/x:y");
  EXPECT_EQ(config->adapters[1].nominal_target, "");
}

TEST(ServerConfig, AFileHasTheSameNamesAndAFlagWins) {
  TempDir dir;
  const std::string file = dir.Write("c.yaml",
                                     "listen: 127.0.0.1:1\nmodel: [a=/m/a, b=/m/b]\n"
                                     "tasks: /t\nkv-cache-bytes: 2MiB\ninsecure-remote: true\n");
  ASSERT_OK_AND_ASSIGN(auto config, Parse({"--config", file.c_str(), "--listen", "127.0.0.1:2"}));
  EXPECT_EQ(config->listen, "127.0.0.1:2");
  EXPECT_EQ(config->models.size(), 2u);
  EXPECT_THAT(config->task_dirs, ElementsAre("/t"));
  EXPECT_EQ(config->kv_cache_bytes, 2 << 20);
  EXPECT_TRUE(config->insecure_remote);
}

TEST(ServerConfig, BadFilesAndFlagsAreNamed) {
  TempDir dir;
  const std::string unknown = dir.Write("u.yaml", "lisen: x\n");
  EXPECT_THAT(Parse({"--config", unknown.c_str()}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("lisen")));
  const std::string broken = dir.Write("b.yaml", "a: [\n");
  EXPECT_THAT(Parse({"--config", broken.c_str()}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("configuration file")));
  const std::string nested = dir.Write("n.yaml", "listen:\n  port: 1\n");
  EXPECT_THAT(Parse({"--config", nested.c_str()}),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("configuration file:1: listen: want a value")));
  EXPECT_FALSE(Parse({"--config", "/nowhere.yaml"}).ok());
  EXPECT_THAT(Parse({"--model", "a"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("NAME=PATH")));
  EXPECT_THAT(Parse({"--model", "a=/1", "--model", "a=/2"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("more than once")));
  EXPECT_THAT(Parse({"--adapter", "x=/p"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("MODEL/ALIAS")));
  EXPECT_THAT(Parse({"--adapter", "a/x:cooking=/p"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("cooking")));
  EXPECT_THAT(Parse({"--dtype", "int4"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("--dtype")));
}

TEST(ServerConfig, BeyondLoopbackCallersAreAuthenticatedOrTheOpenPortIsAskedFor) {
  const auto with = [](std::vector<const char*> flags) {
    flags.insert(flags.end(), {"--cert-file", "c", "--key-file", "k", "--listen", "0.0.0.0:7878"});
    return Parse(flags);
  };
  EXPECT_OK(with({"--token-file", "t"}));
  EXPECT_OK(with({"--client-ca-file", "a"}));
  EXPECT_THAT(with({}), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("--token-file")));
  EXPECT_THAT(Parse({"--token-file", "t"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("needs TLS")));

  for (const char* address : {"0.0.0.0:7878", "[::]:7878", "127.evil.example:1", "10.0.0.1:7878"}) {
    EXPECT_THAT(Parse({"--listen", address}),
                StatusIs(StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr(address), HasSubstr("--insecure-remote"))));
    EXPECT_OK(Parse({"--insecure-remote", "--listen", address}));
  }
  for (const char* address : {"127.0.0.1:0", "[::1]:1", "localhost:1", "unix:/run/p.sock"}) {
    EXPECT_OK(Parse({"--listen", address}));
  }
  for (const char* address : {"7878", ":7878", "127.0.0.1:99999", "127.0.0.1:x", "unix:"}) {
    EXPECT_THAT(Parse({"--listen", address}), StatusIs(StatusCode::kInvalidArgument));
  }
}

TEST(ServerConfig, TheLastOfAFlagWinsAndListsGrow) {
  ASSERT_OK_AND_ASSIGN(auto config, Parse({"--listen", "127.0.0.1:1", "--listen", "127.0.0.1:2",
                                           "--tasks", "/a", "--tasks", "/b"}));
  EXPECT_EQ(config->listen, "127.0.0.1:2");
  EXPECT_THAT(config->task_dirs, ElementsAre("/a", "/b"));
}

TEST(ServerConfig, HelpAndVersionPrint) {
  std::string printed;
  ASSERT_OK_AND_ASSIGN(auto help, Parse({"--help"}, &printed));
  EXPECT_FALSE(help.has_value());
  EXPECT_THAT(printed, AllOf(HasSubstr("--data-dir"), HasSubstr("Example")));
  EXPECT_THAT(printed, testing::Not(HasSubstr("max-database-pages")));
  ASSERT_OK_AND_ASSIGN(auto version, Parse({"--version"}, &printed));
  EXPECT_FALSE(version.has_value());
  EXPECT_THAT(printed, HasSubstr("plumblined "));
}

}  // namespace
}  // namespace plumbline
