// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/confirm.hpp"
#include "cli/output.hpp"
#include "cli/units.hpp"
#include "cli/view.hpp"
#include "sdk/client/volumes.hpp"

namespace davit::cli {
namespace {

class VolumePrune final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(all_, "a,all", "Remove unused volumes that have a name as well");
        flags.list(filters_, "filter", "KEY=VALUE",
                   "Remove those that fit: label=KEY[=VALUE], label!=KEY[=VALUE]");
        flags.toggle(force_, "f,force", "Do not ask");
    }

    Result<int> run(Session& session, const Strings&) override {
        if (all_) filters_.emplace_back("all=1");
        const auto filters = TRY(filters_json(filters_));
        const char* warning =
            all_ ? "WARNING! This will remove all volumes not used by at least one container."
                 : "WARNING! This will remove anonymous local volumes not used by at least one "
                   "container.";
        if (!force_ && !confirm(warning)) return 0;
        auto* client = TRY(session.client());
        const auto answer = TRY(sdk::prune_volumes(*client, filters));
        const auto& pruned = view::as_object(answer);
        std::string text;
        for (const auto& name : view::array(pruned, "VolumesDeleted"))
            text.append(text.empty() ? "Deleted Volumes:\n" : "")
                .append(view::as_string(name))
                .append("\n");
        if (!text.empty()) text += "\n";
        text += "Total reclaimed space: " +
                human_size(static_cast<double>(view::number(pruned, "SpaceReclaimed"))) + "\n";
        TRY(print(text));
        return 0;
    }

private:
    bool all_ = false, force_ = false;
    Strings filters_;
};

}  // namespace

std::unique_ptr<Command> make_volume_prune() { return std::make_unique<VolumePrune>(); }

}  // namespace davit::cli
