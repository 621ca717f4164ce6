// SPDX-License-Identifier: Apache-2.0
#include "cli/attached.hpp"

#include "cli/foreground.hpp"
#include "cli/output.hpp"

#include <unistd.h>

namespace davit::cli {
namespace {

constexpr std::string_view kDetachKeys = "ctrl-p,ctrl-q";

Foreground foreground_of(const AttachedRun& run, Signals& signals, sdk::RawStream stream) {
    Foreground work{std::move(stream), signals};
    work.tty = run.tty;
    work.input = run.streams.in;
    work.resize = [&run](sdk::TerminalSize size) {
        (void)sdk::resize_container(run.client, run.id, size);
    };
    // It may have ended meanwhile; then there is nobody left to signal.
    if (run.pass_signals && !run.tty)
        work.pass_on = [&run](int signal) {
            (void)sdk::kill_container(run.client, run.id, signal_name(signal));
        };
    return work;
}

}  // namespace

Result<int> run_attached(AttachedRun run) {
    const auto keys =
        TRY(parse_detach_keys(run.detach_keys.empty() ? kDetachKeys : run.detach_keys));
    auto signals = TRY(Signals::take());
    const auto attach = sdk::attach_call(
        run.id, {run.streams.in, run.streams.out, run.streams.err, false, run.detach_keys});
    const auto wait = sdk::wait_call(run.id, run.wait_for);
    auto attaching = TRY(run.client.begin(attach, true));
    auto waiting = TRY(run.client.begin(wait, false));
    auto stream = TRY(run.client.finish_hijack(std::move(attaching), attach));
    auto exit_stream = TRY(run.client.finish_stream(std::move(waiting), wait));
    if (run.start) TRY(run.start());

    auto work = foreground_of(run, signals, std::move(stream));
    work.detach_keys = keys;
    work.ended_fd = exit_stream.fd();
    const auto end = TRY(run_foreground(std::move(work)));
    if (end.outcome == Outcome::detached) return 0;
    if (end.outcome == Outcome::killed) return 128 + end.signal;
    const auto exit = sdk::read_exit(exit_stream);
    if (!exit) return Error(exit.error()).context("wait for the container");
    if (!exit->error.empty()) return fail(Code::internal, "wait for the container: ", exit->error);
    return static_cast<int>(exit->code);
}

Result<void> check_terminal(bool tty, bool input) {
    if (tty && input && !is_terminal(STDIN_FILENO))
        return fail(Code::invalid, "the input device is not a TTY: leave out -t, or -i");
    return {};
}

int status_of_start_error(const std::string& what, int other) {
    const auto says = [&](std::string_view words) { return what.find(words) != std::string::npos; };
    if (says("executable file not found") || says("no such file or directory")) return 127;
    if (says("permission denied") || says("is a directory")) return 126;
    return other;
}

}  // namespace davit::cli
