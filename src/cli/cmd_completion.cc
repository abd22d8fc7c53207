// completion: the man page and what shells complete, from the one command table.

#include <cctype>
#include <cstdio>

#include "cli/command.h"
#include "drey/version.h"

namespace drey::cli {
namespace {

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// roff: a '-' people may copy is written \-, a line must not begin with '.' or '\''.
std::string roff(const std::string& text) {
  std::string out = replaced(replaced(text, "\\", "\\e"), "-", "\\-");
  return out.empty() || (out[0] != '.' && out[0] != '\'') ? out : "\\&" + out;
}

std::string quoted(const std::string& text) { return replaced(text, "'", "'\\''"); }

void print_roff_options(std::span<const OptionRow> options) {
  for (const OptionRow& option : options)
    std::printf(".TP\n\\fB\\-\\-%s\\fR%s%s%s\n%s\n", roff(option.name).c_str(),
                option.value != nullptr ? " \\fI" : "",
                option.value != nullptr ? roff(option.value).c_str() : "",
                option.value != nullptr ? "\\fR" : "", roff(option.help).c_str());
}

void print_man() {
  std::printf(
      ".TH DREY 1 \"\" \"drey %s\" \"User Commands\"\n.SH NAME\ndrey \\- a backup mesh for the "
      "home\n.SH SYNOPSIS\n\\fBdrey\\fR [\\fIOPTIONS\\fR] \\fICOMMAND\\fR ...\n.SH DESCRIPTION\n"
      "Every device of a household keeps sealed pieces of the others' backups. There is no server "
      "and no account;\nten words on paper and any device that survives bring everything back.\n"
      ".PP\nBegin with \\fBdrey setup\\fR on each device.\n.SH COMMANDS\n",
      kVersion);
  for (const CommandRow& command : commands()) {
    std::printf(".SS \"drey %s%s%s\"\n%s\n", command.name, *command.arguments != 0 ? " " : "",
                roff(command.arguments).c_str(), roff(command.help).c_str());
    print_roff_options(command.options);
  }
  std::printf(".SH OPTIONS\nThese go with every command.\n");
  print_roff_options(global_options());
  std::printf(
      ".SH EXIT STATUS\n0 well, 1 error, 2 usage, 3 partly done, 10 not found, 11 busy, 12 "
      "refused, "
      "13 not enough copies, 130 interrupted.\n.SH FILES\n.TP\n\\fI/etc/drey/drey.conf\\fR\n"
      "Settings; \\fBdrey config check\\fR says whether they are right.\n.TP\n"
      "\\fI/var/lib/drey\\fR\nKeys, state and pieces of the service.\n.SH ENVIRONMENT\n"
      "\\fBDREY_DIR\\fR, \\fBDREY_SOCKET\\fR, \\fBNO_COLOR\\fR, and \\fBDREY_\\fR with the name of "
      "a "
      "key of drey.conf.\n");
}

std::string options_of(std::span<const OptionRow> options) {
  std::string out;
  for (const OptionRow& option : options)
    out += std::string(out.empty() ? "" : " ") + "--" + option.name;
  return out;
}

void print_bash() {
  std::string names;
  for (const CommandRow& command : commands())
    names += (names.empty() ? "" : " ") + std::string(command.name);
  std::printf(
      "# bash completion for drey, written by: drey completion bash\n_drey() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} command= i\n"
      "  for ((i = 1; i < COMP_CWORD; ++i)); do\n    case ${COMP_WORDS[i]} in\n"
      "      --dir) ((++i)) ;;\n      -*) ;;\n      *) command=${COMP_WORDS[i]}; break ;;\n    "
      "esac\n"
      "  done\n  local words='%s' globals='%s'\n  case $command in\n    '') words+=\" $globals\" "
      ";;\n",
      names.c_str(), options_of(global_options()).c_str());
  for (const CommandRow& command : commands())
    std::printf("    %s) words=\"%s $globals\" ;;\n", command.name,
                options_of(command.options).c_str());
  std::printf(
      "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
      "  [[ $word == -* || -z $command ]] || COMPREPLY+=($(compgen -f -- \"$word\"))\n}\n"
      "complete -o filenames -F _drey drey\n");
}

void print_zsh() {
  std::printf("#compdef drey\n# zsh completion for drey, written by: drey completion zsh\n");
  std::printf("local -a commands\ncommands=(\n");
  for (const CommandRow& command : commands())
    std::printf("  '%s:%s'\n", command.name, quoted(replaced(command.help, ":", "\\:")).c_str());
  std::printf(
      ")\nif (( CURRENT == 2 )); then\n  _describe 'command' commands\n  return\nfi\ncase "
      "$words[2] in\n");
  auto print_options = [](std::span<const OptionRow> options) {
    for (const OptionRow& option : options) {
      std::string help = replaced(replaced(option.help, "[", "("), "]", ")");
      std::printf(" '--%s[%s]%s%s'", option.name, quoted(replaced(help, ":", "\\:")).c_str(),
                  option.value != nullptr ? ":" : "", option.value != nullptr ? option.value : "");
    }
  };
  for (const CommandRow& command : commands()) {
    std::printf("  %s) _arguments", command.name);
    print_options(command.options);
    print_options(global_options());
    std::printf(" '*:file:_files' ;;\n");
  }
  std::printf("esac\n");
}

void print_fish() {
  std::printf("# fish completion for drey, written by: drey completion fish\n");
  for (const CommandRow& command : commands()) {
    std::printf("complete -c drey -n __fish_use_subcommand -a %s -d '%s'\n", command.name,
                quoted(command.help).c_str());
    for (const OptionRow& option : command.options)
      std::printf("complete -c drey -n '__fish_seen_subcommand_from %s' -l %s%s -d '%s'\n",
                  command.name, option.name, option.value != nullptr ? " -r" : "",
                  quoted(option.help).c_str());
  }
  for (const OptionRow& option : global_options())
    std::printf("complete -c drey -l %s%s -d '%s'\n", option.name,
                option.value != nullptr ? " -r" : "", quoted(option.help).c_str());
}

}  // namespace

int cmd_completion(Context&, const Arguments& arguments) {
  const std::string& what = arguments.positional[0];
  if (what == "bash") {
    print_bash();
  } else if (what == "zsh") {
    print_zsh();
  } else if (what == "fish") {
    print_fish();
  } else if (what == "man") {
    print_man();
  } else {
    complain("drey completion writes for bash, zsh or fish; man writes the manual page");
    return kExitUsage;
  }
  return kExitOk;
}

}  // namespace drey::cli
