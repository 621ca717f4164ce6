// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/storage.hpp"

#include <utility>

namespace davit::plugin {

using sdk::sized;
using sdk::str;
using sdk::text;

Storage::Storage(std::shared_ptr<Instance> instance, const davit_storage* table)
    : instance_(std::move(instance)),
      table_(table),
      rebase_(instance_->get<davit_ability>(DAVIT_STORAGE_REBASE) != nullptr),
      quota_(instance_->get<davit_ability>(DAVIT_STORAGE_QUOTA) != nullptr) {}

Result<Storage> Storage::of(std::shared_ptr<Instance> instance) {
    const auto* table = instance->get<davit_storage>(DAVIT_STORAGE);
    if (table == nullptr)
        return fail(Code::unsupported, "use ", instance->name(), ": it does not offer ",
                    DAVIT_STORAGE);
    return Storage(std::move(instance), table);
}

Result<Prepared> Storage::prepare(sdk::Caller& call, const std::string& key,
                                  const std::string& parent, LayerLimits limits) const {
    auto request = sized<davit_storage_prepare>();
    request.key = str(key);
    request.parent = str(parent);
    request.limit_bytes = limits.bytes;
    request.limit_files = limits.files;
    const auto out = TRY(call.ask(table_->prepare, instance_->raw(), request));
    return Prepared{.existed = out.existed != 0, .bare = out.view == DAVIT_STORAGE_BARE};
}

Result<Fd> Storage::mount(sdk::Caller& call, const std::string& key, std::uint32_t flags,
                          const std::vector<davit_idmap>& idmaps) const {
    auto request = sized<davit_storage_mount>();
    request.key = str(key);
    request.flags = flags;
    request.idmaps = idmaps.data();
    request.idmap_count = idmaps.size();
    const auto out = TRY(call.ask(table_->mount, instance_->raw(), request));
    return Fd(out.mount_fd);
}

Result<void> Storage::release(sdk::Caller& call, const std::string& key) const {
    auto request = sized<davit_storage_key>();
    request.key = str(key);
    return call.tell(table_->release, instance_->raw(), request);
}

Result<bool> Storage::commit(sdk::Caller& call, const std::string& key, const std::string& name,
                             const std::string& parent) const {
    auto request = sized<davit_storage_commit>();
    request.key = str(key);
    request.name = str(name);
    request.parent = str(parent);
    const auto out = TRY(call.ask(table_->commit, instance_->raw(), request));
    return out.existed != 0;
}

Result<void> Storage::remove(sdk::Caller& call, const std::string& key) const {
    auto request = sized<davit_storage_key>();
    request.key = str(key);
    return call.tell(table_->remove, instance_->raw(), request);
}

namespace {

StoredLayer stored_layer(const davit_storage_layer& layer) {
    return {text(layer.key), text(layer.parent), layer.state == DAVIT_STORAGE_COMMITTED};
}

}  // namespace

Result<StoredLayer> Storage::stat(sdk::Caller& call, const std::string& key) const {
    auto request = sized<davit_storage_key>();
    request.key = str(key);
    StoredLayer found;
    TRY(call.list<davit_storage_layer>(
        table_->stat, instance_->raw(), request,
        [&](const davit_storage_layer& layer) { found = stored_layer(layer); }));
    return found;
}

Result<std::vector<StoredLayer>> Storage::list(sdk::Caller& call) const {
    std::vector<StoredLayer> layers;
    TRY(call.list<davit_storage_layer>(
        table_->list, instance_->raw(),
        [&](const davit_storage_layer& layer) { layers.push_back(stored_layer(layer)); }));
    return layers;
}

Result<Space> Storage::usage(sdk::Caller& call, const std::string& key) const {
    auto request = sized<davit_storage_key>();
    request.key = str(key);
    const auto out = TRY(call.ask(table_->usage, instance_->raw(), request));
    return Space{out.bytes, out.files};
}

Result<void> Storage::sync(sdk::Caller& call) const {
    return call.run(table_->sync, instance_->raw());
}

Result<std::vector<Finding>> Storage::retain(sdk::Caller& call,
                                             const std::vector<std::string>& keys) const {
    std::vector<davit_str> names;
    names.reserve(keys.size());
    for (const auto& key : keys) names.push_back(str(key));
    auto request = sized<davit_storage_retain>();
    request.keys = names.data();
    request.key_count = names.size();
    std::vector<Finding> findings;
    TRY(call.list<davit_storage_finding>(
        table_->retain, instance_->raw(), request, [&](const davit_storage_finding& finding) {
            findings.push_back({text(finding.key), text(finding.text), finding.repaired != 0});
        }));
    return findings;
}

}  // namespace davit::plugin
