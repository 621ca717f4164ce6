// SPDX-License-Identifier: Apache-2.0
// A connected stream socket whose every wait ends when the service stops. Used by the connection
// that owns it; one thread may read while another writes.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace davit::docker_api {

class Socket {
public:
    using Deadline = std::optional<std::chrono::steady_clock::time_point>;

    // `stop_fd` becomes readable when the service stops; borrowed. The socket is set non-blocking.
    static Result<Socket> own(Fd fd, int stop_fd);

    // At least one byte into `into`; 0 at the end of the client's data. Errors: cancelled (the
    // service stops), deadline, unavailable (the client is gone).
    Result<std::size_t> read(char* into, std::size_t size, Deadline deadline = {});
    // Waits for something to read. Errors as above.
    Result<void> wait_readable(Deadline deadline);
    // All parts, in order. Errors: cancelled, unavailable.
    Result<void> write(std::initializer_list<std::string_view> parts);
    // Lets the client read what was written although it may still be sending, then ends the
    // connection.
    void linger();

    // While set, reads also end (cancelled) once `fd` is readable; -1: never. No read under way
    // when it is changed.
    void set_reading_interrupt(int fd) { interrupt_fd_ = fd; }

    int fd() const { return fd_.get(); }
    int stop_fd() const { return stop_fd_; }
    bool stopping() const;
    // The user of the client's process (unix sockets), UINT32_MAX when unknown.
    static std::uint32_t peer_user(int fd);

private:
    Socket(Fd fd, int stop_fd) : fd_(std::move(fd)), stop_fd_(stop_fd) {}
    Result<void> wait(short events, Deadline deadline);

    Fd fd_;
    int stop_fd_;
    int interrupt_fd_ = -1;
};

}  // namespace davit::docker_api
