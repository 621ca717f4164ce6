// SPDX-License-Identifier: Apache-2.0
#include "tests/api/streams.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <cstdlib>

namespace davit::docker_api::test {

Pipe::Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    read.reset(ends[0]);
    write.reset(ends[1]);
}

std::string read_all(int fd) {
    std::string all;
    char block[4096];
    for (ssize_t count; (count = ::read(fd, block, sizeof block)) > 0;)
        all.append(block, static_cast<std::size_t>(count));
    return all;
}

std::string frame(char stream, const std::string& bytes) {
    return std::string{stream, 0, 0, 0, 0, 0, 0, static_cast<char>(bytes.size())} + bytes;
}

std::string request(const std::string& line, const std::string& headers, const std::string& body) {
    return line + " HTTP/1.1\r\nHost: docker\r\n" + headers + "\r\n" + body;
}

}  // namespace davit::docker_api::test
