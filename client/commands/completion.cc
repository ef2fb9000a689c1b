// Completion scripts are made from the command tree itself, so they cannot drift from it: for every
// command a line of the words that can follow it.
#include <iostream>
#include <map>

#include "client/commands/command.h"

namespace plumbline::client {
namespace {

// Command path ("job submit") to the words that can follow.
using Words = std::map<std::string, std::vector<std::string>>;

void Collect(const CLI::App& app, const std::string& path, Words& words) {
  auto& mine = words[path];
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    mine.push_back(sub->get_name());
    Collect(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), words);
  }
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) mine.push_back("--" + name);
    for (const std::string& name : option->get_snames()) mine.push_back("-" + name);
  }
}

std::string Join(const std::vector<std::string>& words) {
  std::string joined;
  for (const auto& word : words) joined += (joined.empty() ? "" : " ") + word;
  return joined;
}

void PrintBash(const Words& words) {
  std::cout << "_plumbline() {\n"
               "  local current=${COMP_WORDS[COMP_CWORD]} path= word\n"
               "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
               "    case $word in -*) ;; *) path=\"${path:+$path }$word\" ;; esac\n"
               "  done\n"
               "  local words\n"
               "  case $path in\n";
  // Longest path first: a positional argument after "job get" keeps that command's words.
  for (auto entry = words.rbegin(); entry != words.rend(); ++entry) {
    std::cout << "    " << (entry->first.empty() ? "\"\"" : "\"" + entry->first + "\"*")
              << ") words=\"" << Join(entry->second) << "\" ;;\n";
  }
  std::cout << "  esac\n"
               "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
               "  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$current\"))\n"
               "}\n"
               "complete -F _plumbline plumbline\n";
}

void PrintFish(const Words& words) {
  for (const auto& [path, following] : words) {
    std::string condition = "__fish_use_subcommand";
    if (!path.empty()) {
      condition.clear();
      size_t begin = 0;
      while (begin < path.size()) {
        const size_t end = std::min(path.find(' ', begin), path.size());
        condition += (condition.empty() ? "" : "; and ") +
                     std::string("__fish_seen_subcommand_from ") + path.substr(begin, end - begin);
        begin = end + 1;
      }
    }
    for (const auto& word : following) {
      if (word.rfind("--", 0) == 0) {
        std::cout << "complete -c plumbline -n '" << condition << "' -l " << word.substr(2) << "\n";
      } else if (word[0] != '-') {
        std::cout << "complete -c plumbline -f -n '" << condition << "' -a " << word << "\n";
      }
    }
  }
}

}  // namespace

void AddCompletionCommand(CLI::App& app, CommandContext& context) {
  auto shell = std::make_shared<std::string>();
  CLI::App* completion = app.add_subcommand("completion", "Print a shell's completion script");
  completion->footer(
      "Examples:\n  source <(plumbline completion bash)\n  plumbline completion fish | source");
  completion->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->callback([&app, shell] {
    Words words;
    Collect(app, "", words);
    if (*shell == "zsh") std::cout << "autoload -U +X bashcompinit && bashcompinit\n";
    if (*shell == "fish") {
      PrintFish(words);
    } else {
      PrintBash(words);
    }
  });
}

}  // namespace plumbline::client
