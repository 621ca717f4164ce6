// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "sdk/client/containers.hpp"

namespace davit::cli {
namespace {

// `pause` and `unpause`.
class Pause final : public Command {
public:
    Pause(std::string_view verb, Result<void> (*act)(sdk::Client&, const std::string&))
        : verb_(verb), act_(act) {}

    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        return for_each_operand(verb_, operands, [&](const std::string& name) -> Result<void> {
            TRY(act_(*client, name));
            return print(name + "\n");
        });
    }

private:
    std::string_view verb_;
    Result<void> (*act_)(sdk::Client&, const std::string&);
};

}  // namespace

std::unique_ptr<Command> make_pause() {
    return std::make_unique<Pause>("pause", sdk::pause_container);
}
std::unique_ptr<Command> make_unpause() {
    return std::make_unique<Pause>("unpause", sdk::unpause_container);
}

}  // namespace davit::cli
