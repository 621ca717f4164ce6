// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/confirm.hpp"
#include "cli/output.hpp"
#include "cli/units.hpp"
#include "cli/view.hpp"
#include "sdk/client/containers.hpp"

namespace davit::cli {
namespace {

class ContainerPrune final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(force_, "f,force", "Do not ask");
        flags.list(filters_, "filter", "KEY=VALUE",
                   "Remove those that fit: until=24h, label=KEY[=VALUE], label!=KEY[=VALUE]");
    }

    Result<int> run(Session& session, const Strings&) override {
        const auto filters = TRY(filters_json(filters_));
        if (!force_ && !confirm("WARNING! This will remove all stopped containers.")) return 0;
        auto* client = TRY(session.client());
        const auto answer = TRY(sdk::prune_containers(*client, filters));
        const auto& pruned = view::as_object(answer);
        std::string text;
        for (const auto& id : view::array(pruned, "ContainersDeleted"))
            text.append(text.empty() ? "Deleted Containers:\n" : "")
                .append(view::as_string(id))
                .append("\n");
        if (!text.empty()) text += "\n";
        text += "Total reclaimed space: " +
                human_size(static_cast<double>(view::number(pruned, "SpaceReclaimed"))) + "\n";
        TRY(print(text));
        return 0;
    }

private:
    bool force_ = false;
    Strings filters_;
};

}  // namespace

std::unique_ptr<Command> make_container_prune() { return std::make_unique<ContainerPrune>(); }

}  // namespace davit::cli
