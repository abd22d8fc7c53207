#include <array>

#include "cli/command.h"

namespace drey::cli {
namespace {

constexpr OptionRow kGlobal[] = {
    {"dir", "DIR", "the node's directory (or DREY_DIR)"},
    {"json", nullptr, "machine-readable output"},
    {"quiet", nullptr, "say only what went wrong"},
    {"verbose", nullptr, "say more"},
    {"no-color", nullptr, "plain text (or NO_COLOR)"},
    {"help", nullptr, "show help"},
    {"version", nullptr, "show the version"},
};
constexpr OptionRow kInit[] = {
    {"name", "NODE", "this device's name (default: the host's name)"},
    {"mesh", "NAME", "the mesh's name (default: home)"},
    {"copies", "N", "devices that keep each piece besides the owner (default 2)"},
    {"compression", "C", "auto, none, zstd[:LEVEL], zlib[:LEVEL] (default auto)"},
    {"no-start", nullptr, "do not start the installed service"},
};
constexpr OptionRow kRun[] = {
    {"listen", "A:P", "where peers connect (default [::]:4747)"},
    {"page", "A:P", "where the status page is (default 127.0.0.1:4748)"},
    {"group", "A:P", "multicast group of the beacons (default 239.255.47.47:4747)"},
    {"group6", "A:P", "IPv6 multicast group (default [ff12::4747]:4747)"},
    {"peer", "A:P", "a peer's address, where multicast does not reach (repeatable)"},
};
constexpr OptionRow kInvite[] = {
    {"role", "ROLE", "full (reads everything) or vault (stores only); default full"},
    {"uses", "N", "how many devices may join with this code (default 1)"},
    {"no-wait", nullptr, "show the code and return"},
};
constexpr OptionRow kJoin[] = {
    {"name", "NODE", "this device's name (default: the host's name)"},
    {"peer", "A:P", "the inviter's address, where multicast does not reach"},
    {"group", "A:P", "multicast group of the beacons"},
    {"group6", "A:P", "IPv6 multicast group"},
    {"no-start", nullptr, "do not start the installed service"},
};
constexpr OptionRow kRecover[] = {
    {"replace", "NODE", "become this lost device: its backups and its name pass to this one"},
    {"name", "NODE", "this device's name (default: the host's name)"},
    {"peer", "A:P", "a surviving device's address, where multicast does not reach"},
    {"group", "A:P", "multicast group of the beacons"},
    {"group6", "A:P", "IPv6 multicast group"},
    {"no-start", nullptr, "do not start the installed service"},
};
constexpr OptionRow kBackup[] = {
    {"set", "NAME", "which set of backups this belongs to (default: default)"},
    {"exclude", "GLOB", "leave out what matches (repeatable)"},
    {"one-file-system", nullptr, "do not cross mount points"},
    {"exclude-caches", nullptr, "leave out directories with a CACHEDIR.TAG"},
    {"wait", nullptr, "return only when every copy is in place"},
};
constexpr OptionRow kRestore[] = {
    {"target", "DIR", "where to write; nothing is written outside it"},
    {"overwrite", nullptr, "replace existing files"},
    {"skip-bad", nullptr, "restore the rest when pieces are missing, and name what is not whole"},
};
constexpr OptionRow kForget[] = {
    {"keep-last", "N", "of each set, keep the newest N"},
    {"keep-daily", "N", "... the newest of each of the last N days that have one"},
    {"keep-weekly", "N", "... of each of the last N weeks"},
    {"keep-monthly", "N", "... of each of the last N months"},
    {"now", nullptr, "other devices give the space back at once; asks for the recovery phrase"},
    {"dry-run", nullptr, "say what would go, and remove nothing"},
};
constexpr OptionRow kWait[] = {
    {"timeout", "S", "give up after S seconds (exit 13)"},
};
constexpr OptionRow kWhatif[] = {
    {"lose", "NODE", "a device that would be gone (repeatable; more may follow)"},
};
constexpr OptionRow kScrub[] = {
    {"wait", nullptr, "follow it to its end"},
};
constexpr OptionRow kDoctor[] = {
    {"one-left", "NODE", "of two devices with NODE's identity one is gone: end the alarm here"},
};
constexpr OptionRow kRetire[] = {
    {"wait", nullptr, "return only when the device has left"},
};
constexpr OptionRow kToken[] = {
    {"scope", "SCOPE",
     "read (look), write (and back up) or admin (everything but keys and logins)"},
    {"name", "NAME", "what it is for"},
};
constexpr OptionRow kUser[] = {
    {"scope", "SCOPE",
     "read (look), write (and back up) or admin (everything but keys and logins)"},
};
constexpr OptionRow kLs[] = {
    {"long", nullptr, "with mode, owner, size and time"},
};

constexpr OptionRow kPut[] = {
    {"name", "N", "what it is called (default: the file's name)"},
};
constexpr OptionRow kGet[] = {
    {"output", "FILE", "write to FILE, which must not exist (default: stdout)"},
};

constexpr OptionRow kSetup[] = {
    {"name", "NODE", "this device's name (default: the host's name)"},
    {"mesh", "NAME", "a new mesh's name (default: home)"},
    {"path", "PATH", "what to back up (repeatable; default: /home, or your own folder)"},
    {"peer", "A:P", "the inviter's address, where multicast does not reach"},
    {"no-start", nullptr, "do not start the installed service"},
};
constexpr OptionRow kNotify[] = {
    {"test", nullptr, "run the command once, with the present verdict"},
};

constexpr CommandRow kCommands[] = {
    {"setup", "", "three questions, and this device backs itself up", kSetup, 0, 0, cmd_setup},
    {"init", "", "make a new node and a new mesh; shows the recovery phrase once", kInit, 0, 0,
     cmd_init},
    {"run", "", "the daemon, in the foreground", kRun, 0, 0, cmd_run},
    {"invite", "", "show a one-time pairing code and wait for the device", kInvite, 0, 0,
     cmd_invite},
    {"join", "CODE", "make this device part of the mesh that shows CODE", kJoin, 1, 8, cmd_join},
    {"recover", "", "phrase on stdin: make this device part of a mesh whose devices were lost",
     kRecover, 0, 0, cmd_recover},
    {"backup", "PATH...", "make one snapshot of these paths", kBackup, 1, 32, cmd_backup},
    {"snapshots", "", "list the snapshots", {}, 0, 0, cmd_snapshots},
    {"ls", "SNAP[:PATH]", "list what a snapshot holds", kLs, 1, 1, cmd_ls},
    {"find", "GLOB", "look for a name in all snapshots", {}, 1, 1, cmd_find},
    {"cat", "SNAP:PATH", "write a file of a snapshot to stdout", {}, 1, 1, cmd_cat},
    {"diff", "SNAP SNAP", "what changed between two snapshots", {}, 2, 2, cmd_diff},
    {"restore", "SNAP[:PATH]", "write files of a snapshot beneath a directory", kRestore, 1, 1,
     cmd_restore},
    {"forget", "[SNAP...]", "remove snapshots: those named, and what the rules do not keep",
     kForget, 0, 32, cmd_forget},
    {"put", "FILE", "keep a single file: a new version of its name", kPut, 1, 1, cmd_put},
    {"get", "ID", "write one version of a single file to stdout", kGet, 1, 1, cmd_get},
    {"files", "", "list the single files and their versions", {}, 0, 0, cmd_files},
    {"rm", "ID...", "delete versions of single files", {}, 1, 64, cmd_rm},
    {"status", "", "are my files safe?", {}, 0, 0, cmd_status},
    {"peers", "", "the devices of the mesh", {}, 0, 0, cmd_peers},
    {"wait", "", "block until every record has all its copies", kWait, 0, 0, cmd_wait},
    {"scrub", "", "read everything this device keeps again; what is rotten is healed", kScrub, 0, 0,
     cmd_scrub},
    {"whatif", "--lose NODE...", "which files would be lost without these devices?", kWhatif, 0, 64,
     cmd_whatif},
    {"doctor", "", "why can devices not see each other?", kDoctor, 0, 0, cmd_doctor},
    {"config",
     "check [FILE]",
     "is drey.conf right? names the line and what would be right",
     {},
     1,
     2,
     cmd_config},
    {"notify", "", "the notifier: runs `notify = COMMAND` at each change of the verdict", kNotify,
     0, 0, cmd_notify},
    {"completion",
     "SHELL",
     "what bash, zsh or fish complete; man: the manual page",
     {},
     1,
     1,
     cmd_completion},
    {"retire", "NODE", "let a device leave, once what it keeps for others is elsewhere", kRetire, 1,
     1, cmd_retire},
    {"revoke",
     "NODE",
     "cast a stolen or hostile device out, now and for good",
     {},
     1,
     1,
     cmd_revoke},
    {"page", "", "a one-time link that signs a browser in to the status page", {}, 0, 0, cmd_page},
    {"token", "create|list|revoke [NUMBER]", "bearer tokens for scripts that use the HTTP API",
     kToken, 1, 2, cmd_token},
    {"user", "add|list|remove [NAME]", "who may log in to the page; password on stdin", kUser, 1, 2,
     cmd_user},
    {"phrase",
     "check|new",
     "phrase on stdin: are these the words of this mesh? or: replace them by new ones",
     {},
     1,
     1,
     cmd_phrase},
};

}  // namespace

std::span<const CommandRow> commands() { return kCommands; }
std::span<const OptionRow> global_options() { return kGlobal; }

}  // namespace drey::cli
