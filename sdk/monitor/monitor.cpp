// SPDX-License-Identifier: Apache-2.0
#include "sdk/monitor/monitor.hpp"

#include "sdk/base/pipe.hpp"
#include "sdk/base/process.hpp"
#include "sdk/container/cgroup.hpp"
#include "sdk/container/terminal.hpp"
#include "sdk/monitor/record.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <ctime>

namespace davit::sdk {

namespace {

// As much as a pipe holds; in .bss, so that a silent container never pays for it.
char g_buffer[64 * 1024];

// Enough for a full pipe; a process that lives on in another pid namespace may write for ever.
constexpr int kLastReads = 64;

bool never(int error) { return error != EAGAIN && error != EINTR; }

void make_nonblocking(const Fd& fd) {
    if (fd) ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
}

template <class List>
void drop_closed(List& list) {
    std::erase_if(list, [](const auto& one) {
        if constexpr (requires { one.fd; })
            return !one.fd;
        else
            return !one;
    });
}

}  // namespace

Result<void> Monitor::run() {
    make_nonblocking(setup_.input);
    make_nonblocking(setup_.output);
    make_nonblocking(setup_.errors);
    while (!finished()) {
        collect();
        if (::poll(polled_.data(), polled_.size(), -1) < 0) {
            if (errno == EINTR) continue;
            return os_error("wait for events");
        }
        dispatch();
        if (abandoned_)
            return fail(Code::cancelled, "run container: the host went away before start");
    }
    return {};
}

bool Monitor::finished() const {
    return exited_ && !setup_.output && !setup_.errors && outlets_.empty();
}

void Monitor::want(int fd, short events, Handler handler, std::size_t index) {
    polled_.push_back({fd, events, 0});
    wanted_.push_back({handler, index});
}

// Streams come before the process: what it wrote before its end is read before its end is.
void Monitor::collect() {
    polled_.clear();
    wanted_.clear();
    for (const Stream stream : {Stream::out, Stream::err})
        if (source(stream) && !blocked(stream))
            want(source(stream).get(), POLLIN, &Monitor::on_output,
                 static_cast<std::size_t>(stream));
    for (std::size_t at = 0; at < outlets_.size();
         ++at)  // no events wanted: poll still tells of a closed reader
        want(outlets_[at].fd.get(), outlets_[at].pending.empty() ? short{0} : short{POLLOUT},
             &Monitor::on_outlet, at);
    if (setup_.input && !input_pending_.empty())
        want(setup_.input.get(), POLLOUT, &Monitor::on_input, 0);
    if (input_pending_.empty())
        for (std::size_t at = 0; at < inlets_.size(); ++at)
            want(inlets_[at].get(), POLLIN, &Monitor::on_inlet, at);
    if (setup_.process) want(setup_.process.get(), POLLIN, &Monitor::on_process, 0);
    if (setup_.channel) want(setup_.channel.get(), POLLIN, &Monitor::on_channel, 0);
    if (setup_.control) want(setup_.control.get(), POLLIN, &Monitor::on_control, 0);
    for (std::size_t at = 0; at < connections_.size(); ++at)
        want(connections_[at].fd.get(), POLLIN, &Monitor::on_connection, at);
}

// Handlers close descriptors but remove nothing from the lists, so that indices hold until the
// round is over.
void Monitor::dispatch() {
    for (std::size_t at = 0; at < polled_.size() && !abandoned_; ++at)
        if (polled_[at].revents != 0)
            (this->*wanted_[at].handler)(wanted_[at].index, polled_[at].revents);
    drop_closed(outlets_);
    drop_closed(inlets_);
    drop_closed(connections_);
}

// --- output
// ---------------------------------------------------------------------------------------------------------

bool Monitor::blocked(Stream stream) const {
    if (held_) return true;
    return std::any_of(outlets_.begin(), outlets_.end(), [&](const Outlet& outlet) {
        return outlet.fd && outlet.stream == stream && !outlet.pending.empty();
    });
}

void Monitor::on_output(std::size_t stream, short) { read_once(static_cast<Stream>(stream)); }

bool Monitor::read_once(Stream stream) {
    Fd& from = source(stream);
    if (!from || blocked(stream)) return false;
    const ssize_t count = ::read(from.get(), g_buffer, sizeof g_buffer);
    if (count > 0) {
        deliver(stream, std::string_view(g_buffer, static_cast<std::size_t>(count)));
        return true;
    }
    // A terminal whose last user has gone says EIO instead of end of file.
    if (count == 0 || never(errno)) end_stream(stream);
    return false;
}

void Monitor::deliver(Stream stream, std::string_view bytes) {
    // A full disk costs log lines, never the container: its output goes on to whoever is attached.
    static_cast<void>(setup_.log.write(stream, bytes));
    for (Outlet& outlet : outlets_) {
        if (!outlet.fd || outlet.stream != stream) continue;
        outlet.pending.append(bytes);
        push(outlet);
    }
}

void Monitor::push(Outlet& outlet) {
    while (outlet.fd && !outlet.pending.empty()) {
        const ssize_t count =
            ::write(outlet.fd.get(), outlet.pending.data(), outlet.pending.size());
        if (count >= 0)
            outlet.pending.erase(0, static_cast<std::size_t>(count));
        else if (never(errno))
            outlet.fd.reset();
        else if (errno == EAGAIN)
            return;
    }
}

void Monitor::on_outlet(std::size_t index, short events) {
    Outlet& outlet = outlets_[index];
    if ((events & POLLERR) != 0) outlet.fd.reset();  // its reader has closed
    push(outlet);
    if (exited_ && outlet.pending.empty() && !source(outlet.stream)) outlet.fd.reset();
}

void Monitor::end_stream(Stream stream) {
    static_cast<void>(setup_.log.flush(stream));
    source(stream).reset();
    if (exited_) close_outlets();
}

// Only once the exit record stands: a client that has seen the end of its streams asks for the exit
// code next.
void Monitor::close_outlets() {
    for (Outlet& outlet : outlets_)
        if (!source(outlet.stream) && outlet.pending.empty()) outlet.fd.reset();
}

// --- input
// ----------------------------------------------------------------------------------------------------------

void Monitor::on_inlet(std::size_t index, short) {
    Fd& inlet = inlets_[index];
    if (!input_pending_.empty()) return;
    const ssize_t count = ::read(inlet.get(), g_buffer, sizeof g_buffer);
    if (count < 0 && !never(errno)) return;
    if (count > 0 && setup_.input) {
        input_pending_.assign(g_buffer, static_cast<std::size_t>(count));
        on_input(0, POLLOUT);
        return;
    }
    inlet.reset();
    if (setup_.stdin_once && !setup_.tty) setup_.input.reset();
}

void Monitor::on_input(std::size_t, short) {
    const ssize_t count = ::write(setup_.input.get(), input_pending_.data(), input_pending_.size());
    if (count >= 0) {
        input_pending_.erase(0, static_cast<std::size_t>(count));
    } else if (never(errno)) {  // the process has closed its stdin: what comes is dropped, as a
                                // broken pipe
        input_pending_.clear();
        if (!setup_.tty) setup_.input.reset();
    }
}

// --- the process
// ----------------------------------------------------------------------------------------------------

void Monitor::on_process(std::size_t, short) { record_exit(); }

void Monitor::record_exit() {
    // Its last words are in the log before anybody learns of its end, unless a client that is full
    // holds them up.
    for (const Stream stream : {Stream::out, Stream::err})
        for (int reads = 0; reads < kLastReads && read_once(stream); ++reads) {
        }
    auto status = wait_child(setup_.process.get());
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    ExitRecord record;
    record.code = status ? status->code : 255;
    record.signal = status ? status->signal : 0;
    record.out_of_memory = setup_.memory_events && oom_kills(setup_.memory_events.get()) > 0;
    record.time_ns = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
    static_cast<void>(write_exit(setup_.state_directory,
                                 record));  // without it the driver reports a lost monitor
    exited_ = true;
    close_outlets();
    setup_.process.reset();
    setup_.input.reset();
    inlets_.clear();
    for (Connection& connection : connections_)
        if (connection.watching) connection.fd.reset();
    setup_.channel.reset();
    if (setup_.after_exit) setup_.after_exit();
    // Whoever connected meanwhile learns by the end of the socket that nothing here will be touched
    // any more. Held output is still to be asked for.
    if (!held_) setup_.control.reset();
}

// --- words
// ----------------------------------------------------------------------------------------------------------

void Monitor::on_channel(std::size_t, short) {
    if (!setup_.channel) return;
    ControlRequest request;
    auto packet =
        receive_packet(setup_.channel.get(), std::as_writable_bytes(std::span(&request, 1)));
    if (packet && packet->size == sizeof request) {
        serve(setup_.channel.get(), request);
        return;
    }
    setup_.channel.reset();
    if (started_) return;
    abandoned_ = true;
    static_cast<void>(send_signal(setup_.process.get(), SIGKILL));
    static_cast<void>(wait_child(setup_.process.get()));
}

void Monitor::on_control(std::size_t, short) {
    if (!setup_.control) return;
    Fd connection(::accept4(setup_.control.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection) connections_.push_back({std::move(connection), false});
}

void Monitor::on_connection(std::size_t index, short) {
    Connection& connection = connections_[index];
    if (!connection.fd) return;
    ControlRequest request;
    auto packet =
        receive_packet(connection.fd.get(), std::as_writable_bytes(std::span(&request, 1)));
    if (!packet || packet->size != sizeof request) {
        connection.fd.reset();
        return;
    }
    if (request.version == kControlVersion && request.word == Word::watch) {
        connection.watching = true;
        if (exited_) connection.fd.reset();
        return;
    }
    serve(connection.fd.get(), request);
}

void Monitor::serve(int connection, const ControlRequest& request) {
    Result<Answer> answer = fail(Code::unsupported, "ask launcher: it does not know this word");
    if (request.version == kControlVersion) {
        const auto plain = [](Result<void> done) {
            return done ? Result<Answer>(Answer{}) : Result<Answer>(std::move(done).error());
        };
        if (request.word == Word::attach) answer = attach(request.streams);
        if (request.word == Word::resize) answer = plain(resize(request));
        if (request.word == Word::start) answer = plain(start());
    }
    std::vector<int> fds;
    ControlReply reply;
    if (answer) {
        reply = answer->reply;
        for (const Fd& fd : answer->fds) fds.push_back(fd.get());
    } else {
        reply = reply_of(answer.error());
    }
    reply.pid = setup_.pid;
    reply.start_time = setup_.start_time;
    static_cast<void>(
        send_reply(connection, reply, fds));  // a client that has gone needs no answer
}

Result<void> Monitor::start() {
    if (started_) return fail(Code::conflict, "start container: it was started already");
    started_ = true;
    return setup_.start();
}

Result<void> Monitor::resize(const ControlRequest& request) const {
    if (!setup_.tty || !setup_.output)
        return fail(Code::conflict, "resize terminal: there is none");
    return resize_terminal(setup_.output.get(), request.rows, request.columns);
}

// The client gets what was read but does not stand in the log yet, so that log and stream together
// are everything once.
Result<Answer> Monitor::attach(std::uint32_t streams) {
    if (exited_ && !held_) return fail(Code::conflict, "attach to container: it has ended");
    Answer answer;
    if ((streams & kStreamIn) != 0) {
        if (!setup_.stdin_open && !exited_)
            return fail(Code::conflict, "attach to container: its stdin is not open");
        Pipe pipe = TRY(make_pipe());
        make_nonblocking(pipe.read);
        answer.fds.push_back(std::move(pipe.write));
        inlets_.push_back(std::move(pipe.read));
    }
    for (const Stream stream : {Stream::out, Stream::err}) {
        if ((streams & (stream == Stream::out ? kStreamOut : kStreamErr)) == 0) continue;
        if (stream == Stream::err && setup_.tty)
            continue;  // everything comes over the one stream of a terminal
        Pipe pipe = TRY(make_pipe());
        make_nonblocking(pipe.write);
        answer.fds.push_back(std::move(pipe.read));
        Outlet outlet{std::move(pipe.write), stream, std::string(setup_.log.waiting(stream))};
        push(outlet);
        if (source(stream) || !outlet.pending.empty()) outlets_.push_back(std::move(outlet));
    }
    held_ = false;
    if (exited_)
        setup_.control.reset();  // what was held has its client; nothing else is to be asked for
    answer.reply.log_offset = setup_.log.offset();
    answer.reply.log_file = setup_.log.inode();
    return answer;
}

}  // namespace davit::sdk
