// SPDX-License-Identifier: Apache-2.0
#include "core/image/unpack.hpp"

#include "core/unpack/protocol.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

namespace davit::image {

namespace {

using unpack::Inflated;
using unpack::Kind;
using unpack::Message;
using unpack::Outcome;

constexpr std::size_t kChunk = std::size_t{256}
                               << 10;  // read, hashed and handed on while in the L2 cache
constexpr int kPipeBytes = 1 << 20;
// The unpacker writes to a disk that may be busy syncing; a stream that stands still for longer is
// stuck.
constexpr int kStallMilliseconds = 300000;
constexpr int kFirstFreeFd =
    200;  // sources above all targets, so that dup2 in the child cannot collide

struct Ends {
    Fd ours;
    Fd theirs;
};

// Theirs is above every fixed number and close-on-exec; posix_spawn puts a copy at the right place.
Result<Fd> move_up(Fd fd) {
    Fd high(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirstFreeFd));
    if (!high) return os_error("duplicate descriptor");
    return high;
}

enum class Flow { to_unpacker, from_unpacker };
Result<Ends> make_pipe(Flow flow) {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) return os_error("make pipe");
    Fd read(fds[0]), write(fds[1]);
    const bool out = flow == Flow::to_unpacker;
    Fd ours = std::move(out ? write : read);
    Fd theirs = TRY(move_up(std::move(out ? read : write)));
    if (out && ::fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) return os_error("prepare pipe");
    if (out) ::fcntl(ours.get(), F_SETPIPE_SZ, kPipeBytes);  // smaller only costs speed
    return Ends{std::move(ours), std::move(theirs)};
}

Result<Ends> make_control() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return os_error("make socket pair");
    Fd ours(fds[0]), theirs(fds[1]);
    return Ends{std::move(ours), TRY(move_up(std::move(theirs)))};
}

// The process; ended and reaped with this object.
class Process {
public:
    explicit Process(pid_t pid) : pid_(pid) {}
    Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
    ~Process() { end(); }
    void end() {
        if (pid_ < 0) return;
        ::kill(pid_, SIGKILL);
        (void)wait();
    }
    // A wait(2) status.
    int wait() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
        return status;
    }

private:
    pid_t pid_;  // ours alone to reap, so it cannot be recycled before
};

struct SpawnActions {
    posix_spawn_file_actions_t value;
    SpawnActions() { ::posix_spawn_file_actions_init(&value); }
    ~SpawnActions() { ::posix_spawn_file_actions_destroy(&value); }
    SpawnActions(const SpawnActions&) = delete;
};
struct SpawnAttributes {
    posix_spawnattr_t value;
    SpawnAttributes() { ::posix_spawnattr_init(&value); }
    ~SpawnAttributes() { ::posix_spawnattr_destroy(&value); }
    SpawnAttributes(const SpawnAttributes&) = delete;
};

Result<Process> spawn(const UnpackRequest& request,
                      std::span<const std::pair<int, int>> descriptors) {
    SpawnActions actions;
    for (const auto& [from, to] : descriptors)
        ::posix_spawn_file_actions_adddup2(&actions.value, from, to);
    ::posix_spawn_file_actions_addopen(&actions.value, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions.value, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    SpawnAttributes attributes;
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes.value, &none);
    ::posix_spawnattr_setsigdefault(&attributes.value, &all);
    ::posix_spawnattr_setflags(&attributes.value, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::string program = request.program;
    std::string view = request.view == View::bare ? "bare" : "merged";
    char* arguments[] = {program.data(), view.data(), nullptr};
    char* environment[] = {nullptr};
    pid_t pid = -1;
    const int status = ::posix_spawn(&pid, program.c_str(), &actions.value, &attributes.value,
                                     arguments, environment);
    if (status != 0) return os_error(status, "start " + program);
    return Process(pid);
}

// One run of the unpacker: a loop over everything that may become ready.
class Feed {
public:
    Feed(const UnpackRequest& request, Sha256 hash, dev_t device, Ends input, Ends control,
         Ends digest)
        : request_(request),
          hash_(std::move(hash)),
          device_(device),
          input_(std::move(input.ours)),
          control_(std::move(control.ours)),
          digest_(std::move(digest.ours)),
          buffer_(kChunk) {}

    Result<UnpackResult> run(Process process);

private:
    Result<void> loop();
    Result<void> read_source();
    void write_input();
    Result<void> read_control();
    void read_digest();
    void await_inflater();
    Result<void> mark_opaque(Fd directory);
    // Whether the inflater complains; not that nobody reads what it makes: the parser has the
    // reason.
    bool broken_stream() const {
        return inflated_ && inflated_->code != 0 &&
               static_cast<Code>(inflated_->code) != Code::unavailable;
    }
    Result<UnpackResult> judge(int status, bool cut_by_us);

    const UnpackRequest& request_;
    Sha256 hash_;
    dev_t device_;
    Fd input_, control_, digest_;
    std::vector<std::byte> buffer_;
    std::size_t begin_ = 0, end_ = 0;  // read from the source, not yet handed on
    bool source_ended_ = false;
    std::uint64_t compressed_ = 0;
    std::optional<Message> result_;
    std::optional<Inflated> inflated_;
};

Result<void> Feed::read_source() {
    const ssize_t got = ::read(request_.source, buffer_.data(), buffer_.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return {};
    if (got < 0) return os_error("read layer");
    begin_ = 0;
    end_ = static_cast<std::size_t>(got);
    source_ended_ = got == 0;
    hash_.add(std::span(buffer_.data(), end_));
    compressed_ += end_;
    if (compressed_ > request_.source_bytes)
        return fail(Code::corrupt, "read layer: more bytes came than its manifest names");
    if (request_.progress) request_.progress(compressed_);
    if (source_ended_) input_.reset();
    return {};
}

// An unpacker that closed its input has a reason, which comes over another descriptor.
void Feed::write_input() {
    const ssize_t put = ::write(input_.get(), buffer_.data() + begin_, end_ - begin_);
    if (put < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (put < 0) {
        input_.reset();
        begin_ = end_ = 0;
        return;
    }
    begin_ += static_cast<std::size_t>(put);
}

// The descriptor comes from a process that may have been taken over: it must be a directory of the
// layer.
Result<void> Feed::mark_opaque(Fd directory) {
    Message answer;
    answer.kind = Kind::opaque_done;
    struct stat status {};
    if (!directory || ::fstat(directory.get(), &status) != 0 || !S_ISDIR(status.st_mode) ||
        status.st_dev != device_)
        return fail(Code::corrupt, "mark directory opaque: it is none of the layer's");
    if (::fsetxattr(directory.get(), "trusted.overlay.opaque", "y", 1, 0) != 0)
        answer.os_errno = errno;
    if (::send(control_.get(), &answer, sizeof answer, MSG_NOSIGNAL) < 0)
        return os_error("answer unpacker");
    return {};
}

Result<void> Feed::read_control() {
    Message message;
    iovec part{&message, sizeof message};
    alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))];
    msghdr packet{};
    packet.msg_iov = &part;
    packet.msg_iovlen = 1;
    packet.msg_control = space;
    packet.msg_controllen = sizeof space;
    const ssize_t got = ::recvmsg(control_.get(), &packet, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) return {};
    Fd received;
    if (const cmsghdr* header = got < 0 ? nullptr : CMSG_FIRSTHDR(&packet);
        header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        int number = -1;
        std::memcpy(&number, CMSG_DATA(header), sizeof number);
        received = Fd(number);
    }
    if (got <= 0) {
        control_.reset();
        return {};
    }
    if (got != sizeof message || message.version != unpack::kProtocolVersion)
        return fail(Code::internal, "read from ", request_.program, ": it is of another version");
    message.text[sizeof message.text - 1] = '\0';
    if (message.kind == Kind::opaque) return mark_opaque(std::move(received));
    if (message.kind == Kind::result) result_ = message;
    return {};
}

void Feed::read_digest() {
    Inflated inflated;
    const ssize_t got =
        ::read(digest_.get(), &inflated, sizeof inflated);  // below PIPE_BUF: whole or not at all
    if (got < 0 && errno == EINTR) return;
    if (got <= 0) digest_.reset();
    if (got == sizeof inflated && inflated.version == unpack::kProtocolVersion) {
        inflated.text[sizeof inflated.text - 1] = '\0';
        inflated_ = inflated;
    }
}

Result<void> Feed::loop() {
    while (control_ || digest_) {
        const bool holding = begin_ < end_;
        const bool reading = !holding && !source_ended_;
        enum { source, input, control, digest, cancel };
        pollfd waits[] = {{reading ? request_.source : -1, POLLIN, 0},
                          {holding && input_ ? input_.get() : -1, POLLOUT, 0},
                          {control_ ? control_.get() : -1, POLLIN, 0},
                          {digest_ ? digest_.get() : -1, POLLIN, 0},
                          {request_.cancel ? request_.cancel->fd() : -1, POLLIN, 0}};
        // The registry has its own patience; only the unpacker is timed.
        const int ready = ::poll(waits, std::size(waits), reading ? -1 : kStallMilliseconds);
        if (ready < 0 && errno != EINTR) return os_error("wait for unpacker");
        if (ready == 0) return fail(Code::deadline, "unpack layer: no progress for 5 minutes");
        if (ready < 0) continue;
        if (waits[cancel].revents != 0) return fail(Code::cancelled, "unpack layer: cancelled");
        if (waits[source].revents != 0) TRY(read_source());
        if (waits[input].revents != 0) write_input();
        if (waits[control].revents != 0) TRY(read_control());
        if (waits[digest].revents != 0) read_digest();
        // It gave up: what still comes from the source would only fill pipes.
        if (result_ && result_->outcome != Outcome::done) return {};
        if (broken_stream()) return {};
    }
    return {};
}

Error reported(std::int32_t code, int os_errno, const char* text) {
    const bool known = code > 0 && code <= static_cast<std::int32_t>(Code::internal);
    return Error{known ? static_cast<Code>(code) : Code::internal, os_errno, text};
}

// The inflater's complaint comes first: a damaged stream is why the parser found a cut archive. Not
// so when the parser gave up first and we ended the stream for that.
Result<UnpackResult> Feed::judge(int status, bool cut_by_us) {
    if (!cut_by_us && broken_stream()) return reported(inflated_->code, 0, inflated_->text);
    if (result_ && result_->outcome == Outcome::failed)
        return reported(result_->code, result_->os_errno, result_->text);
    UnpackResult result{
        .blob = hash_.finish(), .blob_bytes = compressed_, .diff_id = Digest::of({})};
    result.needs_parent = result_ && result_->outcome == Outcome::needs_parent;
    if (result.needs_parent) return result;
    if (!result_ || !inflated_ || inflated_->code != 0 || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 0)
        return fail(Code::internal, "unpack layer: the unpacker ended ",
                    WIFSIGNALED(status) ? "by signal " + std::to_string(WTERMSIG(status))
                                        : "with status " + std::to_string(WEXITSTATUS(status)),
                    " without a result");
    Digest::Bytes diff_id;
    std::copy(std::begin(inflated_->diff_id), std::end(inflated_->diff_id), diff_id.begin());
    result.diff_id = Digest::from_bytes(diff_id);
    result.archive_bytes = inflated_->bytes;
    result.entries = result_->entries;
    result.file_bytes = result_->bytes;
    return result;
}

// The digest pipe ends with the inflater: once both are gone nobody holds the mount.
void Feed::await_inflater() {
    constexpr int kGraceMilliseconds = 1000;
    while (digest_) {
        pollfd wait{digest_.get(), POLLIN, 0};
        if (::poll(&wait, 1, kGraceMilliseconds) <= 0) return;
        read_digest();
    }
}

Result<UnpackResult> Feed::run(Process process) {
    if (auto looped = loop(); !looped) {
        process.end();
        await_inflater();
        return looped.error();
    }
    const bool cut_by_us = !source_ended_ && !inflated_;
    input_.reset();
    const int status = process.wait();
    await_inflater();
    return judge(status, cut_by_us);
}

}  // namespace

Result<UnpackResult> unpack_layer(UnpackRequest request) {
    struct stat root {};
    if (::fstat(request.mount.get(), &root) != 0) return os_error("look at layer");
    auto hash = TRY(Sha256::create());
    auto input = TRY(make_pipe(Flow::to_unpacker));
    auto digest = TRY(make_pipe(Flow::from_unpacker));
    auto control = TRY(make_control());
    Fd mount = TRY(move_up(std::move(request.mount)));
    std::vector<std::pair<int, int>> descriptors = {{input.theirs.get(), STDIN_FILENO},
                                                    {mount.get(), unpack::kMountFd},
                                                    {control.theirs.get(), unpack::kControlFd},
                                                    {digest.theirs.get(), unpack::kDigestFd}};
    Fd log;
    if (request.log >= 0) {
        log = TRY(move_up(Fd(::fcntl(request.log, F_DUPFD_CLOEXEC, 0))));
        descriptors.emplace_back(log.get(), unpack::kLogFd);
    }
    auto process = TRY(spawn(request, descriptors));
    mount.reset();
    Feed feed(request, std::move(hash), root.st_dev, std::move(input), std::move(control),
              std::move(digest));
    return feed.run(std::move(process));
}

}  // namespace davit::image
