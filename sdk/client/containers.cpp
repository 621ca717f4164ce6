// SPDX-License-Identifier: Apache-2.0
#include "sdk/client/containers.hpp"

#include "sdk/base/json.hpp"

#include <boost/json/value.hpp>

namespace davit::sdk {
namespace {

std::string path_of(const std::string& id, std::string_view verb = {}) {
    std::string path = "/containers/" + encode_path(id);
    if (!verb.empty()) path.append("/").append(verb);
    return path;
}

}  // namespace

Result<ContainerCreated> create_container(Client& client, const std::string& name,
                                          const std::string& platform, std::string body) {
    Call call{"POST", "/containers/create", Query().text("name", name).text("platform", platform),
              std::move(body)};
    const auto reply = TRY(client.call(call));
    const auto object = TRY(json::parse_object(reply.body, "the daemon's answer"));
    ContainerCreated created{TRY(json::require_string(object, "Id")), {}};
    created.warnings = TRY(json::get_strings(object, "Warnings"));
    return created;
}

Result<boost::json::value> list_containers(Client& client, const ListContainers& which) {
    Query query;
    query.flag("all", which.all).flag("size", which.size).text("filters", which.filters);
    if (which.limit > 0) query.add("limit", std::to_string(which.limit));
    return client.call_json({"GET", "/containers/json", query});
}

Result<std::string> inspect_container(Client& client, const std::string& id, bool size) {
    return std::move(
        TRY(client.call({"GET", path_of(id, "json"), Query().flag("size", size)})).body);
}

Result<bool> start_container(Client& client, const std::string& id,
                             const std::string& detach_keys) {
    const auto query = Query().text("detachKeys", detach_keys);
    return TRY(client.call({"POST", path_of(id, "start"), query})).status != 304;
}

Result<bool> stop_container(Client& client, const std::string& id, const std::string& signal,
                            std::optional<int> seconds) {
    Query query;
    query.text("signal", signal);
    if (seconds) query.add("t", std::to_string(*seconds));
    return TRY(client.call({"POST", path_of(id, "stop"), query})).status != 304;
}

Result<void> restart_container(Client& client, const std::string& id, const std::string& signal,
                               std::optional<int> seconds) {
    Query query;
    query.text("signal", signal);
    if (seconds) query.add("t", std::to_string(*seconds));
    TRY(client.call({"POST", path_of(id, "restart"), query}));
    return {};
}

Result<void> pause_container(Client& client, const std::string& id) {
    TRY(client.call({"POST", path_of(id, "pause")}));
    return {};
}

Result<void> unpause_container(Client& client, const std::string& id) {
    TRY(client.call({"POST", path_of(id, "unpause")}));
    return {};
}

Result<void> rename_container(Client& client, const std::string& id, const std::string& name) {
    TRY(client.call({"POST", path_of(id, "rename"), Query().add("name", name)}));
    return {};
}

Result<boost::json::value> top_container(Client& client, const std::string& id,
                                         const std::string& options) {
    return client.call_json({"GET", path_of(id, "top"), Query().text("ps_args", options)});
}

Result<boost::json::value> prune_containers(Client& client, const std::string& filters) {
    return client.call_json({"POST", "/containers/prune", Query().text("filters", filters)});
}

Result<boost::json::value> update_container(Client& client, const std::string& id,
                                            std::string body) {
    return client.call_json({"POST", path_of(id, "update"), {}, std::move(body)});
}

Result<boost::json::value> container_stats(Client& client, const std::string& id) {
    return client.call_json(
        {"GET", path_of(id, "stats"), Query().add("stream", "0").add("one-shot", "1")});
}

Result<void> kill_container(Client& client, const std::string& id, const std::string& signal) {
    TRY(client.call({"POST", path_of(id, "kill"), Query().text("signal", signal)}));
    return {};
}

Result<void> remove_container(Client& client, const std::string& id, const RemoveContainer& how) {
    const auto query =
        Query().flag("force", how.force).flag("v", how.volumes).flag("link", how.link);
    TRY(client.call({"DELETE", path_of(id), query}));
    return {};
}

Result<void> resize_container(Client& client, const std::string& id, TerminalSize size) {
    const auto query =
        Query().add("h", std::to_string(size.rows)).add("w", std::to_string(size.columns));
    TRY(client.call({"POST", path_of(id, "resize"), query}));
    return {};
}

Call attach_call(const std::string& id, const AttachStreams& streams) {
    Query query;
    query.text("detachKeys", streams.detach_keys).add("stream", "1").flag("stdin", streams.in);
    query.flag("stdout", streams.out).flag("stderr", streams.err).flag("logs", streams.logs);
    return {"POST", path_of(id, "attach"), query};
}

Call logs_call(const std::string& id, const ReadLogs& what) {
    Query query;
    query.add("stdout", "1")
        .add("stderr", "1")
        .flag("follow", what.follow)
        .flag("timestamps", what.timestamps);
    query.flag("details", what.details)
        .text("tail", what.tail)
        .text("since", what.since)
        .text("until", what.until);
    return {"GET", path_of(id, "logs"), query};
}

Result<boost::json::value> container_changes(Client& client, const std::string& id) {
    return client.call_json({"GET", path_of(id, "changes")});
}

Call export_call(const std::string& id) { return {"GET", path_of(id, "export")}; }

Call wait_call(const std::string& id, std::string_view condition) {
    return {"POST", path_of(id, "wait"), Query().text("condition", condition)};
}

Result<ContainerExit> read_exit(Stream& stream) {
    const auto text = TRY(stream.read_all());
    const auto object = TRY(json::parse_object(text, "the daemon's answer"));
    ContainerExit exit{TRY(json::require_int(object, "StatusCode")), {}};
    if (const auto* error = TRY(json::get_object(object, "Error")))
        exit.error = TRY(json::get_string(*error, "Message", ""));
    return exit;
}

}  // namespace davit::sdk
