// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/confirm.hpp"
#include "cli/output.hpp"
#include "cli/view.hpp"
#include "sdk/client/networks.hpp"

namespace davit::cli {
namespace {

class NetworkPrune final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(force_, "f,force", "Do not ask");
        flags.list(filters_, "filter", "KEY=VALUE",
                   "Remove those that fit: until=24h, label=KEY[=VALUE], label!=KEY[=VALUE]");
    }

    Result<int> run(Session& session, const Strings&) override {
        const auto filters = TRY(filters_json(filters_));
        if (!force_ && !confirm("WARNING! This will remove all custom networks not used by at "
                                "least one container."))
            return 0;
        auto* client = TRY(session.client());
        const auto answer = TRY(sdk::prune_networks(*client, filters));
        std::string text;
        for (const auto& name : view::array(view::as_object(answer), "NetworksDeleted"))
            text.append(text.empty() ? "Deleted Networks:\n" : "")
                .append(view::as_string(name))
                .append("\n");
        if (!text.empty()) text += "\n";
        TRY(print(text));
        return 0;
    }

private:
    bool force_ = false;
    Strings filters_;
};

}  // namespace

std::unique_ptr<Command> make_network_prune() { return std::make_unique<NetworkPrune>(); }

}  // namespace davit::cli
