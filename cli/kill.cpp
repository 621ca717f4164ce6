// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "sdk/client/containers.hpp"

namespace davit::cli {
namespace {

class Kill final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(signal_, "s,signal", "SIGNAL",
                   "Signal to send: KILL, SIGTERM, 15, … (default: KILL)");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        return for_each_operand("kill", operands, [&](const std::string& name) -> Result<void> {
            TRY(sdk::kill_container(*client, name, signal_));
            return print(name + "\n");
        });
    }

private:
    std::string signal_;
};

}  // namespace

std::unique_ptr<Command> make_kill() { return std::make_unique<Kill>(); }

}  // namespace davit::cli
