// SPDX-License-Identifier: Apache-2.0
#include "core/container/oci_mounts.hpp"

#include "core/container/mount_sources.hpp"

#include "sdk/base/file.hpp"
#include "sdk/base/mount.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace davit::container {

namespace {

namespace bj = boost::json;

class Planner {
public:
    Planner(const SpecInput& input, MountPlan plan)
        : input_(input), config_(input.config), plan_(plan) {}

    Result<void> run() {
        system_mounts();
        TRY(generated_files());
        return users_mounts();
    }

private:
    void made_by_driver(std::string_view target, std::string_view type,
                        std::vector<std::string> options) {
        plan_.entries.push_back(bj::object{{"destination", target},
                                           {"type", type},
                                           {"source", type},
                                           {"options", bj::array(options.begin(), options.end())}});
        plan_.fds.emplace_back();
    }

    void system_mounts() {
        const bool writable = config_.privileged;
        made_by_driver("/proc", "proc", {"nosuid", "noexec", "nodev"});
        made_by_driver("/dev", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"});
        made_by_driver("/dev/pts", "devpts",
                       {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"});
        made_by_driver("/sys", "sysfs", {"nosuid", "noexec", "nodev", writable ? "rw" : "ro"});
        made_by_driver("/sys/fs/cgroup", "cgroup",
                       {writable ? "rw" : "ro", "nosuid", "noexec", "nodev", "relatime"});
        made_by_driver("/dev/mqueue", "mqueue", {"nosuid", "noexec", "nodev"});
        if (own_shm() && !users_target("/dev/shm"))
            made_by_driver("/dev/shm", "tmpfs",
                           {"nosuid", "noexec", "nodev", "mode=1777",
                            "size=" + std::to_string(config_.shm_size)});
    }

    bool own_shm() const {
        const Namespaces& shared = config_.namespaces;
        return shared.own_shm && !shared.host_ipc && shared.ipc_of.empty();
    }

    bool users_target(std::string_view target) const {
        return std::any_of(config_.mounts.begin(), config_.mounts.end(),
                           [&](const Mount& mount) { return mount.target == target; });
    }

    // Without "rw": what a volume's own options made read-only stays so.
    void attached(std::string_view target, const Mount& bind, Fd mount) {
        bj::array options{bind.recursive ? "rbind" : "bind"};
        if (bind.read_only) options.emplace_back("ro");
        if (!bind.propagation.empty()) options.emplace_back(bind.propagation);
        plan_.entries.push_back(bj::object{{"destination", target},
                                           {"type", "bind"},
                                           {"source", bind.source},
                                           {"options", std::move(options)}});
        plan_.fds.push_back(std::move(mount));
    }

    Result<void> generated_files() {
        for (const char* name : {"resolv.conf", "hostname", "hosts"}) {
            const std::string target = std::string("/etc/") + name;
            if (users_target(target)) continue;
            auto mount = TRY(DetachedMount::clone(input_.directory, name));
            if (config_.read_only_root) TRY(mount.set_attributes(MOUNT_ATTR_RDONLY));
            attached(target,
                     {.source = name, .target = target, .read_only = config_.read_only_root},
                     mount.release());
        }
        if (users_target("/dev/shm")) return {};
        if (input_.shm != nullptr && *input_.shm)
            attached("/dev/shm", {.source = "/dev/shm", .target = "/dev/shm"},
                     std::move(*input_.shm));
        if (!config_.namespaces.host_ipc) return {};
        return bind({.source = "/dev/shm", .target = "/dev/shm"});
    }

    Result<void> bind(const Mount& mount) {
        attached(mount.target, mount, TRY(open_mount(mount, input_.volumes)));
        return {};
    }

    void add_tmpfs(const Mount& tmpfs) {
        std::vector<std::string> options{"nosuid", "nodev", "noexec"};
        for (const std::string& option : tmpfs.options) {
            if (option == "exec" || option == "suid" || option == "dev")
                std::erase(options, "no" + option);
            options.push_back(option);
        }
        made_by_driver(tmpfs.target, "tmpfs", std::move(options));
    }

    Result<void> users_mounts() {
        for (const Mount* mount : in_order(config_.mounts))
            if (mount->kind == MountKind::tmpfs)
                add_tmpfs(*mount);
            else
                TRY(bind(*mount));
        return {};
    }

    const SpecInput& input_;
    const Config& config_;
    MountPlan plan_;
};

}  // namespace

Result<void> plan_mounts(const SpecInput& input, MountPlan plan) {
    return Planner(input, plan).run();
}

}  // namespace davit::container
