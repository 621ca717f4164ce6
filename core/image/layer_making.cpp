// SPDX-License-Identifier: Apache-2.0
#include "core/image/layer_making.hpp"

#include "core/image/layer_pull.hpp"
#include "core/image/unpack.hpp"
#include "sdk/base/undo.hpp"

#include <optional>

namespace davit::image {

namespace {

// The prepared layer; removed unless it was committed.
class Prepared {
public:
    Prepared(const LayerWork& work) : work_(work) {}
    ~Prepared() {
        if (key_.empty()) return;
        sdk::Caller call;  // not cancellable: it is what makes a cancelled import leave nothing
        (void)work_.storage.release(call, key_);
        (void)work_.storage.remove(call, key_);  // else `retain` finds it at the next start
    }
    Prepared(const Prepared&) = delete;

    Result<UnpackResult> fill(const std::string& parent, LayerSource& source, int log) {
        sdk::Caller call(work_.cancel);
        key_ = TRY(new_layer_key());
        TRY(work_.storage.prepare(call, key_, parent));
        Fd mount = TRY(work_.storage.mount(call, key_, DAVIT_STORAGE_VOLATILE));
        // With a parent the mount is merged; without one nothing lies below to be deleted.
        auto unpacked = unpack_layer({.program = work_.unpacker,
                                      .mount = std::move(mount),
                                      .view = View::merged,
                                      .source = source.source(),
                                      .log = log,
                                      .cancel = work_.cancel,
                                      .progress = work_.progress});
        // The source's reason counts more: the unpacker only saw the archive end.
        auto read = source.finish();
        if (!read && (unpacked || read.error().code != Code::invalid)) return read.error();
        if (unpacked) TRY(work_.storage.release(call, key_));
        return unpacked;
    }
    Result<void> commit(const Digest& chain_id) {
        sdk::Caller call(work_.cancel);
        TRY(work_.storage.commit(call, key_, chain_id.text()));
        key_.clear();
        return {};
    }

private:
    const LayerWork& work_;
    std::string key_;
};

Result<std::vector<NewLayer>> known_layers(ImageStore& store, const std::string& instance,
                                           const std::vector<Digest>& base) {
    std::vector<NewLayer> layers;
    const auto chain = chain_ids(base);
    for (std::size_t i = 0; i < base.size(); ++i) {
        const auto facts = TRY(store.find_layer(instance, chain[i]));
        if (!facts)
            return fail(Code::not_found, "find layer ", chain[i].text(), " in storage ", instance,
                        ": it is gone");
        layers.push_back({chain[i], base[i], std::nullopt, *facts});
    }
    return layers;
}

}  // namespace

Result<std::string> add_on_top(ImageStore& store, const LayerWork& work,
                               const std::vector<Digest>& base, std::unique_ptr<LayerSource> source,
                               const Describe& describe) {
    const std::string instance = work.storage.instance();
    std::optional<LayerTable::Lease> below, whole;
    const auto lease = [&](std::optional<LayerTable::Lease>& on, std::vector<Digest> chain) {
        const auto removal = store.layers().removal_lock();
        on.emplace(store.layers(), instance, std::move(chain));
    };
    lease(below, chain_ids(base));
    auto layers = TRY(known_layers(store, instance, base));
    std::optional<Digest> diff_id;
    std::vector<Digest> diff_ids = base;
    // Runs after the leases have ended: see image_making.cpp.
    Undo take_back([&] {
        whole.reset();
        below.reset();
        if (diff_id) store.give_up(work.storage, chain_ids(diff_ids), diff_ids);
        (void)store.collect();
    });
    if (source) {
        Prepared prepared(work);
        const Fd log = TRY(store.logs().create());
        const std::string parent = base.empty() ? "" : layers.back().chain_id.text();
        const UnpackResult unpacked = TRY(prepared.fill(parent, *source, log.get()));
        diff_id = unpacked.diff_id;
        diff_ids.push_back(*diff_id);
        const Digest chain_id = chain_ids(diff_ids).back();
        lease(whole, {chain_id});
        const auto turn = TRY(store.layers().take_turn(instance, chain_id, *work.cancel));
        LayerFacts facts{unpacked.file_bytes, unpacked.entries};
        if (const auto known = TRY(store.find_layer(instance, chain_id))) {
            facts = *known;
        } else {
            TRY(store.logs().keep(log.get(), *diff_id));
            TRY(prepared.commit(chain_id));
            store.layers().set_made(instance, chain_id, facts);
        }
        layers.push_back({chain_id, *diff_id, std::nullopt, facts});
    }
    NewImage image = TRY(describe(diff_id));
    image.instance = instance;
    image.layers = std::move(layers);
    TRY(store.add(image));
    take_back.keep();
    store.sync_later(work.storage);
    return Digest::of(image.config).text();
}

}  // namespace davit::image
