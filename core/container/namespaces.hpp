// SPDX-License-Identifier: Apache-2.0
// Which namespaces a container has of its own, and whose it shares: what PidMode, IpcMode, UTSMode,
// UsernsMode and CgroupnsMode ask for, and what a start makes of it.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <boost/json/fwd.hpp>
#include <map>
#include <string>
#include <string_view>

namespace davit::container {

struct Namespaces {
    bool host_pid = false, host_ipc = false, host_uts = false, host_cgroup = false;
    bool shareable_ipc = false;  // others may join it
    bool own_shm = true;         // false: there is no /dev/shm
    // Containers whose namespace is joined: name or id; empty: none.
    std::string pid_of, ipc_of;
};

// Reads HostConfig. Errors: invalid, in docker's words; unsupported for a mode that is not built.
Result<Namespaces> read_namespaces(const boost::json::object& host);

// Whether --sysctl may set it: it must not reach beyond the container. Errors: invalid.
Result<void> check_sysctls(const std::map<std::string, std::string>& sysctls,
                           const Namespaces& namespaces, std::string_view network_mode);

// What a start joins. Paths of namespace files; empty: nothing.
struct Joined {
    std::string pid, ipc;
    Fd shm;  // the other's /dev/shm, a detached mount
};

class Containers;
// Errors: conflict when another container does not run or does not share.
Result<Joined> join_others(const Containers& containers, const Namespaces& namespaces);

}  // namespace davit::container
