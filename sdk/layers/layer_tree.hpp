// SPDX-License-Identifier: Apache-2.0
// The layers of one instance: what lies on disk, and an index of it in memory. For storage drivers
// that keep each layer in a directory; what the files in it are is theirs to say (files.hpp).
// Thread-safe. The lock is held for look-ups and single renames only, never while trees are walked.
//
// On disk, below the instance's directory (0700):
//   version            "1"
//   staging/<n>        a layer being made; anything here at open is a leftover
//   prepared/<key>/    diff/ (the files), work/ (the driver's own, dropped by the commit),
//                      parent -> <key of the parent>
//   committed/<key>/   diff/, parent, and onto -> <key> where the parent was named by the commit
//   trash/<n>          being deleted in the background
// Every change of state is one rename, so a crash leaves the old state or the new.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"
#include "sdk/layers/files.hpp"
#include "sdk/layers/trash.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace davit::layers {

struct Layer {
    State state = State::prepared;
    std::string parent;           // empty: none
    std::uint32_t children = 0;   // layers that have this one as their parent
    bool maybe_volatile = false;  // its last mount may have left the mark of a volatile one
};

struct NamedLayer {
    std::string key;
    Layer layer;
};

// Something wrong or left over. An empty key: it belongs to no layer.
struct Finding {
    std::string key;
    std::string text;
    bool repaired = false;
};

class LayerTree {
public:
    // Takes over the directory and whatever an earlier process left in it. Errors: corrupt;
    // unsupported version.
    static Result<std::unique_ptr<LayerTree>> open(Fd root, std::unique_ptr<const Files> files,
                                                   Warn warn);

    // Makes `key` over `parent` (empty: none). True: it was there already, with this parent.
    // Errors: invalid key; not_found parent; exists; what Files::make says.
    Result<bool> add(const std::string& key, const std::string& parent, const Limits& limits);
    // Turns the prepared `key` into the committed `name`; `onto` empty: over the parent of `add`.
    // True: `name` was committed already. Errors: not_found; exists; invalid.
    Result<bool> commit(const std::string& key, const std::string& name, const std::string& onto);
    // Errors: busy while it has children. An unknown key is OK.
    Result<void> remove(const std::string& key);

    Result<Layer> find(const std::string& key) const;
    std::vector<NamedLayer> list() const;
    // The layer first, then its parent and so on down. Errors: not_found; corrupt when a parent is
    // missing.
    Result<std::vector<NamedLayer>> chain(const std::string& key) const;
    // Records whether the layer's last mount was volatile.
    void set_volatile(const std::string& key, bool was_volatile);

    // Removes every layer that is not in `keys`, children first, and waits until the disk is clear.
    // What `report` gets: one finding for each, and one for each leftover of a crash.
    Result<void> retain(const std::vector<std::string_view>& keys, const StopFlag& stop,
                        const std::function<Result<void>(const Finding&)>& report);
    // Damage of one layer, or of all with an empty key. With `repair`, damaged prepared layers are
    // removed.
    Result<std::vector<Finding>> check(const std::string& key, bool repair);

    int root() const { return root_.get(); }
    // Where a layer lies, relative to root(): "committed/sha256:…".
    static std::string path_of(State state, const std::string& key);

private:
    using Index = std::map<std::string, Layer, std::less<>>;

    LayerTree(Fd root, std::unique_ptr<const Files> files, Warn warn);
    Result<void> make_directories();
    Result<void> load();
    Result<void> load_state(State state);
    Result<void> collect_leftovers();
    Result<std::string> stage(const std::string& parent, const Limits& limits);
    Result<bool> already_there(const std::string& key, const std::string& parent) const;
    Result<bool> finish_commit_of_existing(const std::string& key);
    Result<void> throw_away(Index::iterator layer);
    void unlink_from_parent(const Layer& layer);
    std::vector<Finding> damage_of(const std::string& key, const Layer& layer) const;

    Fd root_;
    std::unique_ptr<const Files> files_;
    Trash trash_;
    mutable std::mutex mutex_;
    Index index_;                         // guarded by mutex_
    std::vector<std::string> leftovers_;  // found at open, not reported yet; guarded by mutex_
    std::uint64_t next_staging_ = 0;      // guarded by mutex_
};

}  // namespace davit::layers
