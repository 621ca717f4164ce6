// SPDX-License-Identifier: Apache-2.0
#include "core/image/layer_table.hpp"

#include <chrono>

namespace davit::image {

LayerTable::Lease::Lease(LayerTable& table, std::string instance, std::vector<Digest> chain)
    : table_(table), instance_(std::move(instance)), chain_(std::move(chain)) {
    const std::lock_guard lock(table_.mutex_);
    for (const Digest& layer : chain_) ++table_.states_[{instance_, layer}].leases;
}

LayerTable::Lease::~Lease() {
    const std::lock_guard lock(table_.mutex_);
    for (const Digest& layer : chain_) {
        const auto state = table_.states_.find({instance_, layer});
        if (--state->second.leases == 0) table_.states_.erase(state);
    }
}

LayerTable::Turn::~Turn() {
    if (table_ == nullptr) return;
    const std::lock_guard lock(table_->mutex_);
    if (const auto state = table_->states_.find(key_); state != table_->states_.end())
        state->second.being_made = false;
    table_->changed_.notify_all();
}

Result<LayerTable::Turn> LayerTable::take_turn(const std::string& instance, const Digest& layer,
                                               const Cancel& cancel) {
    constexpr std::chrono::milliseconds kLook{
        100};  // a condition cannot be waited for together with a descriptor
    std::unique_lock lock(mutex_);
    while (states_[{instance, layer}].being_made) {
        TRY(cancel.check("wait for another pull of the layer"));
        changed_.wait_for(lock, kLook);
    }
    states_[{instance, layer}].being_made = true;
    return Turn(*this, {instance, layer});
}

void LayerTable::set_made(const std::string& instance, const Digest& layer, LayerFacts facts) {
    const std::lock_guard lock(mutex_);
    states_[{instance, layer}].made = facts;
}

std::optional<LayerFacts> LayerTable::made(const std::string& instance, const Digest& layer) const {
    const std::lock_guard lock(mutex_);
    const auto state = states_.find({instance, layer});
    return state == states_.end() ? std::nullopt : state->second.made;
}

bool LayerTable::leased(const std::string& instance, const Digest& layer) const {
    const std::lock_guard lock(mutex_);
    const auto state = states_.find({instance, layer});
    return state != states_.end() && state->second.leases > 0;
}

}  // namespace davit::image
