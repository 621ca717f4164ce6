// SPDX-License-Identifier: Apache-2.0
#include "core/container/generated_files.hpp"

#include "core/network/dns_sockets.hpp"
#include "core/network/networks.hpp"
#include "sdk/base/file.hpp"

#include <fcntl.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace davit::container {

namespace {

constexpr mode_t kReadableByAll = 0644;        // the container's users must be able to read them
constexpr std::size_t kHostFileMax = 1 << 20;  // of the host's hosts and resolv.conf

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.push_back(text.substr(0, end));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return lines;
}

// The word after a keyword of resolv.conf(5), or nothing.
std::string_view argument_of(std::string_view line, std::string_view keyword) {
    if (!line.starts_with(keyword)) return {};
    line.remove_prefix(keyword.size());
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == 0 || begin == std::string_view::npos) return {};
    line.remove_prefix(begin);
    return line.substr(0, line.find_last_not_of(" \t\r") + 1);
}

bool is_loopback(std::string_view address) {
    return address.starts_with("127.") || address == "::1";
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += " " + word;
    return text;
}

// The engine answers on networks of the user's (core/network/dns_server.hpp); it asks the servers
// of --dns, or the host's, itself.
bool has_own_name_server(const FileContext& context) {
    return std::any_of(
        context.endpoints.begin(), context.endpoints.end(),
        [](const auto& endpoint) { return endpoint->network != network::kDefaultName; });
}

void add_name_servers(std::string& text, const FileContext& context, std::string_view host_file) {
    if (has_own_name_server(context)) {
        text += std::string("nameserver ") + network::kDnsAddress + "\n";
        return;
    }
    if (!context.config.dns.empty()) {
        for (const std::string& server : context.config.dns) text += "nameserver " + server + "\n";
        return;
    }
    for (std::string_view line : lines_of(host_file)) {
        const std::string_view server = argument_of(line, "nameserver");
        if (!server.empty() && (context.host_network || !is_loopback(server)))
            text += "nameserver " + std::string(server) + "\n";
    }
}

// With ndots:0, unless somebody says otherwise: names of containers have no dots.
std::string options_line(std::vector<std::string> options, std::string_view host_file) {
    if (options.empty())
        for (std::string_view line : lines_of(host_file))
            if (const auto words = argument_of(line, "options"); !words.empty())
                options.emplace_back(words);
    if (options == std::vector<std::string>{"."}) options.clear();  // "." asks for none
    const bool says_dots = std::any_of(
        options.begin(), options.end(),
        [](const std::string& words) { return words.find("ndots:") != std::string::npos; });
    if (!says_dots) options.emplace_back("ndots:0");
    return "options" + joined(options) + "\n";
}

std::string gateway_of(const FileContext& context) {
    for (const network::EndpointPtr& endpoint : context.endpoints)
        if (endpoint->default_route)
            return endpoint->gateway.empty() ? endpoint->gateway6 : endpoint->gateway;
    return "127.0.0.1";
}

// Host names of --add-host: "name:address", where host-gateway stands for the network's gateway.
std::string extra_host_line(const std::string& entry, const FileContext& context) {
    const std::size_t colon = entry.find_first_of(":=");
    if (colon == std::string::npos) return {};
    std::string address = entry.substr(colon + 1);
    if (address == "host-gateway") address = gateway_of(context);
    return address + "\t" + entry.substr(0, colon) + "\n";
}

// A file of the host; an unreadable one counts as empty, since a container can live without it.
std::string host_file(const char* path) {
    const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
    if (!file) return {};
    return read_all(file.get(), kHostFileMax).value_or("");
}

}  // namespace

std::string resolv_conf(const FileContext& context, std::string_view host_file) {
    std::string text;
    add_name_servers(text, context, host_file);
    const auto keep = [&](std::string_view keyword, const std::vector<std::string>& own) {
        if (!own.empty()) {
            if (own[0] != ".")
                text += std::string(keyword) + joined(own) + "\n";  // "." asks for none
            return;
        }
        for (std::string_view line : lines_of(host_file))
            if (!argument_of(line, keyword).empty()) text += std::string(line) + "\n";
    };
    keep("search", context.config.dns_search);
    if (!has_own_name_server(context)) {
        keep("options", context.config.dns_options);
        return text;
    }
    return text + options_line(context.config.dns_options, host_file);
}

std::string hosts_file(const FileContext& context) {
    std::string text =
        "127.0.0.1\tlocalhost\n"
        "::1\tlocalhost ip6-localhost ip6-loopback\n"
        "fe00::\tip6-localnet\n"
        "ff00::\tip6-mcastprefix\n"
        "ff02::1\tip6-allnodes\n"
        "ff02::2\tip6-allrouters\n";
    for (const std::string& entry : context.config.extra_hosts)
        text += extra_host_line(entry, context);
    const std::string& domain = context.config.domainname;
    const std::string names = domain.empty()
                                  ? context.hostname
                                  : context.hostname + "." + domain + " " + context.hostname;
    for (const network::EndpointPtr& endpoint : context.endpoints)
        for (const std::string* address : {&endpoint->address, &endpoint->address6})
            if (!address->empty()) text += *address + "\t" + names + "\n";
    return text;
}

namespace {

// `present` with the lines that `before` had and `now` has not taken out, and the new ones added.
std::string changed_lines(std::string_view present, std::string_view before, std::string_view now) {
    const auto has = [](const std::vector<std::string_view>& lines, std::string_view line) {
        return std::find(lines.begin(), lines.end(), line) != lines.end();
    };
    const auto old_lines = lines_of(before), new_lines = lines_of(now);
    std::string text;
    const auto put = [&](std::string_view line) { text.append(line).append("\n"); };
    for (const std::string_view line : lines_of(present))
        if (!has(old_lines, line) || has(new_lines, line)) put(line);
    for (const std::string_view line : new_lines)
        if (!has(old_lines, line)) put(line);
    return text;
}

Result<std::string> read_present(int directory, const char* name) {
    const Fd file(::openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file) return os_error(std::string("open ") + name);
    return read_all(file.get(), kHostFileMax);
}

// The inode stays: it is what the container has mounted.
Result<void> write_in_place(int directory, const char* name, const std::string& text) {
    const Fd file(::openat(directory, name, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW));
    if (!file) return os_error(std::string("open ") + name);
    return write_all(file.get(), text);
}

}  // namespace

Result<void> rewrite_generated_files(int directory, const FileContext& before,
                                     const FileContext& now) {
    const std::string present = TRY(read_present(directory, "hosts"));
    TRY(write_in_place(directory, "hosts",
                       changed_lines(present, hosts_file(before), hosts_file(now))));
    const std::string host_resolv = host_file("/etc/resolv.conf");
    const std::string old_resolv = resolv_conf(before, host_resolv);
    const std::string new_resolv = resolv_conf(now, host_resolv);
    if (old_resolv == new_resolv) return {};
    if (TRY(read_present(directory, "resolv.conf")) != old_resolv) return {};  // somebody's own
    return write_in_place(directory, "resolv.conf", new_resolv);
}

Result<void> write_generated_files(int directory, const FileContext& context) {
    const std::string host_resolv = host_file("/etc/resolv.conf");
    TRY(atomic_write(directory, "hostname", context.hostname + "\n", kReadableByAll));
    const std::string hosts = context.host_network ? host_file("/etc/hosts") : hosts_file(context);
    TRY(atomic_write(directory, "hosts", hosts, kReadableByAll));
    return atomic_write(directory, "resolv.conf", resolv_conf(context, host_resolv),
                        kReadableByAll);
}

}  // namespace davit::container
