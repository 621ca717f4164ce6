// SPDX-License-Identifier: Apache-2.0
// davitd: reads its configuration, opens the engine, serves until it is told to end.
#include "core/daemon/logger.hpp"
#include "core/daemon/orphans.hpp"
#include "core/daemon/pidfile.hpp"
#include "core/daemon/service_manager.hpp"
#include "core/engine/engine.hpp"
#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <utility>

namespace {

using namespace davit;

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
constexpr int kLogInfo = 1;

// Every thread inherits the mask; the main thread reads the signals that end the daemon, and those
// of children.
Result<Fd> block_signals() {
    sigset_t ending;
    ::sigemptyset(&ending);
    for (const int number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD})
        ::sigaddset(&ending, number);
    if (::pthread_sigmask(SIG_BLOCK, &ending, nullptr) != 0) return os_error("block signals");
    ::signal(SIGPIPE, SIG_IGN);
    Fd signals(::signalfd(-1, &ending, SFD_CLOEXEC));
    if (!signals) return os_error("read signals");
    return signals;
}

// The descriptors that a careless parent left open are not for containers. --ready-fd's
// stays usable here.
void close_inherited() {
    constexpr unsigned kFirst = 3;
    ::close_range(kFirst, ~0u, CLOSE_RANGE_CLOEXEC);
}

void adjust_process() {
    ::umask(022);
    // Launchers whose daemon-side parent thread ends are ours to reap (seams rule 8).
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    // Many short-lived threads: without a bound each would leave an arena of its own behind.
    constexpr int kArenas = 2;
    ::mallopt(M_ARENA_MAX, kArenas);
    // Give freed memory back to the system; the daemon idles most of the time.
    constexpr int kTrim = 128 * 1024;
    ::mallopt(M_TRIM_THRESHOLD, kTrim);
}

void say_ready(int fd) {
    if (fd < 0) return;
    (void)write_all(fd, "ready\n");
    ::close(fd);
}

void wait_for_end(const Fd& signals, const engine::Engine& engine) {
    while (true) {
        signalfd_siginfo signal{};
        if (::read(signals.get(), &signal, sizeof signal) != sizeof signal) continue;
        if (signal.ssi_signo == SIGCHLD) {
            daemon::reap_orphans();
            continue;
        }
        if (signal.ssi_signo == SIGHUP) {
            engine.log(
                kLogInfo,
                "SIGHUP: the configuration is read at start only; restart davitd to apply changes");
            continue;
        }
        engine.log(kLogInfo, "ending: containers go on running unless live-restore is off");
        return;
    }
}

Result<void> serve(engine::Config config) {
    close_inherited();
    const Fd signals = TRY(block_signals());
    adjust_process();
    const int ready_fd = config.ready_fd;
    const std::string pidfile = config.pidfile;
    const engine::Log log = daemon::make_logger(config.log_level);
    auto engine = TRY(engine::Engine::open(std::move(config), log));
    const daemon::PidFile pid = TRY(daemon::PidFile::create(pidfile));
    TRY(engine->serve());
    engine->log(kLogInfo, "serving, version " DAVIT_VERSION);
    ::malloc_trim(0);  // start-up needed more than serving does
    say_ready(ready_fd);
    daemon::notify_service_manager("READY=1");
    wait_for_end(signals, *engine);
    daemon::notify_service_manager("STOPPING=1");
    engine->shut_down();
    return {};
}

int report(const Error& error, int code) {
    std::fprintf(stderr, "davitd: %s\n", error.what.c_str());
    return code;
}

}  // namespace

int main(int argc, char** argv) {
    auto invocation = engine::read_invocation(argc, argv);
    if (!invocation) return report(invocation.error(), kExitUsage);
    if (invocation->action == engine::Invocation::Action::print) {
        std::fputs(invocation->text.c_str(), stdout);
        return 0;
    }
    if (invocation->action == engine::Invocation::Action::validate) {
        std::puts("configuration OK");
        return 0;
    }
    auto served = serve(std::move(invocation->config));
    return served ? 0 : report(served.error(), kExitFailure);
}
