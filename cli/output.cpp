// SPDX-License-Identifier: Apache-2.0
#include "cli/output.hpp"

#include <poll.h>
#include <unistd.h>
#include <cerrno>

namespace davit::cli {

Result<void> write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(fd, bytes.data(), bytes.size());
        if (written >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(written));
            continue;
        }
        if (errno == EAGAIN) {  // somebody made the terminal we share non-blocking
            pollfd wait{fd, POLLOUT, 0};
            ::poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            return os_error(fd == STDOUT_FILENO ? "write to stdout" : "write output");
        }
    }
    return {};
}

Result<void> print(std::string_view text) { return write_all(STDOUT_FILENO, text); }
void print_error(std::string_view text) { (void)write_all(STDERR_FILENO, text); }
void complain(std::string_view text) {
    print_error(std::string("davit: ").append(text).append("\n"));
}

}  // namespace davit::cli
