// SPDX-License-Identifier: Apache-2.0
#include "core/archive/worker.hpp"

#include "sdk/base/pipe.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

namespace davit::archive {

namespace {

using unpack::Attachment;
using unpack::Ended;
using unpack::Found;

template <class Message>
Result<void> send(int socket, const Message& message, std::span<const int> fds) {
    return send_packet(socket, std::as_bytes(std::span(&message, 1)), fds);
}

Result<Child> spawn_archiver(const std::string& program, const Streams& streams, int socket) {
    const Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!nothing) return os_error("open /dev/null");
    const auto or_nothing = [&](int fd) { return fd >= 0 ? fd : nothing.get(); };
    return spawn({.path = program,
                  .arguments = {program, "archive"},
                  .environment = {},
                  .fds = {{or_nothing(streams.in), STDIN_FILENO},
                          {or_nothing(streams.out), STDOUT_FILENO},
                          {nothing.get(), STDERR_FILENO},
                          {socket, unpack::kOrderFd}}});
}

Result<void> send_order(int socket, const unpack::Order& order, const Place& place, int selection) {
    const int fds[] = {place.root.get(), selection};
    TRY(send(socket, order, std::span(fds).first(selection >= 0 ? 2 : 1)));
    for (const Attached& attached : place.mounts) {
        Attachment attachment;
        if (attached.target.size() >= sizeof attachment.target)
            return os_error(ENAMETOOLONG, "mount over " + attached.target);
        std::copy(attached.target.begin(), attached.target.end(), attachment.target);
        const int mount[] = {attached.mount.get()};
        TRY(send(socket, attachment, mount));
    }
    return {};
}

}  // namespace

Result<Worker> Worker::start(const std::string& program, const unpack::Order& order, Place place,
                             const Streams& streams) {
    auto sockets = TRY(make_socket_pair(SOCK_SEQPACKET));
    auto child = TRY(spawn_archiver(program, streams, sockets.theirs.get()));
    sockets.theirs.reset();
    Worker worker(std::move(child), std::move(sockets.ours));
    TRY(send_order(worker.socket(), order, place, streams.selection).context("start archiver"));
    return worker;
}

Result<void> Worker::receive() {
    union {
        Found found;
        Ended ended;
    } message{};
    auto packet =
        TRY(receive_packet(control_.get(), std::as_writable_bytes(std::span(&message, 1))));
    if (packet.size == 0) {
        control_.reset();
        return {};
    }
    if (packet.size == sizeof(Found) && message.found.version == unpack::kOrderVersion) {
        Found& found = message.found;
        found.target[sizeof found.target - 1] = '\0';
        found_ = PathStat{.mode = found.mode,
                          .size = found.size,
                          .modified = {found.modified_seconds, found.modified_nanoseconds},
                          .target = found.target};
        return {};
    }
    if (packet.size != sizeof(Ended) || message.ended.version != unpack::kOrderVersion)
        return fail(Code::internal, "hear archiver: it is of another version");
    message.ended.text[sizeof message.ended.text - 1] = '\0';
    result_ = message.ended;
    control_.reset();
    return {};
}

Result<void> Worker::finish() {
    const ExitStatus status = TRY(child_.wait().context("wait for archiver"));
    if (!result_)
        return fail(Code::internal, "archiver ended ",
                    status.signal != 0 ? "by signal " + std::to_string(status.signal)
                                       : "with status " + std::to_string(status.code),
                    " without a result");
    if (result_->code == 0) return {};
    const bool known = result_->code > 0 && result_->code <= static_cast<int>(Code::internal);
    return Error{known ? static_cast<Code>(result_->code) : Code::internal, result_->os_errno,
                 result_->text};
}

}  // namespace davit::archive
