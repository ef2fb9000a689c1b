// `plumbline gate lint`: is this policy well formed, and what does it say? Needs no server.
#include "core/eval/gate/gate_lint.h"

#include <iostream>

#include "client/commands/command.h"

namespace plumbline::client {

void AddGateCommands(CLI::App& app, CommandContext& context) {
  CLI::App* gate = app.add_subcommand("gate", "Gate policies")->require_subcommand(1);
  auto path = std::make_shared<std::string>();
  CLI::App* lint =
      gate->add_subcommand("lint", "Check a policy file (docs/gate.md); needs no server");
  lint->footer(
      "Exit code 1 when the policy is not well-formed; warnings leave it 0. Whether its tasks, "
      "metrics "
      "and adapters are a\njob's: plumbline job submit --gate FILE --dry-run.\n"
      "Example:\n  plumbline gate lint gate.yaml");
  lint->add_option("file", *path, "Policy file, - for standard input")->required();
  lint->callback([&context, path] {
    const auto content = ReadFileOrFail(context, *path);
    if (!content) return;
    const auto policy = ParseGatePolicy(*content);
    if (!policy.ok()) {
      const std::string error(policy.status().message());
      if (context.json()) std::cout << Dump({{"ok", false}, {"error", error}}) << "\n";
      return context.Fail(*path + ": " + error);
    }
    const GatePlan plan = DescribeGate(*policy);
    if (context.json()) {
      std::cout << Dump({{"ok", true}, {"rules", plan.rules}, {"warnings", plan.warnings}}) << "\n";
      return;
    }
    std::cout << *path << ": ok\n";
    for (const std::string& rule : plan.rules) std::cout << "  " << rule << "\n";
    for (const std::string& warning : plan.warnings) std::cout << "  warning: " << warning << "\n";
  });
}

}  // namespace plumbline::client
