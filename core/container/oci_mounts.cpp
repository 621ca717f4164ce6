// SPDX-License-Identifier: Apache-2.0
#include "core/container/oci_mounts.hpp"

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
        if (!config_.host_ipc && !users_target("/dev/shm"))
            made_by_driver("/dev/shm", "tmpfs",
                           {"nosuid", "noexec", "nodev", "mode=1777",
                            "size=" + std::to_string(config_.shm_size)});
    }

    bool users_target(std::string_view target) const {
        const auto same = [&](const auto& mount) { return mount.target == target; };
        return std::any_of(config_.binds.begin(), config_.binds.end(), same) ||
               std::any_of(config_.tmpfs.begin(), config_.tmpfs.end(), same);
    }

    void attached(std::string_view target, const BindMount& bind, Fd mount) {
        plan_.entries.push_back(
            bj::object{{"destination", target},
                       {"type", "bind"},
                       {"source", bind.source},
                       {"options", bj::array{bind.recursive ? "rbind" : "bind",
                                             bind.read_only ? "ro" : "rw", bind.propagation}}});
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
        if (!config_.host_ipc || users_target("/dev/shm")) return {};
        return bind({.source = "/dev/shm", .target = "/dev/shm"});
    }

    // Opens the source once and clones what lies there; a later swap of the path changes nothing
    //
    Result<void> bind(const BindMount& bind) {
        Fd source(::open(bind.source.c_str(), O_PATH | O_CLOEXEC));
        if (!source && errno == ENOENT && bind.create_source) {
            TRY(make_source(bind.source));
            source = Fd(::open(bind.source.c_str(), O_PATH | O_CLOEXEC));
        }
        if (!source && errno == ENOENT)
            return fail(Code::invalid,
                        "invalid mount config for type \"bind\": bind source path does not exist: ",
                        bind.source);
        if (!source) return os_error("open bind source " + bind.source);
        const Clone what = bind.recursive ? Clone::tree : Clone::one;
        auto mount =
            TRY(DetachedMount::clone(source.get(), "", what).context("bind ", bind.source));
        if (bind.read_only) TRY(mount.set_attributes(MOUNT_ATTR_RDONLY, 0, what));
        attached(bind.target, bind, mount.release());
        return {};
    }

    // A missing source of -v becomes a directory, as users of docker expect. The path is the
    // operator's own.
    static Result<void> make_source(const std::string& path) {
        for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
            const std::string part = path.substr(0, slash);
            if (::mkdir(part.c_str(), 0755) != 0 && errno != EEXIST)
                return os_error("make bind source " + part);
            if (slash == std::string::npos) return {};
        }
    }

    void add_tmpfs(const TmpfsMount& tmpfs) {
        std::vector<std::string> options{"nosuid", "nodev", "noexec"};
        for (const std::string& option : tmpfs.options) {
            if (option == "exec" || option == "suid" || option == "dev")
                std::erase(options, "no" + option);
            options.push_back(option);
        }
        made_by_driver(tmpfs.target, "tmpfs", std::move(options));
    }

    // Parents before what lies in them, whatever order they were asked in.
    Result<void> users_mounts() {
        struct Wanted {
            std::string_view target;
            const BindMount* bind;
            const TmpfsMount* tmpfs;
        };
        std::vector<Wanted> wanted;
        for (const auto& bind : config_.binds) wanted.push_back({bind.target, &bind, nullptr});
        for (const auto& tmpfs : config_.tmpfs) wanted.push_back({tmpfs.target, nullptr, &tmpfs});
        const auto depth = [](std::string_view path) {
            return std::count(path.begin(), path.end(), '/');
        };
        std::stable_sort(wanted.begin(), wanted.end(), [&](const Wanted& a, const Wanted& b) {
            return depth(a.target) < depth(b.target);
        });
        for (const Wanted& mount : wanted) {
            if (mount.tmpfs != nullptr)
                add_tmpfs(*mount.tmpfs);
            else
                TRY(bind(*mount.bind));
        }
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
