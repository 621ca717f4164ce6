// SPDX-License-Identifier: Apache-2.0
// The time in which a container, or a process in it, has our terminal: bytes go both ways, signals
// are passed on, the size is kept up, until it ends or the user detaches. Used by run, start,
// attach and exec. One thread, one poll loop.
#pragma once

#include "cli/terminal.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/client/containers.hpp"

#include <csignal>
#include <functional>
#include <optional>
#include <string>

namespace davit::cli {

// Signals meant for us, taken as bytes of a descriptor from the moment this is made: one that comes
// while the container is being started is not lost.
class Signals {
public:
    static Result<Signals> take();
    Signals(Signals&& other) noexcept : fd_(std::move(other.fd_)), before_(other.before_) {}
    Signals& operator=(Signals&&) = delete;
    ~Signals();
    int fd() const { return fd_.get(); }
    // The next one, or 0 when there is none.
    int next();

private:
    Signals(Fd fd, const sigset_t& before) : fd_(std::move(fd)), before_(before) {}
    Fd fd_;
    sigset_t before_{};
};

struct Foreground {
    sdk::RawStream stream;
    Signals& signals;
    bool tty = false;                               // raw bytes without frames
    bool input = false;                             // pass stdin on
    std::string detach_keys;                        // as bytes; empty: none
    std::function<void(sdk::TerminalSize)> resize;  // with a tty: tell the daemon
    std::function<void(int signal)>
        pass_on;  // without one, or as asked: tell the container; empty: it ends us
    int ended_fd =
        -1;  // becomes readable when the container has ended: then nothing more is read from stdin
};

enum class Outcome { ended, detached, killed };

struct ForegroundEnd {
    Outcome outcome = Outcome::ended;
    int signal = 0;  // of `killed`
};

// Runs until the stream ends, the detach keys are typed or a signal ends us. With a tty and a
// terminal at stdin the terminal is raw meanwhile. Errors: the stream's and stdout's.
Result<ForegroundEnd> run_foreground(Foreground work);

// "KILL" for 9, as the API takes it; a number for one that has no name.
std::string signal_name(int signal);

}  // namespace davit::cli
