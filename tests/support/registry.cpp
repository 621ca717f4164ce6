// SPDX-License-Identifier: Apache-2.0
#include "tests/support/registry.hpp"

#include "sdk/base/fd.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace davit::tests {
namespace {

// stdin, stdout and stderr of the program go to `log`. -1 when it could not be started.
pid_t start_program(const std::vector<std::string>& words,
                    const std::vector<std::string>& environment, const std::string& log) {
    std::vector<char*> arguments, variables;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    for (const std::string& variable : environment)
        variables.push_back(const_cast<char*>(variable.c_str()));
    for (char** inherited = environ; *inherited != nullptr; ++inherited)
        variables.push_back(*inherited);
    arguments.push_back(nullptr);
    variables.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                       0600);
    ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
    pid_t pid = -1;
    const int error =
        ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), variables.data());
    ::posix_spawn_file_actions_destroy(&actions);
    return error == 0 ? pid : -1;
}

bool answers(int port) {
    const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
           0;
}

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int free_port() {
    const Fd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(server.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return 0;
    if (::getsockname(server.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
    return ntohs(address.sin_port);
}

int run(const std::vector<std::string>& words) {
    const pid_t pid = start_program(words, {}, "/dev/null");
    int status = 0;
    if (pid < 0 || ::waitpid(pid, &status, 0) != pid) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TemporaryDirectory::TemporaryDirectory() {
    std::string path = "/tmp/davit-test-XXXXXX";
    if (::mkdtemp(path.data()) != nullptr) path_ = path;
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

std::unique_ptr<Registry> Registry::start(const Options& options) {
    std::unique_ptr<Registry> registry(new Registry);
    registry->directory_ = "/tmp/davit-registry-XXXXXX";
    if (::mkdtemp(registry->directory_.data()) == nullptr) return nullptr;
    std::ofstream(registry->directory_ + "/config.yml")
        << "version: 0.1\nlog: {level: warn}\nstorage: {filesystem: {rootdirectory: "
        << registry->directory_ << "/data}, delete: {enabled: true}}\nhttp: {addr: 127.0.0.1:0}\n";
    constexpr int kAttempts = 5;  // another program may take the port that was free
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        registry->port_ = free_port();
        std::vector<std::string> environment = options.settings;
        environment.push_back("REGISTRY_HTTP_ADDR=127.0.0.1:" + std::to_string(registry->port_));
        if (!options.htpasswd.empty()) {
            environment.push_back("REGISTRY_AUTH=htpasswd");
            environment.push_back("REGISTRY_AUTH_HTPASSWD_REALM=test");
            environment.push_back("REGISTRY_AUTH_HTPASSWD_PATH=" + options.htpasswd);
        }
        if (!options.certificate.empty()) {
            environment.push_back("REGISTRY_HTTP_TLS_CERTIFICATE=" + options.certificate);
            environment.push_back("REGISTRY_HTTP_TLS_KEY=" + options.key);
        }
        const std::string log = registry->directory_ + "/log";
        registry->pid_ = start_program(
            {"docker-registry", "serve", registry->directory_ + "/config.yml"}, environment, log);
        if (registry->pid_ < 0) break;
        for (int tenth = 0; tenth < 100; ++tenth) {
            if (::waitpid(registry->pid_, nullptr, WNOHANG) == registry->pid_) break;
            if (answers(registry->port_)) return registry;
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
        if (attempt + 1 == kAttempts)
            ADD_FAILURE() << "docker-registry does not start: " << text_of(log);
    }
    registry->pid_ = -1;
    ADD_FAILURE() << "docker-registry is needed (Debian package docker-registry)";
    return nullptr;
}

Registry::~Registry() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

}  // namespace davit::tests
