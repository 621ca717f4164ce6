// SPDX-License-Identifier: Apache-2.0
// The files of the layer, reached through descriptors only (rules ): a path is resolved
// below the root's descriptor as a process inside would resolve it, and everything else happens on
// one name in one open directory. Keeps directories open, since archives list a directory's files
// one behind the other. One thread, and nobody else changes the tree meanwhile.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <sys/stat.h>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace davit::unpack {

struct Directory {
    Fd fd;
    std::string path;     // as it is, without symbolic links; "" is the root
    bool setgid = false;  // what is made inside inherits its group

    std::string path_of(std::string_view name) const {
        return path.empty() ? std::string(name) : path + "/" + std::string(name);
    }
};

class Tree {
public:
    // The tree at the process's root directory.
    static Result<Tree> open_root();

    // The directory that `path` leads to inside the tree. Errors: not_found; invalid (ENOTDIR,
    // ELOOP).
    Result<std::shared_ptr<Directory>> directory(std::string_view path);
    // The same, and missing ones are made (0755, owned by root).
    Result<std::shared_ptr<Directory>> make_directories(std::string_view path);
    // The directory `name` itself, never what a symbolic link of that name leads to.
    Result<std::shared_ptr<Directory>> enter(const Directory& parent, const std::string& path,
                                             const std::string& name);

    // What `name` itself is; not_found if it is not there.
    static Result<struct stat> look(const Directory& parent, const std::string& name);
    // Removes `name` and everything below it, whatever it is. An absent name is OK.
    Result<void> remove(const Directory& parent, const std::string& name);
    // To be called when a directory or symbolic link was removed in another way: paths may lead
    // elsewhere now.
    void forget() { known_.clear(), order_.clear(); }

private:
    using Order = std::list<std::string>;
    struct Known {
        std::shared_ptr<Directory> directory;
        Order::iterator position;
    };
    explicit Tree(Directory root) : root_(std::make_shared<Directory>(std::move(root))) {}
    std::shared_ptr<Directory> find(std::string_view path);
    std::shared_ptr<Directory> remember(std::string path, Directory directory);

    std::shared_ptr<Directory> root_;
    Order order_;  // least recently used first
    std::unordered_map<std::string, Known> known_;
};

}  // namespace davit::unpack
