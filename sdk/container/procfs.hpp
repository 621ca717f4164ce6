// SPDX-License-Identifier: Apache-2.0
// A procfs of our own that nothing inside a container can cover or replace (rule R-15). Used by the
// launcher's child.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <string>

namespace davit::sdk {

class ProcHandle {
public:
    // Makes a fresh procfs of the caller's pid namespace, attached nowhere; verified by its magic
    // and root inode.
    static Result<ProcHandle> open();

    // Writes below /proc through no link and no other mount: write("sys/net/ipv4/ip_forward", "1").
    Result<void> write(const std::string& path, const std::string& value) const;
    int fd() const { return root_.get(); }

private:
    explicit ProcHandle(Fd root) : root_(std::move(root)) {}
    Fd root_;
};

}  // namespace davit::sdk
