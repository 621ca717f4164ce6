// SPDX-License-Identifier: Apache-2.0
#include "cli/credential_helper.hpp"

#include "cli/output.hpp"
#include "cli/template/print.hpp"
#include "cli/view.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/json.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>

namespace davit::cli {
namespace {

constexpr std::string_view kToken = "<token>";  // the user name that marks an identity token
constexpr std::string_view kNone = "credentials not found in native keychain";

struct Answer {
    bool good = false;
    std::string text;
};

Result<std::string> read_all(int fd) {
    std::string text;
    char block[4096];
    for (;;) {
        const auto got = ::read(fd, block, sizeof block);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return os_error("read answer");
        if (got == 0) return text;
        text.append(block, static_cast<std::size_t>(got));
    }
}

Result<Answer> run(const std::string& helper, const char* verb, std::string_view input) {
    if (helper.find('/') != std::string::npos)
        return fail(Code::invalid, "credential helper ", helper, ": a name was expected");
    int to[2], from[2];
    if (::pipe2(to, O_CLOEXEC) < 0) return os_error("create pipe");
    Fd to_read(to[0]), to_write(to[1]);
    if (::pipe2(from, O_CLOEXEC) < 0) return os_error("create pipe");
    Fd from_read(from[0]), from_write(from[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to_read.get(), 0);
    posix_spawn_file_actions_adddup2(&actions, from_write.get(), 1);
    std::string program = "docker-credential-" + helper, word = verb;
    char* arguments[] = {program.data(), word.data(), nullptr};
    pid_t pid = 0;
    const int error = ::posix_spawnp(&pid, program.c_str(), &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        return os_error(error,
                        "run credential helper " + program + ", which the configuration names");
    to_read.reset();
    from_write.reset();
    // A helper that ends without reading must not end us.
    auto* before = ::signal(SIGPIPE, SIG_IGN);
    (void)write_all(to_write.get(), input);
    ::signal(SIGPIPE, before);
    to_write.reset();
    auto text = read_all(from_read.get());
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!text) return std::move(text).error();
    while (text->ends_with('\n')) text->pop_back();
    return Answer{WIFEXITED(status) && WEXITSTATUS(status) == 0, std::move(*text)};
}

Error refused(const std::string& helper, const Answer& answer) {
    return fail(Code::internal, "credential helper docker-credential-", helper, ": ", answer.text);
}

}  // namespace

Result<std::optional<Credential>> ask_helper(const std::string& name, const std::string& registry) {
    const auto answer = TRY(run(name, "get", registry));
    if (!answer.good && answer.text.find(kNone) != std::string::npos)
        return std::optional<Credential>();
    if (!answer.good) return refused(name, answer);
    const auto object = TRY(json::parse_object(answer.text, "answer of docker-credential-" + name));
    Credential credential{std::string(view::string(object, "Username")),
                          std::string(view::string(object, "Secret")),
                          {}};
    if (credential.username == kToken) {
        credential.identity_token = std::move(credential.password);
        credential.username = credential.password = {};
    }
    return std::optional<Credential>(std::move(credential));
}

Result<void> tell_helper(const std::string& name, const std::string& registry,
                         const Credential& credential) {
    const bool token = !credential.identity_token.empty();
    const boost::json::object input{
        {"ServerURL", registry},
        {"Username", token ? view::text(kToken) : view::text(credential.username)},
        {"Secret", token ? credential.identity_token : credential.password}};
    const auto answer = TRY(run(name, "store", templates::to_json(input)));
    if (!answer.good) return refused(name, answer);
    return {};
}

Result<bool> erase_in_helper(const std::string& name, const std::string& registry) {
    const auto answer = TRY(run(name, "erase", registry));
    if (!answer.good && answer.text.find(kNone) != std::string::npos) return false;
    if (!answer.good) return refused(name, answer);
    return true;
}

}  // namespace davit::cli
