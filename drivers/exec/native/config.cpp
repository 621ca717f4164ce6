// SPDX-License-Identifier: Apache-2.0
#include "drivers/exec/native/config.hpp"

#include "drivers/exec/native/mount_options.hpp"
#include "sdk/base/json.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <initializer_list>
#include <limits>

namespace davit::native {

namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxMounts = 4096;

// A member that changes what a container may do must not be dropped in silence.
Result<void> refuse_unknown(const object& from, const char* where,
                            std::initializer_list<std::string_view> known) {
    for (const auto& member : from) {
        const bool ours =
            std::find(known.begin(), known.end(), std::string_view(member.key())) != known.end();
        const bool empty = member.value().is_null() ||
                           (member.value().is_object() && member.value().as_object().empty()) ||
                           (member.value().is_array() && member.value().as_array().empty()) ||
                           (member.value().is_string() && member.value().as_string().empty());
        if (!ours && !empty)
            return fail(Code::unsupported, "read config: ", where, ".", std::string(member.key()),
                        " is not supported by the native exec driver");
    }
    return {};
}

template <class Number>
Result<Number> checked(std::int64_t found, const char* what) {
    if (found < 0 || static_cast<std::uint64_t>(found) > std::numeric_limits<Number>::max())
        return fail(Code::invalid, "read ", what, ": ", std::to_string(found), " is out of range");
    return static_cast<Number>(found);
}

template <class Number>
Result<Number> number(const object& from, const char* name, std::int64_t fallback) {
    return checked<Number>(TRY(json::get_int(from, name, fallback)), name);
}

template <class Number>
Result<std::optional<Number>> optional_number(const object& from, const char* name) {
    const auto found = TRY(json::get_int(from, name));
    if (!found) return std::optional<Number>();
    if constexpr (std::is_signed_v<Number>) {
        return std::optional<Number>(*found);
    } else {
        return std::optional<Number>(TRY(checked<Number>(*found, name)));
    }
}

Result<const object*> element(const value& entry, const char* list) {
    if (!entry.is_object())
        return fail(Code::invalid, "read ", list, ": expected an object, found ",
                    std::string(json::kind_name(entry)));
    return &entry.as_object();
}

// --- process
// --------------------------------------------------------------------------------------------------------

Result<sdk::CapabilityMask> capability_set(const object& from, const char* name) {
    sdk::CapabilityMask mask = 0;
    for (const std::string& capability : TRY(json::get_strings(from, name))) {
        const auto bit = sdk::capability_number(capability);
        if (!bit) return fail(Code::invalid, "read capabilities: ", capability, " is unknown");
        mask |= sdk::CapabilityMask{1} << *bit;
    }
    return mask;
}

Result<sdk::CapabilitySets> capability_sets(const object& process) {
    const object* from = TRY(json::get_object(process, "capabilities"));
    if (from == nullptr) return sdk::CapabilitySets{};
    // What this kernel does not have cannot be given; asking for it is no error (newer policies
    // name newer ones).
    static const sdk::CapabilityMask known = sdk::all_capabilities();
    sdk::CapabilitySets sets;
    sets.bounding = TRY(capability_set(*from, "bounding")) & known;
    sets.effective = TRY(capability_set(*from, "effective")) & known;
    sets.inheritable = TRY(capability_set(*from, "inheritable")) & known;
    sets.permitted = TRY(capability_set(*from, "permitted")) & known;
    sets.ambient = TRY(capability_set(*from, "ambient")) & known;
    return sets;
}

// Rule F8: ids are numbers in range; 2³² − 1 means "leave it" to the kernel and is nobody's id.
Result<std::uint32_t> id(const object& from, const char* name) {
    const auto found = TRY(number<std::uint32_t>(from, name, 0));
    if (found == std::numeric_limits<std::uint32_t>::max())
        return fail(Code::invalid, "read ", name, ": 4294967295 is no id");
    return found;
}

Result<void> read_user(const object& process, ProcessConfig& config) {
    const object* user = TRY(json::get_object(process, "user"));
    if (user == nullptr) return {};
    TRY(refuse_unknown(*user, "process.user", {"uid", "gid", "umask", "additionalGids"}));
    config.uid = TRY(id(*user, "uid"));
    config.gid = TRY(id(*user, "gid"));
    config.umask = TRY(number<std::uint32_t>(*user, "umask", 022));
    const array* groups = TRY(json::get_array(*user, "additionalGids"));
    if (groups == nullptr) return {};
    for (const value& group : *groups) {
        if (!group.is_int64() && !group.is_uint64())
            return fail(Code::invalid, "read additionalGids: expected numbers");
        config.groups.push_back(
            TRY(checked<std::uint32_t>(group.to_number<std::int64_t>(), "additionalGids")));
    }
    return {};
}

Result<void> read_rlimits(const object& process, ProcessConfig& config) {
    const array* limits = TRY(json::get_array(process, "rlimits"));
    if (limits == nullptr) return {};
    // "Unlimited" is 2⁶⁴ − 1, which is no signed number; −1 says the same.
    const auto amount = [](const object& from, const char* name) -> Result<std::uint64_t> {
        const value* found = json::find(from, name);
        if (found == nullptr) return fail(Code::invalid, "read rlimits: ", name, " is missing");
        if (found->is_uint64()) return found->as_uint64();
        if (found->is_int64()) return static_cast<std::uint64_t>(found->as_int64());
        return fail(Code::invalid, "read rlimits: ", name, " is not a number");
    };
    for (const value& entry : *limits) {
        const object& limit = *TRY(element(entry, "rlimits"));
        const std::string type = TRY(json::require_string(limit, "type"));
        const auto resource = sdk::rlimit_number(type);
        if (!resource) return fail(Code::invalid, "read rlimits: ", type, " is unknown");
        config.rlimits.push_back(
            {*resource, TRY(amount(limit, "soft")), TRY(amount(limit, "hard"))});
    }
    return {};
}

Result<ProcessConfig> read_process(const object& process) {
    TRY(refuse_unknown(process, "process",
                       {"terminal", "consoleSize", "user", "args", "env", "cwd", "capabilities",
                        "rlimits", "noNewPrivileges", "oomScoreAdj"}));
    ProcessConfig config;
    config.arguments = TRY(json::get_strings(process, "args"));
    config.environment = TRY(json::get_strings(process, "env"));
    config.cwd = TRY(json::get_string(process, "cwd", "/"));
    if (config.arguments.empty()) return fail(Code::invalid, "read process.args: it is empty");
    if (!config.cwd.starts_with('/'))
        return fail(Code::invalid, "read process.cwd: ", config.cwd, " is not absolute");
    TRY(read_user(process, config));
    TRY(read_rlimits(process, config));
    config.capabilities = TRY(capability_sets(process));
    config.no_new_privileges = TRY(json::get_bool(process, "noNewPrivileges", false));
    config.oom_score_adj = static_cast<std::int32_t>(TRY(json::get_int(process, "oomScoreAdj", 0)));
    if (const object* size = TRY(json::get_object(process, "consoleSize"))) {
        config.rows = TRY(number<std::uint16_t>(*size, "height", 0));
        config.columns = TRY(number<std::uint16_t>(*size, "width", 0));
    }
    return config;
}

// --- resources
// ------------------------------------------------------------------------------------------------------

Result<void> read_devices(const object& from, sdk::Resources& resources) {
    const array* rules = TRY(json::get_array(from, "devices"));
    if (rules == nullptr) return {};
    std::vector<sdk::DeviceRule> list;
    for (const value& entry : *rules) {
        const object& rule = *TRY(element(entry, "resources.devices"));
        sdk::DeviceRule one;
        one.allow = TRY(json::get_bool(rule, "allow", false));
        const std::string type = TRY(json::get_string(rule, "type", "a"));
        if (type != "a" && type != "b" && type != "c")
            return fail(Code::invalid, "read device rule: type ", type);
        one.type = type[0];
        one.major = TRY(json::get_int(rule, "major"));
        one.minor = TRY(json::get_int(rule, "minor"));
        one.access = TRY(json::get_string(rule, "access", "rwm"));
        list.push_back(std::move(one));
    }
    resources.devices = std::move(list);
    return {};
}

Result<std::vector<sdk::Throttle>> throttles(const object& from, const char* name,
                                             const char* member = "rate") {
    std::vector<sdk::Throttle> list;
    const array* entries = TRY(json::get_array(from, name));
    if (entries == nullptr) return list;
    for (const value& entry : *entries) {
        const object& one = *TRY(element(entry, name));
        list.push_back({TRY(json::require_int(one, "major")), TRY(json::require_int(one, "minor")),
                        TRY(number<std::uint64_t>(one, member, 0))});
    }
    return list;
}

Result<void> read_memory(const object& from, sdk::Resources& resources) {
    const object* memory = TRY(json::get_object(from, "memory"));
    if (memory == nullptr) return {};
    TRY(refuse_unknown(
        *memory, "resources.memory",
        {"limit", "swap", "reservation", "swappiness", "disableOOMKiller", "useHierarchy"}));
    resources.memory = TRY(optional_number<std::int64_t>(*memory, "limit"));
    resources.memory_and_swap = TRY(optional_number<std::int64_t>(*memory, "swap"));
    resources.memory_reservation = TRY(optional_number<std::int64_t>(*memory, "reservation"));
    resources.swappiness = TRY(optional_number<std::uint64_t>(*memory, "swappiness"));
    resources.disable_oom_killer = TRY(json::get_bool(*memory, "disableOOMKiller"));
    return {};
}

Result<void> read_processor(const object& from, sdk::Resources& resources) {
    const object* cpu = TRY(json::get_object(from, "cpu"));
    if (cpu == nullptr) return {};
    TRY(refuse_unknown(
        *cpu, "resources.cpu",
        {"shares", "quota", "period", "realtimeRuntime", "realtimePeriod", "cpus", "mems"}));
    resources.cpu_shares = TRY(optional_number<std::uint64_t>(*cpu, "shares"));
    resources.cpu_quota = TRY(optional_number<std::int64_t>(*cpu, "quota"));
    resources.cpu_period = TRY(optional_number<std::uint64_t>(*cpu, "period"));
    resources.cpu_realtime_runtime = TRY(optional_number<std::int64_t>(*cpu, "realtimeRuntime"));
    resources.cpu_realtime_period = TRY(optional_number<std::uint64_t>(*cpu, "realtimePeriod"));
    const std::string cpus = TRY(json::get_string(*cpu, "cpus", ""));
    const std::string nodes = TRY(json::get_string(*cpu, "mems", ""));
    if (!cpus.empty()) resources.cpus = cpus;
    if (!nodes.empty()) resources.memory_nodes = nodes;
    return {};
}

Result<void> read_block(const object& from, sdk::Resources& resources) {
    const object* block = TRY(json::get_object(from, "blockIO"));
    if (block == nullptr) return {};
    TRY(refuse_unknown(*block, "resources.blockIO",
                       {"weight", "weightDevice", "throttleReadBpsDevice", "throttleWriteBpsDevice",
                        "throttleReadIOPSDevice", "throttleWriteIOPSDevice"}));
    resources.block_weight = TRY(optional_number<std::uint64_t>(*block, "weight"));
    if (resources.block_weight == 0u) resources.block_weight.reset();
    resources.device_weights = TRY(throttles(*block, "weightDevice", "weight"));
    resources.read_bytes = TRY(throttles(*block, "throttleReadBpsDevice"));
    resources.write_bytes = TRY(throttles(*block, "throttleWriteBpsDevice"));
    resources.read_operations = TRY(throttles(*block, "throttleReadIOPSDevice"));
    resources.write_operations = TRY(throttles(*block, "throttleWriteIOPSDevice"));
    return {};
}

Result<sdk::Resources> read_resources(const object& from) {
    TRY(refuse_unknown(from, "resources", {"devices", "memory", "cpu", "pids", "blockIO"}));
    sdk::Resources resources;
    TRY(read_devices(from, resources));
    TRY(read_memory(from, resources));
    TRY(read_processor(from, resources));
    TRY(read_block(from, resources));
    if (const object* pids = TRY(json::get_object(from, "pids")))
        resources.pids = TRY(optional_number<std::int64_t>(*pids, "limit"));
    return resources;
}

// --- linux
// ----------------------------------------------------------------------------------------------------------

constexpr std::array<std::pair<std::string_view, int>, 7> kNamespaces = {
    {{"pid", CLONE_NEWPID},
     {"network", CLONE_NEWNET},
     {"mount", CLONE_NEWNS},
     {"ipc", CLONE_NEWIPC},
     {"uts", CLONE_NEWUTS},
     {"user", CLONE_NEWUSER},
     {"cgroup", CLONE_NEWCGROUP}}};

Result<void> read_namespaces(const object& from, ContainerConfig& config) {
    const array* entries = TRY(json::get_array(from, "namespaces"));
    if (entries == nullptr) return {};
    for (const value& entry : *entries) {
        const object& one = *TRY(element(entry, "linux.namespaces"));
        const std::string type = TRY(json::require_string(one, "type"));
        const std::string path = TRY(json::get_string(one, "path", ""));
        const auto known = std::find_if(kNamespaces.begin(), kNamespaces.end(),
                                        [&](auto& n) { return n.first == type; });
        if (known == kNamespaces.end())
            return fail(Code::unsupported, "read config: namespace ", type);
        if (path.empty())
            config.namespaces |= known->second;
        else if (known->second == CLONE_NEWNS || known->second == CLONE_NEWUSER)
            return fail(Code::unsupported, "read config: joining another's ", type, " namespace");
        else
            config.joins.push_back({path, known->second});
    }
    return {};
}

Result<std::vector<sdk::IdRange>> id_map(const object& from, const char* name) {
    std::vector<sdk::IdRange> map;
    const array* entries = TRY(json::get_array(from, name));
    if (entries == nullptr) return map;
    for (const value& entry : *entries) {
        const object& one = *TRY(element(entry, name));
        map.push_back({TRY(number<std::uint32_t>(one, "containerID", 0)),
                       TRY(number<std::uint32_t>(one, "hostID", 0)),
                       TRY(number<std::uint32_t>(one, "size", 0))});
    }
    return map;
}

Result<void> read_device_nodes(const object& from, ContainerConfig& config) {
    const array* entries = TRY(json::get_array(from, "devices"));
    if (entries == nullptr) return {};
    for (const value& entry : *entries) {
        const object& one = *TRY(element(entry, "linux.devices"));
        const std::string type = TRY(json::require_string(one, "type"));
        const mode_t kind = type == "b"                  ? S_IFBLK
                            : type == "p"                ? S_IFIFO
                            : type == "c" || type == "u" ? S_IFCHR
                                                         : 0;
        if (kind == 0) return fail(Code::invalid, "read linux.devices: type ", type);
        sdk::DeviceNode node;
        node.path = TRY(json::require_string(one, "path"));
        node.mode = kind | (TRY(number<std::uint32_t>(one, "fileMode", 0666)) & 07777);
        node.number = makedev(TRY(number<std::uint32_t>(one, "major", 0)),
                              TRY(number<std::uint32_t>(one, "minor", 0)));
        node.uid = TRY(number<std::uint32_t>(one, "uid", 0));
        node.gid = TRY(number<std::uint32_t>(one, "gid", 0));
        config.devices.push_back(std::move(node));
    }
    return {};
}

Result<void> read_linux(const object& from, ContainerConfig& config) {
    TRY(refuse_unknown(
        from, "linux",
        {"namespaces", "uidMappings", "gidMappings", "devices", "sysctl", "maskedPaths",
         "readonlyPaths", "resources", "seccomp", "rootfsPropagation", "cgroupsPath"}));
    TRY(read_namespaces(from, config));
    config.user_map = TRY(id_map(from, "uidMappings"));
    config.group_map = TRY(id_map(from, "gidMappings"));
    TRY(read_device_nodes(from, config));
    config.masked = TRY(json::get_strings(from, "maskedPaths"));
    config.read_only = TRY(json::get_strings(from, "readonlyPaths"));
    const std::string propagation = TRY(json::get_string(from, "rootfsPropagation", ""));
    if (!propagation.empty()) config.root_propagation = TRY(propagation_of(propagation));
    if (const object* sysctls = TRY(json::get_object(from, "sysctl")))
        for (const auto& member : *sysctls) {
            if (!member.value().is_string())
                return fail(Code::invalid, "read sysctl: expected strings");
            config.sysctls.emplace_back(member.key(), member.value().as_string());
        }
    if (const object* resources = TRY(json::get_object(from, "resources")))
        config.resources = TRY(read_resources(*resources));
    if (const object* seccomp = TRY(json::get_object(from, "seccomp")))
        config.seccomp = boost::json::serialize(*seccomp);
    return {};
}

Result<void> read_mounts(const object& from, ContainerConfig& config) {
    const array* entries = TRY(json::get_array(from, "mounts"));
    if (entries == nullptr) return {};
    if (entries->size() > kMaxMounts) return fail(Code::invalid, "read mounts: more than 4096");
    for (const value& entry : *entries) {
        const object& one = *TRY(element(entry, "mounts"));
        TRY(refuse_unknown(one, "mounts", {"destination", "type", "source", "options"}));
        MountConfig mount;
        mount.destination = TRY(json::require_string(one, "destination"));
        mount.type = TRY(json::get_string(one, "type", ""));
        TRY(apply_options(TRY(json::get_strings(one, "options")), mount)
                .context("mount ", mount.destination));
        config.mounts.push_back(std::move(mount));
    }
    return {};
}

Result<void> read_annotations(const object& from, ContainerConfig& config) {
    const object* annotations = TRY(json::get_object(from, "annotations"));
    if (annotations == nullptr) return {};
    config.init = TRY(json::get_string(*annotations, "davit.init", "false")) == "true";
    const std::string policy = TRY(json::get_string(*annotations, "davit.seccomp", "unconfined"));
    if (policy != "default" && policy != "unconfined")
        return fail(Code::invalid, "read annotation davit.seccomp: ", policy,
                    " is neither default nor unconfined");
    config.default_policy = policy == "default";
    return {};
}

Result<void> check(const ContainerConfig& config) {
    if ((config.namespaces & CLONE_NEWNS) == 0)
        return fail(Code::invalid, "read config: a container needs a mount namespace of its own");
    const bool mapped = !config.user_map.empty() && !config.group_map.empty();
    if ((config.namespaces & CLONE_NEWUSER) != 0 && !mapped)
        return fail(Code::invalid,
                    "read config: a user namespace needs uidMappings and gidMappings");
    if (!config.host_name.empty() && (config.namespaces & CLONE_NEWUTS) == 0)
        return fail(Code::invalid, "read config: a host name needs a uts namespace of its own");
    return {};
}

}  // namespace

Result<ContainerConfig> parse_config(std::string_view text) {
    const object config = TRY(json::parse_object(text, "config.json"));
    TRY(refuse_unknown(config, "config",
                       {"ociVersion", "process", "root", "hostname", "domainname", "mounts",
                        "annotations", "linux"}));
    ContainerConfig parsed;
    const object* process = TRY(json::get_object(config, "process"));
    if (process == nullptr) return fail(Code::invalid, "read config: process is missing");
    parsed.process = TRY(read_process(*process));
    if (const object* root = TRY(json::get_object(config, "root")))
        parsed.root_read_only = TRY(json::get_bool(*root, "readonly", false));
    parsed.host_name = TRY(json::get_string(config, "hostname", ""));
    parsed.domain_name = TRY(json::get_string(config, "domainname", ""));
    parsed.root_propagation = MS_PRIVATE;
    if (const object* from = TRY(json::get_object(config, "linux"))) TRY(read_linux(*from, parsed));
    TRY(read_mounts(config, parsed));
    TRY(read_annotations(config, parsed));
    TRY(check(parsed));
    // Without a word about devices only the usual ones are allowed.
    if (!parsed.resources.devices) parsed.resources.devices.emplace(1);
    return parsed;
}

Result<ProcessConfig> parse_process(std::string_view text) {
    return read_process(TRY(json::parse_object(text, "process")));
}

Result<sdk::Resources> parse_resources(std::string_view text) {
    return read_resources(TRY(json::parse_object(text, "resources")));
}

}  // namespace davit::native
