// SPDX-License-Identifier: Apache-2.0
// The Engine API's calls on containers, thin: arguments become path, query and body; answers come
// back as JSON or as small structs where a caller needs one field. `id` is whatever the daemon
// resolves: a name, an id, a prefix.
#pragma once

#include "sdk/client/client.hpp"

namespace davit::sdk {

struct ContainerCreated {
    std::string id;
    std::vector<std::string> warnings;
};

struct ListContainers {
    bool all = false;
    bool size = false;
    int limit = 0;        // 0: no limit
    std::string filters;  // JSON: {"status":["running"]}, or empty
};

struct RemoveContainer {
    bool force = false;
    bool volumes = false;
    bool link = false;
};

struct AttachStreams {
    bool in = false;
    bool out = true;
    bool err = true;
    bool logs = false;
    std::string detach_keys;
};

struct ReadLogs {
    bool follow = false;
    bool timestamps = false;
    bool details = false;
    std::string tail = "all";
    std::string since, until;  // seconds[.nanoseconds] since 1970, or empty
};

struct TerminalSize {
    unsigned rows = 0;
    unsigned columns = 0;
    bool operator==(const TerminalSize&) const = default;
};

// What a container, once it has ended, left to say.
struct ContainerExit {
    std::int64_t code = 0;
    std::string error;  // of waiting itself, usually empty
};

// `body`: ContainerConfig with HostConfig and NetworkingConfig. Errors: not_found when the image is
// not there.
Result<ContainerCreated> create_container(Client& client, const std::string& name,
                                          const std::string& platform, std::string body);
Result<boost::json::value> list_containers(Client& client, const ListContainers& which);
// The daemon's own text, so that nothing of it is lost.
Result<std::string> inspect_container(Client& client, const std::string& id, bool size);
// False when it was running already.
Result<bool> start_container(Client& client, const std::string& id,
                             const std::string& detach_keys = {});
// False when it was not running. `seconds`: how long until it is killed; none: the container's own
// setting.
Result<bool> stop_container(Client& client, const std::string& id, const std::string& signal,
                            std::optional<int> seconds);
Result<void> restart_container(Client& client, const std::string& id, const std::string& signal,
                               std::optional<int> seconds);
Result<void> pause_container(Client& client, const std::string& id);
Result<void> unpause_container(Client& client, const std::string& id);
Result<void> rename_container(Client& client, const std::string& id, const std::string& name);
// `options`: those of ps, or empty.
Result<boost::json::value> top_container(Client& client, const std::string& id,
                                         const std::string& options);
Result<boost::json::value> prune_containers(Client& client, const std::string& filters);
// `body`: limits and RestartPolicy; answers with warnings.
Result<boost::json::value> update_container(Client& client, const std::string& id,
                                            std::string body);
// One sample, as it is now.
Result<boost::json::value> container_stats(Client& client, const std::string& id);
Result<void> kill_container(Client& client, const std::string& id, const std::string& signal);
Result<void> remove_container(Client& client, const std::string& id, const RemoveContainer& how);
Result<void> resize_container(Client& client, const std::string& id, TerminalSize size);

// FilesystemChange[].
Result<boost::json::value> container_changes(Client& client, const std::string& id);
// To be given to Client::stream: the files as an archive.
Call export_call(const std::string& id);

// To be given to Client::stream, begin or hijack.
Call attach_call(const std::string& id, const AttachStreams& streams);
Call logs_call(const std::string& id, const ReadLogs& what);
Call wait_call(const std::string& id,
               std::string_view condition);  // "not-running", "next-exit", "removed"
// Waits for the end of a stream that wait_call opened.
Result<ContainerExit> read_exit(Stream& stream);

}  // namespace davit::sdk
