// SPDX-License-Identifier: Apache-2.0
// Starts launchers: from the host's sealed copy of davit-launch, or from the file beside the
// driver. Thread-safe.
#pragma once

#include "drivers/exec/native/spec_writer.hpp"
#include "sdk/base/process.hpp"
#include "sdk/monitor/control.hpp"
#include "sdk/plugin/entry.hpp"

#include <string>

namespace davit::native {

// A launcher that waits for its specification. Killed when it is dropped before `detach`.
struct Launch {
    Child launcher;
    Fd channel;
};

class LaunchClient {
public:
    // Errors: not_found when there is no davit-launch.
    static Result<LaunchClient> open(const sdk::Call& call, sdk::Host host);

    // `group`: directory of a control group of version 2 for it; −1: it moves there by itself.
    Result<Launch> spawn(int group) const;
    // Sends the specification and waits until everything up to `start` is done.
    static Result<sdk::Answer> create(Launch& launch, SpecWriter& writer, const Spec& spec);

private:
    explicit LaunchClient(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

}  // namespace davit::native
