// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "sdk/client/volumes.hpp"

namespace davit::cli {
namespace {

class VolumeRemove final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(force_, "f,force", "Say nothing if there is no such volume");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        const auto missing = force_ ? sdk::MissingVolume::accepted : sdk::MissingVolume::refused;
        return for_each_operand("volume rm", operands,
                                [&](const std::string& name) -> Result<void> {
                                    TRY(sdk::remove_volume(*client, name, missing));
                                    return print(name + "\n");
                                });
    }

private:
    bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> make_volume_remove() { return std::make_unique<VolumeRemove>(); }

}  // namespace davit::cli
