// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"
#include "cli/attached.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/view.hpp"
#include "sdk/base/json.hpp"

namespace davit::cli {
namespace {

class Start final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(attach_, "a,attach", "Show its output here and pass signals on");
        flags.toggle(interactive_, "i,interactive", "Pass stdin on as well");
        flags.text(detach_keys_, "detach-keys", "KEYS",
                   "Keys that leave it running (default: ctrl-p,ctrl-q)");
        flags.toggle(sig_proxy_, "sig-proxy", "Pass signals on to it (default: true)");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        auto* client = TRY(session.client());
        if (attach_ || interactive_) return attached(*client, operands);
        return for_each_operand("start", operands, [&](const std::string& name) -> Result<void> {
            TRY(sdk::start_container(*client, name));
            return print(name + "\n");
        });
    }

private:
    Result<int> attached(sdk::Client& client, const Strings& operands) {
        if (operands.size() > 1)
            return fail(Code::invalid, "you cannot start and attach multiple containers at once");
        const auto text = TRY(sdk::inspect_container(client, operands[0], false));
        const auto container = TRY(json::parse_object(text, "the daemon's answer"));
        const auto& config = view::object(container, "Config");
        const auto id = TRY(json::require_string(container, "Id"));
        const bool tty = view::boolean(config, "Tty");
        const AttachedStreams streams{interactive_ && view::boolean(config, "OpenStdin"), true,
                                      true};
        TRY(check_terminal(tty, streams.in));
        const bool removed = view::boolean(view::object(container, "HostConfig"), "AutoRemove");
        return run_attached({.client = client,
                             .id = id,
                             .tty = tty,
                             .streams = streams,
                             .detach_keys = detach_keys_,
                             .pass_signals = sig_proxy_,
                             .wait_for = removed ? "removed" : "next-exit",
                             .start = [&]() -> Result<void> {
                                 TRY(sdk::start_container(client, id, detach_keys_));
                                 return {};
                             }});
    }

    bool attach_ = false, interactive_ = false, sig_proxy_ = true;
    std::string detach_keys_;
};

}  // namespace

std::unique_ptr<Command> make_start() { return std::make_unique<Start>(); }

}  // namespace davit::cli
