// SPDX-License-Identifier: Apache-2.0
// Turns a container's configuration into the OCI runtime specification that exec drivers take, and
// into the mounts that come with it as descriptors. No state; thread-safe.
#pragma once

#include "core/container/config.hpp"
#include "core/container/user.hpp"
#include "core/volume/volumes.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <boost/json/fwd.hpp>
#include <span>
#include <string>
#include <vector>

namespace davit::container {

struct SpecInput {
    const Config& config;
    std::string id;
    std::string hostname;
    User user;
    Resources resources;
    std::string pid_namespace = {}, ipc_namespace = {};  // another container's to join
    Fd* shm = nullptr;                                   // another container's /dev/shm; taken
    int directory = -1;  // the container's under the data root: holds hosts, hostname, resolv.conf
    volume::Volumes& volumes;
    bool network_namespace = true;  // false: the host's network is shared
};

struct Spec {
    std::string text;  // config.json
    std::vector<Fd>
        mounts;  // one per entry of `mounts`; empty where the driver makes the mount itself
};

// Errors: not_found for a bind's missing source ("bind source path does not exist: /x"); invalid
// for a device that is none.
Result<Spec> make_spec(const SpecInput& input);

// What is hidden in a container, and what is read-only, unless it asks otherwise.
std::span<const char* const> default_masked_paths();
std::span<const char* const> default_read_only_paths();

// The `process` object of a further process in the container (exec).
struct ProcessInput {
    const Config& config;
    User user;
    std::string hostname, working_dir;
    std::vector<std::string> arguments, environment;  // environment: beyond the container's own
    bool tty = false, privileged = false;
};
std::string make_process(const ProcessInput& input);

}  // namespace davit::container
