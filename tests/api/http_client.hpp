// SPDX-License-Identifier: Apache-2.0
// A client that sends exactly the bytes a test gives it, and reads answers as RFC 9112 says. One
// connection.
#pragma once

#include "sdk/base/fd.hpp"

#include <map>
#include <string>

namespace davit::docker_api::test {

struct Answer {
    unsigned status = 0;  // 0: the connection ended before an answer
    std::string reason;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;                            // decoded
    bool complete = false;                       // false: cut off in the middle
};

class HttpClient {
public:
    explicit HttpClient(const std::string& socket_path);

    void send(const std::string& bytes);
    void half_close();
    void close() { fd_.reset(); }
    // The head of the next answer; its body stays to be read.
    Answer read_head();
    // A whole answer. `head`: to a HEAD request, so without a body.
    Answer read_answer(bool head = false);
    // Exactly `size` raw bytes, fewer only at the end of the connection.
    std::string read_raw(std::size_t size);
    std::string read_to_end();
    // The next chunk of a chunked body, decoded; empty at its end.
    std::string read_chunk();
    // Whether the server has ended the connection (waits for it).
    bool ended();

    // One request on a connection of its own.
    static Answer ask(const std::string& socket_path, const std::string& method,
                      const std::string& target, const std::string& body = {},
                      const std::string& headers = {});

private:
    bool fill();
    std::string read_line();

    Fd fd_;
    std::string buffer_;
};

}  // namespace davit::docker_api::test
