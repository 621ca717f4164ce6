// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "sdk/client/containers.hpp"

namespace davit::cli {
namespace {

class Restart final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(signal_, "s,signal", "SIGNAL",
                   "Signal to send first (default: the image's, or SIGTERM)");
        flags.number(
            seconds_, "t,timeout", "SECONDS",
            "How long to wait before killing it (default: the container's, or 10; -1: for ever)");
        flags.alias("time", "timeout");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        std::optional<int> seconds;
        if (seconds_) seconds = static_cast<int>(*seconds_);
        return for_each_operand("restart", operands, [&](const std::string& name) -> Result<void> {
            TRY(sdk::restart_container(*client, name, signal_, seconds));
            return print(name + "\n");
        });
    }

private:
    std::string signal_;
    std::optional<std::int64_t> seconds_;
};

}  // namespace

std::unique_ptr<Command> make_restart() { return std::make_unique<Restart>(); }

}  // namespace davit::cli
