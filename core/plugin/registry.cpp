// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/registry.hpp"

#include <utility>

namespace davit::plugin {

using sdk::sized;
using sdk::str;
using sdk::text;

namespace {

davit_repository raw(const Repository& repository) {
    return {str(repository.host), str(repository.name), str(repository.auth)};
}

}  // namespace

Result<Registry> Registry::of(std::shared_ptr<Instance> instance) {
    const auto* table = instance->get<davit_registry>(DAVIT_REGISTRY);
    if (table == nullptr)
        return fail(Code::unsupported, "use ", instance->name(), ": it does not offer ",
                    DAVIT_REGISTRY);
    return Registry(std::move(instance), table);
}

Result<RemoteDescriptor> Registry::resolve(sdk::Caller& call, const Repository& repository,
                                           const std::string& reference,
                                           const std::vector<std::string>& accept) const {
    std::vector<davit_str> types;
    for (const auto& type : accept) types.push_back(str(type));
    auto request = sized<davit_registry_resolve>();
    request.repository = raw(repository);
    request.reference = str(reference);
    request.accept = types.data();
    request.accept_count = types.size();
    RemoteDescriptor found;
    TRY(call.list<davit_descriptor>(
        table_->resolve, instance_->raw(), request, [&](const davit_descriptor& descriptor) {
            found = {text(descriptor.media_type), text(descriptor.digest), text(descriptor.content),
                     descriptor.bytes};
        }));
    return found;
}

Result<void> Registry::fetch(sdk::Caller& call, const Repository& repository, const Fetch& wanted,
                             std::uint64_t& written) const {
    auto request = sized<davit_registry_fetch>();
    request.repository = raw(repository);
    request.digest = str(wanted.digest);
    request.media_type = str(wanted.media_type);
    request.offset = wanted.offset;
    request.sink_fd = wanted.sink;
    auto out = sized<davit_registry_fetched>();
    auto done = call.ask_into(table_->fetch, instance_->raw(), request, out);
    written += out.bytes;
    return done;
}

Result<bool> Registry::push_blob(sdk::Caller& call, const Repository& repository,
                                 const Push& blob) const {
    auto request = sized<davit_registry_push_blob>();
    request.repository = raw(repository);
    request.digest = str(blob.digest);
    request.bytes = blob.bytes;
    request.mount_from = str(blob.mount_from);
    request.source_fd = blob.source;
    const auto out = TRY(call.ask(table_->push_blob, instance_->raw(), request));
    return out.existed != 0;
}

Result<void> Registry::push_manifest(sdk::Caller& call, const Repository& repository,
                                     const Manifest& manifest) const {
    auto request = sized<davit_registry_push_manifest>();
    request.repository = raw(repository);
    request.reference = str(manifest.reference);
    request.media_type = str(manifest.media_type);
    request.content = str(manifest.content);
    return call.tell(table_->push_manifest, instance_->raw(), request);
}

Result<std::vector<std::string>> Registry::tags(sdk::Caller& call,
                                                const Repository& repository) const {
    auto request = sized<davit_registry_list>();
    request.repository = raw(repository);
    std::vector<std::string> found;
    TRY(call.list<davit_registry_tag>(
        table_->tags, instance_->raw(), request,
        [&](const davit_registry_tag& tag) { found.push_back(text(tag.tag)); }));
    return found;
}

Result<std::string> Registry::login(sdk::Caller& call, const Repository& repository) const {
    auto request = sized<davit_registry_login>();
    request.repository = raw(repository);
    std::string token;
    TRY(call.list<davit_registry_logged_in>(
        table_->login, instance_->raw(), request,
        [&](const davit_registry_logged_in& answer) { token = text(answer.identity_token); }));
    return token;
}

}  // namespace davit::plugin
