// SPDX-License-Identifier: Apache-2.0
#include "drivers/registry/oci/sink.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <string>

namespace davit::oci {

Result<Sink> Sink::open(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return fail(Code::invalid, "open sink: ", errno_text(errno));
    if (S_ISSOCK(status.st_mode)) return Sink(fd, Kind::socket, Fd());
    if (!S_ISFIFO(status.st_mode)) return Sink(fd, Kind::file, Fd());
    // O_NONBLOCK on `fd` itself would show at everybody who shares its description.
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    Fd own(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    if (!own) return fail(Code::invalid, "open sink: ", errno_text(errno));
    return Sink(fd, Kind::pipe, std::move(own));
}

ssize_t Sink::write_some(std::string_view bytes) const {
    if (kind_ == Kind::socket)
        return ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return ::write(own_ ? own_.get() : fd_, bytes.data(), bytes.size());
}

Result<void> Sink::write(const sdk::Call& call, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = write_some(bytes);
        if (count >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(count));
            written_ += static_cast<std::uint64_t>(count);
            continue;
        }
        if (errno == EINTR) continue;
        if (errno == ENOSPC || errno == EDQUOT) return os_error("write to sink");
        if (errno != EAGAIN) return fail(Code::invalid, "write to sink: ", errno_text(errno));
        pollfd ready[2] = {{own_ ? own_.get() : fd_, POLLOUT, 0}, {call.cancel_fd(), POLLIN, 0}};
        ::poll(ready, call.cancel_fd() >= 0 ? 2 : 1, -1);
        TRY(call.check("write to sink"));
    }
    return {};
}

}  // namespace davit::oci
