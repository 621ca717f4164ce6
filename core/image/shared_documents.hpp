// SPDX-License-Identifier: Apache-2.0
// Documents that several pulls want at the same time: fetched once, by the first, while the others
// wait. Kept no longer than somebody uses them. Thread-safe.
#pragma once

#include "sdk/base/cancel.hpp"
#include "sdk/base/digest.hpp"
#include "sdk/base/result.hpp"

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace davit::image {

class SharedDocuments {
public:
    using Document = std::shared_ptr<const std::string>;
    // `fetch` gives the verified document. When it fails, the next one who waits tries. Errors:
    // those of `fetch`; cancelled.
    Result<Document> get(const Digest& digest, const Cancel& cancel,
                         const std::function<Result<std::string>()>& fetch);

private:
    struct Entry {
        bool being_fetched = false;
        std::weak_ptr<const std::string> document;
    };
    void finish(const Digest& digest, const Document& document);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<Digest, Entry> entries_;
};

}  // namespace davit::image
