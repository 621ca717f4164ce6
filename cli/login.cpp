// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/credentials.hpp"
#include "cli/files.hpp"
#include "cli/output.hpp"
#include "cli/terminal.hpp"
#include "sdk/client/system.hpp"

#include <unistd.h>

namespace davit::cli {
namespace {

constexpr const char* kHub = "https://index.docker.io/v1/";

// "https://registry.example/" → "registry.example"; Docker Hub keeps its old key.
std::string registry_of(const Strings& operands) {
    std::string name = operands.empty() ? kHub : operands[0];
    if (name == "docker.io" || name == "index.docker.io" || name == kHub) return kHub;
    for (const std::string_view scheme : {"https://", "http://"})
        if (name.starts_with(scheme)) name.erase(0, scheme.size());
    return name.substr(0, name.find('/'));
}

// A line typed by the user; without its end.
Result<std::string> ask(std::string_view question, bool hidden) {
    if (!is_terminal(STDIN_FILENO))
        return fail(Code::invalid,
                    "cannot perform an interactive login from a non TTY device: use -u with "
                    "--password-stdin");
    print_error(question);
    std::optional<RawMode> mode;
    if (hidden) mode.emplace(TRY(RawMode::hide_input(STDIN_FILENO)));
    std::string line;
    char c = 0;
    while (::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') line += c;
    if (hidden) print_error("\n");
    return line;
}

class Login final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(username_, "u,username", "NAME", "User name");
        flags.text(password_, "p,password", "PASSWORD",
                   "Password; others can see it in the list of processes");
        flags.toggle(from_stdin_, "password-stdin", "Read the password from stdin");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        const auto registry = registry_of(operands);
        auto credential = TRY(this->credential(session, registry));
        auto* client = TRY(session.client());
        const auto answer = TRY(sdk::check_login(*client, auth_json(registry, credential)));
        if (!answer.identity_token.empty()) {
            credential.identity_token = answer.identity_token;
            credential.password.clear();
        }
        const auto stored = TRY(store_credential(session.config_dir(), registry, credential));
        if (stored.in_file)
            print_error(
                "\nWARNING! Your credentials are stored unencrypted in '" + stored.where +
                "'.\nConfigure a credential helper (credsStore in that file) to avoid it.\n\n");
        TRY(print((answer.status.empty() ? "Login Succeeded" : answer.status) + "\n"));
        return 0;
    }

private:
    Result<Credential> credential(const Session& session, const std::string& registry) const {
        if (from_stdin_ && password_)
            return fail(Code::invalid,
                        "conflicting options: cannot specify both --password and --password-stdin");
        if (from_stdin_ && username_.empty())
            return fail(Code::invalid, "the --password-stdin option requires --username to be set");
        // Without a name, what is kept already is tried first.
        if (username_.empty() && !password_) {
            const auto kept = TRY(load_credential(session.config_dir(), registry));
            if (kept) {
                print_error("Authenticating with existing credentials...\n");
                return *kept;
            }
        }
        Credential given{.username = username_, .password = password_.value_or("")};
        if (given.username.empty()) given.username = TRY(ask("Username: ", false));
        if (given.username.empty()) return fail(Code::invalid, "a user name is required");
        if (from_stdin_) {
            given.password = TRY(read_file("-"));
            while (given.password.ends_with('\n') || given.password.ends_with('\r'))
                given.password.pop_back();
        } else if (!password_) {
            given.password = TRY(ask("Password: ", true));
        }
        if (given.password.empty()) return fail(Code::invalid, "a password is required");
        return given;
    }

    std::string username_;
    std::optional<std::string> password_;
    bool from_stdin_ = false;
};

class Logout final : public Command {
public:
    Result<int> run(Session& session, const Strings& operands) override {
        const auto registry = registry_of(operands);
        const auto found = TRY(erase_credential(session.config_dir(), registry));
        TRY(print(found ? "Removing login credentials for " + registry + "\n"
                        : "Not logged in to " + registry + "\n"));
        return 0;
    }
};

}  // namespace

std::unique_ptr<Command> make_login() { return std::make_unique<Login>(); }
std::unique_ptr<Command> make_logout() { return std::make_unique<Logout>(); }

}  // namespace davit::cli
