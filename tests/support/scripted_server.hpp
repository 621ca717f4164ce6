// SPDX-License-Identifier: Apache-2.0
// An HTTP server on loopback that answers as a test says and remembers what it was asked: for the
// things that no real registry does on demand, such as breaking off, redirecting to a stranger, or
// being busy.
#pragma once

#include "sdk/base/fd.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace davit::tests {

class ScriptedServer {
public:
    struct Asked {
        std::string method, target;                  // "GET", "/v2/"
        std::map<std::string, std::string> headers;  // names in lower case
    };
    struct Reply {
        int status = 200;
        std::vector<std::string> headers;  // "Name: value"
        std::string body;
        std::size_t send_only = std::string::npos;  // of the body: then the connection breaks
        bool silent = false;  // no answer at all, until the other side is gone
    };
    using Script = std::function<Reply(const Asked&)>;

    // Listens on a free port of `host`, an address of 127.0.0.0/8. The script runs on the server's
    // thread.
    explicit ScriptedServer(Script script, const std::string& host = "127.0.0.1");
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;
    ~ScriptedServer();

    std::string address() const { return host_ + ":" + std::to_string(port_); }
    std::string url() const { return "http://" + address(); }
    std::vector<Asked> asked() const;  // what came so far, in its order

private:
    void serve();
    void answer(int client);

    Script script_;
    std::string host_;
    int port_ = 0;
    Fd listener_, wake_;
    mutable std::mutex mutex_;
    std::vector<Asked> asked_;  // guarded by mutex_
    std::thread thread_;
};

}  // namespace davit::tests
