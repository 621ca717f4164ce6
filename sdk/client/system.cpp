// SPDX-License-Identifier: Apache-2.0
#include "sdk/client/system.hpp"

#include "sdk/base/json.hpp"

#include <boost/json/value.hpp>

namespace davit::sdk {
namespace {

// Davit's own endpoints have a version of their own in their path.
Call own_call(std::string_view method, std::string path) {
    Call call{method, "/davit/v1" + std::move(path)};
    call.versioned = false;
    return call;
}

}  // namespace

Result<std::string> daemon_version(Client& client) {
    return std::move(TRY(client.call({"GET", "/version"})).body);
}
Result<std::string> daemon_info(Client& client) {
    return std::move(TRY(client.call({"GET", "/info"})).body);
}

Call events_call(const EventRange& range) {
    Query query;
    query.text("since", range.since).text("until", range.until).text("filters", range.filters);
    return {"GET", "/events", query};
}

Result<LoginAnswer> check_login(Client& client, std::string auth) {
    const auto reply = TRY(client.call({"POST", "/auth", {}, std::move(auth)}));
    LoginAnswer answer;
    if (reply.body.empty()) return answer;
    const auto object = TRY(json::parse_object(reply.body, "the daemon's answer"));
    answer.status = TRY(json::get_string(object, "Status", ""));
    answer.identity_token = TRY(json::get_string(object, "IdentityToken", ""));
    return answer;
}

Result<boost::json::value> disk_usage(Client& client) {
    return client.call_json({"GET", "/system/df"});
}

Result<boost::json::value> prune(Client& client, std::string_view path,
                                 const std::string& filters) {
    return client.call_json({"POST", std::string(path), Query().text("filters", filters)});
}

Result<boost::json::value> list_drivers(Client& client) {
    return client.call_json(own_call("GET", "/drivers"));
}

Result<std::string> inspect_driver(Client& client, const std::string& name) {
    return std::move(TRY(client.call(own_call("GET", "/drivers/" + encode_path(name)))).body);
}

Result<boost::json::value> list_jobs(Client& client) {
    return client.call_json(own_call("GET", "/jobs"));
}

Call watch_job_call(const std::string& id) {
    return own_call("GET", "/jobs/" + encode_path(id) + "/watch");
}

Result<void> cancel_job(Client& client, const std::string& id) {
    TRY(client.call(own_call("POST", "/jobs/" + encode_path(id) + "/cancel")));
    return {};
}

}  // namespace davit::sdk
