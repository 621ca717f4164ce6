// SPDX-License-Identifier: Apache-2.0
#include "core/image/image_making.hpp"

#include "sdk/base/undo.hpp"

#include <optional>

namespace davit::image {

Result<bool> make_image(ImageStore& store, const LayerPull::Settings& settings,
                        const std::vector<LayerPull::Wanted>& wanted, NewImage image) {
    const std::string instance = settings.storage.instance();
    std::vector<Digest> chain, diff_ids;
    for (const LayerPull::Wanted& layer : wanted) {
        chain.push_back(layer.chain_id);
        diff_ids.push_back(layer.diff_id);
    }
    // After the lease has ended: whoever ends last takes back what nobody recorded.
    Undo take_back([&] {
        store.give_up(settings.storage, chain, diff_ids);
        (void)store.collect();  // a layer that lost its image while we counted on it; tried again
                                // at the next start
    });
    std::optional<LayerTable::Lease> lease;
    {
        const auto removal = store.layers().removal_lock();
        lease.emplace(store.layers(), instance, chain);
    }
    LayerPull layers(
        store.layers(), store.logs(),
        [&](const Digest& layer) { return store.find_layer(instance, layer); }, settings, wanted);
    const auto facts = TRY(layers.run());
    TRY(settings.stop->check("add image"));
    image.instance = instance;
    for (std::size_t i = 0; i < wanted.size(); ++i)
        image.layers.push_back({wanted[i].chain_id, wanted[i].diff_id,
                                wanted[i].has_blob ? std::optional(wanted[i].blob) : std::nullopt,
                                facts[i]});
    const bool changed = TRY(store.add(image));
    take_back.keep();
    return changed;
}

}  // namespace davit::image
