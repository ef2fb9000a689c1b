#include "client/commands/command.h"
namespace plumbline::client {
void AddCheckCommand(CLI::App& app, CommandContext& context) {}
}  // namespace plumbline::client
