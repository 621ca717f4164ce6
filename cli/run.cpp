// SPDX-License-Identifier: Apache-2.0
#include "cli/attached.hpp"
#include "cli/command.hpp"
#include "cli/container_options.hpp"
#include "cli/files.hpp"
#include "cli/new_container.hpp"
#include "cli/output.hpp"

namespace davit::cli {
namespace {

constexpr int kEngineError = 125;  // not the container's own exit code

class Run final : public Command {
public:
    void declare(Flags& flags) override {
        flags.section("Running");
        flags.toggle(detach_, "d,detach", "Leave it running in the background and print its id");
        flags.text(detach_keys_, "detach-keys", "KEYS",
                   "Keys that leave it running (default: ctrl-p,ctrl-q)");
        flags.toggle(sig_proxy_, "sig-proxy",
                     "Pass signals on to it (default: true, without a terminal)");
        declare_container_options(flags, options_);
    }

    Result<int> run(Session& session, const Strings& operands) override {
        const auto attached = TRY(attached_streams(options_, detach_));
        TRY(check_terminal(options_.tty, attached.in));
        auto body = TRY(container_body(options_, operands, attached));
        auto* client = TRY(session.client());
        auto id = create_container(session, *client, options_, operands[0], std::move(body));
        if (!id) return from_daemon(std::move(id).error());
        const auto start = [&]() -> Result<void> {
            auto started = sdk::start_container(*client, *id, detach_keys_);
            if (!started) return from_daemon(std::move(started).error());
            return {};
        };
        if (!attached.any()) {
            TRY(start());
            TRY(print(*id + "\n"));
            return 0;
        }
        return run_attached({.client = *client,
                             .id = *id,
                             .tty = options_.tty,
                             .streams = attached,
                             .detach_keys = detach_keys_,
                             .pass_signals = sig_proxy_,
                             .wait_for = options_.remove ? "removed" : "next-exit",
                             .start = start});
    }

    int status_of(const Error& error) const override {
        return from_daemon_ ? status_of_start_error(error.what, kEngineError) : kEngineError;
    }

private:
    Error from_daemon(Error error) {
        from_daemon_ = true;
        return error;
    }

    ContainerOptions options_;
    bool detach_ = false, sig_proxy_ = true, from_daemon_ = false;
    std::string detach_keys_;
};

class Create final : public Command {
public:
    void declare(Flags& flags) override { declare_container_options(flags, options_); }

    Result<int> run(Session& session, const Strings& operands) override {
        const auto attached = TRY(attached_streams(options_, false));
        auto body = TRY(container_body(options_, operands, attached));
        auto* client = TRY(session.client());
        const auto id =
            TRY(create_container(session, *client, options_, operands[0], std::move(body)));
        TRY(print(id + "\n"));
        return 0;
    }

private:
    ContainerOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_run() { return std::make_unique<Run>(); }
std::unique_ptr<Command> make_create() { return std::make_unique<Create>(); }

}  // namespace davit::cli
