// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "sdk/client/networks.hpp"

namespace davit::cli {
namespace {

class NetworkRemove final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(force_, "f,force", "Say nothing if there is no such network");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        return for_each_operand("network rm", operands,
                                [&](const std::string& name) -> Result<void> {
                                    auto done = sdk::remove_network(*client, name);
                                    if (!done && force_ && done.error().code == Code::not_found)
                                        return {};
                                    TRY(std::move(done));
                                    return print(name + "\n");
                                });
    }

private:
    bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> make_network_remove() { return std::make_unique<NetworkRemove>(); }

}  // namespace davit::cli
