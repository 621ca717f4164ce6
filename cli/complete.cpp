// SPDX-License-Identifier: Apache-2.0
// `davit __complete WORD...`: what the last word may become, one candidate a line. The scripts in
// cli/completion ask it, so that what they offer never differs from what davit takes.
#include "cli/command.hpp"
#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "cli/view.hpp"
#include "sdk/client/containers.hpp"
#include "sdk/client/images.hpp"
#include "sdk/client/volumes.hpp"

#include <algorithm>

namespace davit::cli {
namespace {

void add_command_names(Strings& all, const Strings& words) {
    const auto group = words.size() > 1 ? words[0] + " " : std::string();
    for (const auto& entry : all_commands())
        for (const auto name : names_of(entry))
            if (name.starts_with(group) && !name.starts_with("__")) {
                const auto rest = name.substr(group.size());
                all.emplace_back(rest.substr(0, rest.find(' ')));
            }
}

void add_flags(Strings& all, const CommandEntry& entry) {
    Flags flags;
    const auto command = entry.make();
    command->declare(flags);
    for (const auto& flag : flags.all()) all.push_back("--" + std::string(flag.name));
    all.emplace_back("--help");
}

void add_containers(Strings& all, sdk::Client& client) {
    const auto containers = sdk::list_containers(client, {.all = true});
    if (!containers || !containers->is_array()) return;
    for (const auto& container : containers->get_array())
        for (const auto& name : view::array(view::as_object(container), "Names"))
            all.emplace_back(view::as_string(name).substr(1));
}

void add_images(Strings& all, sdk::Client& client) {
    const auto images = sdk::list_images(client, {});
    if (!images || !images->is_array()) return;
    for (const auto& image : images->get_array())
        for (const auto& tag : view::array(view::as_object(image), "RepoTags"))
            all.emplace_back(view::as_string(tag));
}

void add_volumes(Strings& all, sdk::Client& client) {
    const auto answer = sdk::list_volumes(client, {});
    if (!answer) return;
    for (const auto& volume : view::array(view::as_object(*answer), "Volumes"))
        all.emplace_back(view::string(view::as_object(volume), "Name"));
}

class Complete final : public Command {
public:
    Result<int> run(Session& session, const Strings& words) override {
        Strings all;
        std::size_t used = 0;
        const auto& last = words.back();
        const auto* entry = words.size() > 1 ? find_command(words, used) : nullptr;
        if (entry == nullptr || used == words.size()) {
            add_command_names(all, words);
        } else if (last.starts_with('-')) {
            add_flags(all, *entry);
        } else if (auto client = session.client()) {
            if (entry->arguments.find("CONTAINER") != std::string_view::npos)
                add_containers(all, **client);
            if (entry->arguments.find("IMAGE") != std::string_view::npos) add_images(all, **client);
            if (entry->arguments.find("VOLUME") != std::string_view::npos)
                add_volumes(all, **client);
        }
        std::sort(all.begin(), all.end());
        all.erase(std::unique(all.begin(), all.end()), all.end());
        std::string text;
        for (const auto& candidate : all)
            if (candidate.starts_with(last)) text += candidate + "\n";
        TRY(print(text));
        return 0;
    }
};

}  // namespace

std::unique_ptr<Command> make_complete() { return std::make_unique<Complete>(); }

}  // namespace davit::cli
