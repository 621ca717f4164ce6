// SPDX-License-Identifier: Apache-2.0
// The two directories that hold everything the engine keeps (seams rule 1), and the lock that keeps
// a second daemon out. Owned by the engine for its whole life; thread-safe.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <string>
#include <string_view>

namespace davit::engine {

class DataRoot {
public:
    // Makes what is missing (data root 0700, exec root 0711, everything in them 0700) and takes the
    // lock. Errors: busy when another daemon uses the data root; denied or no_space with the
    // directory's name.
    static Result<DataRoot> open(const std::string& data_root, const std::string& exec_root);

    const std::string& path() const { return path_; }
    int data() const { return data_.get(); }
    int exec() const { return exec_.get(); }
    // <data-root>/<name> and <exec-root>/<name>, made if need be.
    Result<Fd> open_data(const std::string& name) const;
    Result<Fd> open_exec(const std::string& name) const;
    // <data-root>/<kind>/<instance>: a driver's own.
    Result<Fd> open_instance(std::string_view kind, std::string_view instance) const;
    // That directory, or while it is not there one of the data root that it would lie in.
    Result<Fd> look_at_instance(std::string_view kind, std::string_view instance) const;
    // Whether that directory is there already: the instance may have something to recover.
    bool has_instance(std::string_view kind, std::string_view instance) const;

    // <data-root>/<kind>/.default: the instance that was chosen for a kind when it was first
    // needed; empty: none yet.
    std::string remembered_choice(std::string_view kind) const;
    Result<void> remember_choice(std::string_view kind, const std::string& instance) const;

    // Whether the host has been started anew since the last daemon ended.
    enum class Boot { same, other };
    Result<Boot> enter_boot() const;

private:
    DataRoot(std::string path, Fd data, Fd exec)
        : path_(std::move(path)), data_(std::move(data)), exec_(std::move(exec)) {}
    std::string path_;
    Fd data_, exec_;
};

}  // namespace davit::engine
