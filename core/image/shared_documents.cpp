// SPDX-License-Identifier: Apache-2.0
#include "core/image/shared_documents.hpp"

#include <chrono>

namespace davit::image {

Result<SharedDocuments::Document> SharedDocuments::get(
    const Digest& digest, const Cancel& cancel, const std::function<Result<std::string>()>& fetch) {
    constexpr std::chrono::milliseconds kLook{
        100};  // a condition cannot be waited for together with a descriptor
    {
        std::unique_lock lock(mutex_);
        while (entries_[digest].being_fetched) {
            TRY(cancel.check("wait for another pull of the document"));
            changed_.wait_for(lock, kLook);
        }
        if (auto known = entries_[digest].document.lock()) return known;
        entries_[digest].being_fetched = true;
    }
    auto fetched = fetch();
    const Document document =
        fetched ? std::make_shared<const std::string>(std::move(*fetched)) : nullptr;
    finish(digest, document);
    if (!fetched) return std::move(fetched).error();
    return document;
}

void SharedDocuments::finish(const Digest& digest, const Document& document) {
    const std::lock_guard lock(mutex_);
    entries_[digest] = {false, document};
    // What nobody uses any more; the others' waiters come first to their own entries.
    std::erase_if(entries_, [](const auto& entry) {
        return !entry.second.being_fetched && entry.second.document.expired();
    });
    changed_.notify_all();
}

}  // namespace davit::image
