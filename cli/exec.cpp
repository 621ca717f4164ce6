// SPDX-License-Identifier: Apache-2.0
#include "sdk/client/exec.hpp"

#include "cli/attached.hpp"
#include "cli/command.hpp"
#include "cli/environment.hpp"
#include "cli/foreground.hpp"
#include "cli/output.hpp"
#include "cli/template/print.hpp"
#include "cli/view.hpp"

#include <unistd.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace davit::cli {
namespace {

namespace bj = boost::json;

constexpr int kResizeTries = 10;             // an older daemon refuses until the process runs
constexpr useconds_t kResizePause = 10'000;  // microseconds

class Exec final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(detach_, "d,detach", "Leave it running in the background");
        flags.toggle(interactive_, "i,interactive", "Keep stdin open");
        flags.toggle(tty_, "t,tty", "Give it a terminal");
        flags.text(user_, "u,user", "USER[:GROUP]",
                   "User or uid, and group or gid, that it runs as");
        flags.text(workdir_, "w,workdir", "DIR", "Directory it starts in");
        flags.list(env_, "e,env", "KEY[=VALUE]",
                   "Set an environment variable; KEY alone passes on its value here");
        flags.list(env_files_, "env-file", "FILE", "Set environment variables from a file");
        flags.toggle(privileged_, "privileged", "Give it all rights");
        flags.text(detach_keys_, "detach-keys", "KEYS",
                   "Keys that leave it running (default: ctrl-p,ctrl-q)");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        const bool input = interactive_ && !detach_;
        TRY(check_terminal(tty_, input));
        const auto body = TRY(this->body(operands, input));
        auto* client = TRY(session.client());
        from_daemon_ = true;
        const auto id = TRY(sdk::create_exec(*client, operands[0], templates::to_json(body)));
        if (detach_) {
            TRY(sdk::start_exec_detached(*client, id));
            return 0;
        }
        return foreground(*client, id, input);
    }

    int status_of(const Error& error) const override {
        return from_daemon_ ? status_of_start_error(error.what, 1) : 1;
    }

private:
    Result<bj::object> body(const Strings& operands, bool input) const {
        bj::object body{{"AttachStdin", input},
                        {"AttachStdout", !detach_},
                        {"AttachStderr", !detach_},
                        {"Tty", tty_}};
        bj::array command;
        for (std::size_t i = 1; i < operands.size(); ++i)
            command.push_back(view::text(operands[i]));
        body["Cmd"] = std::move(command);
        if (!user_.empty()) body["User"] = user_;
        if (!workdir_.empty()) body["WorkingDir"] = workdir_;
        if (privileged_) body["Privileged"] = true;
        if (!detach_keys_.empty()) body["DetachKeys"] = detach_keys_;
        bj::array env;
        for (const auto& entry : TRY(environment_of(env_files_, env_)))
            env.push_back(view::text(entry));
        if (!env.empty()) body["Env"] = std::move(env);
        return body;
    }

    Result<int> foreground(sdk::Client& client, const std::string& id, bool input) const {
        auto signals = TRY(Signals::take());
        auto stream = TRY(client.hijack(sdk::start_exec_call(
            id, tty_, tty_ ? terminal_size(STDOUT_FILENO) : sdk::TerminalSize{})));
        Foreground work{std::move(stream), signals};
        work.tty = tty_;
        work.input = input;
        work.detach_keys =
            TRY(parse_detach_keys(detach_keys_.empty() ? "ctrl-p,ctrl-q" : detach_keys_));
        work.resize = [&](sdk::TerminalSize size) {
            for (int i = 0; i < kResizeTries && !sdk::resize_exec(client, id, size); ++i)
                ::usleep(kResizePause);
        };
        const auto end = TRY(run_foreground(std::move(work)));
        if (end.outcome == Outcome::detached) return 0;
        if (end.outcome == Outcome::killed) return 128 + end.signal;
        const auto state = TRY(sdk::inspect_exec(client, id));
        return static_cast<int>(state.exit_code);
    }

    bool detach_ = false, interactive_ = false, tty_ = false, privileged_ = false,
         from_daemon_ = false;
    std::string user_, workdir_, detach_keys_;
    Strings env_, env_files_;
};

}  // namespace

std::unique_ptr<Command> make_exec() { return std::make_unique<Exec>(); }

}  // namespace davit::cli
