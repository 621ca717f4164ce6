// SPDX-License-Identifier: Apache-2.0
// `davit __complete WORD...`: what the last word may become, one candidate a line. The scripts in
// cli/completion ask it, so that what they offer never differs from what davit takes.
#include "cli/command.hpp"
#include "cli/commands.hpp"
#include "cli/contexts.hpp"
#include "cli/output.hpp"
#include "cli/view.hpp"
#include "sdk/client/containers.hpp"
#include "sdk/client/images.hpp"

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

// Names of what GET `path` lists, at `key` of the answer or in the answer itself.
void add_names(Strings& all, sdk::Client& client, const char* path, std::string_view key) {
    const auto answer = client.call_json({.path = path});
    if (!answer) return;
    const auto* list =
        key.empty() ? answer->if_array() : &view::array(view::as_object(*answer), key);
    if (list == nullptr) return;
    for (const auto& entry : *list) all.emplace_back(view::string(view::as_object(entry), "Name"));
}

void add_objects(Strings& all, sdk::Client& client, std::string_view wanted) {
    const auto names = [&](std::string_view word) { return wanted.find(word) != wanted.npos; };
    if (names("CONTAINER")) add_containers(all, client);
    if (names("IMAGE")) add_images(all, client);
    if (names("NETWORK")) add_names(all, client, "/networks", "");
    if (names("VOLUME")) add_names(all, client, "/volumes", "Volumes");
    if (names("DRIVER")) add_names(all, client, "/davit/v1/drivers", "");
}

// What stands after a flag that takes an object's name.
std::string_view value_of_flag(std::string_view word) {
    if (word == "--network" || word == "--net") return "NETWORK";
    if (word == "--volumes-from") return "CONTAINER";
    return {};
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
        } else if (entry->arguments.find("CONTEXT") != std::string_view::npos) {
            all = context_names();
        } else if (auto client = session.client()) {
            const auto& before = words[words.size() - 2];
            const auto value = value_of_flag(before);
            add_objects(all, **client, value.empty() ? entry->arguments : value);
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
