// SPDX-License-Identifier: Apache-2.0
#include "core/image/image_prune.hpp"

#include <set>

namespace davit::image {

namespace {

constexpr std::string_view kKnown[] = {"dangling", "label", "label!", "until"};

// Every name of the image goes, the image with the last one; without names it is named by its ID.
Result<void> remove(ImageStore& store, const ImageRecord& record,
                    const std::function<void(const Removed&)>& each) {
    std::vector<std::string> names = record.tags;
    names.insert(names.end(), record.digests.begin(), record.digests.end());
    if (names.empty()) names.push_back(record.id);
    for (const std::string& name : names) {
        auto removed = store.remove(name, {});
        if (removed) {
            each(*removed);
            continue;
        }
        // In use by now, or gone with another name: neither is what a prune fails of.
        const Code code = removed.error().code;
        if (code != Code::conflict && code != Code::not_found) return std::move(removed).error();
    }
    return {};
}

Result<bool> only_dangling(Filters& filters) {
    const auto given = filters.find("dangling");
    if (given == filters.end() || given->second.empty()) return true;
    const bool only = TRY(read_flag("dangling", given->second.back()));
    filters.erase(given);
    return only;
}

}  // namespace

Result<void> prune(ImageStore& store, Filters filters,
                   const std::function<void(const Removed&)>& each) {
    TRY(check_filters(filters, kKnown));
    const bool dangling = TRY(only_dangling(filters));
    const auto records = TRY(store.list());
    std::set<std::string> parents;
    for (const ImageRecord& record : records) parents.insert(record.parent);
    for (const ImageRecord& record : records) {
        if (dangling && !record.tags.empty()) continue;
        if (record.tags.empty() && record.digests.empty() && parents.contains(record.id)) continue;
        Candidate image = TRY(candidate(store, record));
        if (TRY(store.is_used(record.id))) continue;
        if (TRY(keeps(store, image, filters))) TRY(remove(store, record, each));
    }
    return {};
}

}  // namespace davit::image
