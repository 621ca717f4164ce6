// SPDX-License-Identifier: Apache-2.0
#include "core/engine/sockets.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <optional>

namespace davit::engine {

namespace {

constexpr int kBacklog = 1024;  // as many clients may come at once before one is accepted
constexpr mode_t kGroupMode = 0660, kRootMode = 0600;

struct Place {
    Fd directory;
    std::string name;
};

Result<Place> place_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos || slash + 1 == path.size())
        return fail(Code::invalid, "listen on ", path, ": not an absolute path of a socket");
    const std::string directory = slash == 0 ? "/" : path.substr(0, slash);
    if (::mkdir(directory.c_str(), 0711) != 0 && errno != EEXIST)
        return os_error("make directory " + directory);
    return Place{TRY(open_directory(directory, O_PATH)), path.substr(slash + 1)};
}

// sun_path holds 107 bytes; through the directory's descriptor every path fits.
Result<sockaddr_un> address_of(const Place& place) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    const std::string path =
        "/proc/self/fd/" + std::to_string(place.directory.get()) + "/" + place.name;
    if (path.size() >= sizeof address.sun_path)
        return fail(Code::invalid, "listen on ", place.name, ": the socket's name is too long");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

bool answers(const sockaddr_un& address) {
    const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return probe &&
           ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::optional<gid_t> group_id(const std::string& name) {
    const struct group* found = name.empty() ? nullptr : ::getgrnam(name.c_str());
    return found == nullptr ? std::nullopt : std::optional<gid_t>(found->gr_gid);
}

}  // namespace

Result<Fd> listen_on(const std::string& path, const std::string& group) {
    const Place place = TRY(place_of(path));
    const sockaddr_un address = TRY(address_of(place));
    if (answers(address))
        return fail(Code::exists, "listen on ", path,
                    ": another daemon answers there: stop it, or choose another --host");
    ::unlinkat(place.directory.get(), place.name.c_str(), 0);
    Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!listener) return os_error("listen on " + path);
    // The mode of the socket's inode becomes the file's: nobody can connect before it is right.
    if (::fchmod(listener.get(), kRootMode) != 0) return os_error("set mode of " + path);
    if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return os_error("listen on " + path);
    if (const auto gid = group_id(group)) {
        if (::fchownat(place.directory.get(), place.name.c_str(), 0, *gid, AT_SYMLINK_NOFOLLOW) !=
                0 ||
            ::fchmodat(place.directory.get(), place.name.c_str(), kGroupMode, 0) != 0)
            return os_error("give " + path + " to its group");
    }
    if (::listen(listener.get(), kBacklog) != 0) return os_error("listen on " + path);
    return listener;
}

void remove_socket(const std::string& path) { ::unlink(path.c_str()); }

}  // namespace davit::engine
