// SPDX-License-Identifier: Apache-2.0
#include "core/image/content_store.hpp"

#include "core/image/manifest.hpp"
#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>

namespace davit::image {

Result<ContentStore> ContentStore::open(int data_root) {
    TRY(make_directory(data_root, "content"));
    Fd content = TRY(open_beneath(data_root, "content", O_RDONLY | O_DIRECTORY));
    TRY(make_directory(content.get(), "sha256"));
    return ContentStore(TRY(open_beneath(content.get(), "sha256", O_RDONLY | O_DIRECTORY)));
}

Result<Digest> ContentStore::put(std::string_view document) const {
    const Digest digest = Digest::of(document);
    TRY(atomic_write(directory_.get(), digest.hex(), document).context("keep ", digest.text()));
    return digest;
}

Result<std::string> ContentStore::get(const Digest& digest) const {
    constexpr std::size_t kLargest = std::max(kManifestMax, kConfigMax);
    std::string document =
        TRY(read_file(directory_.get(), digest.hex(), kLargest).context("read ", digest.text()));
    if (Digest::of(document) != digest)
        return fail(Code::corrupt, "read ", digest.text(), ": the file is damaged");
    return document;
}

Result<void> ContentStore::remove(const Digest& digest) const {
    if (::unlinkat(directory_.get(), digest.hex().c_str(), 0) != 0 && errno != ENOENT)
        return os_error("remove " + digest.text());
    return {};
}

Result<std::vector<Digest>> ContentStore::list() const {
    std::vector<Digest> found;
    for (const std::string& name : TRY(list_names(directory_.get()))) {
        if (auto digest = Digest::parse("sha256:" + name)) {
            found.push_back(*digest);
        } else if (::unlinkat(directory_.get(), name.c_str(), 0) != 0) {
            return os_error("remove leftover content " + name);
        }
    }
    return found;
}

Result<void> ContentStore::sync() const {
    if (::syncfs(directory_.get()) != 0) return os_error("sync content");
    return {};
}

}  // namespace davit::image
