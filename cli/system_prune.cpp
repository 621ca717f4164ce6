// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/confirm.hpp"
#include "cli/output.hpp"
#include "cli/units.hpp"
#include "cli/view.hpp"
#include "sdk/client/images.hpp"
#include "sdk/client/system.hpp"

namespace davit::cli {
namespace {

namespace bj = boost::json;

// What one noun's prune answers, in docker's words.
struct Part {
    std::string_view path, heading, list;
};
constexpr Part kContainers{"/containers/prune", "Deleted Containers:", "ContainersDeleted"};
constexpr Part kNetworks{"/networks/prune", "Deleted Networks:", "NetworksDeleted"};
constexpr Part kVolumes{"/volumes/prune", "Deleted Volumes:", "VolumesDeleted"};
constexpr Part kImages{"/images/prune", "Deleted Images:", "ImagesDeleted"};

std::string lines_of(const bj::array& deleted) {
    std::string text;
    for (const auto& entry : deleted) {
        if (entry.is_string()) text.append(view::as_string(entry)).append("\n");
        for (const auto& [key, word] :
             {std::pair{"Untagged", "untagged: "}, {"Deleted", "deleted: "}})
            if (const auto name = view::string(view::as_object(entry), key); !name.empty())
                text.append(word).append(name).append("\n");
    }
    return text;
}

class SystemPrune final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(all_, "a,all", "Remove all images that no container uses");
        flags.list(filters_, "filter", "KEY=VALUE", "Only those that fit: until, label, label!");
        flags.toggle(force_, "f,force", "Do not ask");
        flags.toggle(volumes_, "volumes", "Remove anonymous volumes as well");
    }

    Result<int> run(Session& session, const Strings&) override {
        for (const auto& filter : filters_)
            if (volumes_ && filter.starts_with("until="))
                return fail(Code::invalid,
                            "The \"until\" filter is not supported with \"--volumes\"");
        if (!force_ && !confirm(warning())) return 0;
        auto* client = TRY(session.client());
        TRY(prune(*client, kContainers, filters_));
        TRY(prune(*client, kNetworks, filters_));
        if (volumes_) TRY(prune(*client, kVolumes, filters_));
        Strings images = filters_;
        if (all_) images.emplace_back("dangling=false");
        TRY(prune(*client, kImages, images));
        TRY(print("Total reclaimed space: " + human_size(static_cast<double>(bytes_)) + "\n"));
        return 0;
    }

private:
    std::string warning() const {
        std::string text =
            "WARNING! This will remove:\n"
            "  - all stopped containers\n"
            "  - all networks not used by at least one container\n";
        if (volumes_) text += "  - all anonymous volumes not used by at least one container\n";
        text += all_ ? "  - all images without at least one container associated to them\n"
                     : "  - all dangling images\n";
        if (!filters_.empty()) {
            text += "\n  Items to be pruned will be filtered with:\n";
            for (const auto& filter : filters_) text += "  - " + filter + "\n";
        }
        return text;
    }

    Result<void> prune(sdk::Client& client, const Part& part, const Strings& filters) {
        auto answer = sdk::prune(client, part.path, TRY(filters_json(filters)));
        // An engine that does not know such things has none to remove.
        if (!answer && answer.error().code == Code::unsupported) return {};
        const auto pruned = TRY(std::move(answer));
        const auto& report = view::as_object(pruned);
        bytes_ += view::number(report, "SpaceReclaimed");
        const std::string lines = lines_of(view::array(report, part.list));
        if (lines.empty()) return {};
        return print(std::string(part.heading) + "\n" + lines + "\n");
    }

    bool all_ = false, force_ = false, volumes_ = false;
    Strings filters_;
    std::int64_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<Command> make_system_prune() { return std::make_unique<SystemPrune>(); }

}  // namespace davit::cli
