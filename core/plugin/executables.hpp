// SPDX-License-Identifier: Apache-2.0
// The executables that came with the engine, sealed: what a container runs through /proc/self/exe
// is a copy in memory that nobody can write (security.md R-04), made once per program and engine
// start. Lent to drivers by the host table. Thread-safe.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <map>
#include <mutex>
#include <string>

namespace davit::plugin {

class Executables {
public:
    explicit Executables(std::string folder) : folder_(std::move(folder)) {}

    // A read-only descriptor to run through /proc/self/fd/N; it stays open as long as this object.
    // Where the host forbids executable memfds (vm.memfd_noexec=2), the file itself through a
    // read-only mount of its own. Errors: not_found; invalid for a name that is not davit-….
    Result<int> find(const std::string& name);

private:
    std::string folder_;
    std::mutex lock_;
    std::map<std::string, Fd> opened_;
};

// The folder of the running executable.
Result<std::string> own_folder();

}  // namespace davit::plugin
