// The `plumbline` command: parses the command line and hands over to client/commands/.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "client/commands/command.h"

namespace {

using plumbline::client::CommandContext;
using plumbline::client::OutputFormat;

void AddGlobalOptions(CLI::App& app, CommandContext& context) {
  auto& options = context.connection_options;
  app.add_option("--address,-s", options.address,
                 "Server: host:port or unix:/path; default $PLUMBLINE_ADDRESS or 127.0.0.1:7878");
  app.add_option_function<std::string>(
      "-o,--output",
      [&context](const std::string& format) {
        if (format != "json" && format != "text") {
          throw CLI::ValidationError("--output", format + " is none of json, text");
        }
        context.format = format == "json" ? OutputFormat::kJson : OutputFormat::kText;
      },
      "text or json");
  app.add_flag("-q,--quiet", context.quiet, "No progress and no notices on stderr");
  CLI::Option* ca = app.add_option("--ca-file", options.ca_file,
                                   "Certificate authority of the server (PEM); turns TLS on");
  CLI::Option* key =
      app.add_option("--key-file", options.key_file, "Private key of our certificate (PEM)");
  app.add_option("--cert-file", options.cert_file, "Our own certificate (PEM), for mutual TLS")
      ->needs(key)
      ->needs(ca);
  app.add_option("--token-file", options.token_file, "File with a bearer token; needs TLS")
      ->needs(ca);
}

constexpr char kFooter[] =
    "Exit codes: 0 pass, 1 error, 2 usage, 3 wait timed out, 4 not authorised, 10 gate failed, 11 "
    "inconclusive,\n"
    "12 job failed or cancelled, 130 interrupted (the job goes on).\n"
    "Examples:\n"
    "  plumbline model load tiny deploy/demo/models/plumb-tiny\n"
    "  plumbline adapter load format deploy/demo/adapters/format --label instruction_following\n"
    "  plumbline job submit -a format -t demo_instructions,demo_arithmetic --wait\n"
    "  plumbline check --task ifeval --prompts input_data.jsonl --responses responses.jsonl -o "
    "json";

int Run(int argc, char** argv) {
  using namespace plumbline::client;
  Interrupt interrupt;
  CommandContext context;
  context.interrupt = &interrupt;
  CLI::App app("Plumbline: does a LoRA adapter do what its label says?", "plumbline");
  app.set_version_flag("--version", PLUMBLINE_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(kFooter);
  AddGlobalOptions(app, context);
  AddModelCommands(app, context);
  AddAdapterCommands(app, context);
  AddTaskCommands(app, context);
  AddJobCommands(app, context);
  AddGenerateCommand(app, context);
  AddScoreCommand(app, context);
  AddCheckCommand(app, context);
  AddGateCommands(app, context);
  AddHistoryCommand(app, context);
  AddPlanCommand(app, context);
  AddCompletionCommand(app, context);
  if (const std::string bad = NotUtf8Argument(argc, argv); !bad.empty()) {
    PrintError(bad);
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (const std::string unknown = UnknownCommand(app);
        error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError) &&
        !unknown.empty()) {
      PrintError(unknown);
      return kExitUsage;
    }
    // --help and --version are "errors" of code 0.
    return app.exit(error) == 0 ? kExitPass : kExitUsage;
  }
  std::cout.flush();
  return context.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run(argc, argv);
  } catch (const std::exception& error) {
    plumbline::client::PrintError(error.what());
    return plumbline::client::kExitError;
  }
}
