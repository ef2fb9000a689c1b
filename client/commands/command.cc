#include "client/commands/command.h"

#include <filesystem>

#include "absl/strings/escaping.h"
#include "core/base/file_bytes.h"
#include "core/base/names.h"
#include "core/base/utf8.h"

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
  if (!text.has_value()) return text;
  if (text->empty()) {
    context.Fail("the " + noun + " is empty", kExitUsage);
    return std::nullopt;
  }
  const std::string what = file ? argument.file : "the " + noun;
  if (!IsUtf8OrFail(context, what, *text, file ? kExitError : kExitUsage)) return std::nullopt;
  return text;
}

bool IsUtf8OrFail(CommandContext& context, const std::string& what, const std::string& text,
                  ExitCode code) {
  const std::optional<size_t> bad = FirstInvalidUtf8(text);
  if (!bad.has_value()) return true;
  context.Fail(what + ": not UTF-8 at byte " + std::to_string(*bad) +
                   "; convert it, for example with iconv -f latin1 -t utf-8",
               code);
  return false;
}

std::string NotUtf8Argument(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const std::optional<size_t> bad = FirstInvalidUtf8(word);
    if (!bad.has_value()) continue;
    const std::string value = word.rfind("--", 0) == 0 ? word.substr(word.find('=') + 1) : word;
    std::error_code error;
    if (std::filesystem::exists(value, error)) continue;
    return "argument " + std::to_string(i) + ", \"" + absl::CHexEscape(word) +
           "\": not UTF-8 at byte " + std::to_string(*bad);
  }
  return "";
}

std::string UnknownCommand(const CLI::App& root) {
  const CLI::App* app = &root;
  std::string path;
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
    path += app->get_name() + " ";
  }
  std::vector<std::string> names;
  for (const CLI::App* sub : app->get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(sub->get_name());
  }
  const std::vector<std::string> words = root.remaining(true);
  if (names.empty() || words.empty() || words[0].rfind('-', 0) == 0) return "";
  return "there is no command \"" + path + words[0] + "\"" + NamesInstead(words[0], names);
}

CLI::Validator AtLeast(int64_t low) {
  return CLI::Validator(
      [low](const std::string& text) {
        double value = 0;
        if (!CLI::detail::lexical_cast(text, value)) return text + " is not a number";
        if (value >= static_cast<double>(low)) return std::string();
        return text + " is less than " + std::to_string(low);
      },
      "");
}

std::optional<std::string> ReadFileOrFail(CommandContext& context, const std::string& path,
                                          uint64_t max_bytes) {
  absl::StatusOr<std::string> content = ReadInput(path, max_bytes);
  if (content.ok()) return *std::move(content);
  context.Fail(std::string(content.status().message()));
  return std::nullopt;
}

}  // namespace plumbline::client
