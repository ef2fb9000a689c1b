// What every command gets, and the one way a command is made: Add<Noun>Commands(app, context) adds
// CLI11 subcommands whose callbacks set context.exit_code. One file a noun.
#ifndef PLUMBLINE_CLIENT_COMMANDS_COMMAND_H_
#define PLUMBLINE_CLIENT_COMMANDS_COMMAND_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/connection.h"
#include "client/exit_code.h"
#include "client/interrupt.h"
#include "client/output.h"

namespace plumbline::client {

// Options of the whole program, and what the chosen command leaves behind. Made before the command
// line is parsed.
struct CommandContext {
  ConnectionOptions connection_options;
  OutputFormat format = OutputFormat::kText;
  bool quiet = false;  // no progress, no notices
  Interrupt* interrupt = nullptr;
  ExitCode exit_code = kExitPass;

  bool json() const { return format == OutputFormat::kJson; }

  // The connection, made at the first call.
  Connection& connection();

  // Runs one unary call; on an error prints it as "<what>: <error>", sets exit_code and returns
  // false.
  bool Call(const std::string& what, const std::function<grpc::Status(grpc::ClientContext*)>& call);

  // Prints "<message>" and sets the exit code.
  void Fail(const std::string& message, ExitCode code = kExitError);

 private:
  std::unique_ptr<Connection> connection_;
};

// The model to use where --model was not given: the only one hosted. Prints why not, and returns
// nothing, when there is none or more.
std::optional<std::string> ModelOrOnlyOne(CommandContext& context, const std::string& named);

// A path on this machine made absolute, since the server's working directory is another.
std::string AbsolutePath(const std::string& path);

// A text that a command takes as an argument or with --file.
struct TextArgument {
  CLI::Option* argument = nullptr;
  CLI::Option* file_option = nullptr;
  std::string text;
  std::string file;
};
// Adds both options; `noun` is what the text is ("prompt"), `names` the argument's names.
void AddTextArgument(CLI::App& command, const std::string& names, const std::string& noun,
                     TextArgument& argument);
// The text, or nothing after printing what is wrong: neither is given, both, or it is empty.
std::optional<std::string> TextOrFail(CommandContext& context, const std::string& noun,
                                      const TextArgument& argument);

// False after printing where `text`, which `what` gives, is not UTF-8: no proto string can hold it.
bool IsUtf8OrFail(CommandContext& context, const std::string& what, const std::string& text,
                  ExitCode code = kExitError);

// What is wrong with a command line beyond what CLI11 says; empty: nothing.
// An argument is not UTF-8 and no file of this machine either.
std::string NotUtf8Argument(int argc, const char* const* argv);
// After a failed parse: the word that stands where a subcommand must, and the nearest one.
std::string UnknownCommand(const CLI::App& root);

// As CLI::NonNegativeNumber and its like, which say the largest double too: 309 digits.
CLI::Validator AtLeast(int64_t low);

// A file's or pipe's content, or nothing after printing why ("-" is standard input).
inline constexpr uint64_t kMaxInputBytes = uint64_t{256} << 20;
std::optional<std::string> ReadFileOrFail(CommandContext& context, const std::string& path,
                                          uint64_t max_bytes = kMaxInputBytes);

void AddModelCommands(CLI::App& app, CommandContext& context);
void AddAdapterCommands(CLI::App& app, CommandContext& context);
void AddTaskCommands(CLI::App& app, CommandContext& context);
void AddTaskLintCommand(CLI::App& task, CommandContext& context);  // below `task`
void AddJobCommands(CLI::App& app, CommandContext& context);
void AddGenerateCommand(CLI::App& app, CommandContext& context);
void AddScoreCommand(CLI::App& app, CommandContext& context);
void AddCheckCommand(CLI::App& app, CommandContext& context);
void AddGateCommands(CLI::App& app, CommandContext& context);
void AddHistoryCommand(CLI::App& app, CommandContext& context);
void AddPlanCommand(CLI::App& app, CommandContext& context);
void AddCompletionCommand(CLI::App& app, CommandContext& context);

}  // namespace plumbline::client

#endif  // PLUMBLINE_CLIENT_COMMANDS_COMMAND_H_
