// SPDX-License-Identifier: Apache-2.0
// Which layers pulls are working on right now: keeps two pulls from making the same layer twice,
// and removal from taking away what a pull counts on. Lives in memory only; thread-safe.
#pragma once

#include "sdk/base/cancel.hpp"
#include "sdk/base/digest.hpp"
#include "sdk/base/result.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace davit::image {

// What unpacking a layer told, needed for its record.
struct LayerFacts {
    std::uint64_t bytes = 0;  // in regular files
    std::uint64_t entries = 0;
};

class LayerTable {
public:
    // Names the layers that somebody counts on; while it lives nobody removes them.
    class [[nodiscard]] Lease {
    public:
        Lease(LayerTable& table, std::string instance, std::vector<Digest> chain);
        ~Lease();
        Lease(const Lease&) = delete;

    private:
        LayerTable& table_;
        std::string instance_;
        std::vector<Digest> chain_;
    };

    // The right to make a layer, held by one pull at a time.
    class [[nodiscard]] Turn {
    public:
        Turn(Turn&& other) noexcept
            : table_(std::exchange(other.table_, nullptr)), key_(std::move(other.key_)) {}
        ~Turn();

    private:
        friend class LayerTable;
        using Key = std::pair<std::string, Digest>;
        Turn(LayerTable& table, Key key) : table_(&table), key_(std::move(key)) {}
        LayerTable* table_;
        Key key_;
    };
    // Waits until nobody else makes this layer. Ask `made` again afterwards. Errors: cancelled.
    Result<Turn> take_turn(const std::string& instance, const Digest& layer, const Cancel& cancel);

    // A leased layer is committed though no image names it yet.
    void set_made(const std::string& instance, const Digest& layer, LayerFacts facts);
    std::optional<LayerFacts> made(const std::string& instance, const Digest& layer) const;
    // Somebody counts on it. Stays true only under the removal lock.
    bool leased(const std::string& instance, const Digest& layer) const;

    // Held while layers are taken away, and while somebody finds out which of them are there.
    std::unique_lock<std::mutex> removal_lock() { return std::unique_lock(removal_); }

private:
    using Key = std::pair<std::string, Digest>;
    struct State {
        unsigned leases = 0;
        bool being_made = false;
        std::optional<LayerFacts> made;
    };
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<Key, State> states_;
    std::mutex removal_;
};

}  // namespace davit::image
