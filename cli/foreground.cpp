// SPDX-License-Identifier: Apache-2.0
#include "cli/foreground.hpp"

#include "cli/output.hpp"
#include "sdk/client/frames.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <climits>
#include <cstring>

namespace davit::cli {
namespace {

constexpr std::size_t kBlock = 32u << 10;

// Not ours to take: children of ours, a closed pipe, faults, and what cannot be taken.
constexpr int kLeftAlone[] = {SIGCHLD, SIGPIPE, SIGURG,  SIGSEGV, SIGBUS,
                              SIGILL,  SIGFPE,  SIGABRT, SIGTRAP, SIGSYS};

class Loop {
public:
    explicit Loop(Foreground& work)
        : work_(work),
          keys_(work.detach_keys),
          input_open_(work.input),
          from_terminal_(work.tty && work.input && is_terminal(STDIN_FILENO)) {}

    Result<ForegroundEnd> run() {
        std::optional<RawMode> raw;
        if (from_terminal_) raw.emplace(TRY(RawMode::enter(STDIN_FILENO)));
        if (work_.tty) resize();
        TRY(show(work_.stream.early));
        while (killed_by_ == 0) {
            TRY(wait());
            if (ready(kSignals)) take_signals();
            if (ready(kInput) && TRY(take_input())) return ForegroundEnd{Outcome::detached};
            if (ready(kToContainer)) TRY(send_pending());
            if (ready(kFromContainer) && !TRY(take_output())) return ForegroundEnd{Outcome::ended};
            if (ready(kEnded)) stop_input();
        }
        return ForegroundEnd{Outcome::killed, killed_by_};
    }

private:
    enum { kSignals, kInput, kToContainer, kFromContainer, kEnded, kCount };

    bool ready(int which) const { return polls_[which].fd >= 0 && polls_[which].revents != 0; }

    Result<void> wait() {
        const int stream = work_.stream.fd.get();
        polls_[kSignals] = {work_.signals.fd(), POLLIN, 0};
        // What the container does not read is not taken from the user either.
        polls_[kInput] = {input_open_ && pending_.empty() ? STDIN_FILENO : -1, POLLIN, 0};
        polls_[kToContainer] = {pending_.empty() ? -1 : stream, POLLOUT, 0};
        polls_[kFromContainer] = {stream, POLLIN, 0};
        polls_[kEnded] = {ended_ ? -1 : work_.ended_fd, POLLIN, 0};
        while (::poll(polls_, kCount, -1) < 0)
            if (errno != EINTR) return os_error("wait for the container");
        return {};
    }

    void take_signals() {
        while (const int signal = work_.signals.next()) {
            if (signal == SIGWINCH && work_.tty)
                resize();
            else if (work_.pass_on)
                work_.pass_on(signal);
            else if (signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU)
                ::raise(SIGSTOP);
            else if (signal != SIGWINCH && signal != SIGCONT)
                killed_by_ = signal;
        }
    }

    void resize() {
        const auto size = terminal_size(is_terminal(STDOUT_FILENO) ? STDOUT_FILENO : STDIN_FILENO);
        if (size.rows == 0 || size == size_ || !work_.resize) return;
        size_ = size;
        work_.resize(size);
    }

    void stop_input() {
        ended_ = true;
        input_open_ = false;
        pending_.clear();
    }

    // True when the user detached.
    Result<bool> take_input() {
        char block[kBlock];
        const auto got = ::read(STDIN_FILENO, block, sizeof block);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) return false;
        if (got <= 0) {  // the end, or a terminal that has gone (EIO)
            input_open_ = false;
            if (pending_.empty()) ::shutdown(work_.stream.fd.get(), SHUT_WR);
            return false;
        }
        const std::string_view typed(block, static_cast<std::size_t>(got));
        if (work_.tty ? keys_.feed(typed, pending_) : (pending_ += typed, false)) return true;
        TRY(send_pending());
        return false;
    }

    Result<void> send_pending() {
        const auto sent = ::send(work_.stream.fd.get(), pending_.data(), pending_.size(),
                                 MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            // The container has closed its stdin or has ended; its output may still come.
            stop_input();
            return {};
        }
        if (sent > 0) pending_.erase(0, static_cast<std::size_t>(sent));
        if (pending_.empty() && !input_open_ && !ended_) ::shutdown(work_.stream.fd.get(), SHUT_WR);
        return {};
    }

    // False at the end.
    Result<bool> take_output() {
        char block[kBlock];
        const auto got = ::recv(work_.stream.fd.get(), block, sizeof block, 0);
        if (got < 0 && errno == EINTR) return true;
        if (got < 0 && errno != ECONNRESET) return os_error("read output");
        if (got <= 0) return false;
        TRY(show({block, static_cast<std::size_t>(got)}));
        return true;
    }

    Result<void> show(std::string_view bytes) {
        if (work_.tty) return put(STDOUT_FILENO, bytes);
        while (!bytes.empty() && killed_by_ == 0) {
            const auto piece = TRY(frames_.next(bytes));
            if (piece.stream == 3) return fail(Code::internal, piece.bytes);
            if (!piece.bytes.empty()) TRY(put(piece.stream, piece.bytes));
        }
        return {};
    }

    // Waits for whoever reads our output, and hears signals meanwhile. A pipe that is ready takes
    // PIPE_BUF bytes without blocking, and no more for sure.
    Result<void> put(int fd, std::string_view bytes) {
        while (!bytes.empty() && killed_by_ == 0) {
            pollfd wait[] = {{fd, POLLOUT, 0}, {work_.signals.fd(), POLLIN, 0}};
            if (::poll(wait, 2, -1) < 0 && errno != EINTR) return os_error("wait for stdout");
            if (wait[1].revents != 0) take_signals();
            if (wait[0].revents == 0) continue;
            const auto block = bytes.substr(0, PIPE_BUF);
            TRY(write_all(fd, block));
            bytes.remove_prefix(block.size());
        }
        return {};
    }

    Foreground& work_;
    DetachKeys keys_;
    bool input_open_;
    bool from_terminal_;
    bool ended_ = false;
    int killed_by_ = 0;    // a signal that nobody else takes
    std::string pending_;  // typed, not yet taken by the container
    sdk::FrameReader frames_;
    sdk::TerminalSize size_;
    pollfd polls_[kCount] = {};
};

}  // namespace

Result<Signals> Signals::take() {
    sigset_t all, before;
    sigfillset(&all);
    for (const int signal : kLeftAlone) sigdelset(&all, signal);
    ::sigprocmask(SIG_BLOCK, &all, &before);
    Fd fd(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd) return os_error("take signals");
    return Signals(std::move(fd), before);
}

Signals::~Signals() {
    if (fd_) ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

int Signals::next() {
    signalfd_siginfo info;
    return ::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)
               ? static_cast<int>(info.ssi_signo)
               : 0;
}

Result<ForegroundEnd> run_foreground(Foreground work) { return Loop(work).run(); }

std::string signal_name(int signal) {
    const char* name = ::sigabbrev_np(signal);
    return name != nullptr ? name : std::to_string(signal);
}

}  // namespace davit::cli
