#include "client/commands/command.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

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

std::optional<std::string> ReadFileOrFail(CommandContext& context, const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::error_code error;
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path, error)) {
    context.Fail("cannot read " + path);
    return std::nullopt;
  }
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

}  // namespace plumbline::client
