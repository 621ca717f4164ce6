// SPDX-License-Identifier: Apache-2.0
// A driver file: found, trusted, read, loaded. The only user of Boost.DLL. What is read, hashed and
// loaded is one and the same open file, whatever happens to its path meanwhile. Used by the
// catalog. Thread-safe once opened.
#pragma once

#include "core/plugin/manifest.hpp"
#include "davit/module.h"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <memory>
#include <mutex>
#include <string>

namespace davit::plugin {

class Library {
public:
    // Opens the file, checks who could have written it, and reads its manifest; nothing in it runs.
    // Errors: denied for a foreign owner, naming the file or folder; unsupported for another ABI
    // version; invalid.
    static Result<std::shared_ptr<Library>> open(const std::string& path);

    const std::string& path() const { return path_; }  // with no symbolic link in it
    const Manifest& manifest() const { return manifest_; }
    // 64 hex digits, of the file's content now or when it was loaded.
    Result<std::string> sha256();

    // Loads the file on first use: all symbols bound at once, none of them visible to others. It is
    // never unloaded: what the module points to stays good for the life of the process. `pin`: the
    // SHA-256 it must have, or empty. Errors: denied for another hash; invalid with the dynamic
    // linker's words; unsupported for a module that is not what its manifest says.
    Result<const davit_module*> load(const std::string& pin);

private:
    Library(std::string path, Fd file, Manifest manifest)
        : path_(std::move(path)), file_(std::move(file)), manifest_(std::move(manifest)) {}
    Result<const davit_module*> load_now();

    std::string path_;
    Fd file_;
    Manifest manifest_;
    std::mutex lock_;
    std::string sha256_;
    const davit_module* module_ = nullptr;
};

// Whether nobody but root and the running user could have written the open file or put it where it
// is: its owner is one of the two and others cannot write it; every folder above belongs to one of
// them, and one that others can write to is sticky. Errors: denied, naming what is wrong.
Result<void> check_owner(const Fd& file, const std::string& path);

// The driver `kind`/`name` of a loaded module, or nullptr.
const davit_driver* find_driver(const davit_module& module, std::string_view kind,
                                std::string_view name);

}  // namespace davit::plugin
