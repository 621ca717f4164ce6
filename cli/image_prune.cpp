// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/confirm.hpp"
#include "cli/output.hpp"
#include "cli/units.hpp"
#include "cli/view.hpp"
#include "sdk/client/images.hpp"

namespace davit::cli {
namespace {

constexpr std::string_view kAllWarning =
    "WARNING! This will remove all images without at least one container associated to them.";
constexpr std::string_view kDanglingWarning = "WARNING! This will remove all dangling images.";

class ImagePrune final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(all_, "a,all", "Remove all that no container uses, not only nameless ones");
        flags.list(filters_, "filter", "KEY=VALUE", "Only those that fit: until, label, label!");
        flags.toggle(force_, "f,force", "Do not ask");
    }

    Result<int> run(Session& session, const Strings&) override {
        if (!force_ && !confirm(all_ ? kAllWarning : kDanglingWarning)) return 0;
        if (all_) filters_.emplace_back("dangling=false");
        auto* client = TRY(session.client());
        const auto pruned = TRY(sdk::prune_images(*client, TRY(filters_json(filters_))));
        const auto& answer = view::as_object(pruned);
        std::string text;
        for (const auto& entry : view::array(answer, "ImagesDeleted"))
            for (const auto& [key, word] :
                 {std::pair{"Untagged", "untagged: "}, {"Deleted", "deleted: "}})
                if (const auto name = view::string(view::as_object(entry), key); !name.empty())
                    text.append(word).append(name).append("\n");
        if (!text.empty()) text = "Deleted Images:\n" + text + "\n";
        const auto bytes = static_cast<double>(view::number(answer, "SpaceReclaimed"));
        TRY(print(text + "Total reclaimed space: " + human_size(bytes) + "\n"));
        return 0;
    }

private:
    bool all_ = false, force_ = false;
    Strings filters_;
};

}  // namespace

std::unique_ptr<Command> make_image_prune() { return std::make_unique<ImagePrune>(); }

}  // namespace davit::cli
