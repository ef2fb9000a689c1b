#include "client/commands/command.h"

#include <filesystem>

#include "core/base/file_bytes.h"

namespace plumbline::client {

Connection& CommandContext::connection() {
  if (connection_ == nullptr) connection_ = std::make_unique<Connection>(connection_options);
  return *connection_;
}

bool CommandContext::Call(const std::string& what,
                          const std::function<grpc::Status(grpc::ClientContext*)>& call) {
  const grpc::Status status = interrupt->Run(call);
  if (status.ok()) return true;
  if (interrupt->interrupted()) {
    Fail("interrupted", kExitInterrupted);
  } else {
    const std::string why = DescribeError(status, connection().address());
    // Many a server's message begins with what was asked for.
    const bool said = why.rfind(what + ": ", 0) == 0;
    Fail(said ? why : what + ": " + why, ExitCodeOf(status));
  }
  return false;
}

void CommandContext::Fail(const std::string& message, ExitCode code) {
  PrintError(message);
  exit_code = code;
}

std::optional<std::string> ModelOrOnlyOne(CommandContext& context, const std::string& named) {
  if (!named.empty()) return named;
  v1::ListModelsResponse response;
  if (!context.Call("list models", [&](grpc::ClientContext* c) {
        return context.connection().models().ListModels(c, v1::ListModelsRequest(), &response);
      })) {
    return std::nullopt;
  }
  if (response.models_size() == 1) return response.models(0).name();
  if (response.models().empty()) {
    context.Fail("the server hosts no model; load one with: plumbline model load NAME DIRECTORY");
    return std::nullopt;
  }
  std::string names;
  for (const auto& model : response.models()) names += (names.empty() ? "" : ", ") + model.name();
  context.Fail("which model? Give --model with one of: " + names, kExitUsage);
  return std::nullopt;
}

std::string AbsolutePath(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

void AddTextArgument(CLI::App& command, const std::string& names, const std::string& noun,
                     TextArgument& argument) {
  argument.argument = command.add_option(names, argument.text, "The " + noun);
  argument.file_option = command.add_option(
      "-f,--file", argument.file, "Read the " + noun + " from a file; - for standard input");
}

std::optional<std::string> TextOrFail(CommandContext& context, const std::string& noun,
                                      const TextArgument& argument) {
  const bool given = argument.argument->count() > 0, file = argument.file_option->count() > 0;
  if (given == file) {
    context.Fail("give the " + noun + " as an argument or with --file (- for standard input)" +
                     (given ? ", not both" : ""),
                 kExitUsage);
    return std::nullopt;
  }
  std::optional<std::string> text = file ? ReadFileOrFail(context, argument.file) : argument.text;
  if (!text.has_value() || !text->empty()) return text;
  context.Fail("the " + noun + " is empty", kExitUsage);
  return std::nullopt;
}

std::optional<std::string> ReadFileOrFail(CommandContext& context, const std::string& path,
                                          uint64_t max_bytes) {
  absl::StatusOr<std::string> content = ReadInput(path, max_bytes);
  if (content.ok()) return *std::move(content);
  context.Fail(std::string(content.status().message()));
  return std::nullopt;
}

}  // namespace plumbline::client
