// SPDX-License-Identifier: Apache-2.0
#include "core/volume/local_options.hpp"

#include <netdb.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

namespace davit::volume {

namespace {

struct Attribute {
    std::string_view word;
    std::uint64_t set, clear;
};
constexpr std::array<Attribute, 12> kAttributes = {{
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"noatime", MOUNT_ATTR_NOATIME, 0},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"strictatime", MOUNT_ATTR_STRICTATIME, 0},
    {"relatime", 0, MOUNT_ATTR_NOATIME},
}};
constexpr std::array<std::string_view, 5> kMeaningless = {"defaults", "auto", "noauto", "user",
                                                          "_netdev"};

template <std::size_t Count>
bool contains(const std::array<std::string_view, Count>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

void read_option(std::string_view word, FileSystem& result) {
    if (word.empty() || contains(kMeaningless, word)) return;
    if (word == "bind" || word == "rbind") {
        result.bind = true;
        result.recursive = word == "rbind";
        return;
    }
    for (const Attribute& known : kAttributes) {
        if (known.word != word) continue;
        result.attributes = (result.attributes & ~known.clear) | known.set;
        // A file system that cannot be written must not be opened for writing either.
        if (word == "ro") result.settings.emplace_back("ro", std::nullopt);
        return;
    }
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos)
        result.settings.emplace_back(std::string(word), std::nullopt);
    else
        result.settings.emplace_back(std::string(word.substr(0, equals)),
                                     std::string(word.substr(equals + 1)));
}

bool is_network(const FileSystem& file_system) {
    return file_system.type.starts_with("nfs") || file_system.type == "cifs";
}

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

Result<std::string> number_of(const std::string& host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int status = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
    if (status != 0)
        return fail(Code::unavailable, "resolve address of volume ", host, ": ",
                    ::gai_strerror(status));
    const std::unique_ptr<addrinfo, FreeAddresses> owner(list);
    char text[NI_MAXHOST] = {};
    if (::getnameinfo(list->ai_addr, list->ai_addrlen, text, sizeof text, nullptr, 0,
                      NI_NUMERICHOST) != 0)
        return fail(Code::unavailable, "resolve address of volume ", host, ": no number");
    return std::string(text);
}

}  // namespace

Result<std::optional<FileSystem>> read_options(const Pairs& options) {
    FileSystem result;
    for (const auto& [key, value] : options) {
        if (key != "type" && key != "device" && key != "o")
            return fail(Code::invalid, "invalid option: \"", key, "\"");
        if (key == "type") result.type = value;
        if (key == "device") result.device = value;
    }
    if (options.empty()) return std::optional<FileSystem>();
    const auto words = options.find("o");
    std::string_view left = words == options.end() ? std::string_view() : words->second;
    while (!left.empty()) {
        const std::size_t comma = left.find(',');
        read_option(left.substr(0, comma), result);
        left.remove_prefix(comma == std::string_view::npos ? left.size() : comma + 1);
    }
    if (result.type == "none" || result.type == "bind") result.type.clear();
    if (result.type.empty() && !result.bind)
        return fail(Code::invalid, "missing required option: \"type\"");
    if (result.device.empty()) return fail(Code::invalid, "missing device in volume options");
    if (result.bind && !result.device.starts_with('/'))
        return fail(Code::invalid, "invalid device of volume: ", result.device,
                    ": a bind needs an absolute path");
    return std::optional<FileSystem>(std::move(result));
}

Result<void> resolve_address(FileSystem& file_system) {
    if (!is_network(file_system)) return {};
    auto& settings = file_system.settings;
    auto found = std::find_if(settings.begin(), settings.end(),
                              [](const auto& setting) { return setting.first == "addr"; });
    if (found == settings.end()) {
        const std::string& device = file_system.device;
        const bool windows = device.starts_with("//");  // cifs: //host/share; nfs: host:/path
        const std::size_t begin = windows ? 2 : 0;
        const std::size_t end = device.find(windows ? "/" : ":/", begin);
        if (end == std::string::npos) return {};
        settings.emplace_back(windows ? "ip" : "addr", device.substr(begin, end - begin));
        found = std::prev(settings.end());
    }
    if (found->second) found->second = TRY(number_of(*found->second));
    return {};
}

}  // namespace davit::volume
