// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/upload.hpp"

#include "plugins/docker-api/limits.hpp"
#include "plugins/docker-api/thread.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace davit::docker_api {

Result<std::unique_ptr<Upload>> Upload::start(HttpReader& reader, Socket& socket) {
    std::unique_ptr<Upload> upload(new Upload(reader, socket));
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return os_error("take upload: make pipe");
    upload->input_.reset(ends[0]);
    upload->output_.reset(ends[1]);
    if (::fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0) return os_error("take upload: set up pipe");
    upload->broken_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    upload->finished_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!upload->broken_ || !upload->finished_) return os_error("take upload: make event");
    TRY(reader.invite_body());  // here, since from now on this thread alone writes to the client
    socket.set_reading_interrupt(upload->finished_.get());
    upload->thread_ = TRY(start_thread(
        [](void* self) -> void* {
            static_cast<Upload*>(self)->feed();
            return nullptr;
        },
        upload.get()));
    return upload;
}

Upload::~Upload() { finish(); }

void Upload::finish() {
    ::eventfd_write(finished_.get(), 1);
    if (thread_) ::pthread_join(*thread_, nullptr);
    thread_.reset();
    socket_.set_reading_interrupt(-1);
    input_.reset();
}

// The order tells the reader of the pipe a whole body from half of one: `broken` first, then the
// end.
void Upload::feed() {
    const std::unique_ptr<char[]> block(new char[kStreamBlock]);
    for (;;) {
        const Result<std::size_t> count = reader_.read_body(block.get(), kStreamBlock);
        if (!count) ::eventfd_write(broken_.get(), 1);
        if (!count || *count == 0 || !write_all(block.get(), *count)) break;
    }
    output_.reset();
}

// False once nobody wants the rest. SIGPIPE is blocked on our threads.
bool Upload::write_all(const char* bytes, std::size_t size) {
    while (size > 0) {
        const ssize_t count = ::write(output_.get(), bytes, size);
        if (count > 0) {
            bytes += count;
            size -= static_cast<std::size_t>(count);
        } else if (errno == EAGAIN) {
            pollfd set[] = {{output_.get(), POLLOUT, 0}, {finished_.get(), POLLIN, 0}};
            if (::poll(set, 2, -1) > 0 && set[1].revents != 0) return false;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

}  // namespace davit::docker_api
