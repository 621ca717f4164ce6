// SPDX-License-Identifier: Apache-2.0
// Makes the layers of one image that are missing in a storage instance, wherever their bytes come
// from: unpacked side by side where the driver allows it, committed lowest first. One use; its
// threads end with `run`.
#pragma once

#include "core/image/image_store.hpp"
#include "core/image/layer_source.hpp"
#include "core/image/unpack.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace davit::image {

class LayerPull {
public:
    struct Wanted {
        Descriptor blob;  // its media type and digest count where the source is a blob
        Digest diff_id, chain_id;
        bool has_blob = true;  // false: only the diff ID is known; `blob` names it, and the bytes
    };
    struct Settings {
        // Opens the layer at this position; again when it turns out to need its parent.
        std::function<Result<std::unique_ptr<LayerSource>>(std::size_t position)> open;
        plugin::Storage storage;
        std::string unpacker;
        std::shared_ptr<Cancel> stop;  // requested by this object too, when one layer fails
        // layer, words, bytes done
        std::function<void(const Wanted& layer, std::string_view status, std::uint64_t current)>
            progress;
    };

    LayerPull(LayerTable& table, const ArchiveLogs& logs,
              std::function<Result<std::optional<LayerFacts>>(const Digest&)> find,
              Settings settings, const std::vector<Wanted>& layers);

    // The facts of all layers, lowest first. On failure nothing prepared is left; committed layers
    // are the caller's.
    Result<std::vector<LayerFacts>> run();

private:
    enum class State { waiting, working, unpacked, wants_parent, done };
    struct Layer {
        Wanted wanted;
        State state = State::waiting;
        std::string key;  // of the prepared layer; empty: there is none
        Fd log;           // of its archive
        bool over_parent = false;
        std::optional<LayerTable::Turn> turn;
        LayerFacts facts;
    };

    void work();
    std::optional<std::size_t> pick() const;
    Result<void> make(std::size_t position);
    Result<void> prepare_and_unpack(Layer& layer, const std::string& parent);
    Result<UnpackResult> stream(Layer& layer, Fd mount, View view);
    Result<void> check(const Layer& layer, const UnpackResult& unpacked) const;
    Result<void> commit_ready();
    Result<void> commit(std::size_t position);
    void drop(Layer& layer);
    void give_up(Error error);

    LayerTable& table_;
    const ArchiveLogs& logs_;
    std::function<Result<std::optional<LayerFacts>>(const Digest&)> find_;
    Settings settings_;
    std::vector<Layer> layers_;

    std::mutex mutex_;  // what is below, and the states above
    std::condition_variable changed_;
    std::size_t next_ = 0;  // the lowest layer that is not committed
    std::optional<Error> error_;
};

// The key of a layer that is only being made: "new-" and 16 hex digits.
Result<std::string> new_layer_key();

}  // namespace davit::image
