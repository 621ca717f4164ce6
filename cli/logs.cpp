// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/units.hpp"
#include "cli/view.hpp"
#include "sdk/base/json.hpp"
#include "sdk/client/containers.hpp"
#include "sdk/client/frames.hpp"

#include <unistd.h>
#include <ctime>

namespace davit::cli {
namespace {

Result<bool> has_terminal(sdk::Client& client, const std::string& name) {
    const auto text = TRY(sdk::inspect_container(client, name, false));
    const auto container = TRY(json::parse_object(text, "the daemon's answer"));
    return view::boolean(view::object(container, "Config"), "Tty");
}

class Logs final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(what_.follow, "f,follow", "Go on until the container ends");
        flags.text(what_.tail, "n,tail", "LINES",
                   "Show only so many lines from the end (default: all)");
        flags.toggle(what_.timestamps, "t,timestamps", "Show when each line was written");
        flags.text(what_.since, "since", "TIME",
                   "Show what was written since: 2024-01-02T13:23:37Z, or 42m for 42 minutes ago");
        flags.text(what_.until, "until", "TIME", "Show what was written before: as --since");
        flags.toggle(what_.details, "details", "Show the attributes given to the log");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        const auto now = static_cast<std::int64_t>(::time(nullptr));
        if (!what_.since.empty()) what_.since = TRY(timestamp(what_.since, now));
        if (!what_.until.empty()) what_.until = TRY(timestamp(what_.until, now));
        auto* client = TRY(session.client());
        const bool raw = TRY(has_terminal(*client, operands[0]));
        auto stream = TRY(client->stream(sdk::logs_call(operands[0], what_)));
        TRY(copy(stream, raw));
        return 0;
    }

private:
    static Result<void> copy(sdk::Stream& stream, bool raw) {
        sdk::FrameReader frames;
        for (;;) {
            auto bytes = TRY(stream.read());
            if (bytes.empty()) return {};
            if (raw) {
                TRY(write_all(STDOUT_FILENO, bytes));
                continue;
            }
            while (!bytes.empty()) {
                const auto piece = TRY(frames.next(bytes));
                if (piece.stream == 3) return fail(Code::internal, "read log: ", piece.bytes);
                if (!piece.bytes.empty()) TRY(write_all(piece.stream, piece.bytes));
            }
        }
    }

    sdk::ReadLogs what_;
};

}  // namespace

std::unique_ptr<Command> make_logs() { return std::make_unique<Logs>(); }

}  // namespace davit::cli
