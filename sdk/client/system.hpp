// SPDX-License-Identifier: Apache-2.0
// The Engine API's calls on the daemon itself, and Davit's own: drivers and jobs.
#pragma once

#include "sdk/client/client.hpp"

namespace davit::sdk {

Result<std::string> daemon_version(Client& client);  // these two: the daemon's own text
Result<std::string> daemon_info(Client& client);

struct EventRange {
    std::string since, until;  // seconds[.nanoseconds] since 1970, or empty
    std::string filters;       // JSON, or empty
};
// To be given to Client::stream: event objects, one a line.
Call events_call(const EventRange& range);

struct LoginAnswer {
    std::string status;          // "Login Succeeded"
    std::string identity_token;  // to be kept instead of the password, when not empty
};
// `auth`: AuthConfig with username, password and serveraddress. Errors: denied (the registry
// refused).
Result<LoginAnswer> check_login(Client& client, std::string auth);

// What images, containers and volumes take on the disk.
Result<boost::json::value> disk_usage(Client& client);
// POST to one noun's prune endpoint: "/containers/prune".
Result<boost::json::value> prune(Client& client, std::string_view path, const std::string& filters);

Result<boost::json::value> list_drivers(Client& client);
Result<std::string> inspect_driver(Client& client, const std::string& name);
Result<boost::json::value> list_jobs(Client& client);
// To be given to Client::stream: progress objects, one a line, until the job ends.
Call watch_job_call(const std::string& id);
Result<void> cancel_job(Client& client, const std::string& id);

}  // namespace davit::sdk
