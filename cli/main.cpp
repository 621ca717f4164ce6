// SPDX-License-Identifier: Apache-2.0
// davit: finds the command, lets it parse its options and run, and turns what went wrong into a
// message and an exit status. The only file that knows how errors become exit statuses.
#include "cli/commands.hpp"
#include "cli/help.hpp"
#include "cli/nearest.hpp"
#include "cli/output.hpp"
#include "cli/plugin.hpp"

#include <cstdlib>

namespace davit::cli {
namespace {

constexpr int kUsageError = 125;  // docker's status for options that it cannot read

int complain_usage(std::string_view command, std::string_view what, int status) {
    complain(what);
    print_error("\nRun 'davit " + std::string(command) + (command.empty() ? "" : " ") +
                "--help' for more information\n");
    return status;
}

int show(std::string_view text) { return print(text) ? 0 : 1; }

int unknown_command(const Strings& words) {
    std::vector<std::string_view> known;
    const bool in_group = is_group(words[0]) && words.size() > 1;
    for (const auto& entry : all_commands())
        for (auto name : names_of(entry)) {
            const auto space = name.find(' ');
            if (in_group && space != std::string_view::npos && name.substr(0, space) == words[0])
                known.push_back(name.substr(space + 1));
            if (!in_group) known.push_back(name.substr(0, space));
        }
    const auto near = nearest(in_group ? words[1] : words[0], known);
    const auto prefix = in_group ? words[0] + " " : std::string();
    std::string what = "unknown command: davit " + words[0] + (in_group ? " " + words[1] : "");
    if (!near.empty()) what += "; did you mean davit " + prefix + std::string(near) + "?";
    return complain_usage(in_group ? words[0] : "", what, 1);
}

int plugin_or_unknown(const Session& session, const Strings& words) {
    const auto program = find_plugin(session, words[0]);
    if (program && !*program) return unknown_command(words);
    complain(program ? become_plugin(session, **program, words).what : program.error().what);
    return 1;
}

std::string count_error(const CommandEntry& entry, std::size_t count) {
    const std::string name(names_of(entry)[0]);
    if (entry.most == 0) return name + " takes no arguments";
    const auto number = count < entry.least ? entry.least : entry.most;
    return name + " takes " +
           (entry.least == entry.most ? "exactly "
            : count < entry.least     ? "at least "
                                      : "at most ") +
           std::to_string(number) + (number == 1 ? " argument" : " arguments") + ": " +
           std::string(entry.arguments);
}

int run_command(Session& session, const CommandEntry& entry, const Strings& arguments) {
    const auto name = names_of(entry)[0];
    const auto command = entry.make();
    Flags flags;
    command->declare(flags);
    const auto order = entry.options_first ? Flags::Order::before_operands : Flags::Order::anywhere;
    const auto operands = flags.parse(arguments, order);
    if (!operands)
        return complain_usage(name, std::string(name) + ": " + operands.error().what, kUsageError);
    if (flags.help_asked()) return show(help_of_command(entry, flags));
    if (operands->size() < entry.least || operands->size() > entry.most)
        return complain_usage(name, count_error(entry, operands->size()), 1);
    const auto status = command->run(session, *operands);
    if (status) return *status;
    complain(std::string(name) + ": " + status.error().what);
    return command->status_of(status.error());
}

int dispatch(const Strings& arguments) {
    GlobalOptions options;
    bool version = false;
    Flags flags;
    flags.text(options.host, "H,host", "HOST",
               "unix:///path, tcp://host:port or ssh://user@host (DAVIT_HOST; default: "
               "unix:///run/davit/davit.sock)");
    flags.text(options.context, "c,context", "NAME", "Engine by its context (DAVIT_CONTEXT)");
    flags.text(options.config_dir, "config", "DIR",
               "Where config.json with credentials lies (default: ~/.docker)");
    flags.toggle(options.tls.tls, "tls", "Speak TLS to a tcp:// host");
    flags.toggle(options.tls.verify, "tlsverify",
                 "Speak TLS and check the host's certificate (DAVIT_TLS_VERIFY)");
    flags.text(options.tls.authorities, "tlscacert", "FILE",
               "Who signs it (default: ca.pem in DAVIT_CERT_PATH)");
    flags.text(options.tls.certificate, "tlscert", "FILE", "Certificate of our own");
    flags.text(options.tls.key, "tlskey", "FILE", "Its key");
    flags.toggle(version, "v,version", "Print the version of davit and leave");
    auto words = flags.parse(arguments, Flags::Order::before_operands);
    if (!words) return complain_usage("", words.error().what, kUsageError);
    if (version) return show("Davit version " DAVIT_VERSION "\n");
    const bool asks_help = flags.help_asked() || (!words->empty() && words->front() == "help");
    if (!words->empty() && words->front() == "help") words->erase(words->begin());
    if (words->empty()) return show(help_of_all(flags));

    std::size_t used = 0;
    const auto* entry = find_command(*words, used);
    const bool group_only = is_group(words->front()) &&
                            (words->size() == 1 || (*words)[1] == "--help" || (*words)[1] == "-h");
    if (group_only && (entry == nullptr || asks_help || words->size() > 1))
        return show(help_of_group(words->front()));
    Session session(std::move(options));
    if (entry == nullptr) return plugin_or_unknown(session, *words);
    Strings rest(words->begin() + static_cast<std::ptrdiff_t>(used), words->end());
    if (asks_help) rest = {"--help"};
    return run_command(session, *entry, rest);
}

}  // namespace
}  // namespace davit::cli

int main(int count, char** arguments) {
    // Nothing of ours is left to destroy that the end of the process does not: leave at once.
    ::_Exit(davit::cli::dispatch({arguments + 1, arguments + count}));
}
