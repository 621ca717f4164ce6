// SPDX-License-Identifier: Apache-2.0
#include "core/container/oci_devices.hpp"

#include <boost/json.hpp>

#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace davit::container {

namespace {

namespace bj = boost::json;

constexpr int kDeepest = 16;  // directories below a --device

struct Devices {
    bj::array &nodes, &rules;
};

struct DeviceRule {
    std::string_view type;
    int major, minor;  // -1: every one
    std::string_view access;
};
// mknod of anything, use of these only.
constexpr std::array kDeviceRules = {
    DeviceRule{"c", -1, -1, "m"}, DeviceRule{"b", -1, -1, "m"},   DeviceRule{"c", 1, 3, "rwm"},
    DeviceRule{"c", 1, 5, "rwm"}, DeviceRule{"c", 1, 7, "rwm"},   DeviceRule{"c", 1, 8, "rwm"},
    DeviceRule{"c", 1, 9, "rwm"}, DeviceRule{"c", 5, 0, "rwm"},   DeviceRule{"c", 5, 1, "rwm"},
    DeviceRule{"c", 5, 2, "rwm"}, DeviceRule{"c", 136, -1, "rwm"}};

bj::object device_rule(bool allow, const DeviceRule& rule) {
    bj::object object{{"allow", allow}, {"type", rule.type}, {"access", rule.access}};
    if (rule.major >= 0) object["major"] = rule.major;
    if (rule.minor >= 0) object["minor"] = rule.minor;
    return object;
}

void add_node(const Devices& devices, const Device& device, const struct stat& status) {
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
    devices.rules.push_back(device_rule(true, {type, major, minor, device.permissions}));
}

bool is_device(const struct stat& status) {
    return S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode);
}

// Every node of a directory, whatever else lies there. What vanishes meanwhile is left out.
Result<void> add_directory(const Devices& devices, const Device& directory, int depth) {
    const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(directory.host_path.c_str()),
                                                   ::closedir);
    if (!open) return os_error("list devices in " + directory.host_path);
    while (const dirent* entry = ::readdir(open.get())) {
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..") continue;
        const Device device{.host_path = directory.host_path + "/" + std::string(name),
                            .container_path = directory.container_path + "/" + std::string(name),
                            .permissions = directory.permissions};
        struct stat status {};
        if (::lstat(device.host_path.c_str(), &status) != 0) continue;
        if (is_device(status)) add_node(devices, device, status);
        if (S_ISDIR(status.st_mode) && depth < kDeepest)
            TRY(add_directory(devices, device, depth + 1));
    }
    return {};
}

Result<void> add_device(const Devices& devices, const Device& device) {
    struct stat status {};
    if (::stat(device.host_path.c_str(), &status) != 0)
        return os_error("add device " + device.host_path);
    if (is_device(status)) {
        add_node(devices, device, status);
        return {};
    }
    const std::size_t before = devices.nodes.size();
    if (S_ISDIR(status.st_mode)) TRY(add_directory(devices, device, 0));
    if (devices.nodes.size() == before)
        return fail(Code::invalid, "add device ", device.host_path, ": not a device node");
    return {};
}

// A privileged container sees the nodes of the host's /dev itself; those that every container has
// anyway and what lies in directories (pts, shm, mqueue) are left out.
Result<void> add_host_devices(const Devices& devices) {
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

// A number, or -1 for "*".
std::optional<int> device_number(std::string_view text) {
    if (text == "*") return -1;
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
    return number;
}

std::optional<DeviceRule> parse_rule(std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::size_t access = text.rfind(' ');
    if (text.size() < 7 || text[1] != ' ' || colon == std::string_view::npos || access < colon)
        return std::nullopt;
    const auto major = device_number(text.substr(2, colon - 2));
    const auto minor = device_number(text.substr(colon + 1, access - colon - 1));
    DeviceRule rule{text.substr(0, 1), major.value_or(0), minor.value_or(0),
                    text.substr(access + 1)};
    const bool good = major && minor && std::strchr("abc", text[0]) != nullptr &&
                      !rule.access.empty() && rule.access.size() <= 3 &&
                      rule.access.find_first_not_of("rwm") == std::string_view::npos;
    return good ? std::optional(rule) : std::nullopt;
}

}  // namespace

Result<void> check_device_rule(const std::string& rule) {
    if (parse_rule(rule)) return {};
    return fail(Code::invalid, "invalid device cgroup rule format: '", rule, "'");
}

Result<void> add_devices(const Config& config, bj::array& nodes, bj::array& rules) {
    Devices devices{nodes, rules};
    if (config.privileged) {
        devices.rules.push_back(device_rule(true, {"a", -1, -1, "rwm"}));
        TRY(add_host_devices(devices));
    } else {
        devices.rules.push_back(device_rule(false, {"a", -1, -1, "rwm"}));
        for (const DeviceRule& rule : kDeviceRules)
            devices.rules.push_back(device_rule(true, rule));
    }
    for (const Device& device : config.devices) TRY(add_device(devices, device));
    for (const std::string& text : config.device_rules)
        if (const auto rule = parse_rule(text)) devices.rules.push_back(device_rule(true, *rule));
    return {};
}

}  // namespace davit::container
