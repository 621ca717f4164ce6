// SPDX-License-Identifier: Apache-2.0
#include "drivers/exec/native/launch/furnish.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <string_view>

namespace davit::native {

namespace {

// Files below /proc that may be covered: what lxcfs and its like show instead. Anything else there
// could be used to make the engine write to the wrong place (rule R-06).
constexpr std::array<std::string_view, 11> kProcFiles = {"/proc/cpuinfo",
                                                         "/proc/diskstats",
                                                         "/proc/meminfo",
                                                         "/proc/stat",
                                                         "/proc/swaps",
                                                         "/proc/uptime",
                                                         "/proc/loadavg",
                                                         "/proc/slabinfo",
                                                         "/proc/net/dev",
                                                         "/proc/sys/kernel/ns_last_pid",
                                                         "/proc/sys/crypto/fips_enabled"};

bool is_procfs(int fd) {
    struct statfs system {};
    return ::fstatfs(fd, &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}

// "/a//b/./c/" → "/a/b/c".
std::string tidy(std::string_view path) {
    std::string tidied;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/'), path.size());
        if (const auto part = path.substr(0, end); !part.empty() && part != ".")
            tidied.append("/").append(part);
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return tidied.empty() ? "/" : tidied;
}

class Furnisher {
public:
    Furnisher(const Package& package, sdk::Root& root) : package_(package), root_(root) {}

    Result<void> run() {
        for (const MountSpec& mount : TRY(package_.spec().list(package_->mounts))) TRY(add(mount));
        if (package_.has(kOwnDevices)) TRY(make_usual_devices());
        for (const DeviceSpec& device : TRY(package_.spec().list(package_->devices)))
            TRY(make_device({TRY(package_.text(device.path)), device.mode, device.number,
                             device.uid, device.gid}));
        // As every runtime does: a working directory that the image lacks is made.
        const std::string cwd = TRY(package_.text(package_->process.cwd));
        auto made = sdk::make_mount_point(root_.fd(), cwd, sdk::PointKind::directory);
        if (!made && made.error().os_errno != EROFS)
            return std::move(made).error().context("make working directory");
        return {};
    }

private:
    Result<void> add(const MountSpec& spec) {
        const std::string destination = tidy(TRY(package_.spec().text(spec.destination)));
        if (spec.kind == MountKind::bind) return add_bind(spec, destination);
        if (spec.kind == MountKind::cgroup) return add_cgroups(spec, destination);
        const std::string type = TRY(package_.text(spec.type));
        FsContext context = TRY(FsContext::open(type));
        for (const Text& text : TRY(package_.spec().list(spec.parameters))) {
            const std::string parameter = TRY(package_.text(text));
            const std::size_t equals = parameter.find('=');
            TRY(equals == std::string::npos
                    ? context.set_flag(parameter)
                    : context.set(parameter.substr(0, equals), parameter.substr(equals + 1)));
        }
        const bool no_links = type == "proc" || type == "sysfs";
        const DetachedMount mount = TRY(context.mount(spec.set).context("mount ", destination));
        TRY(root_.mount(mount, {.path = destination, .no_links = no_links}));
        return propagate(mount.fd(), spec);
    }

    Result<void> add_bind(const MountSpec& spec, const std::string& destination) {
        Fd own(::fcntl(TRY(package_.fd(spec.fd)), F_DUPFD_CLOEXEC, 0));
        if (!own) return os_error("keep mount of " + destination);
        DetachedMount mount(std::move(own));
        struct stat status {};
        if (::fstat(mount.fd(), &status) != 0) return os_error("stat source of " + destination);
        TRY(allow_over_proc(mount.fd(), destination));
        if (spec.set != 0 || spec.clear != 0) TRY(mount.set_attributes(spec.set, spec.clear));
        if (spec.set_tree != 0 || spec.clear_tree != 0)
            TRY(mount.set_attributes(spec.set_tree, spec.clear_tree, Clone::tree));
        const auto kind =
            S_ISDIR(status.st_mode) ? sdk::PointKind::directory : sdk::PointKind::file;
        TRY(root_.mount(mount, {.path = destination, .kind = kind}));
        return propagate(mount.fd(), spec);
    }

    Result<void> allow_over_proc(int source, const std::string& destination) const {
        const bool listed =
            std::find(kProcFiles.begin(), kProcFiles.end(), destination) != kProcFiles.end();
        const bool inside = destination == "/proc" || destination.starts_with("/proc/");
        auto place = root_.open(destination, O_PATH);  // it may reach procfs by a link of the image
        const bool reaches = place && is_procfs(place->get());
        if (listed || (!inside && !reaches) || (destination == "/proc" && is_procfs(source)))
            return {};
        return fail(Code::denied, "mount over ", destination, ": it lies inside procfs");
    }

    // Version 1: one read-only directory with this container's group of each hierarchy, as hosts
    // lay them out. Version 2: the tree, which begins where the cgroup namespace does.
    Result<void> add_cgroups(const MountSpec& spec, const std::string& destination) {
        const auto groups = TRY(package_.spec().list(package_->groups));
        if (groups.size() == 1 && groups[0].name.length == 0) {
            FsContext tree = TRY(FsContext::open("cgroup2"));
            const DetachedMount mount = TRY(tree.mount(spec.set).context("mount ", destination));
            return root_.mount(mount, {.path = destination});
        }
        FsContext context = TRY(FsContext::open("tmpfs"));
        TRY(context.set("mode", "0755"));
        DetachedMount mount = TRY(context.mount(spec.set & ~std::uint64_t{MOUNT_ATTR_RDONLY}));
        TRY(root_.mount(mount, {.path = destination}));
        for (const GroupSpec& group : groups) {
            const std::string place = destination + "/" + TRY(package_.text(group.name));
            DetachedMount directory =
                TRY(DetachedMount::clone(AT_FDCWD, TRY(package_.text(group.path))));
            TRY(directory.set_attributes(spec.set));
            TRY(root_.mount(directory, {.path = place}));
        }
        if ((spec.set & MOUNT_ATTR_RDONLY) != 0) return mount.set_attributes(MOUNT_ATTR_RDONLY);
        return {};
    }

    static Result<void> propagate(int mount, const MountSpec& spec) {
        return spec.propagation == 0 ? Result<void>()
                                     : sdk::set_propagation(mount, spec.propagation);
    }

    Result<void> make_device(const sdk::DeviceNode& node) {
        return (package_->namespaces & CLONE_NEWUSER) != 0 ? root_.bind_device(node)
                                                           : root_.make_device(node);
    }

    // The runtime specification's default devices and links.
    Result<void> make_usual_devices() {
        constexpr mode_t kOpen = S_IFCHR | 0666;
        const sdk::DeviceNode nodes[] = {
            {"/dev/null", kOpen, makedev(1, 3)},    {"/dev/zero", kOpen, makedev(1, 5)},
            {"/dev/full", kOpen, makedev(1, 7)},    {"/dev/random", kOpen, makedev(1, 8)},
            {"/dev/urandom", kOpen, makedev(1, 9)}, {"/dev/tty", kOpen, makedev(5, 0)}};
        const std::pair<const char*, const char*> links[] = {
            {"/dev/ptmx", "pts/ptmx"},          {"/dev/fd", "/proc/self/fd"},
            {"/dev/stdin", "/proc/self/fd/0"},  {"/dev/stdout", "/proc/self/fd/1"},
            {"/dev/stderr", "/proc/self/fd/2"}, {"/dev/core", "/proc/kcore"}};
        for (const sdk::DeviceNode& node : nodes) TRY(make_device(node));
        const bool core = ::access("/proc/kcore", F_OK) == 0;  // not every kernel has it
        for (const auto& [path, target] : links)
            if (core || path != std::string_view("/dev/core")) TRY(root_.make_link(path, target));
        return {};
    }

    const Package& package_;
    sdk::Root& root_;
};

}  // namespace

Result<sdk::Root> furnish_root(const Package& package) {
    Fd detached(::fcntl(TRY(package.fd(package->root)), F_DUPFD_CLOEXEC, 0));
    if (!detached) return os_error("keep root");
    // Missing mount points and device nodes get exactly their modes, whatever umask the engine runs
    // with.
    ::umask(0);
    sdk::Root root = TRY(sdk::Root::attach(std::move(detached), package->root_propagation));
    TRY(Furnisher(package, root).run());
    return root;
}

Result<void> close_root(const Package& package, sdk::Root& root) {
    for (const Text& path : TRY(package.spec().list(package->read_only)))
        TRY(root.make_read_only(TRY(package.text(path))));
    for (const Text& path : TRY(package.spec().list(package->masked)))
        TRY(root.mask(TRY(package.text(path))));
    if (package->root_read_only != 0) {
        struct mount_attr attributes {};
        attributes.attr_set = MOUNT_ATTR_RDONLY;
        if (::mount_setattr(root.fd(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0)
            return os_error("make root read-only");
    }
    return {};
}

}  // namespace davit::native
