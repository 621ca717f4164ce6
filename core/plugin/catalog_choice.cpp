// SPDX-License-Identifier: Apache-2.0
// Which instance of a kind is used when none is named.
#include "core/plugin/catalog.hpp"
#include "core/plugin/catalog_entry.hpp"

#include <algorithm>
#include <utility>

namespace davit::plugin {

Result<std::string> Catalog::default_name(std::string_view kind) {
    return TRY(default_choice(kind)).instance;
}

Result<Choice> Catalog::default_choice(std::string_view kind) {
    if (const auto configured = settings_.defaults.find(kind);
        configured != settings_.defaults.end() && !configured->second.empty())
        return Choice{configured->second, "configured"};
    const std::lock_guard guard(defaults_lock_);
    if (const auto known = chosen_.find(kind); known != chosen_.end()) return known->second;
    auto choice = TRY(choose_default(kind));
    chosen_.emplace(kind, choice);
    return choice;
}

// One instance needs no probing: whether it works shows when it is opened, and nothing is loaded
// before its first use.
Result<Choice> Catalog::choose_default(std::string_view kind) {
    std::vector<std::shared_ptr<Slot>> candidates;
    for (const auto& [key, slot] : slots_)
        if (key.first == kind) candidates.push_back(slot);
    if (candidates.empty())
        return fail(Code::not_found, "find ", kind,
                    " instance: no driver of that kind is installed");
    if (candidates.size() == 1)
        return Choice{candidates.front()->settings.name, "the only one there is"};
    const std::string before = settings_.remembered ? settings_.remembered(kind) : "";
    for (const auto& slot : candidates)
        if (slot->settings.name == before) return keep_choice(*slot, before);
    return choose_by_probing(kind, std::move(candidates));
}

// What was made there would be missed if another took its place, so that is never done unasked.
Result<Choice> Catalog::keep_choice(Slot& slot, const std::string& name) {
    const auto probed = TRY(probe(slot));
    if (probed.works) return Choice{name, "chosen when it was first needed"};
    return fail(Code::unsupported, "use ", slot.settings.kind, " instance ", name,
                ", which was chosen before: ", probed.reason,
                "; a default in the configuration chooses another");
}

Result<Choice> Catalog::choose_by_probing(std::string_view kind,
                                          std::vector<std::shared_ptr<Slot>> candidates) {
    const auto preference = [&](const Slot& slot) {
        const bool used = settings_.has_state && settings_.has_state(kind, slot.settings.name);
        return std::pair(used, slot.driver->manifest.rank);
    };
    std::stable_sort(candidates.begin(), candidates.end(),
                     [&](const auto& a, const auto& b) { return preference(*a) > preference(*b); });
    std::string reasons;
    for (const auto& slot : candidates) {
        const auto probed = probe(*slot);
        if (probed && probed->works) {
            if (settings_.remember) TRY(settings_.remember(kind, slot->settings.name));
            return Choice{slot->settings.name, "the best that works here"};
        }
        reasons += (reasons.empty() ? "" : "; ") + slot->settings.name + ": " +
                   (probed ? probed->reason : probed.error().what);
    }
    return fail(Code::unsupported, "choose ", kind, " instance: none works here: ", reasons);
}

std::vector<InstanceStatus> Catalog::statuses(std::string_view kind) const {
    std::vector<InstanceStatus> found;
    for (const auto& [key, slot] : slots_)
        if (key.first == kind)
            found.push_back(
                {slot->settings.name, slot->driver->manifest.name, slot->known_trouble()});
    return found;
}

}  // namespace davit::plugin
