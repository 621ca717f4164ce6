// SPDX-License-Identifier: Apache-2.0
// The Engine API's calls on exec sessions: a further process in a running container.
#pragma once

#include "sdk/client/containers.hpp"

namespace davit::sdk {

struct ExecState {
    bool running = false;
    std::int64_t exit_code = 0;
};

// `body`: ExecConfig. Returns the session's id.
Result<std::string> create_exec(Client& client, const std::string& container, std::string body);
Result<void> start_exec_detached(Client& client, const std::string& session);
// To be given to Client::hijack.
Call start_exec_call(const std::string& session, bool tty, TerminalSize size);
Result<ExecState> inspect_exec(Client& client, const std::string& session);
Result<void> resize_exec(Client& client, const std::string& session, TerminalSize size);

}  // namespace davit::sdk
