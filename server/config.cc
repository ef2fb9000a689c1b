#include "server/config.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/config_node.h"
#include "core/base/status_macros.h"
#include "core/eval/task.h"

#ifndef PLUMBLINE_VERSION
#define PLUMBLINE_VERSION "unknown"
#endif

namespace plumbline {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostBytes = int64_t{1} << 50;  // of a budget: more is a slip of the hand

// CLI11 reads its configuration through this: a mapping from flag names to a scalar or a list.
class YamlConfig : public CLI::Config {
 public:
  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return ""; }

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    const std::string text{std::istreambuf_iterator<char>(input), {}};
    const absl::StatusOr<ConfigNode> root = ConfigNode::ParseYaml(text, "configuration file");
    if (!root.ok()) Throw(root.status());
    if (!root->is_null() && root->kind() != ConfigNode::kMap) {
      Throw(root->Error("want a mapping from option names to values"));
    }
    std::vector<CLI::ConfigItem> items;
    for (const auto& [name, value] : root->map()) {
      CLI::ConfigItem item;
      item.name = name;
      if (value.kind() != ConfigNode::kList) item.inputs.push_back(FlagValue(value));
      for (const ConfigNode& element : value.list()) item.inputs.push_back(FlagValue(element));
      items.push_back(std::move(item));
    }
    return items;
  }

 private:
  [[noreturn]] static void Throw(const absl::Status& status) {
    throw CLI::ParseError(std::string(status.message()), CLI::ExitCodes::InvalidError);
  }
  // As it would stand behind the flag.
  static std::string FlagValue(const ConfigNode& value) {
    if (value.kind() == ConfigNode::kBool) return *value.Bool() ? "true" : "false";
    const absl::StatusOr<std::string> text = value.Text();
    if (!text.ok()) Throw(value.Error("want a value or a list of values"));
    return *text;
  }
};

std::string AbsolutePath(absl::string_view path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(fs::path(std::string(path)), error);
  return error ? std::string(path) : absolute.lexically_normal().string();
}

// The flags as they are typed; what needs parsing is taken over by Finish().
struct RawFlags {
  std::vector<std::string> models;
  std::vector<std::string> adapters;
  std::vector<std::string> watched;
  double watch_seconds = 2;
  double drain_seconds = 10;
  double heartbeat_seconds = 10;
};

constexpr char kFooter[] =
    "Example:\n"
    "  plumblined --model tiny=deploy/demo/models/plumb-tiny \\\n"
    "    --adapter tiny/format:instruction_following=deploy/demo/adapters/format \\\n"
    "    --tasks deploy/demo/tasks\n";

void AddFlags(CLI::App& app, ServerConfig& c, RawFlags& raw) {
  app.set_version_flag("--version", absl::StrCat("plumblined ", PLUMBLINE_VERSION));
  app.set_config("--config", "", "YAML file with the names of these options");
  app.config_formatter(std::make_shared<YamlConfig>());
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.footer(kFooter);
  app.add_option("--listen", c.listen, "gRPC address: HOST:PORT (0: any free port) or unix:PATH")
      ->capture_default_str();
  app.add_option("--cert-file", c.security.cert_file,
                 "The server's certificate and its intermediates (PEM); turns TLS on");
  app.add_option("--key-file", c.security.key_file, "The certificate's private key (PEM)");
  app.add_option("--client-ca-file", c.security.client_ca_file,
                 "Let in only clients with a certificate that one of these signed (PEM)");
  app.add_option("--token-file", c.security.token_file,
                 "Let in only calls with a bearer token of this file, one a line");
  app.add_flag("--insecure-remote", c.insecure_remote,
               "Allow a port beyond loopback that is open to everybody");
  app.add_option("--metrics-listen", c.metrics_listen,
                 "Address of Prometheus' /metrics; \"\": none")
      ->capture_default_str();
  app.add_option("--data-dir", c.data_dir,
                 "Database and adapters [$XDG_STATE_HOME/plumbline or ~/.local/state/plumbline]");
  app.add_option("--model", raw.models, "NAME=PATH: host a checkpoint directory; repeatable")
      ->type_size(1)
      ->allow_extra_args(false);
  app.add_option("--adapter", raw.adapters,
                 "MODEL/ALIAS[:TARGET]=PATH: load a PEFT directory; TARGET is the capability its "
                 "label claims; repeatable")
      ->type_size(1)
      ->allow_extra_args(false);
  app.add_option("--tasks", c.task_dirs, "Folder of task files; repeatable")
      ->type_size(1)
      ->allow_extra_args(false);
  app.add_option("--dtype", c.dtype, "Default type of weights")
      ->check(CLI::IsMember({"auto", "float32", "bfloat16"}))
      ->capture_default_str();
  app.add_option("--device", c.device,
                 "Default device: cpu, cpu:KERNELS (reference: the plain ones) or cuda:N")
      ->capture_default_str();
  app.add_option("--threads", c.threads, "Compute threads; 0: one a logical CPU")
      ->check(CLI::Range(0, 1024));
  app.add_option("--max-batch", c.max_batch, "Rows decoded together; 0: the engine's default")
      ->check(CLI::Range(0, 4096));
  app.add_option("--kv-cache-bytes", c.kv_cache_bytes,
                 "Budget of a model's KV cache, e.g. 2GiB; 0: the engine's default")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(int64_t{0}, kMostBytes));
  app.add_option("--adapter-memory", c.adapter_memory_bytes,
                 "Budget of a model's packed adapter weights, e.g. 4GiB; 0: no bound [2GiB]")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(int64_t{0}, kMostBytes));
  app.add_option("--max-resident-adapters", c.max_resident_adapters,
                 "The same as a number of adapters; 0: no bound")
      ->check(CLI::Range(0, 1'000'000));
  app.add_option(
         "--watch-adapters", raw.watched,
         "MODEL=DIR: load each sub-folder as an adapter of its name, and again whenever its "
         "files change; repeatable")
      ->type_size(1)
      ->allow_extra_args(false);
  app.add_option("--watch-interval", raw.watch_seconds,
                 "Seconds between two looks at watched folders")
      ->check(CLI::Range(0.05, 3600.0))
      ->capture_default_str();
  app.add_option("--port-file", c.port_file, "Write the actual addresses here once serving");
  app.add_option("--log-level", c.log_level, "trace, debug, info, warn, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  app.add_option("--drain-timeout", raw.drain_seconds,
                 "Seconds a shutdown waits for prompts that are being computed")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--heartbeat-interval", raw.heartbeat_seconds)
      ->check(CLI::Range(0.01, 3600.0))
      ->group("");
  app.add_option("--max-database-pages", c.max_database_pages)->group("");
  // The last one wins where only one can: a script can append to a default command line.
  for (CLI::Option* option : app.get_options()) {
    if (option->get_multi_option_policy() == CLI::MultiOptionPolicy::Throw) option->take_last();
  }
}

// Checks and takes over what CLI11 could not.
absl::Status Finish(const RawFlags& raw, ServerConfig& c) {
  c.drain_timeout = absl::Seconds(raw.drain_seconds);
  c.heartbeat_interval = absl::Seconds(raw.heartbeat_seconds);
  c.watch_interval = absl::Seconds(raw.watch_seconds);
  for (const std::string& flag : raw.watched) {
    ABSL_ASSIGN_OR_RETURN(WatchedFolder folder, ParseWatchFlag(flag));
    c.watched_folders.push_back(std::move(folder));
  }
  for (const std::string& flag : raw.models) {
    ABSL_ASSIGN_OR_RETURN(LoadModelOptions model, ParseModelFlag(flag));
    for (const LoadModelOptions& other : c.models) {
      if (other.name == model.name) {
        return absl::InvalidArgumentError(
            absl::StrCat("--model ", model.name, " is given more than once"));
      }
    }
    c.models.push_back(std::move(model));
  }
  for (const std::string& flag : raw.adapters) {
    ABSL_ASSIGN_OR_RETURN(LoadAdapterOptions adapter, ParseAdapterFlag(flag));
    for (const LoadAdapterOptions& other : c.adapters) {
      if (other.model == adapter.model && other.alias == adapter.alias) {
        return absl::InvalidArgumentError(absl::StrCat("--adapter ", adapter.model, "/",
                                                       adapter.alias, " is given more than once"));
      }
    }
    c.adapters.push_back(std::move(adapter));
  }
  if (!absl::StartsWith(c.device, "cpu") && !absl::StartsWith(c.device, "cuda")) {
    return absl::InvalidArgumentError(
        absl::StrCat("--device ", c.device, ": want cpu, cpu:KERNELS or cuda:N"));
  }
  if (c.data_dir.empty()) c.data_dir = DefaultDataDir();
  c.data_dir = AbsolutePath(c.data_dir);
  for (std::string& dir : c.task_dirs) dir = AbsolutePath(dir);
  for (std::string* file : {&c.security.cert_file, &c.security.key_file, &c.security.client_ca_file,
                            &c.security.token_file}) {
    if (!file->empty()) *file = AbsolutePath(*file);
  }
  ABSL_RETURN_IF_ERROR(ValidateTransportSecurity(c.security));
  const bool remote_allowed = c.insecure_remote || c.security.authenticates();
  ABSL_RETURN_IF_ERROR(
      Annotate(ValidateListenAddress(c.listen, remote_allowed), "--listen " + c.listen));
  if (!c.metrics_listen.empty()) {
    if (absl::StartsWith(c.metrics_listen, "unix:")) {
      return absl::InvalidArgumentError("--metrics-listen: want HOST:PORT");
    }
    ABSL_RETURN_IF_ERROR(Annotate(ValidateListenAddress(c.metrics_listen, true),
                                  "--metrics-listen " + c.metrics_listen));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::optional<ServerConfig>> ParseServerConfig(int argc, const char* const* argv,
                                                              std::ostream& out) {
  ServerConfig config;
  RawFlags raw;
  CLI::App app("plumblined hosts language models with LoRA adapters and evaluates them.",
               "plumblined");
  AddFlags(app, config, raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    out << app.help();
    return std::nullopt;
  } catch (const CLI::CallForVersion&) {
    out << "plumblined " << PLUMBLINE_VERSION << "\n";
    return std::nullopt;
  } catch (const CLI::Error& e) {
    return absl::InvalidArgumentError(e.what());
  }
  ABSL_RETURN_IF_ERROR(Finish(raw, config));
  return config;
}

absl::StatusOr<LoadModelOptions> ParseModelFlag(absl::string_view flag) {
  const size_t equals = flag.find('=');
  if (equals == absl::string_view::npos || equals == 0 || equals + 1 == flag.size()) {
    return absl::InvalidArgumentError(absl::StrCat("--model ", flag, ": want NAME=PATH"));
  }
  LoadModelOptions options;
  options.name = std::string(flag.substr(0, equals));
  options.path = AbsolutePath(flag.substr(equals + 1));
  options.dtype.clear();  // the server's defaults
  options.device.clear();
  return options;
}

absl::StatusOr<LoadAdapterOptions> ParseAdapterFlag(absl::string_view flag) {
  const size_t equals = flag.find('=');
  const absl::string_view name = flag.substr(0, equals);
  const size_t slash = name.find('/');
  if (equals == absl::string_view::npos || equals + 1 == flag.size() ||
      slash == absl::string_view::npos || slash == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--adapter ", flag, ": want MODEL/ALIAS[:TARGET]=PATH"));
  }
  const size_t colon = name.find(':', slash);
  LoadAdapterOptions options;
  options.model = std::string(name.substr(0, slash));
  options.alias = std::string(name.substr(
      slash + 1, colon == absl::string_view::npos ? absl::string_view::npos : colon - slash - 1));
  options.path = AbsolutePath(flag.substr(equals + 1));
  if (options.alias.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("--adapter ", flag, ": the alias is empty"));
  }
  if (colon != absl::string_view::npos) {
    options.nominal_target = std::string(name.substr(colon + 1));
    ABSL_RETURN_IF_ERROR(
        Annotate(ValidateCapability(options.nominal_target), absl::StrCat("--adapter ", flag)));
  }
  return options;
}

absl::StatusOr<WatchedFolder> ParseWatchFlag(absl::string_view flag) {
  const size_t equals = flag.find('=');
  if (equals == absl::string_view::npos || equals == 0 || equals + 1 == flag.size()) {
    return absl::InvalidArgumentError(absl::StrCat("--watch-adapters ", flag, ": want MODEL=DIR"));
  }
  return WatchedFolder{std::string(flag.substr(0, equals)), AbsolutePath(flag.substr(equals + 1))};
}

std::string DefaultDataDir() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && state[0] == '/') return absl::StrCat(state, "/plumbline");
  const char* home = std::getenv("HOME");
  return absl::StrCat(home == nullptr ? "." : home, "/.local/state/plumbline");
}

absl::Status ValidateListenAddress(absl::string_view address, bool remote_allowed) {
  if (absl::StartsWith(address, "unix:")) {
    return address.size() > 5 ? absl::OkStatus() : absl::InvalidArgumentError("want unix:PATH");
  }
  const size_t colon = address.rfind(':');
  int port = -1;
  if (colon == absl::string_view::npos || colon == 0 ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 || port > 65535) {
    return absl::InvalidArgumentError("want HOST:PORT with a port from 0 to 65535");
  }
  if (!remote_allowed && !IsLocalAddress(address)) {
    return absl::FailedPreconditionError(
        "a port that asks nobody who they are is served on loopback only: use TLS (--cert-file, "
        "--key-file) with --client-ca-file or --token-file, listen on 127.0.0.1 or a unix: socket, "
        "or open it to everybody with --insecure-remote");
  }
  return absl::OkStatus();
}

bool IsLocalAddress(absl::string_view address) {
  if (absl::StartsWith(address, "unix:")) return true;
  const absl::string_view host = address.substr(0, address.rfind(':'));
  if (host == "localhost" || host == "[::1]") return true;
  // 127.x.y.z: "127.evil.example" is a name, not a loopback address.
  if (!absl::StartsWith(host, "127.")) return false;
  return host.find_first_not_of("0123456789.") == absl::string_view::npos;
}

absl::string_view ServerVersion() { return PLUMBLINE_VERSION; }

}  // namespace plumbline
