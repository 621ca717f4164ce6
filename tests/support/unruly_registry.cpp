// SPDX-License-Identifier: Apache-2.0
#include "tests/support/unruly_registry.hpp"

#include "sdk/base/file.hpp"

#include <algorithm>

namespace davit::test {

using Face = sdk::RegistryDriver;
using Head = sdk::Instance<Face>;

plugin::Registry UnrulyRegistry::open(std::shared_ptr<Shared> shared) {
    using Entry = sdk::DriverEntry<Face, UnrulyRegistry>;
    auto instance = std::make_unique<Head>();
    instance->head = {sizeof(davit_instance), 0, &Entry::get, &Entry::close};
    instance->driver = std::make_unique<UnrulyRegistry>(std::move(shared));
    return plugin::Registry::of(std::make_shared<plugin::Instance>("registry", "unruly", "unruly",
                                                                   &instance.release()->head))
        .take();
}

Result<void> UnrulyRegistry::resolve(const sdk::Call& call, const davit_registry_resolve& request) {
    const std::string reference = sdk::text(request.reference);
    std::string content, media_type = "application/vnd.oci.image.manifest.v1+json";
    {
        const std::lock_guard lock(shared_->mutex);
        const auto tag = shared_->tags.find(sdk::text(request.repository.name) + ":" + reference);
        const auto blob = shared_->blobs.find(reference);
        if (tag != shared_->tags.end()) {
            content = tag->second.content;
            media_type = tag->second.media_type;
        } else if (blob != shared_->blobs.end()) {
            content = blob->second;
        } else {
            return fail(Code::not_found, "manifest for ", reference, " not found");
        }
    }
    const std::string digest = Digest::of(content).text();
    auto descriptor = sdk::sized<davit_descriptor>();
    descriptor.media_type = sdk::str(media_type);
    descriptor.digest = sdk::str(digest);
    descriptor.bytes = content.size();
    descriptor.content = sdk::str(content);
    descriptor.artifact_type = sdk::str("");
    return call.emit(descriptor);
}

Result<void> UnrulyRegistry::fetch(const sdk::Call& call, const davit_registry_fetch& request,
                                   davit_registry_fetched& fetched) {
    const std::string digest = sdk::text(request.digest);
    std::string content;
    std::uint64_t limit = UINT64_MAX;
    std::function<void(const std::string&)> before;
    {
        const std::lock_guard lock(shared_->mutex);
        ++shared_->fetches[digest];
        if (!shared_->blobs.contains(digest))
            return fail(Code::not_found, "fetch ", digest, ": not found");
        content = shared_->blobs[digest];
        if (shared_->break_every.contains(digest)) limit = shared_->break_every[digest];
        before = shared_->before_fetch;
    }
    if (before) before(digest);
    TRY(call.check("fetch"));
    const std::string rest =
        content.substr(std::min<std::uint64_t>(request.offset, content.size()));
    const std::string part = rest.substr(0, limit);
    if (!write_all(request.sink_fd, part)) return fail(Code::invalid, "write to sink: broken pipe");
    fetched.bytes = part.size();
    if (part.size() < rest.size())
        return fail(Code::unavailable, "fetch ", digest, ": connection reset by peer");
    return {};
}

Result<davit_registry_pushed> UnrulyRegistry::push_blob(const sdk::Call&,
                                                        const davit_registry_push_blob&) {
    return fail(Code::unsupported, "push: read-only");
}
Result<void> UnrulyRegistry::push_manifest(const sdk::Call&, const davit_registry_push_manifest&) {
    return fail(Code::unsupported, "push: read-only");
}
Result<void> UnrulyRegistry::tags(const sdk::Call&, const davit_registry_list&) { return {}; }
Result<void> UnrulyRegistry::referrers(const sdk::Call&, const davit_registry_list&) { return {}; }
Result<void> UnrulyRegistry::remove(const sdk::Call&, const davit_registry_list&) {
    return fail(Code::unsupported, "remove: read-only");
}
Result<void> UnrulyRegistry::login(const sdk::Call&, const davit_registry_login&) { return {}; }

}  // namespace davit::test
