// SPDX-License-Identifier: Apache-2.0
// One running archiver and the socket to it. Killed and reaped with this object. Used by
// archiver.cpp only; one thread.
#pragma once

#include "core/archive/archiver.hpp"
#include "sdk/base/process.hpp"

namespace davit::archive {

// Borrowed until `start` returns.
struct Streams {
    int in = -1;         // the archive to extract
    int out = -1;        // takes the packed one
    int selection = -1;  // a file, to be read from its beginning
};

class Worker {
public:
    static Result<Worker> start(const std::string& program, const unpack::Order& order, Place place,
                                const Streams& streams);

    int socket() const { return control_.get(); }  // readable: call `receive`
    Result<void> receive();
    const std::optional<PathStat>& found() const { return found_; }
    bool ended() const { return !control_; }
    // Waits for the process, which lets go of the files, and says how it went.
    Result<void> finish();

private:
    Worker(Child child, Fd control) : child_(std::move(child)), control_(std::move(control)) {}

    Child child_;
    Fd control_;
    std::optional<PathStat> found_;
    std::optional<unpack::Ended> result_;
};

}  // namespace davit::archive
