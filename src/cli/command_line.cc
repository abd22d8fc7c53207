// Parsing of the command line by the command table, help, and the nearest name of a mistyped one.

#include <getopt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "cli/command.h"
#include "cli/paths.h"
#include "drey/heap.h"
#include "drey/version.h"

namespace drey::cli {

std::string Arguments::value(const char* name, const std::string& otherwise) const {
  auto found = options.find(name);
  return found == options.end() || found->second.empty() ? otherwise : found->second.back();
}

const std::vector<std::string>& Arguments::values(const char* name) const {
  static const std::vector<std::string> kNone;
  auto found = options.find(name);
  return found == options.end() ? kNone : found->second;
}

void say(const Context& context, const char* format, ...) {
  if (context.quiet) return;
  va_list list;
  va_start(list, format);
  std::vfprintf(stderr, format, list);
  va_end(list);
  std::fputc('\n', stderr);
}

void complain(const char* format, ...) {
  va_list list;
  va_start(list, format);
  std::fputs("drey: ", stderr);
  std::vfprintf(stderr, format, list);
  va_end(list);
  std::fputc('\n', stderr);
}

namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

void print_options(std::span<const OptionRow> options, FILE* to) {
  for (const OptionRow& option : options) {
    std::string left = std::string("--") + option.name;
    if (option.value != nullptr) left += std::string(" ") + option.value;
    std::fprintf(to, "  %-22s %s\n", left.c_str(), option.help);
  }
}

void print_help(FILE* to) {
  std::fputs(
      "drey keeps a household's files safe on its own devices.\n\n"
      "usage: drey [--dir DIR] [--json] [-q] [-v] COMMAND ...\n\ncommands:\n",
      to);
  for (const CommandRow& command : commands()) {
    std::string left = std::string(command.name) + " " + command.arguments;
    std::fprintf(to, "  %-22s %s\n", left.c_str(), command.help);
  }
  std::fputs("\noptions everywhere:\n", to);
  print_options(global_options(), to);
  std::fputs(
      "\nbegin with: drey setup (or drey init, drey run, and drey invite for the next device)\n",
      to);
}

void print_command_help(const CommandRow& command, FILE* to) {
  std::fprintf(to, "usage: drey %s%s %s\n\n%s\n", command.name,
               command.options.empty() ? "" : " [OPTIONS]", command.arguments, command.help);
  if (!command.options.empty()) std::fputs("\noptions:\n", to);
  print_options(command.options, to);
}

const CommandRow* find_command(std::string_view name) {
  for (const CommandRow& command : commands())
    if (name == command.name) return &command;
  return nullptr;
}

// Options of `tables` from argv into `to`. False: the mistake was told.
bool parse_options(int argc, char** argv, std::initializer_list<std::span<const OptionRow>> tables,
                   const char* order, Arguments* to) {
  std::vector<option> longs;
  for (auto table : tables)
    for (const OptionRow& row : table)
      longs.push_back(
          {row.name, row.value != nullptr ? required_argument : no_argument, nullptr, 0});
  longs.push_back({nullptr, 0, nullptr, 0});
  std::string shorts = std::string(order) + "qvh";
  opterr = 1;
  for (int index = 0, c = 0;
       (c = getopt_long(argc, argv, shorts.c_str(), longs.data(), &index)) != -1;) {
    if (c == '?') return false;
    const char* name = c == 'q' ? "quiet" : c == 'v' ? "verbose" : c == 'h' ? "help" : nullptr;
    if (name == nullptr) name = longs[static_cast<size_t>(index)].name;
    to->options[name].push_back(optarg != nullptr && c == 0 ? optarg : "");
  }
  return true;
}

}  // namespace

std::string nearest_command(std::string_view word) {
  std::string best;
  size_t distance = std::max<size_t>(2, word.size() / 2) + 1;
  for (const CommandRow& command : commands()) {
    size_t d = edit_distance(word, command.name);
    if (d < distance) {
      distance = d;
      best = command.name;
    }
  }
  return best;
}

int run_command_line(int argc, char** argv, LocalNode* local) {
  Arguments arguments;
  optind = 0;
  // Global options may stand before the command ('+': stop at the first word) and after it.
  if (!parse_options(argc, argv, {global_options()}, "+", &arguments)) return kExitUsage;
  int at = optind;
  if (arguments.has("version")) {
    std::printf("drey %s (%s)\n", kVersion, board_name());
    return kExitOk;
  }
  if (at >= argc) {
    print_help(arguments.has("help") ? stdout : stderr);
    return arguments.has("help") ? kExitOk : kExitUsage;
  }
  const CommandRow* command = find_command(argv[at]);
  if (command == nullptr) {
    std::string near = nearest_command(argv[at]);
    complain("there is no command '%s'%s%s%s", argv[at],
             near.empty() ? "; drey --help lists them" : "; did you mean '", near.c_str(),
             near.empty() ? "" : "'?");
    return kExitUsage;
  }
  optind = 0;
  if (!parse_options(argc - at, argv + at, {command->options, global_options()}, "", &arguments)) {
    std::fprintf(stderr, "drey %s --help shows its options\n", command->name);
    return kExitUsage;
  }
  for (int i = at + optind; i < argc; ++i) arguments.positional.push_back(argv[i]);
  if (arguments.has("help")) {
    print_command_help(*command, stdout);
    return kExitOk;
  }
  if (arguments.positional.size() < command->positional_min ||
      arguments.positional.size() > command->positional_max) {
    print_command_help(*command, stderr);
    return kExitUsage;
  }
  Context context;
  context.local = local;
  context.json = arguments.has("json");
  context.quiet = arguments.has("quiet");
  context.verbose = static_cast<int>(arguments.values("verbose").size());
  const char* no_color = std::getenv("NO_COLOR");
  context.color = isatty(STDOUT_FILENO) && !arguments.has("no-color") &&
                  (no_color == nullptr || *no_color == 0);
  context.dir = resolve_dir(arguments.value("dir"));
  context.socket = resolve_socket(context.dir);
  // Everything but the daemon is short-lived and may use what memory there is.
  if (command->run != cmd_run) heap_unlimited();
  return command->run(context, arguments);
}

}  // namespace drey::cli
