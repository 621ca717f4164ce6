// SPDX-License-Identifier: Apache-2.0
#include "core/container/user.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

namespace davit::container {

namespace {

// Larger than any real user database; what a hostile image brings beyond it is refused, not read
//
constexpr std::size_t kUserDatabaseMax = 1 << 20;
// uid_t -1 means "no change" to the kernel, and 2^31 and up wrapped in other engines.
constexpr std::uint32_t kIdMax = 0x7fffffff;

template <std::size_t Count>
using Fields = std::array<std::string_view, Count>;

// The first Count fields of a line; missing ones are empty.
template <std::size_t Count>
Fields<Count> fields_of(std::string_view line) {
    Fields<Count> fields;
    for (std::string_view& field : fields) {
        const std::size_t end = line.find(':');
        field = line.substr(0, end);
        line = end == std::string_view::npos ? std::string_view{} : line.substr(end + 1);
    }
    return fields;
}

// Digits only, all of them: "+1", " 1", "0x1" and "1x" are no numbers.
std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || text[0] == '+' || error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

bool all_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Result<std::uint32_t> id_of(std::string_view text, std::string_view kind) {
    const auto value = number(text);
    if (!value || *value > kIdMax)
        return fail(Code::invalid, "resolve ", kind, " ", text, ": ids must be in range 0-",
                    std::to_string(kIdMax));
    return static_cast<std::uint32_t>(*value);
}

// A database of the image; an absent one is empty. Opened without blocking on a fifo, read only if
// it is a regular file.
Result<std::string> read_database(int root, const std::string& path) {
    auto file = open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!file) {
        if (file.error().code == Code::not_found || file.error().code == Code::invalid)
            return std::string();
        return std::move(file).error();
    }
    struct stat status {};
    if (::fstat(file->get(), &status) != 0) return os_error("look at " + path);
    if (!S_ISREG(status.st_mode))
        return fail(Code::invalid, "read ", path, " of the container: it is no regular file");
    return read_all(file->get(), kUserDatabaseMax).context("read ", path, " of the container");
}

template <std::size_t Count, class Use>
void each_line(std::string_view text, Use use) {
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        if (!line.empty() && line[0] != '#') use(fields_of<Count>(line));
        if (end == std::string_view::npos) return;
        text.remove_prefix(end + 1);
    }
}

struct Entry {
    std::string name;  // of the user; empty for a number without an entry
    bool found = false;
};

// passwd(5): name:password:uid:gid:comment:home:shell
Result<Entry> find_user(std::string_view passwd, std::string_view wanted, User& user) {
    Entry entry;
    const bool numeric = all_digits(wanted);
    if (numeric) user.uid = TRY(id_of(wanted, "user"));
    each_line<7>(passwd, [&](const Fields<7>& line) {
        const auto uid = number(line[2]);
        const bool match = numeric ? uid == user.uid : line[0] == wanted;
        if (entry.found || !match || !uid || *uid > kIdMax) return;
        const auto gid = number(line[3]);
        if (!gid || *gid > kIdMax) return;
        user.uid = static_cast<std::uint32_t>(*uid);
        user.gid = static_cast<std::uint32_t>(*gid);
        if (!line[5].empty()) user.home = line[5];
        entry = {std::string(line[0]), true};
    });
    if (!entry.found && !numeric)
        return fail(Code::invalid, "unable to find user ", wanted,
                    ": no matching entries in passwd file");
    return entry;
}

// group(5): name:password:gid:member,member
Result<std::uint32_t> find_group(std::string_view group, std::string_view wanted) {
    if (all_digits(wanted)) return id_of(wanted, "group");
    std::optional<std::uint32_t> found;
    each_line<4>(group, [&](const Fields<4>& line) {
        const auto gid = number(line[2]);
        if (!found && line[0] == wanted && gid && *gid <= kIdMax)
            found = static_cast<std::uint32_t>(*gid);
    });
    if (!found)
        return fail(Code::invalid, "unable to find group ", wanted,
                    ": no matching entries in group file");
    return *found;
}

void add_memberships(std::string_view group, std::string_view name, User& user) {
    each_line<4>(group, [&](const Fields<4>& line) {
        const auto gid = number(line[2]);
        if (!gid || *gid > kIdMax) return;
        std::string_view members = line[3];
        while (!members.empty()) {
            const std::size_t end = members.find(',');
            if (members.substr(0, end) == name)
                user.groups.push_back(static_cast<std::uint32_t>(*gid));
            members = end == std::string_view::npos ? std::string_view{} : members.substr(end + 1);
        }
    });
}

void make_unique(std::vector<std::uint32_t>& groups) {
    std::sort(groups.begin(), groups.end());
    groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
}

}  // namespace

Result<User> resolve_user(int root, const std::string& spec,
                          const std::vector<std::string>& group_add) {
    const std::size_t colon = spec.find(':');
    const std::string wanted = spec.substr(0, colon);
    const std::string wanted_group = colon == std::string::npos ? "" : spec.substr(colon + 1);
    const std::string passwd = TRY(read_database(root, "etc/passwd"));
    const std::string group = TRY(read_database(root, "etc/group"));

    User user;
    const Entry entry = TRY(find_user(passwd, wanted.empty() ? "0" : wanted, user));
    if (!wanted_group.empty()) {
        user.gid = TRY(find_group(group, wanted_group));
    } else if (entry.found) {
        add_memberships(group, entry.name, user);
    }
    for (const std::string& extra : group_add) user.groups.push_back(TRY(find_group(group, extra)));
    user.groups.push_back(user.gid);
    make_unique(user.groups);
    return user;
}

}  // namespace davit::container
