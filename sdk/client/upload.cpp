// SPDX-License-Identifier: Apache-2.0
// Calls whose body is streamed to the daemon: archives.
#include "sdk/client/client.hpp"

#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <vector>

namespace davit::sdk {

namespace {

constexpr std::size_t kPiece = 256u << 10;

// One chunk of RFC 9112 7.1; the empty one ends the body.
Result<void> send_chunk(Connection& connection, std::string_view bytes) {
    char size[20];
    const int digits = std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    TRY(connection.send_bytes({size, static_cast<std::size_t>(digits)}));
    TRY(connection.send_bytes(bytes));
    return connection.send_bytes("\r\n");
}

// What is left of `source`. A daemon that takes no more has an answer, which tells why.
Result<void> send_body(Connection& connection, int source) {
    std::vector<char> buffer(kPiece);
    for (;;) {
        const ssize_t got = ::read(source, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return os_error("read what is to be sent");
        if (!send_chunk(connection, {buffer.data(), static_cast<std::size_t>(got)})) return {};
        if (got == 0) return {};
    }
}

}  // namespace

Result<Stream> Client::upload(const Call& call, int source) {
    if (!settled_) TRY(this->call({"GET", "/version"}));  // a stream cannot be sent twice
    auto connection = TRY(Connection::open(address_));
    HttpRequest request = request_of(call, false);
    request.headers.push_back({"Content-Type", "application/x-tar"});
    request.streams_body = true;
    TRY(connection.send(request));
    TRY(send_body(connection, source));
    return finish_stream(std::move(connection), call);
}

}  // namespace davit::sdk
