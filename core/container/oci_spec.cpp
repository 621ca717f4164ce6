// SPDX-License-Identifier: Apache-2.0
#include "core/container/oci_spec.hpp"

#include "core/container/capabilities.hpp"
#include "core/container/oci_devices.hpp"
#include "core/container/oci_mounts.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
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

bj::array namespaces_of(const SpecInput& input) {
    const Namespaces& shared = input.config.namespaces;
    bj::array namespaces;
    const auto add = [&](const char* type, const std::string& path = "") {
        bj::object entry{{"type", type}};
        if (!path.empty()) entry["path"] = path;
        namespaces.push_back(std::move(entry));
    };
    add("mount");
    if (!shared.host_pid) add("pid", input.pid_namespace);
    if (!shared.host_ipc) add("ipc", input.ipc_namespace);
    if (!shared.host_uts) add("uts");
    if (input.network_namespace) add("network");
    if (!shared.host_cgroup) add("cgroup");
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
    bj::array nodes, rules;
    TRY(add_devices(config, nodes, rules));
    bj::object resources = TRY(resources_spec(input.resources));
    resources["devices"] = std::move(rules);
    bj::object object{{"namespaces", namespaces_of(input)},
                      {"resources", std::move(resources)},
                      {"devices", std::move(nodes)},
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
    bj::object annotations;
    for (const auto& [name, value] : config.annotations)
        if (!name.starts_with("davit.")) annotations[name] = value;
    annotations["davit.seccomp"] = unconfined               ? "unconfined"
                                   : config.seccomp.empty() ? "default"
                                                            : config.seccomp;
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
    if (!config.namespaces.host_uts) {
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
