// SPDX-License-Identifier: Apache-2.0
// The life of a launcher after its child was made: owns the process's stdio, writes its log, serves
// `ctl`, records the exit. Never waits for the daemon: an attached stream that is full makes it
// stop reading that one container, one that is closed is dropped. Used by launchers; one thread,
// one object a process.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"
#include "sdk/monitor/control.hpp"
#include "sdk/monitor/log_writer.hpp"

#include <poll.h>
#include <functional>
#include <string>
#include <vector>

namespace davit::sdk {

struct MonitorSetup {
    int state_directory = -1;  // borrowed
    Fd channel;  // to the driver that spawned us; its end before `start` ends the container
    Fd control;  // listening
    Fd process;  // pidfd of our child
    std::int32_t pid = 0;
    std::uint64_t start_time = 0;
    Fd input;   // write end of its stdin, or the terminal; empty: it has none
    Fd output;  // read end of its stdout, or the terminal
    Fd errors;  // read end of its stderr; empty with a terminal
    bool tty = false;
    bool stdin_open = false;
    bool stdin_once = false;
    bool hold = false;  // nothing is read before the first attach
    LogWriter log;
    Fd memory_events;  // of its control group; may be empty
    std::function<Result<void>()>
        start;  // lets the program execute; an error: it could not, the child is ending
    std::function<void()> after_exit;  // once the record stands; when it is done, `control` closes
};

class Monitor {
public:
    explicit Monitor(MonitorSetup setup) : setup_(std::move(setup)), held_(setup_.hold) {}

    // Returns once the process has ended, its record is written and its streams have ended.
    // Errors: cancelled when the host went away before `start`; then the child has been killed and
    // reaped.
    Result<void> run();

private:
    // What an attached client still has to get.
    struct Outlet {
        Fd fd;
        Stream stream;
        std::string pending;
    };
    struct Connection {
        Fd fd;
        bool watching = false;
    };
    using Handler = void (Monitor::*)(std::size_t index, short events);

    bool finished() const;
    void collect();
    void want(int fd, short events, Handler handler, std::size_t index);
    void dispatch();

    void on_channel(std::size_t, short events);
    void on_control(std::size_t, short events);
    void on_connection(std::size_t index, short events);
    void on_process(std::size_t, short events);
    void on_output(std::size_t stream, short events);
    void on_input(std::size_t, short events);
    void on_outlet(std::size_t index, short events);
    void on_inlet(std::size_t index, short events);

    void serve(int connection, const ControlRequest& request);
    Result<Answer> attach(std::uint32_t streams);
    Result<void> resize(const ControlRequest& request) const;
    Result<void> start();

    bool blocked(Stream stream) const;
    bool read_once(Stream stream);  // false: nothing there now
    void deliver(Stream stream, std::string_view bytes);
    void push(Outlet& outlet);
    void end_stream(Stream stream);
    void close_outlets();
    Fd& source(Stream stream) { return stream == Stream::out ? setup_.output : setup_.errors; }
    void record_exit();

    struct Wanted {
        Handler handler;
        std::size_t index;
    };
    MonitorSetup setup_;
    bool held_;
    bool started_ = false;
    bool exited_ = false;
    bool abandoned_ = false;
    std::vector<Connection> connections_;
    std::vector<Outlet> outlets_;
    std::vector<Fd> inlets_;
    std::string input_pending_;
    std::vector<pollfd> polled_;
    std::vector<Wanted> wanted_;
};

}  // namespace davit::sdk
