// SPDX-License-Identifier: Apache-2.0
// davit __manual DIRECTORY: the manual pages, from what --help is made of. The build runs it.
#include "cli/command.hpp"
#include "cli/commands.hpp"
#include "cli/files.hpp"

#include <algorithm>

namespace davit::cli {
namespace {

// roff takes a dot at the beginning of a line for a request, a backslash for an escape, and a plain
// hyphen for one that may be typeset as a dash.
std::string roff(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if ((c == '.' || c == '\'') && (at == 0 || text[at - 1] == '\n')) out += "\\&";
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else
            out += c;
    }
    return out;
}

std::string page_name(std::string_view command) {
    std::string name = "davit";
    if (!command.empty()) name.append("-").append(command);
    std::replace(name.begin(), name.end(), ' ', '-');
    return name;
}

std::string head(const std::string& page, std::string_view summary) {
    std::string title = page;
    std::transform(title.begin(), title.end(), title.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return ".\\\" Made from the text of davit \\-\\-help.\n.TH " + roff(title) +
           " 1 \"\" \"Davit " DAVIT_VERSION "\" \"Davit\"\n.SH NAME\n" + roff(page) + " \\- " +
           roff(summary) + "\n";
}

std::string options_of(const Flags& flags) {
    std::string out, section;
    for (const auto& flag : flags.all()) {
        if (flag.section != section || out.empty())
            out += ".SH " + (flag.section.empty() ? "OPTIONS" : roff(flag.section)) + "\n";
        section = flag.section;
        out += ".TP\n";
        if (flag.letter != 0) out += std::string("\\fB\\-") + flag.letter + "\\fR, ";
        out += "\\fB\\-\\-" + roff(flag.name) + "\\fR";
        if (!flag.value.empty()) out += " \\fI" + roff(flag.value) + "\\fR";
        out += "\n" + roff(flag.help) + "\n";
    }
    return out;
}

std::string page_of(const CommandEntry& entry) {
    const auto names = names_of(entry);
    Flags flags;
    const auto command = entry.make();
    command->declare(flags);
    std::string out = head(page_name(names[0]), entry.summary) + ".SH SYNOPSIS\n\\fBdavit " +
                      roff(names[0]) + "\\fR " + roff(entry.arguments) + "\n";
    if (names.size() > 1) {
        out += ".SH ALIASES\n";
        for (std::size_t i = 0; i < names.size(); ++i)
            out += (i > 0 ? ", " : "") + std::string("davit ") + roff(names[i]);
        out += "\n";
    }
    out += options_of(flags);
    if (!entry.examples.empty()) out += ".SH EXAMPLES\n.nf\n" + roff(entry.examples) + "\n.fi\n";
    return out + ".SH SEE ALSO\n.BR davit (1)\n";
}

std::string overview() {
    std::string out = head("davit", "run containers") +
                      ".SH SYNOPSIS\n\\fBdavit\\fR [OPTIONS] COMMAND\n.SH DESCRIPTION\n"
                      "The command line of the Davit container engine, made to feel like docker. "
                      "Global options are shown by \\fBdavit \\-\\-help\\fR; "
                      "each command has a page of its own.\n.SH COMMANDS\n";
    for (const auto& entry : all_commands()) {
        const auto name = names_of(entry)[0];
        if (name.starts_with("__")) continue;
        out += ".TP\n.BR " + roff(page_name(name)) + " (1)\n" + roff(entry.summary) + "\n";
    }
    return out;
}

class Manual final : public Command {
public:
    Result<int> run(Session&, const Strings& words) override {
        TRY(replace_file(words[0] + "/davit.1", overview()));
        for (const auto& entry : all_commands()) {
            const auto name = names_of(entry)[0];
            if (name.starts_with("__")) continue;
            TRY(replace_file(words[0] + "/" + page_name(name) + ".1", page_of(entry)));
        }
        return 0;
    }
};

}  // namespace

std::unique_ptr<Command> make_manual() { return std::make_unique<Manual>(); }

}  // namespace davit::cli
