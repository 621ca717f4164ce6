// SPDX-License-Identifier: Apache-2.0
#include "cli/attached.hpp"
#include "cli/command.hpp"
#include "cli/view.hpp"
#include "sdk/base/json.hpp"

namespace davit::cli {
namespace {

class Attach final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(detach_keys_, "detach-keys", "KEYS",
                   "Keys that leave it running (default: ctrl-p,ctrl-q)");
        flags.toggle(no_stdin_, "no-stdin", "Do not pass stdin on");
        flags.toggle(sig_proxy_, "sig-proxy", "Pass signals on to it (default: true)");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        const auto text = TRY(sdk::inspect_container(*client, operands[0], false));
        const auto container = TRY(json::parse_object(text, "the daemon's answer"));
        const auto& state = view::object(container, "State");
        if (!view::boolean(state, "Running"))
            return fail(Code::conflict,
                        "cannot attach to a stopped container, start it first: ", operands[0]);
        if (view::boolean(state, "Paused"))
            return fail(Code::conflict,
                        "cannot attach to a paused container, unpause it first: ", operands[0]);
        if (view::boolean(state, "Restarting"))
            return fail(
                Code::conflict,
                "cannot attach to a restarting container, wait until it is running: ", operands[0]);
        const auto& config = view::object(container, "Config");
        const bool tty = view::boolean(config, "Tty");
        const AttachedStreams streams{!no_stdin_ && view::boolean(config, "OpenStdin"), true, true};
        TRY(check_terminal(tty, streams.in));
        return run_attached({.client = *client,
                             .id = TRY(json::require_string(container, "Id")),
                             .tty = tty,
                             .streams = streams,
                             .detach_keys = detach_keys_,
                             .pass_signals = sig_proxy_,
                             .wait_for = ""});
    }

private:
    bool no_stdin_ = false, sig_proxy_ = true;
    std::string detach_keys_;
};

}  // namespace

std::unique_ptr<Command> make_attach() { return std::make_unique<Attach>(); }

}  // namespace davit::cli
