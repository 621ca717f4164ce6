// SPDX-License-Identifier: Apache-2.0
#include "core/container/namespaces.hpp"

#include "core/container/containers.hpp"
#include "sdk/base/json.hpp"
#include "sdk/base/mount.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <optional>
#include <thread>
#include <utility>

namespace davit::container {

namespace {

namespace bj = boost::json;

constexpr std::string_view kContainer = "container:";

// The sysctls of an ipc namespace; those of the network begin with net.
constexpr std::array<std::string_view, 8> kIpcSysctls = {
    "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
    "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};

Error unknown(std::string_view what, const std::string& mode) {
    return fail(Code::invalid, "invalid ", what, " mode: ", mode);
}

Result<std::string> other_of(std::string_view what, const std::string& mode) {
    if (mode.size() == kContainer.size()) return unknown(what, mode);
    return mode.substr(kContainer.size());
}

Result<void> read_ipc(const std::string& mode, Namespaces& namespaces) {
    if (mode == "host") {
        namespaces.host_ipc = true;
    } else if (mode == "none") {
        namespaces.own_shm = false;
    } else if (mode == "shareable") {
        namespaces.shareable_ipc = true;
    } else if (mode.starts_with(kContainer)) {
        namespaces.ipc_of = TRY(other_of("IPC", mode));
    } else if (!mode.empty() && mode != "private") {
        return unknown("IPC", mode);
    }
    return {};
}

Result<int> pid_of(const Container& container) {
    const State state = container.state();
    if (state.restarting)
        return fail(Code::conflict, "Container ", container.id(),
                    " is restarting, wait until the container is running");
    if (state.status != Status::running)
        return fail(Code::conflict, "cannot join a non-running container: ", container.id());
    return state.pid;
}

// On a thread that ends afterwards: it is in the other's mount namespace for good.
Result<Fd> clone_inside(int mount_namespace, const char* path) {
    if (::unshare(CLONE_FS) != 0) return os_error("leave shared directory");
    if (::setns(mount_namespace, CLONE_NEWNS) != 0) return os_error("enter mount namespace");
    return TRY(DetachedMount::clone(AT_FDCWD, path)).release();
}

Result<Fd> shm_of(int pid) {
    const std::string place = "/proc/" + std::to_string(pid) + "/ns/mnt";
    const Fd mounts(::open(place.c_str(), O_RDONLY | O_CLOEXEC));
    if (!mounts) return os_error("open " + place);
    std::optional<Result<Fd>> outcome;
    std::thread worker([&] { outcome.emplace(clone_inside(mounts.get(), "/dev/shm")); });
    worker.join();
    return std::move(*outcome);
}

}  // namespace

Result<Namespaces> read_namespaces(const bj::object& host) {
    Namespaces namespaces;
    TRY(read_ipc(TRY(json::get_string(host, "IpcMode", "")), namespaces));
    const std::string pid = TRY(json::get_string(host, "PidMode", ""));
    if (pid.starts_with(kContainer))
        namespaces.pid_of = TRY(other_of("PID", pid));
    else if (!pid.empty() && pid != "host" && pid != "private")
        return unknown("PID", pid);
    namespaces.host_pid = pid == "host";
    const std::string uts = TRY(json::get_string(host, "UTSMode", ""));
    if (!uts.empty() && uts != "host") return unknown("UTS", uts);
    namespaces.host_uts = uts == "host";
    const std::string cgroups = TRY(json::get_string(host, "CgroupnsMode", ""));
    if (!cgroups.empty() && cgroups != "private" && cgroups != "host")
        return fail(Code::invalid, "invalid cgroup namespace mode: ", cgroups);
    namespaces.host_cgroup = cgroups == "host";
    // Users are the host's for every container: what asks for that asks for nothing.
    const std::string users = TRY(json::get_string(host, "UsernsMode", ""));
    if (!users.empty() && users != "host") return unknown("user namespace", users);
    return namespaces;
}

Result<void> check_sysctls(const std::map<std::string, std::string>& sysctls,
                           const Namespaces& namespaces, std::string_view network_mode) {
    const bool own_ipc = !namespaces.host_ipc && namespaces.ipc_of.empty();
    const bool own_network = network_mode != "host" && !network_mode.starts_with(kContainer);
    for (const auto& [name, value] : sysctls) {
        const bool ipc =
            name.starts_with("fs.mqueue.") ||
            std::find(kIpcSysctls.begin(), kIpcSysctls.end(), name) != kIpcSysctls.end();
        if ((ipc && own_ipc) || (name.starts_with("net.") && own_network)) continue;
        if (ipc || name.starts_with("net."))
            return fail(Code::invalid, "sysctl '", name, "' not allowed in ",
                        ipc ? "host IPC namespace" : "host network namespace");
        return fail(Code::invalid, "sysctl '", name, "' is not in a separate kernel namespace");
    }
    return {};
}

Result<Joined> join_others(const Containers& containers, const Namespaces& namespaces) {
    Joined joined;
    if (!namespaces.pid_of.empty()) {
        const auto other = TRY(containers.find(namespaces.pid_of));
        joined.pid = "/proc/" + std::to_string(TRY(pid_of(*other))) + "/ns/pid";
    }
    if (namespaces.ipc_of.empty()) return joined;
    const auto other = TRY(containers.find(namespaces.ipc_of));
    const int pid = TRY(pid_of(*other));
    if (!other->config().namespaces.shareable_ipc)
        return fail(Code::conflict, "can't join IPC of container ", other->id(),
                    ": non-shareable IPC (hint: use IpcMode:shareable for the donor container)");
    joined.ipc = "/proc/" + std::to_string(pid) + "/ns/ipc";
    joined.shm = TRY(shm_of(pid).context("share /dev/shm of container ", other->id()));
    return joined;
}

}  // namespace davit::container
