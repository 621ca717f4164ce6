// SPDX-License-Identifier: Apache-2.0
#include "drivers/exec/native/encode.hpp"

#include <sched.h>
#include <algorithm>

namespace davit::native {

namespace {

std::string_view search_path(const std::vector<std::string>& environment) {
    for (const std::string& variable : environment)
        if (variable.starts_with("PATH=")) return std::string_view(variable).substr(5);
    return {};
}

ProcessSpec encode_process(SpecWriter& writer, const ProcessConfig& process,
                           const LaunchContext& launch) {
    ProcessSpec spec{};
    spec.arguments = writer.add_all(process.arguments);
    spec.environment = writer.add_all(process.environment);
    spec.search = writer.add(search_path(process.environment));
    spec.cwd = writer.add(process.cwd);
    spec.groups = writer.add(process.groups);
    std::vector<RlimitSpec> limits;
    for (const sdk::Rlimit& limit : process.rlimits)
        limits.push_back({limit.soft, limit.hard, limit.resource, 0});
    spec.rlimits = writer.add(limits);
    spec.seccomp = writer.add(launch.seccomp);
    spec.bounding = process.capabilities.bounding;
    spec.effective = process.capabilities.effective;
    spec.inheritable = process.capabilities.inheritable;
    spec.permitted = process.capabilities.permitted;
    spec.ambient = process.capabilities.ambient;
    spec.uid = process.uid;
    spec.gid = process.gid;
    spec.umask = process.umask;
    spec.oom_score_adj = process.oom_score_adj;
    spec.rows = launch.rows != 0 ? launch.rows : process.rows;
    spec.columns = launch.columns != 0 ? launch.columns : process.columns;
    return spec;
}

std::uint32_t flags_of(const ProcessConfig& process, const LaunchContext& launch) {
    std::uint32_t flags = process.no_new_privileges ? kNoNewPrivileges : 0;
    if ((launch.output_flags & DAVIT_EXEC_TTY) != 0) flags |= kTty;
    if ((launch.output_flags & DAVIT_EXEC_STDIN) != 0) flags |= kStdin;
    if ((launch.output_flags & DAVIT_EXEC_STDIN_ONCE) != 0) flags |= kStdinOnce;
    if ((launch.output_flags & DAVIT_EXEC_HOLD) != 0) flags |= kHold;
    return flags;
}

List<FdIndex> add_fds(SpecWriter& writer, const std::vector<Fd>& fds) {
    std::vector<FdIndex> list;
    for (const Fd& fd : fds) list.push_back(writer.add_fd(fd.get()));
    return writer.add(list);
}

Spec encode_common(SpecWriter& writer, const ProcessConfig& process, const LaunchContext& launch) {
    Spec spec{};
    spec.flags = flags_of(process, launch);
    spec.boot_id = writer.add(launch.boot_id);
    spec.group = writer.add(launch.group);
    spec.log_path = writer.add(launch.log_path);
    spec.log_max_bytes = launch.log_max_bytes;
    spec.log_max_files = launch.log_max_files;
    spec.state_directory = writer.add_fd(launch.state_directory);
    spec.root = kNoFd;
    spec.target = kNoFd;
    spec.memory_events = kNoFd;
    if (!launch.launchers->birthplace)  // else it began there
        spec.launch_joins = add_fds(writer, launch.launchers->joins);
    spec.group_birthplace = kNoFd;
    if (launch.entrance->birthplace)
        spec.group_birthplace = writer.add_fd(launch.entrance->birthplace.get());
    else
        spec.group_joins = add_fds(writer, launch.entrance->joins);
    spec.process = encode_process(writer, process, launch);
    return spec;
}

Result<List<MountSpec>> encode_mounts(SpecWriter& writer, const std::vector<MountConfig>& mounts,
                                      std::span<const std::int32_t> fds) {
    if (mounts.size() != fds.size())
        return fail(Code::invalid, "create container: ", std::to_string(fds.size()),
                    " descriptors for ", std::to_string(mounts.size()), " mounts");
    std::vector<MountSpec> list;
    for (std::size_t at = 0; at < mounts.size(); ++at) {
        const MountConfig& mount = mounts[at];
        MountSpec spec{};
        spec.destination = writer.add(mount.destination);
        spec.type = writer.add(mount.type);
        spec.parameters = writer.add_all(mount.parameters);
        spec.set = mount.set;
        spec.clear = mount.clear;
        spec.set_tree = mount.set_tree;
        spec.clear_tree = mount.clear_tree;
        spec.propagation = mount.propagation;
        spec.kind = fds[at] >= 0             ? MountKind::bind
                    : mount.type == "cgroup" ? MountKind::cgroup
                                             : MountKind::filesystem;
        spec.fd = fds[at] >= 0 ? writer.add_fd(fds[at]) : kNoFd;
        if (fds[at] < 0 && mount.type == "bind")
            return fail(Code::invalid, "create container: no descriptor for the mount of ",
                        mount.destination);
        list.push_back(spec);
    }
    return writer.add(list);
}

List<IdRangeSpec> encode_map(SpecWriter& writer, const std::vector<sdk::IdRange>& map) {
    std::vector<IdRangeSpec> list;
    for (const sdk::IdRange& range : map)
        list.push_back({range.container, range.host, range.count});
    return writer.add(list);
}

List<DeviceSpec> encode_devices(SpecWriter& writer, const std::vector<sdk::DeviceNode>& devices) {
    std::vector<DeviceSpec> list;
    for (const sdk::DeviceNode& node : devices)
        list.push_back({writer.add(node.path), node.number, node.mode, node.uid, node.gid, 0});
    return writer.add(list);
}

// A sysctl's name with dots is a path below /proc/sys; one that has slashes already keeps its dots
// (eth0.100).
std::string sysctl_path(std::string name) {
    if (name.find('/') == std::string::npos) std::replace(name.begin(), name.end(), '.', '/');
    return "sys/" + name;
}

List<SysctlSpec> encode_sysctls(SpecWriter& writer, const ContainerConfig& config) {
    std::vector<SysctlSpec> list;
    for (const auto& [name, value] : config.sysctls)
        list.push_back({writer.add(sysctl_path(name)), writer.add(value)});
    return writer.add(list);
}

List<GroupSpec> encode_groups(SpecWriter& writer, const std::vector<sdk::GroupDirectory>& groups) {
    std::vector<GroupSpec> list;
    for (const sdk::GroupDirectory& group : groups)
        list.push_back({writer.add(group.name), writer.add(group.path)});
    return writer.add(list);
}

// Somebody else's /dev (a bind of the host's, for example) is not ours to furnish.
bool owns_devices(const ContainerConfig& config) {
    return std::none_of(config.mounts.begin(), config.mounts.end(), [](const MountConfig& mount) {
        return mount.type == "bind" &&
               (mount.destination == "/dev" || mount.destination == "/dev/");
    });
}

}  // namespace

Result<Spec> encode_container(SpecWriter& writer, const ContainerConfig& config,
                              const LaunchContext& launch, const ContainerContext& container) {
    Spec spec = encode_common(writer, config.process, launch);
    if (config.init) spec.flags |= kInit;
    if (owns_devices(config)) spec.flags |= kOwnDevices;
    spec.namespaces = config.namespaces;
    spec.root = writer.add_fd(container.root);
    spec.root_read_only = config.root_read_only ? 1 : 0;
    spec.root_propagation = config.root_propagation;
    std::vector<JoinSpec> joins;
    for (const auto& [fd, kind] : container.joins) joins.push_back({writer.add_fd(fd), kind});
    if (container.network >= 0) {
        joins.push_back({writer.add_fd(container.network), CLONE_NEWNET});
        spec.namespaces &= ~CLONE_NEWNET;
    }
    spec.joins = writer.add(joins);
    if (container.memory_events >= 0) spec.memory_events = writer.add_fd(container.memory_events);
    spec.groups = encode_groups(writer, container.groups);
    spec.mounts = TRY(encode_mounts(writer, config.mounts, container.mounts));
    spec.devices = encode_devices(writer, config.devices);
    spec.sysctls = encode_sysctls(writer, config);
    spec.masked = writer.add_all(config.masked);
    spec.read_only = writer.add_all(config.read_only);
    spec.user_map = encode_map(writer, config.user_map);
    spec.group_map = encode_map(writer, config.group_map);
    spec.host_name = writer.add(config.host_name);
    spec.domain_name = writer.add(config.domain_name);
    return spec;
}

Spec encode_session(SpecWriter& writer, const ProcessConfig& process, const LaunchContext& launch,
                    const SessionContext& session) {
    Spec spec = encode_common(writer, process, launch);
    spec.flags |= kSession;
    spec.namespaces = session.namespaces;
    spec.user_map = encode_map(writer, session.user_map);
    spec.target = writer.add_fd(session.target);
    return spec;
}

}  // namespace davit::native
