// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/object_format.hpp"
#include "cli/output.hpp"
#include "sdk/client/networks.hpp"

namespace davit::cli {
namespace {

class NetworkInspect final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(format_, "f,format", "FORMAT", "'json' or a Go template");
        flags.toggle(verbose_, "v,verbose", "Accepted: there is no more to show");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        Inspection inspection(format_);
        std::string problems;
        for (const auto& name : operands) {
            auto text = sdk::inspect_network(*client, name);
            auto done = text ? inspection.add(*text) : Result<void>(text.error());
            if (!done) problems += "davit: network inspect: " + done.error().what + "\n";
        }
        TRY(inspection.finish());
        print_error(problems);
        return problems.empty() ? 0 : 1;
    }

private:
    std::string format_;
    bool verbose_ = false;
};

}  // namespace

std::unique_ptr<Command> make_network_inspect() { return std::make_unique<NetworkInspect>(); }

}  // namespace davit::cli
