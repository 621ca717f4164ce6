// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "sdk/client/containers.hpp"

namespace davit::cli {
namespace {

class Rename final : public Command {
public:
    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        TRY(sdk::rename_container(*client, operands[0], operands[1]));
        return 0;
    }
};

}  // namespace

std::unique_ptr<Command> make_rename() { return std::make_unique<Rename>(); }

}  // namespace davit::cli
