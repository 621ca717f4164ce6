// SPDX-License-Identifier: Apache-2.0
// Accepts connections and gives each a thread. start and stop on one thread; everything else
// inside.
#pragma once

#include "plugins/docker-api/engine_call.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"
#include "sdk/tls/context.hpp"

#include <pthread.h>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace davit::docker_api {

class Server {
public:
    struct Listener {
        int fd;       // bound and listening; borrowed
        bool secure;  // its clients speak TLS
    };
    using Warn = std::function<void(const std::string& line)>;

    // Serves until the object ends, which cuts every connection, cancels every call and joins every
    // thread. `tls`: for secure listeners, which need it. Errors: INVALID listener, UNAVAILABLE
    // threads.
    static Result<std::unique_ptr<Server>> start(Engine engine, std::vector<Listener> listeners,
                                                 std::optional<tls::Context> tls, Warn warn);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

private:
    struct Connection;

    Server(Engine engine, std::vector<Listener> listeners, std::optional<tls::Context> tls,
           Warn warn, Fd stop);
    void accept_until_stopped();
    // Whether to go on at once; else the machine is short of something and a moment's rest is due.
    bool accept_one(const Listener& listener);
    bool start_connection(Fd fd, bool secure);
    void serve(Connection& connection);
    void serve_requests(Fd fd, std::uint32_t peer);
    void serve_securely(Connection& connection);
    void finish_thread();

    Engine engine_;
    std::vector<Listener> listeners_;
    std::optional<tls::Context> tls_;
    Warn warn_;
    Fd stop_;  // eventfd; readable for ever once the server stops
    std::optional<pthread_t> acceptor_;
    bool short_of_something_ = false;  // the acceptor's: warned, and not yet over

    std::mutex mutex_;
    std::condition_variable ended_;
    std::size_t connections_ = 0;
    // Each thread that ends joins the one that ended before it, so that one thread at most is left
    // unjoined.
    std::optional<pthread_t> last_ended_;
};

}  // namespace davit::docker_api
