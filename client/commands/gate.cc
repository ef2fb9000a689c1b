// `plumbline gate lint`: is this policy well formed? Needs no server.
#include "core/eval/gate/gate.h"

#include <iostream>

#include "client/commands/command.h"

namespace plumbline::client {

void AddGateCommands(CLI::App& app, CommandContext& context) {
  CLI::App* gate = app.add_subcommand("gate", "Gate policies")->require_subcommand(1);
  auto path = std::make_shared<std::string>();
  CLI::App* lint =
      gate->add_subcommand("lint", "Check a policy file (docs/gate.md); needs no server");
  lint->footer("Example:\n  plumbline gate lint gate.yaml");
  lint->add_option("file", *path, "Policy file, - for standard input")->required();
  lint->callback([&context, path] {
    const auto content = ReadFileOrFail(context, *path);
    if (!content) return;
    const auto policy = ParseGatePolicy(*content);
    if (!policy.ok()) return context.Fail(*path + ": " + std::string(policy.status().message()));
    std::cout << *path << ": ok\n";
  });
}

}  // namespace plumbline::client
