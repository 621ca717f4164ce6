// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "sdk/client/containers.hpp"

namespace davit::cli {
namespace {

class Wait final : public Command {
public:
    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        return for_each_operand("wait", operands, [&](const std::string& name) -> Result<void> {
            auto stream = TRY(client->stream(sdk::wait_call(name, "")));
            const auto exit = TRY(sdk::read_exit(stream));
            if (!exit.error.empty()) return fail(Code::internal, exit.error);
            return print(std::to_string(exit.code) + "\n");
        });
    }
};

}  // namespace

std::unique_ptr<Command> make_wait() { return std::make_unique<Wait>(); }

}  // namespace davit::cli
