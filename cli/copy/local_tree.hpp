// SPDX-License-Identifier: Apache-2.0
// Writes the entries of an archive below a directory of this machine. The archive comes from a
// container, so its names are trusted with nothing: every directory on the way is opened without
// following links, and what is there is replaced in its directory, never written through.
#pragma once

#include "cli/copy/tar_reader.hpp"
#include "sdk/base/fd.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::cli {

class LocalTree {
public:
    // The directory must exist.
    static Result<LocalTree> open(const std::string& directory);

    // The entry as `name` ("a/b", relative); content is taken from `reader`. A hard link's target
    // is `link`, relative as well. Errors: invalid when a directory and what is none would replace
    // each other, or a name leads out.
    Result<void> add(const TarEntry& entry, const std::string& name, const std::string& link,
                     TarReader& reader);
    // Sets what later entries have changed: the times and modes of directories.
    Result<void> finish();

private:
    struct Place {
        Fd directory;
        std::string name;
    };
    struct Made {
        std::string name;
        unsigned mode;
        std::int64_t modified;
    };
    explicit LocalTree(Fd top) : top_(std::move(top)) {}
    Result<Place> place(const std::string& name) const;
    Result<void> make_way(const Place& at, const TarEntry& entry) const;
    static Result<void> write_content(int file, TarReader& reader);
    Result<void> add_file(const TarEntry& entry, const Place& at, TarReader& reader) const;
    Result<void> add_special(const TarEntry& entry, const Place& at, const std::string& link) const;

    Fd top_;
    std::vector<Made> directories_;
};

}  // namespace davit::cli
