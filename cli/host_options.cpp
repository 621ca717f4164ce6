// SPDX-License-Identifier: Apache-2.0
#include "cli/host_options.hpp"

#include "cli/environment.hpp"
#include "cli/files.hpp"
#include "cli/mounts.hpp"
#include "cli/template/print.hpp"
#include "cli/units.hpp"
#include "cli/view.hpp"
#include "sdk/base/json.hpp"

#include <charconv>

namespace davit::cli {
namespace {

namespace bj = boost::json;

// Puts what was given, and nothing else.
class Fields {
public:
    explicit Fields(bj::object& target) : target_(target) {}
    void put(const char* name, const std::string& value) {
        if (!value.empty()) target_[name] = view::text(value);
    }
    void put(const char* name, bool value) {
        if (value) target_[name] = true;
    }
    void put(const char* name, const std::optional<std::int64_t>& value) {
        if (value) target_[name] = *value;
    }
    void put(const char* name, const Strings& values) {
        if (values.empty()) return;
        bj::array list;
        for (const auto& value : values) list.push_back(view::text(value));
        target_[name] = std::move(list);
    }
    void put(const char* name, bj::object values) {
        if (!values.empty()) target_[name] = std::move(values);
    }
    void put(const char* name, bj::array values) {
        if (!values.empty()) target_[name] = std::move(values);
    }

private:
    bj::object& target_;
};

Result<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        return fail(Code::invalid, "invalid number: ", text);
    return value;
}

Error bad(std::string_view flag, std::string_view given, std::string_view why) {
    return fail(Code::invalid, "invalid argument \"", given, "\" for --", flag, ": ", why);
}

// on-failure:3
Result<bj::object> restart_policy(const std::string& text) {
    bj::object policy;
    if (text.empty()) return policy;
    const auto colon = text.find(':');
    const auto name = text.substr(0, colon);
    if (name != "no" && name != "always" && name != "unless-stopped" && name != "on-failure")
        return bad("restart", text, "there are no, on-failure[:N], always and unless-stopped");
    policy["Name"] = name;
    if (colon == std::string::npos) return policy;
    const auto count = number(std::string_view(text).substr(colon + 1));
    if (!count || name != "on-failure")
        return bad("restart", text, "only on-failure takes a maximum retry count");
    policy["MaximumRetryCount"] = *count;
    return policy;
}

// nofile=1024:2048
Result<bj::array> ulimits(const Strings& given) {
    bj::array limits;
    for (const auto& text : given) {
        const auto equals = text.find('='), colon = text.find(':');
        if (equals == std::string::npos) return bad("ulimit", text, "expected NAME=SOFT[:HARD]");
        const auto soft_text =
            text.substr(equals + 1, colon == std::string::npos ? colon : colon - equals - 1);
        const auto unlimited = [](const std::string& value) {
            return value == "unlimited" ? "-1" : value;
        };
        const auto soft = number(unlimited(soft_text));
        const auto hard =
            colon == std::string::npos ? soft : number(unlimited(text.substr(colon + 1)));
        if (!soft || !hard) return bad("ulimit", text, "limits are numbers");
        if (*hard >= 0 && (*soft < 0 || *soft > *hard))
            return bad("ulimit", text, "the soft limit is above the hard limit");
        limits.push_back(
            bj::object{{"Name", text.substr(0, equals)}, {"Soft", *soft}, {"Hard", *hard}});
    }
    return limits;
}

// /dev/sda[:/dev/xvda[:rwm]]; the second part may be the permissions alone.
Result<bj::array> devices(const Strings& given) {
    bj::array list;
    for (const auto& text : given) {
        Strings parts;
        for (std::string_view rest = text;; rest.remove_prefix(parts.back().size() + 1)) {
            parts.emplace_back(rest.substr(0, rest.find(':')));
            if (parts.back().size() == rest.size()) break;
        }
        const auto is_mode = [](const std::string& part) {
            return !part.empty() && part.size() <= 3 &&
                   part.find_first_not_of("rwm") == std::string::npos;
        };
        if (parts.size() > 3 || parts[0].empty())
            return bad("device", text, "expected SRC[:DST[:RWM]]");
        std::string inside = parts[0], mode = "rwm";
        if (parts.size() == 2 && is_mode(parts[1]))
            mode = parts[1];
        else if (parts.size() >= 2)
            inside = parts[1];
        if (parts.size() == 3) {
            if (!is_mode(parts[2]))
                return bad("device", text, "the permissions are made of r, w and m");
            mode = parts[2];
        }
        list.push_back(bj::object{
            {"PathOnHost", parts[0]}, {"PathInContainer", inside}, {"CgroupPermissions", mode}});
    }
    return list;
}

// /dev/sda:1mb
Result<bj::array> throttles(const char* flag, const Strings& given, const char* field, bool sizes) {
    bj::array list;
    for (const auto& text : given) {
        const auto colon = text.find(':');
        if (colon == std::string::npos || !text.starts_with("/dev/"))
            return bad(flag, text, "expected /dev/NAME:VALUE");
        const auto value_text = std::string_view(text).substr(colon + 1);
        const auto value = sizes ? parse_bytes(value_text) : number(value_text);
        if (!value || *value < 0) return bad(flag, text, "the value must be a positive number");
        list.push_back(bj::object{{"Path", text.substr(0, colon)}, {field, *value}});
    }
    return list;
}

// A seccomp profile is read here and sent as JSON, since the daemon may not see our files.
Result<Strings> security_options(const Strings& given, bj::object& host) {
    Strings options;
    for (const auto& text : given) {
        const auto split = text.find_first_of("=:");
        const auto name = text.substr(0, split);
        const auto value = split == std::string::npos ? "" : text.substr(split + 1);
        if (text == "systempaths=unconfined") {
            host["MaskedPaths"] = bj::array();
            host["ReadonlyPaths"] = bj::array();
        } else if (split == std::string::npos && name != "no-new-privileges") {
            return fail(Code::invalid, "invalid --security-opt: ", text);
        } else if (name == "seccomp" && value != "unconfined" && value != "builtin") {
            const auto profile_text = TRY(read_file(value));
            const auto profile = TRY(json::parse_object(profile_text, value));
            options.push_back("seccomp=" + templates::to_json(profile));
        } else {
            options.push_back(text);
        }
    }
    return options;
}

Result<bj::array> device_requests(const std::string& gpus) {
    bj::array requests;
    if (gpus.empty()) return requests;
    bj::object request{{"Capabilities", bj::array{bj::array{"gpu"}}}};
    for (const auto& [key, value] : TRY(parse_fields(gpus))) {
        if (value.empty() || key == "count") {
            const auto& text = value.empty() ? key : value;
            request["Count"] = text == "all" ? -1 : TRY(number(text));
        } else if (key == "device") {
            request["DeviceIDs"] = bj::array{view::text(value)};
        } else if (key == "driver") {
            request["Driver"] = view::text(value);
        } else {
            return bad("gpus", gpus, "expected all, a number, device=… or driver=…");
        }
    }
    requests.push_back(std::move(request));
    return requests;
}

void put_limits(Fields& fields, const ContainerOptions& o) {
    fields.put("Memory", o.memory);
    fields.put("MemorySwap", o.memory_swap);
    fields.put("MemoryReservation", o.memory_reservation);
    fields.put("MemorySwappiness", o.memory_swappiness);
    fields.put("KernelMemory", o.kernel_memory);
    fields.put("NanoCpus", o.nano_cpus);
    fields.put("CpuShares", o.cpu_shares);
    fields.put("CpuPeriod", o.cpu_period);
    fields.put("CpuQuota", o.cpu_quota);
    fields.put("CpuRealtimePeriod", o.cpu_rt_period);
    fields.put("CpuRealtimeRuntime", o.cpu_rt_runtime);
    fields.put("CpusetCpus", o.cpuset_cpus);
    fields.put("CpusetMems", o.cpuset_mems);
    fields.put("PidsLimit", o.pids);
    fields.put("BlkioWeight", o.blkio_weight);
    fields.put("OomKillDisable", o.oom_kill_disable);
    fields.put("OomScoreAdj", o.oom_score_adj);
    fields.put("ShmSize", o.shm_size);
    fields.put("CgroupParent", o.cgroup_parent);
}

void put_isolation(Fields& fields, const ContainerOptions& o) {
    fields.put("AutoRemove", o.remove);
    fields.put("Privileged", o.privileged);
    fields.put("PublishAllPorts", o.publish_all);
    fields.put("ReadonlyRootfs", o.read_only);
    fields.put("CapAdd", o.cap_add);
    fields.put("CapDrop", o.cap_drop);
    fields.put("GroupAdd", o.group_add);
    fields.put("IpcMode", o.ipc);
    fields.put("PidMode", o.pid);
    fields.put("UTSMode", o.uts);
    fields.put("UsernsMode", o.userns);
    fields.put("CgroupnsMode", o.cgroupns);
    fields.put("Runtime", o.runtime);
    fields.put("VolumeDriver", o.volume_driver);
    fields.put("VolumesFrom", o.volumes_from);
    fields.put("DeviceCgroupRules", o.device_rules);
    fields.put("Dns", o.dns);
    fields.put("DnsSearch", o.dns_search);
    fields.put("DnsOptions", o.dns_options);
}

// NAME:IP or NAME=IP, sent with a colon.
Result<Strings> hosts(const Strings& given) {
    Strings all;
    for (const auto& text : given) {
        const auto split = text.find_first_of("=:");
        if (split == 0 || split == std::string::npos || split + 1 == text.size())
            return bad("add-host", text, "expected NAME:IP");
        auto address = text.substr(split + 1);
        if (address.starts_with('[') && address.ends_with(']'))
            address = address.substr(1, address.size() - 2);
        all.push_back(text.substr(0, split) + ":" + address);
    }
    return all;
}

}  // namespace

Result<bj::object> limits_update(const ContainerOptions& o) {
    bj::object body;
    Fields fields(body);
    put_limits(fields, o);
    fields.put("RestartPolicy", TRY(restart_policy(o.restart)));
    return body;
}

Result<bj::object> host_config(const ContainerOptions& o) {
    bj::object host;
    Fields fields(host);
    put_limits(fields, o);
    put_isolation(fields, o);
    if (o.init) host["Init"] = *o.init;
    fields.put("RestartPolicy", TRY(restart_policy(o.restart)));
    fields.put("Ulimits", TRY(ulimits(o.ulimits)));
    fields.put("Devices", TRY(devices(o.devices)));
    fields.put("DeviceRequests", TRY(device_requests(o.gpus)));
    fields.put("ExtraHosts", TRY(hosts(o.add_host)));
    fields.put("Sysctls", TRY(pairs_of("sysctl", o.sysctls)));
    fields.put("Annotations", TRY(pairs_of("annotation", o.annotations)));
    fields.put("SecurityOpt", TRY(security_options(o.security_opts, host)));
    fields.put("BlkioWeightDevice",
               TRY(throttles("blkio-weight-device", o.blkio_weight_device, "Weight", false)));
    fields.put("BlkioDeviceReadBps", TRY(throttles("device-read-bps", o.read_bps, "Rate", true)));
    fields.put("BlkioDeviceWriteBps",
               TRY(throttles("device-write-bps", o.write_bps, "Rate", true)));
    fields.put("BlkioDeviceReadIOps",
               TRY(throttles("device-read-iops", o.read_iops, "Rate", false)));
    fields.put("BlkioDeviceWriteIOps",
               TRY(throttles("device-write-iops", o.write_iops, "Rate", false)));
    auto storage = TRY(pairs_of("storage-opt", o.storage_opts));
    if (!o.storage.empty()) storage["instance"] = view::text(o.storage);
    fields.put("StorageOpt", std::move(storage));
    bj::object log;
    Fields log_fields(log);
    log_fields.put("Type", o.log_driver);
    log_fields.put("Config", TRY(pairs_of("log-opt", o.log_opts)));
    fields.put("LogConfig", std::move(log));
    return host;
}

}  // namespace davit::cli
