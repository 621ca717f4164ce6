// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/streams.hpp"

#include "plugins/docker-api/limits.hpp"
#include "plugins/docker-api/stdcopy.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

namespace davit::docker_api {

namespace {

void set_non_blocking(const Fd& fd) {
    if (!fd) return;
    const int flags = ::fcntl(fd.get(), F_GETFL);
    if (flags >= 0) ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK);
}

bool again() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

StreamPump::StreamPump(Socket& socket, ContainerStreams streams, DetachKeys keys, std::string early)
    : socket_(socket),
      streams_(std::move(streams)),
      keys_(std::move(keys)),
      with_output_(streams_.out || streams_.err),
      block_(new char[kStreamBlock]) {
    for (const Fd* fd : {&streams_.in, &streams_.out, &streams_.err}) set_non_blocking(*fd);
    accept_input(std::move(early));
}

void StreamPump::run() {
    while (!finished())
        if (!wait() || !step()) return;
}

bool StreamPump::finished() const {
    if (detached_) return true;
    if (hung_up_) return !streams_.in || (!client_sends_ && to_container_.empty());
    if (!to_client_.empty()) return false;
    return with_output_ ? !streams_.out && !streams_.err : !streams_.in;
}

// One direction never waits for the other: a client that does not read may still send, and the
// other way round.
Result<void> StreamPump::wait() {
    const bool wants_input = client_sends_ && to_container_.empty();
    const bool wants_output = to_client_.empty();
    const short socket_events =
        static_cast<short>((wants_input ? POLLIN : 0) | (wants_output ? 0 : POLLOUT));
    pollfd set[kSlots] = {
        {hung_up_ ? -1 : socket_.fd(), socket_events, 0},
        {socket_.stop_fd(), POLLIN, 0},
        {streams_.in.get(), static_cast<short>(to_container_.empty() ? 0 : POLLOUT), 0},
        {wants_output ? streams_.out.get() : -1, POLLIN, 0},
        {wants_output ? streams_.err.get() : -1, POLLIN, 0},
    };
    const int timeout = hung_up_ && wants_input ? 0 : -1;
    if (::poll(set, kSlots, timeout) < 0 && errno != EINTR) return os_error("wait for streams");
    for (int slot = 0; slot < kSlots; ++slot) ready_[slot] = set[slot].revents;
    if (ready_[kStop] != 0) return fail(Code::cancelled, "wait for streams: the service stops");
    return {};
}

Result<void> StreamPump::step() {
    if (ready_[kSocket] & (POLLHUP | POLLERR)) hang_up();
    if (client_sends_ && to_container_.empty() && (hung_up_ || ready_[kSocket] & POLLIN))
        receive_input();
    // Nobody reads the container's stdin any more (a pipe errs, a socket hangs up): the client's
    // input goes nowhere.
    if (ready_[kIn] & (POLLERR | POLLHUP)) {
        streams_.in.reset();
        to_container_.clear();
    }
    if (ready_[kIn] & POLLOUT && streams_.in) forward_input();
    receive_output(streams_.out, kStdout, ready_[kOut]);
    receive_output(streams_.err, kStderr, ready_[kErr]);
    return forward_output();
}

// A container must not wait for a reader that is not there.
void StreamPump::hang_up() {
    hung_up_ = true;
    streams_.out.reset();
    streams_.err.reset();
    to_client_.clear();
}

void StreamPump::receive_input() {
    const ssize_t count = ::recv(socket_.fd(), block_.get(), kStreamBlock, 0);
    if (count < 0 && again()) return;
    if (count > 0) return accept_input(std::string(block_.get(), static_cast<std::size_t>(count)));
    client_sends_ = false;
    streams_.in.reset();  // nothing is held back: to_container_ was empty
}

void StreamPump::accept_input(std::string bytes) {
    if (streams_.terminal && keys_.filter(bytes)) detached_ = true;
    if (!streams_.in) return;
    to_container_ = std::move(bytes);
    if (!to_container_.empty()) forward_input();
}

void StreamPump::forward_input() {
    const ssize_t count = ::write(streams_.in.get(), to_container_.data(), to_container_.size());
    if (count < 0 && again()) return;
    if (count < 0) {
        streams_.in.reset();
        to_container_.clear();
        return;
    }
    to_container_.erase(0, static_cast<std::size_t>(count));
}

void StreamPump::receive_output(Fd& from, std::uint8_t stream, short ready) {
    if (ready == 0 || !from) return;
    const ssize_t count = ::read(from.get(), block_.get(), kStreamBlock);
    if (count < 0 && again()) return;
    if (count <= 0) return from.reset();  // a terminal whose last user has gone reads as EIO
    const std::string_view bytes(block_.get(), static_cast<std::size_t>(count));
    if (!streams_.terminal) to_client_.append(FrameHead(stream, bytes.size()).bytes());
    to_client_.append(bytes);
}

Result<void> StreamPump::forward_output() {
    if (to_client_.empty()) return {};
    const ssize_t count =
        ::send(socket_.fd(), to_client_.data() + sent_, to_client_.size() - sent_, MSG_NOSIGNAL);
    if (count < 0 && again()) return {};
    if (count < 0) return os_error("write to client");
    sent_ += static_cast<std::size_t>(count);
    if (sent_ == to_client_.size()) {
        to_client_.clear();
        sent_ = 0;
    }
    return {};
}

}  // namespace davit::docker_api
