// SPDX-License-Identifier: Apache-2.0
// A request's body as a pipe that the engine reads while the answer is already under way. Owns the
// thread that decodes the body meanwhile; the reader must not be used by others until finish().
#pragma once

#include "plugins/docker-api/http_server.hpp"
#include "sdk/base/fd.hpp"

#include <pthread.h>
#include <memory>
#include <optional>

namespace davit::docker_api {

class Upload {
public:
    static Result<std::unique_ptr<Upload>> start(HttpReader& reader, Socket& socket);
    ~Upload();
    Upload(const Upload&) = delete;
    Upload& operator=(const Upload&) = delete;

    int input() const { return input_.get(); }
    // Readable, before the pipe ends, once the client broke off in the middle.
    int broken() const { return broken_.get(); }
    // The engine reads no more: ends the thread, wherever it waits.
    void finish();

private:
    Upload(HttpReader& reader, Socket& socket) : reader_(reader), socket_(socket) {}
    void feed();
    bool write_all(const char* bytes, std::size_t size);

    HttpReader& reader_;
    Socket& socket_;
    Fd input_;     // the engine's end
    Fd output_;    // the thread's end
    Fd broken_;    // eventfd
    Fd finished_;  // eventfd
    std::optional<pthread_t> thread_;
};

}  // namespace davit::docker_api
