// SPDX-License-Identifier: Apache-2.0
#include "core/container/oci_spec.hpp"

#include "core/container/capabilities.hpp"
#include "core/container/oci_mounts.hpp"

#include <boost/json.hpp>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <dirent.h>
#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

namespace davit::container {

namespace {

namespace bj = boost::json;

constexpr std::array kMaskedPaths = {"/proc/acpi",
                                     "/proc/asound",
                                     "/proc/interrupts",
                                     "/proc/kcore",
                                     "/proc/keys",
                                     "/proc/latency_stats",
                                     "/proc/sched_debug",
                                     "/proc/scsi",
                                     "/proc/timer_list",
                                     "/proc/timer_stats",
                                     "/sys/devices/virtual/powercap",
                                     "/sys/firmware"};
constexpr std::array kReadOnlyPaths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                       "/proc/sysrq-trigger"};

constexpr const char* kDefaultPath =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct DeviceRule {
    const char* type;
    int major, minor;  // -1: every one
    const char* access;
};
// mknod of anything, use of these only.
constexpr std::array kDeviceRules = {
    DeviceRule{"c", -1, -1, "m"}, DeviceRule{"b", -1, -1, "m"},   DeviceRule{"c", 1, 3, "rwm"},
    DeviceRule{"c", 1, 5, "rwm"}, DeviceRule{"c", 1, 7, "rwm"},   DeviceRule{"c", 1, 8, "rwm"},
    DeviceRule{"c", 1, 9, "rwm"}, DeviceRule{"c", 5, 0, "rwm"},   DeviceRule{"c", 5, 1, "rwm"},
    DeviceRule{"c", 5, 2, "rwm"}, DeviceRule{"c", 136, -1, "rwm"}};

bj::array array_of(const std::vector<std::string>& strings) {
    return bj::array(strings.begin(), strings.end());
}

bool sets(const std::vector<std::string>& environment, std::string_view name) {
    return std::any_of(environment.begin(), environment.end(), [&](const std::string& setting) {
        return setting.size() > name.size() && setting.starts_with(name) &&
               setting[name.size()] == '=';
    });
}

bj::array environment_of(const ProcessInput& input) {
    std::vector<std::string> given = input.config.environment;
    for (const std::string& setting : input.environment) {
        const std::string_view name = std::string_view(setting).substr(0, setting.find('='));
        std::erase_if(given, [&](const std::string& known) { return sets({known}, name); });
        given.push_back(setting);
    }
    bj::array environment;
    if (!sets(given, "PATH")) environment.emplace_back(kDefaultPath);
    if (!sets(given, "HOSTNAME")) environment.emplace_back("HOSTNAME=" + input.hostname);
    if (input.tty && !sets(given, "TERM")) environment.emplace_back("TERM=xterm");
    for (const std::string& setting : given) environment.emplace_back(setting);
    if (!sets(given, "HOME")) environment.emplace_back("HOME=" + input.user.home);
    return environment;
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
    return text;
}

bj::array rlimits_of(const Config& config) {
    bj::array limits;
    for (const Ulimit& limit : config.ulimits)
        limits.push_back(bj::object{{"type", "RLIMIT_" + upper(limit.name)},
                                    {"soft", static_cast<std::uint64_t>(limit.soft)},
                                    {"hard", static_cast<std::uint64_t>(limit.hard)}});
    return limits;
}

bj::object process_of(const ProcessInput& input) {
    const bj::array capabilities =
        array_of(capabilities_for({.add = input.config.cap_add,
                                   .drop = input.config.cap_drop,
                                   .privileged = input.privileged || input.config.privileged}));
    // A user other than root holds none at execve, or no-new-privileges would leave it those that
    // the program's file carries.
    const bj::array held = input.user.uid == 0 ? capabilities : bj::array();
    bj::array groups(input.user.groups.begin(), input.user.groups.end());
    bj::object process{
        {"terminal", input.tty},
        {"user", bj::object{{"uid", input.user.uid},
                            {"gid", input.user.gid},
                            {"additionalGids", std::move(groups)}}},
        {"args", array_of(input.arguments)},
        {"env", environment_of(input)},
        {"cwd", input.working_dir.empty() ? "/" : input.working_dir},
        {"capabilities",
         bj::object{{"bounding", capabilities}, {"effective", held}, {"permitted", held}}},
        {"rlimits", rlimits_of(input.config)},
        {"noNewPrivileges", input.config.no_new_privileges},
        {"oomScoreAdj", input.config.oom_score_adj}};
    if (input.tty && input.config.rows != 0)
        process["consoleSize"] =
            bj::object{{"height", input.config.rows}, {"width", input.config.columns}};
    return process;
}

bj::object device_rule(bool allow, const DeviceRule& rule) {
    bj::object object{{"allow", allow}, {"type", rule.type}, {"access", rule.access}};
    if (rule.major >= 0) object["major"] = rule.major;
    if (rule.minor >= 0) object["minor"] = rule.minor;
    return object;
}

struct Devices {
    bj::array nodes, rules;
};

Result<void> add_device(Devices& devices, const Device& device) {
    struct stat status {};
    if (::stat(device.host_path.c_str(), &status) != 0)
        return os_error("add device " + device.host_path);
    if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode))
        return fail(Code::invalid, "add device ", device.host_path, ": not a device node");
    const char* type = S_ISCHR(status.st_mode) ? "c" : "b";
    const int major = static_cast<int>(::gnu_dev_major(status.st_rdev));
    const int minor = static_cast<int>(::gnu_dev_minor(status.st_rdev));
    devices.nodes.push_back(bj::object{{"path", device.container_path},
                                       {"type", type},
                                       {"major", major},
                                       {"minor", minor},
                                       {"fileMode", status.st_mode & 07777},
                                       {"uid", status.st_uid},
                                       {"gid", status.st_gid}});
    devices.rules.push_back(device_rule(true, {type, major, minor, device.permissions.c_str()}));
    return {};
}

// A privileged container sees the nodes of the host's /dev itself; those that every container has
// anyway and what lies in directories (pts, shm, mqueue) are left out.
Result<void> add_host_devices(Devices& devices) {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/dev"), ::closedir);
    if (!directory) return os_error("list /dev");
    constexpr std::array kOwn = {"null",    "zero", "full", "random",
                                 "urandom", "tty",  "ptmx", "console"};
    while (const dirent* entry = ::readdir(directory.get())) {
        if (entry->d_type != DT_CHR && entry->d_type != DT_BLK) continue;
        const std::string name = entry->d_name;
        if (std::find(kOwn.begin(), kOwn.end(), name) != kOwn.end()) continue;
        TRY(add_device(devices, {.host_path = "/dev/" + name, .container_path = "/dev/" + name}));
    }
    return {};
}

Result<Devices> devices_of(const Config& config) {
    Devices devices;
    if (config.privileged) {
        devices.rules.push_back(device_rule(true, {"a", -1, -1, "rwm"}));
        TRY(add_host_devices(devices));
    } else {
        devices.rules.push_back(device_rule(false, {"a", -1, -1, "rwm"}));
        for (const DeviceRule& rule : kDeviceRules)
            devices.rules.push_back(device_rule(true, rule));
    }
    for (const Device& device : config.devices) TRY(add_device(devices, device));
    return devices;
}

bj::object resources_of(const Resources& wanted, bj::array device_rules) {
    bj::object resources{{"devices", std::move(device_rules)}};
    bj::object memory, cpu;
    if (wanted.memory > 0) memory["limit"] = wanted.memory;
    if (wanted.memory_swap != 0) memory["swap"] = wanted.memory_swap;
    if (wanted.memory_reservation > 0) memory["reservation"] = wanted.memory_reservation;
    if (wanted.oom_kill_disable) memory["disableOOMKiller"] = true;
    if (!memory.empty()) resources["memory"] = std::move(memory);

    constexpr std::int64_t kPeriod = 100'000;  // microseconds: CFS's own default
    if (wanted.nano_cpus > 0) {
        cpu["period"] = kPeriod;
        cpu["quota"] = std::max<std::int64_t>(wanted.nano_cpus / (1'000'000'000 / kPeriod), 1000);
    }
    if (wanted.cpu_period > 0) cpu["period"] = wanted.cpu_period;
    if (wanted.cpu_quota > 0) cpu["quota"] = wanted.cpu_quota;
    if (wanted.cpu_shares > 0) cpu["shares"] = wanted.cpu_shares;
    if (!wanted.cpuset_cpus.empty()) cpu["cpus"] = wanted.cpuset_cpus;
    if (!wanted.cpuset_mems.empty()) cpu["mems"] = wanted.cpuset_mems;
    if (!cpu.empty()) resources["cpu"] = std::move(cpu);
    if (wanted.pids_limit > 0) resources["pids"] = bj::object{{"limit", wanted.pids_limit}};
    return resources;
}

bj::array namespaces_of(const SpecInput& input) {
    bj::array namespaces;
    const auto add = [&](const char* type) { namespaces.push_back(bj::object{{"type", type}}); };
    add("mount");
    if (!input.config.host_pid) add("pid");
    if (!input.config.host_ipc) add("ipc");
    if (!input.config.host_uts) add("uts");
    if (input.network_namespace) add("network");
    add("cgroup");
    return namespaces;
}

template <class Defaults>
bj::array paths_of(const Config& config, const std::optional<std::vector<std::string>>& own,
                   const Defaults& defaults) {
    if (config.privileged) return {};
    if (own) return array_of(*own);
    return bj::array(defaults.begin(), defaults.end());
}

Result<bj::object> linux_of(const SpecInput& input) {
    const Config& config = input.config;
    Devices devices = TRY(devices_of(config));
    bj::object object{{"namespaces", namespaces_of(input)},
                      {"resources", resources_of(input.resources, std::move(devices.rules))},
                      {"devices", std::move(devices.nodes)},
                      {"maskedPaths", paths_of(config, config.masked_paths, kMaskedPaths)},
                      {"readonlyPaths", paths_of(config, config.read_only_paths, kReadOnlyPaths)}};
    if (!config.cgroup_parent.empty())
        object["cgroupsPath"] = config.cgroup_parent + "/" + input.id;
    if (!config.sysctls.empty()) {
        bj::object sysctls;
        for (const auto& [key, value] : config.sysctls) sysctls[key] = value;
        object["sysctl"] = std::move(sysctls);
    }
    return object;
}

std::vector<std::string> arguments_of(const Config& config) {
    std::vector<std::string> arguments = config.entrypoint;
    arguments.insert(arguments.end(), config.command.begin(), config.command.end());
    return arguments;
}

// The driver compiles the policy once for each set of capabilities; it is asked for by name here. A
// profile of the user's own travels as text in Docker's format.
void add_annotations(const Config& config, bj::object& spec) {
    const bool unconfined = config.privileged || config.seccomp == "unconfined";
    bj::object annotations{{"davit.seccomp", unconfined               ? "unconfined"
                                             : config.seccomp.empty() ? "default"
                                                                      : config.seccomp}};
    if (config.init) annotations["davit.init"] = "true";
    spec["annotations"] = std::move(annotations);
}

}  // namespace

Result<Spec> make_spec(const SpecInput& input) {
    const Config& config = input.config;
    Spec spec;
    bj::array mounts;
    TRY(plan_mounts(input, {mounts, spec.mounts}));
    bj::object object{{"ociVersion", "1.2.0"},
                      {"root", bj::object{{"path", "rootfs"}, {"readonly", config.read_only_root}}},
                      {"process", process_of({.config = config,
                                              .user = input.user,
                                              .hostname = input.hostname,
                                              .working_dir = config.working_dir,
                                              .arguments = arguments_of(config),
                                              .environment = {},
                                              .tty = config.tty})},
                      {"mounts", std::move(mounts)},
                      {"linux", TRY(linux_of(input))}};
    if (!config.host_uts) {
        object["hostname"] = input.hostname;
        if (!config.domainname.empty()) object["domainname"] = config.domainname;
    }
    add_annotations(config, object);
    spec.text = bj::serialize(object);
    return spec;
}

std::span<const char* const> default_masked_paths() { return kMaskedPaths; }
std::span<const char* const> default_read_only_paths() { return kReadOnlyPaths; }

std::string make_process(const ProcessInput& input) { return bj::serialize(process_of(input)); }

}  // namespace davit::container
