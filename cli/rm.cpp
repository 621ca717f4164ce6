// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "sdk/client/containers.hpp"

namespace davit::cli {
namespace {

class Rm final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(how_.force, "f,force",
                     "Kill it first if it runs; say nothing if there is no such container");
        flags.toggle(how_.link, "l,link", "Remove the link of that name");
        flags.toggle(how_.volumes, "v,volumes", "Remove the container's anonymous volumes as well");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        return for_each_operand("rm", operands, [&](const std::string& given) -> Result<void> {
            const auto name = given.starts_with('/') ? given.substr(1) : given;
            if (name.empty()) return fail(Code::invalid, "a container's name is empty");
            auto done = sdk::remove_container(*client, name, how_);
            if (!done && how_.force && done.error().code == Code::not_found) return {};
            TRY(std::move(done));
            return print(given + "\n");
        });
    }

private:
    sdk::RemoveContainer how_;
};

}  // namespace

std::unique_ptr<Command> make_rm() { return std::make_unique<Rm>(); }

}  // namespace davit::cli
