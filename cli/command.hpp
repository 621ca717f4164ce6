// SPDX-License-Identifier: Apache-2.0
// What one command of the CLI is. Each lives in a file of its own and is made only when it runs.
#pragma once

#include "cli/flags.hpp"
#include "cli/session.hpp"

#include <memory>
#include <string_view>

namespace davit::cli {

class Command {
public:
    virtual ~Command() = default;
    // Declares its options, with members of the command as their targets.
    virtual void declare(Flags& flags) { (void)flags; }
    // Does the work; returns the exit status. An error is printed by main with the command's name
    // in front.
    virtual Result<int> run(Session& session, const Strings& operands) = 0;
    // The exit status of an error that run() returned.
    virtual int status_of(const Error& error) const { return (void)error, 1; }
};

// One line of the table of commands.
struct CommandEntry {
    std::string_view
        names;  // "container ls, ps": canonical last; each is a path of one or two words
    std::string_view section;    // heading in `davit --help`
    std::string_view arguments;  // "[OPTIONS] CONTAINER [CONTAINER...]"
    std::string_view summary;
    std::size_t least = 0, most = 0;  // operands
    bool options_first =
        false;  // an option behind the first operand belongs to the container's command
    std::unique_ptr<Command> (*make)() = nullptr;
    std::string_view examples = {};  // lines for --help
};

}  // namespace davit::cli
