// SPDX-License-Identifier: Apache-2.0
// Applies the entries of an archive to the layer's tree: makes files as they are described, and
// carries deletions out as the mount shows them (davit/storage.h): really, when the parent's files
// are visible, or by the overlay file system's own marks when the layer lies bare. Runs in the
// jail; one thread.
#pragma once

#include "core/unpack/archive.hpp"
#include "core/unpack/tree.hpp"

#include <functional>
#include <unordered_set>

namespace davit::unpack {

enum class View { merged, bare };

// How entries are to be read.
struct Reading {
    bool whiteouts = true;    // ".wh." names delete; else they are names like others
    bool keep_kinds = false;  // a directory and what is none never replace each other
};

struct Written {
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;  // in regular files
};

class LayerWriter {
public:
    // Has `trusted.overlay.opaque` set on a directory by somebody who may.
    using SetOpaque = std::function<Result<void>(int directory)>;

    LayerWriter(Tree tree, View view, SetOpaque set_opaque, Reading reading = {})
        : tree_(std::move(tree)),
          view_(view),
          reading_(reading),
          set_opaque_(std::move(set_opaque)) {}

    // Errors: `conflict` when a bare layer needs its parent to be visible (seams rule 3).
    Result<void> add(const Entry& entry, Archive& archive);
    // Puts the times of directories right, last of all.
    Result<void> finish();
    const Written& written() const { return written_; }

private:
    struct Place {  // where an entry goes
        std::shared_ptr<Directory> parent;
        std::string name;
    };
    struct DirectoryTime {
        std::string path;
        timespec modified;
    };

    // Whether it was a deletion, which is done then.
    Result<bool> delete_below(const Entry& entry);
    Result<void> check_kind(const Entry& entry, const Place& at) const;
    Result<Place> place(std::string_view path);
    Result<void> add_root(const Entry& entry);
    Result<void> add_file(const Entry& entry, const Place& at, Archive& archive);
    Result<void> add_directory(const Entry& entry, const Place& at);
    Result<void> add_hard_link(const Entry& entry);
    Result<void> add_special(const Entry& entry, const Place& at);
    Result<void> own_directory(const Entry& entry, Directory& directory, bool fresh);
    Result<void> fill(const Entry& entry, int file, Archive& archive);

    Result<void> apply_whiteout(std::string_view parent, const std::string& target);
    Result<void> apply_opaque(std::string_view path);
    Result<void> prune(const Directory& directory, const std::string& name);
    Result<void> prune_inside(const Directory& directory);

    void remember(const Directory& parent, const std::string& name);
    bool made_here(const Directory& parent, const std::string& name) const;

    Tree tree_;
    View view_;
    Reading reading_;
    SetOpaque set_opaque_;
    Written written_;
    std::vector<DirectoryTime> times_;
    // Paths made by this layer, as hashes: deletions concern what lies below. A collision would
    // keep one lower file. Only filled where the parent's files are visible; in a bare layer
    // everything was made here.
    std::unordered_set<std::size_t> made_;
};

}  // namespace davit::unpack
