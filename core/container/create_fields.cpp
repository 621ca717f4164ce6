// SPDX-License-Identifier: Apache-2.0
#include "core/container/create_fields.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <string>

namespace davit::container {

namespace json = boost::json;

namespace {

constexpr std::string_view kUsedConfig[] = {"Hostname",        "Domainname",   "User",
                                            "AttachStdin",     "AttachStdout", "AttachStderr",
                                            "ExposedPorts",    "Tty",          "OpenStdin",
                                            "StdinOnce",       "Env",          "Cmd",
                                            "Image",           "WorkingDir",   "Entrypoint",
                                            "Labels",          "StopSignal",   "StopTimeout",
                                            "NetworkDisabled", "HostConfig",   "NetworkingConfig",
                                            "Shell",           "Healthcheck",  "MacAddress",
                                            "Volumes"};

constexpr std::string_view kUsedHostConfig[] = {"Binds",
                                                "VolumesFrom",
                                                "ContainerIDFile",
                                                "LogConfig",
                                                "NetworkMode",
                                                "PortBindings",
                                                "AutoRemove",
                                                "ConsoleSize",
                                                "CapAdd",
                                                "CapDrop",
                                                "CgroupnsMode",
                                                "Dns",
                                                "DnsOptions",
                                                "DnsSearch",
                                                "ExtraHosts",
                                                "GroupAdd",
                                                "IpcMode",
                                                "OomScoreAdj",
                                                "PidMode",
                                                "Privileged",
                                                "PublishAllPorts",
                                                "ReadonlyRootfs",
                                                "SecurityOpt",
                                                "UTSMode",
                                                "ShmSize",
                                                "Runtime",
                                                "CpuShares",
                                                "Memory",
                                                "NanoCpus",
                                                "CgroupParent",
                                                "CpuPeriod",
                                                "CpuQuota",
                                                "CpusetCpus",
                                                "CpusetMems",
                                                "MemoryReservation",
                                                "MemorySwap",
                                                "PidsLimit",
                                                "Ulimits",
                                                "Init",
                                                "Tmpfs",
                                                "Mounts",
                                                "Sysctls",
                                                "StorageOpt",
                                                "MaskedPaths",
                                                "ReadonlyPaths",
                                                "Devices",
                                                "OomKillDisable",
                                                "RestartPolicy",
                                                "Annotations",
                                                "DeviceCgroupRules",
                                                "UsernsMode",
                                                "BlkioWeight",
                                                "BlkioWeightDevice",
                                                "BlkioDeviceReadBps",
                                                "BlkioDeviceWriteBps",
                                                "BlkioDeviceReadIOps",
                                                "BlkioDeviceWriteIOps",
                                                "CpuRealtimePeriod",
                                                "CpuRealtimeRuntime",
                                                "MemorySwappiness",
                                                "KernelMemory",
                                                "KernelMemoryTCP"};

// dockerode puts the query's parameters into the body as well; docker's daemon passes over them.
constexpr std::string_view kOfTheQuery[] = {"name", "platform"};

// Values of unused fields that ask for nothing although they are not empty.
struct Harmless {
    std::string_view field, json;
};
constexpr std::array<Harmless, 2> kHarmless = {{
    {"Isolation", "\"default\""},
    {"VolumeDriver", "\"local\""},
}};

bool harmless(std::string_view field, const json::value& value) {
    const std::string text = json::serialize(value);
    return std::any_of(kHarmless.begin(), kHarmless.end(), [&](const Harmless& known) {
        return known.field == field && known.json == text;
    });
}

Result<void> refuse_in(const json::object& object, std::span<const std::string_view> used,
                       std::string_view where) {
    for (const auto& [key, value] : object) {
        const std::string_view name(key.data(), key.size());
        if (std::find(used.begin(), used.end(), name) != used.end()) continue;
        if (std::count(std::begin(kOfTheQuery), std::end(kOfTheQuery), name) > 0) continue;
        if (says_nothing(value) || harmless(name, value)) continue;
        return fail(Code::unsupported, "create container: ", where, name, " is not supported yet");
    }
    return {};
}

}  // namespace

bool says_nothing(const json::value& value) {
    switch (value.kind()) {
        case json::kind::null: return true;
        case json::kind::bool_: return !value.get_bool();
        case json::kind::int64: return value.get_int64() == 0;
        case json::kind::uint64: return value.get_uint64() == 0;
        case json::kind::double_: return value.get_double() == 0;
        case json::kind::string: return value.get_string().empty();
        case json::kind::array:
            return std::all_of(value.get_array().begin(), value.get_array().end(), says_nothing);
        case json::kind::object:
            return std::all_of(value.get_object().begin(), value.get_object().end(),
                               [](const auto& member) { return says_nothing(member.value()); });
    }
    return false;
}

Result<void> refuse_unbuilt(const json::object& body) {
    TRY(refuse_in(body, kUsedConfig, ""));
    const json::value* host = body.if_contains("HostConfig");
    if (host != nullptr && host->is_object())
        return refuse_in(host->get_object(), kUsedHostConfig, "HostConfig.");
    return {};
}

json::object default_config() {
    static constexpr std::string_view kText = R"json({
        "Hostname": "", "Domainname": "", "User": "", "AttachStdin": false, "AttachStdout": false,
        "AttachStderr": false, "Tty": false, "OpenStdin": false, "StdinOnce": false, "Env": [], "Cmd": null,
        "Image": "", "Volumes": null, "WorkingDir": "", "Entrypoint": null, "OnBuild": null, "Labels": {}})json";
    return json::parse({kText.data(), kText.size()}).get_object();
}

json::object default_host_config() {
    static constexpr std::string_view kText = R"json({
        "Binds": null, "ContainerIDFile": "", "LogConfig": {"Type": "json-file", "Config": {}},
        "NetworkMode": "bridge", "PortBindings": {}, "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
        "AutoRemove": false, "VolumeDriver": "", "VolumesFrom": null, "ConsoleSize": [0, 0], "CapAdd": null,
        "CapDrop": null, "CgroupnsMode": "", "Dns": [], "DnsOptions": [], "DnsSearch": [], "ExtraHosts": null,
        "GroupAdd": null, "IpcMode": "private", "Cgroup": "", "Links": null, "OomScoreAdj": 0, "PidMode": "",
        "Privileged": false, "PublishAllPorts": false, "ReadonlyRootfs": false, "SecurityOpt": null, "UTSMode": "",
        "UsernsMode": "", "ShmSize": 67108864, "Runtime": "", "Isolation": "", "CpuShares": 0, "Memory": 0,
        "NanoCpus": 0, "CgroupParent": "", "BlkioWeight": 0, "BlkioWeightDevice": [], "BlkioDeviceReadBps": [],
        "BlkioDeviceWriteBps": [], "BlkioDeviceReadIOps": [], "BlkioDeviceWriteIOps": [], "CpuPeriod": 0,
        "CpuQuota": 0, "CpuRealtimePeriod": 0, "CpuRealtimeRuntime": 0, "CpusetCpus": "", "CpusetMems": "",
        "Devices": [], "DeviceCgroupRules": null, "DeviceRequests": null, "MemoryReservation": 0, "MemorySwap": 0,
        "MemorySwappiness": null, "OomKillDisable": null, "PidsLimit": null, "Ulimits": null, "CpuCount": 0,
        "CpuPercent": 0, "IOMaximumIOps": 0, "IOMaximumBandwidth": 0, "MaskedPaths": null, "ReadonlyPaths": null})json";
    return json::parse({kText.data(), kText.size()}).get_object();
}

}  // namespace davit::container
