// SPDX-License-Identifier: Apache-2.0
// Puts a tree of files into an archive. Everything is reached by descriptor and name, no link is
// followed, so a program that changes the tree meanwhile can spoil the archive and nothing else
// (rule R-41). Runs in the jail; one thread.
#pragma once

#include "core/unpack/archive_writer.hpp"
#include "sdk/base/fd.hpp"

#include <map>
#include <string>
#include <utility>

namespace davit::unpack {

enum class Holes { filled, told };  // told: the archive has sparse entries

class Packer {
public:
    Packer(ArchiveWriter& writer, Holes holes) : writer_(writer), holes_(holes) {}

    // `name` in `parent`, with all that is below when it is a directory, as the entry `shown`.
    // Sockets are left out, and what vanishes meanwhile. Errors: not_found for `name` itself.
    Result<void> add_tree(int parent, const std::string& name, const std::string& shown);
    // This one alone.
    Result<void> add_one(int parent, const std::string& name, const std::string& shown);
    // The mark of a deletion, as image layers carry it ("dir/.wh.name").
    Result<void> add_whiteout(const std::string& shown);

private:
    Result<void> add_directory(Fd directory, const std::string& shown, unsigned depth);
    Result<void> add_inside(int directory, const std::string& shown, unsigned depth);
    Result<void> add_entry(int parent, const std::string& name, const std::string& shown,
                           const struct stat& status);
    Result<void> add_file(Fd file, Item item);
    bool linked_before(Item& item);

    ArchiveWriter& writer_;
    Holes holes_;
    std::map<std::pair<dev_t, ino_t>, std::string> linked_;  // files of several names, by the first
};

}  // namespace davit::unpack
