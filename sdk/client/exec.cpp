// SPDX-License-Identifier: Apache-2.0
#include "sdk/client/exec.hpp"

#include "sdk/base/json.hpp"

#include <boost/json/value.hpp>

namespace davit::sdk {

Result<std::string> create_exec(Client& client, const std::string& container, std::string body) {
    const auto reply = TRY(client.call(
        {"POST", "/containers/" + encode_path(container) + "/exec", {}, std::move(body)}));
    const auto object = TRY(json::parse_object(reply.body, "the daemon's answer"));
    return json::require_string(object, "Id");
}

Result<void> start_exec_detached(Client& client, const std::string& session) {
    TRY(client.call({"POST", "/exec/" + session + "/start", {}, R"({"Detach":true,"Tty":false})"}));
    return {};
}

Call start_exec_call(const std::string& session, bool tty, TerminalSize size) {
    std::string body = tty ? R"({"Detach":false,"Tty":true)" : R"({"Detach":false,"Tty":false)";
    if (tty && size.rows > 0)
        body += ",\"ConsoleSize\":[" + std::to_string(size.rows) + "," +
                std::to_string(size.columns) + "]";
    return {"POST", "/exec/" + session + "/start", {}, body + "}"};
}

Result<ExecState> inspect_exec(Client& client, const std::string& session) {
    const auto reply = TRY(client.call({"GET", "/exec/" + session + "/json"}));
    const auto object = TRY(json::parse_object(reply.body, "the daemon's answer"));
    return ExecState{TRY(json::get_bool(object, "Running", false)),
                     TRY(json::get_int(object, "ExitCode", 0))};
}

Result<void> resize_exec(Client& client, const std::string& session, TerminalSize size) {
    const auto query =
        Query().add("h", std::to_string(size.rows)).add("w", std::to_string(size.columns));
    TRY(client.call({"POST", "/exec/" + session + "/resize", query}));
    return {};
}

}  // namespace davit::sdk
