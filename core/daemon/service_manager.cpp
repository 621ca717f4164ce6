// SPDX-License-Identifier: Apache-2.0
#include "core/daemon/service_manager.hpp"

#include "sdk/base/fd.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

namespace davit::daemon {

void notify_service_manager(std::string_view state) {
    const char* const named = ::getenv("NOTIFY_SOCKET");
    std::string path = named == nullptr ? "" : named;
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    if (path.empty() || path.size() >= sizeof address.sun_path) return;
    if (path[0] == '@') path[0] = '\0';  // an abstract name
    std::memcpy(address.sun_path, path.data(), path.size());
    const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    if (socket)
        (void)::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                       reinterpret_cast<const sockaddr*>(&address), size);
}

}  // namespace davit::daemon
