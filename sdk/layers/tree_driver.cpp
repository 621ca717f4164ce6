// SPDX-License-Identifier: Apache-2.0
#include "sdk/layers/tree_driver.hpp"

#include "sdk/plugin/storage_layer.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace davit::layers {

using sdk::Call;
using sdk::sized;
using sdk::text;

namespace {

constexpr std::uint32_t kKnownMountFlags = DAVIT_STORAGE_READ_ONLY | DAVIT_STORAGE_VOLATILE;

Result<void> emit(const Call& call, const NamedLayer& named) {
    return sdk::emit_layer(call, named.key, named.layer.parent,
                           named.layer.state == State::committed);
}

Result<void> emit(const Call& call, const Finding& finding) {
    return sdk::emit_finding(call, finding.key, finding.text, finding.repaired);
}

}  // namespace

std::string TreeDriver::diff_of(const NamedLayer& layer) {
    return LayerTree::path_of(layer.layer.state, layer.key) + "/diff";
}

Result<davit_storage_prepared> TreeDriver::prepare(const Call&,
                                                   const davit_storage_prepare& request) {
    const std::string key = text(request.key);
    const std::string parent = text(request.parent);
    const Limits limits{request.limit_bytes, request.limit_files};
    auto out = sized<davit_storage_prepared>();
    out.existed = TRY(layers_->add(key, parent, limits).context("prepare " + key)) ? 1 : 0;
    const bool is_bare = form_ == Form::stacked && parent.empty();
    out.view = is_bare ? DAVIT_STORAGE_BARE : DAVIT_STORAGE_MERGED;
    return out;
}

Result<void> TreeDriver::release(const Call&, const davit_storage_key&) { return {}; }

Result<davit_storage_committed> TreeDriver::commit(const Call&,
                                                   const davit_storage_commit& request) {
    const std::string key = text(request.key);
    const std::string onto = text(request.parent);
    if (form_ == Form::whole && !onto.empty())
        return fail(Code::invalid, "commit ", key, ": no parent can be named by this driver");
    auto out = sized<davit_storage_committed>();
    out.existed =
        TRY(layers_->commit(key, text(request.name), onto).context("commit " + key)) ? 1 : 0;
    return out;
}

Result<void> TreeDriver::remove(const Call&, const davit_storage_key& request) {
    const std::string key = text(request.key);
    return layers_->remove(key).context("remove " + key);
}

Result<void> TreeDriver::stat(const Call& call, const davit_storage_key& request) {
    const std::string key = text(request.key);
    return emit(call, NamedLayer{key, TRY(layers_->find(key).context("stat " + key))});
}

Result<void> TreeDriver::list(const Call& call) {
    for (const NamedLayer& layer : layers_->list()) TRY(emit(call, layer));
    return {};
}

Result<davit_storage_space> TreeDriver::usage(const Call& call, const davit_storage_key& request) {
    const std::string key = text(request.key);
    const Layer layer = TRY(layers_->find(key).context("measure " + key));
    return measure(call, {key, layer}).context("measure " + key);
}

Result<davit_storage_space> TreeDriver::measure(const Call& call, const NamedLayer& layer) const {
    const Fd diff = TRY(open_beneath(layers_->root(), diff_of(layer), O_RDONLY | O_DIRECTORY));
    return sdk::measure_layer(call, diff.get());
}

Result<void> TreeDriver::sync(const Call&) {
    if (::syncfs(layers_->root()) != 0) return os_error("sync layers");
    return {};
}

Result<void> TreeDriver::retain(const Call& call, const davit_storage_retain& request) {
    std::vector<std::string_view> keys;
    for (std::uint64_t i = 0; i < request.key_count; ++i)
        keys.push_back(sdk::view(request.keys[i]));
    return layers_->retain(
        keys, [&] { return call.cancelled(); },
        [&](const Finding& finding) { return emit(call, finding); });
}

Result<void> TreeDriver::check(const Call& call, const davit_storage_check& request) {
    const std::string key = text(request.key);
    const std::vector<Finding> findings =
        TRY(layers_->check(key, request.repair != 0).context("check " + key));
    bool all_mended = true;
    for (const Finding& finding : findings) {
        TRY(emit(call, finding));
        all_mended = all_mended && finding.repaired;
    }
    if (request.repair != 0 && !all_mended)
        return fail(Code::corrupt, "check ", key, ": damage that cannot be mended");
    return {};
}

Result<void> require_known_flags(const davit_storage_mount& request) {
    if ((request.flags & ~kKnownMountFlags) == 0) return {};
    return fail(Code::unsupported, "mount ", text(request.key),
                ": it asks for a flag that this driver does not know");
}

Result<void> emit_ability(const Call& call, const char* ability, const std::string& reason) {
    auto probed = sized<davit_probed>();
    const std::string name = ability;
    probed.ability = sdk::str(name);
    probed.available = reason.empty() ? 1 : 0;
    probed.reason = sdk::str(reason);
    return call.emit(probed);
}

}  // namespace davit::layers
