// SPDX-License-Identifier: Apache-2.0
#include "core/container/container_json.hpp"

#include "core/container/log_line.hpp"
#include "core/network/builtin.hpp"
#include "core/network/endpoint_json.hpp"
#include "core/network/networks.hpp"
#include "core/volume/volume.hpp"
#include "sdk/base/json.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace davit::container {

namespace {

namespace bj = boost::json;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr const char* kNever = "0001-01-01T00:00:00Z";  // how docker writes "not yet"

std::string time_or_never(std::int64_t ns) { return ns == 0 ? kNever : format_time(ns); }

std::vector<std::string> arguments_of(const Config& config) {
    std::vector<std::string> arguments = config.entrypoint;
    arguments.insert(arguments.end(), config.command.begin(), config.command.end());
    return arguments;
}

bj::object health_json(const Health& health) {
    bj::array log;
    for (const Probe& probe : health.log)
        log.push_back(bj::object{{"Start", format_time(probe.start_ns)},
                                 {"End", format_time(probe.end_ns)},
                                 {"ExitCode", probe.exit_code},
                                 {"Output", probe.output}});
    return {{"Status", health_name(health.status)},
            {"FailingStreak", health.failing_streak},
            {"Log", std::move(log)}};
}

bj::object state_json(const State& state) {
    bj::object object{{"Status", shown_status(state)},
                      {"Running", state.status == Status::running || state.restarting},
                      {"Paused", state.paused},
                      {"Restarting", state.restarting},
                      {"OOMKilled", state.out_of_memory},
                      {"Dead", false},
                      {"Pid", state.pid},
                      {"ExitCode", state.exit_code},
                      {"Error", state.error},
                      {"StartedAt", time_or_never(state.started_ns)},
                      {"FinishedAt", time_or_never(state.finished_ns)}};
    if (state.health) object["Health"] = health_json(*state.health);
    return object;
}

std::vector<network::PublishedPort> published(const std::vector<network::EndpointPtr>& endpoints) {
    std::vector<network::PublishedPort> ports;
    for (const network::EndpointPtr& endpoint : endpoints)
        ports.insert(ports.end(), endpoint->ports.begin(), endpoint->ports.end());
    return ports;
}

bj::object ports_json(const Config& config, const std::vector<network::EndpointPtr>& endpoints) {
    bj::object ports;
    if (endpoints.empty()) return ports;
    for (const std::string& exposed : config.exposed_ports) ports[exposed] = nullptr;
    for (const network::PublishedPort& port : published(endpoints)) {
        bj::value& list = ports[std::to_string(port.container_port) + "/" + port.protocol];
        if (!list.is_array()) list = bj::array();
        list.get_array().push_back(bj::object{{"HostIp", port.host_address},
                                              {"HostPort", std::to_string(port.host_port)}});
    }
    return ports;
}

// One entry for each network, whether the container runs or not; for none and host one that says
// so.
bj::object networks_json(const Container& container,
                         const std::vector<network::EndpointPtr>& endpoints) {
    bj::object networks;
    const std::string& mode = container.config().network_mode;
    if (const network::Builtin* builtin = network::find_builtin(mode))
        networks[mode] =
            network::shown_endpoint({.network = mode, .network_id = builtin->id}, nullptr);
    for (const network::EndpointSettings& settings : container.networks()) {
        const auto live = std::find_if(endpoints.begin(), endpoints.end(), [&](const auto& one) {
            return one->network == settings.network;
        });
        networks[settings.network] =
            network::shown_endpoint(settings, live == endpoints.end() ? nullptr : live->get());
    }
    return networks;
}

bj::object network_settings(const Container& container, const State& state) {
    const auto endpoints = container.endpoints();
    const bool up = state.status == Status::running;
    const std::string key = up && container.config().network_mode != "host"
                                ? "/proc/" + std::to_string(state.pid) + "/ns/net"
                                : "";
    bj::object object{{"Bridge", ""},
                      {"SandboxID", state.sandbox},
                      {"SandboxKey", key},
                      {"Ports", ports_json(container.config(), endpoints)},
                      {"HairpinMode", false},
                      {"LinkLocalIPv6Address", ""},
                      {"LinkLocalIPv6PrefixLen", 0},
                      {"SecondaryIPAddresses", nullptr},
                      {"SecondaryIPv6Addresses", nullptr}};
    bj::object networks = networks_json(container, endpoints);
    // What older clients read: the endpoint on the default network, if there is one.
    const bj::value* first = networks.if_contains(network::kDefaultName);
    const bj::object shown =
        first != nullptr ? first->get_object() : network::shown_endpoint({}, nullptr);
    for (const char* member : {"EndpointID", "Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen",
                               "IPAddress", "IPPrefixLen", "IPv6Gateway", "MacAddress"})
        object[member] = shown.at(member);
    object["Networks"] = std::move(networks);
    return object;
}

bj::array mounts_json(const Config& config, const std::string& volumes) {
    static constexpr std::string_view kKinds[] = {"bind", "volume", "tmpfs"};
    bj::array mounts;
    for (const Mount& mount : config.mounts) {
        if (!mount.shown) continue;
        bj::object shown{{"Type", kKinds[static_cast<int>(mount.kind)]}};
        if (mount.kind == MountKind::volume) shown["Name"] = mount.source;
        shown["Source"] = mount.kind == MountKind::volume
                              ? volume::mountpoint(volumes, mount.source)
                              : mount.source;
        shown["Destination"] = mount.target;
        if (mount.kind == MountKind::volume) shown["Driver"] = volume::kLocalDriver;
        shown["Mode"] = mount.mode;
        shown["RW"] = !mount.read_only;
        shown["Propagation"] = mount.propagation;
        mounts.push_back(std::move(shown));
    }
    return mounts;
}

bj::object stored_part(const Container& container, std::string_view key) {
    auto stored = json::parse_object(container.document(), "stored container");
    if (!stored || !stored->contains(key) || !(*stored)[key].is_object()) return {};
    return std::move((*stored)[key].get_object());
}

std::string unit_text(std::int64_t count, const char* unit) {
    return std::to_string(count) + " " + unit + (count == 1 ? "" : "s");
}

// Docker's words for a span of time.
std::string span_text(std::int64_t seconds) {
    if (seconds < 1) return "Less than a second";
    if (seconds < 60) return unit_text(seconds, "second");
    const std::int64_t minutes = seconds / 60;
    if (minutes == 1) return "About a minute";
    if (minutes < 60) return std::to_string(minutes) + " minutes";
    const std::int64_t hours = (seconds + 1800) / 3600;
    if (hours == 1) return "About an hour";
    if (hours < 48) return std::to_string(hours) + " hours";
    if (hours < 24 * 7 * 2) return std::to_string(hours / 24) + " days";
    if (hours < 24 * 30 * 2) return std::to_string(hours / 24 / 7) + " weeks";
    if (hours < 24 * 365 * 2) return std::to_string(hours / 24 / 30) + " months";
    return std::to_string(hours / 24 / 365) + " years";
}

bj::array summary_ports(const Config& config, const std::vector<network::EndpointPtr>& endpoints) {
    bj::array ports;
    if (endpoints.empty()) return ports;
    const auto all = published(endpoints);
    for (const network::PublishedPort& port : all)
        ports.push_back(bj::object{{"IP", port.host_address},
                                   {"PrivatePort", port.container_port},
                                   {"PublicPort", port.host_port},
                                   {"Type", port.protocol}});
    for (const std::string& exposed : config.exposed_ports) {
        const std::size_t slash = exposed.find('/');
        const int number = std::atoi(exposed.c_str());
        const std::string protocol = slash == std::string::npos ? "tcp" : exposed.substr(slash + 1);
        const bool bound = std::any_of(all.begin(), all.end(), [&](const auto& port) {
            return port.container_port == number && port.protocol == protocol;
        });
        if (!bound) ports.push_back(bj::object{{"PrivatePort", number}, {"Type", protocol}});
    }
    return ports;
}

// What docker ps shows as COMMAND before it quotes and cuts it: the words as a shell would want
// them.
std::string command_text(const Config& config) {
    std::string text;
    for (const std::string& word : arguments_of(config)) {
        if (!text.empty()) text += ' ';
        const bool quote = word.find_first_of(" \t\n\"") != std::string::npos;
        text += quote ? "'" + word + "'" : word;
    }
    return text;
}

bj::object labels_json(const Config& config) {
    bj::object labels;
    for (const auto& [key, value] : config.labels) labels[key] = value;
    return labels;
}

// What ps shows of a health check, behind how long it is up.
std::string health_text(const State& state) {
    if (!state.health) return "";
    if (state.health->status == HealthStatus::starting) return " (health: starting)";
    return " (" + std::string(health_name(state.health->status)) + ")";
}

}  // namespace

std::string status_text(const State& state, std::int64_t now_ns) {
    switch (state.status) {
        case Status::created: return "Created";
        case Status::running:
            return "Up " + span_text((now_ns - state.started_ns) / kSecond) +
                   (state.paused ? " (Paused)" : health_text(state));
        case Status::exited:
            return (state.restarting ? "Restarting (" : "Exited (") +
                   std::to_string(state.exit_code) + ") " +
                   span_text((now_ns - state.finished_ns) / kSecond) + " ago";
        case Status::removed: break;
    }
    return "Removal In Progress";
}

bj::object inspect_json(const Container& container, const InspectContext& context) {
    const State state = container.state();
    const Config& config = container.config();
    const std::vector<std::string> arguments = arguments_of(config);
    bj::array rest;
    for (std::size_t i = 1; i < arguments.size(); ++i) rest.emplace_back(arguments[i]);
    const std::string& directory = context.directory;
    const bool started = state.started_ns != 0;
    bj::object object{
        {"Id", container.id()},
        {"Created", format_time(container.record().created_ns)},
        {"Path", arguments.empty() ? "" : arguments[0]},
        {"Args", std::move(rest)},
        {"State", state_json(state)},
        {"Image", container.record().image},
        {"ResolvConfPath", started ? directory + "/resolv.conf" : ""},
        {"HostnamePath", started ? directory + "/hostname" : ""},
        {"HostsPath", started ? directory + "/hosts" : ""},
        {"LogPath",
         started && config.log.keep ? directory + "/" + container.id() + "-json.log" : ""},
        {"Name", "/" + container.name()},
        {"RestartCount", state.restart_count},
        {"Driver", context.storage_driver},
        {"Platform", "linux"},
        {"MountLabel", ""},
        {"ProcessLabel", ""},
        {"AppArmorProfile", ""},
        {"ExecIDs", context.exec_ids.empty()
                        ? bj::value(nullptr)
                        : bj::value(bj::array(context.exec_ids.begin(), context.exec_ids.end()))},
        {"HostConfig", stored_part(container, "HostConfig")},
        {"GraphDriver",
         bj::object{{"Name", context.storage_driver},
                    {"Data", bj::object{{"Instance", container.record().storage_instance},
                                        {"Key", container.id()}}}}},
        {"Mounts", mounts_json(config, context.volumes)},
        {"Config", stored_part(container, "Config")},
        {"NetworkSettings", network_settings(container, state)}};
    return object;
}

bj::object summary_json(const Container& container, const std::string& image,
                        const std::string& volumes) {
    const State state = container.state();
    const Config& config = container.config();
    const auto endpoints = container.endpoints();
    const std::int64_t now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                                 std::chrono::system_clock::now().time_since_epoch())
                                 .count();
    return {{"Id", container.id()},
            {"Names", bj::array{"/" + container.name()}},
            {"Image", image},
            {"ImageID", container.record().image},
            {"Command", command_text(config)},
            {"Created", container.record().created_ns / kSecond},
            {"Ports", summary_ports(config, endpoints)},
            {"Labels", labels_json(config)},
            {"State", shown_status(state)},
            {"Status", status_text(state, now)},
            {"HostConfig", bj::object{{"NetworkMode", config.network_mode}}},
            {"NetworkSettings", bj::object{{"Networks", networks_json(container, endpoints)}}},
            {"Mounts", mounts_json(config, volumes)}};
}

}  // namespace davit::container
