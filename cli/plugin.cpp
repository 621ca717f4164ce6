// SPDX-License-Identifier: Apache-2.0
#include "cli/plugin.hpp"

#include "cli/view.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/json.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace davit::cli {
namespace {

constexpr std::size_t kMetadataMax = 64 * 1024;

// Where docker's CLI looks, in its order.
std::vector<std::string> folders(const Session& session) {
    return {session.config_dir() + "/cli-plugins", "/usr/local/lib/docker/cli-plugins",
            "/usr/local/libexec/docker/cli-plugins", "/usr/lib/docker/cli-plugins",
            "/usr/libexec/docker/cli-plugins"};
}

// What the program writes, asked for its metadata.
Result<std::string> metadata_of(const std::string& program) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return os_error("ask plugin " + program);
    Fd out(ends[0]), in(ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in.get(), STDOUT_FILENO);
    std::string words[] = {program, "docker-cli-plugin-metadata"};
    char* arguments[] = {words[0].data(), words[1].data(), nullptr};
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return os_error(error, "ask plugin " + program);
    in.reset();
    std::string text(kMetadataMax, '\0');
    std::size_t have = 0;
    for (ssize_t count = 1; count > 0 && have < text.size();
         have += static_cast<std::size_t>(count))
        count = std::max<ssize_t>(::read(out.get(), text.data() + have, text.size() - have), 0);
    text.resize(have);
    out.reset();
    ::waitpid(pid, nullptr, 0);
    return text;
}

}  // namespace

Result<std::optional<std::string>> find_plugin(const Session& session, const std::string& name) {
    const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    });
    if (!plain) return std::optional<std::string>();
    for (const auto& folder : folders(session)) {
        const auto program = folder + "/docker-" + name;
        if (::access(program.c_str(), X_OK) != 0) continue;
        const auto metadata = json::parse_object(TRY(metadata_of(program)), "metadata");
        if (!metadata || view::string(*metadata, "SchemaVersion").empty() ||
            view::string(*metadata, "Vendor").empty())
            return fail(Code::invalid, "use plugin ", program,
                        ": it does not say what docker's CLI plugins say of themselves");
        return std::optional(program);
    }
    return std::optional<std::string>();
}

Error become_plugin(const Session& session, const std::string& program,
                    const std::vector<std::string>& words) {
    const auto prepared = session.export_to_docker();
    if (!prepared) return prepared.error();
    ::setenv("DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND", "davit", 1);
    std::vector<char*> arguments{const_cast<char*>(program.c_str())};
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execv(program.c_str(), arguments.data());
    return os_error("run plugin " + program);
}

}  // namespace davit::cli
