// SPDX-License-Identifier: Apache-2.0
// HTTP by libcurl (the only user of it): requests that a call can cancel at any moment, over
// connections that are kept. Used by Transport. Thread-safe.
#pragma once

#include "sdk/base/result.hpp"
#include "sdk/plugin/entry.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace davit::oci {

struct Header {
    std::string name;  // lower case in responses
    std::string value;
};

// How far the peer has to be trusted.
struct Trust {
    bool verify = true;       // false: any certificate will do (a host of "insecure-registries")
    std::string authorities;  // PEM, besides the system's
    std::string certificate, key;  // paths of a client certificate and its key; empty: none
    bool direct = false;           // no proxy: the peer is this host
};

struct Request {
    std::string method = "GET";
    std::string url;
    std::vector<Header> headers;
    std::string body;    // sent when there is no source
    int source_fd = -1;  // read to its end, `source_bytes` long
    std::uint64_t source_bytes = 0;
    // Receives the body of a 2xx answer piece by piece; without it the body is kept in the
    // response. It is told the answer's head first.
    struct Head;
    std::function<Result<void>(const Head&, std::string_view)> sink;
    std::function<void(std::uint64_t sent)> on_sent;
    Trust trust;
};

struct Request::Head {
    int status = 0;
    std::vector<Header> headers;
    // The first header of this (lower-case) name, or nullptr.
    const std::string* find(std::string_view name) const;
};

struct Response : Request::Head {
    std::string body;
    std::string redirect;  // absolute address of a 3xx answer
};

// What kept a request from being answered at all.
struct HttpProblem {
    Error error;
    bool no_tls = false;  // the peer does not speak TLS
    bool no_connection = false;
};

// Proxies by the scheme of what is asked for; empty: what the environment says.
struct Proxies {
    std::string http, https;
    std::string none;  // hosts that are asked directly, separated by commas

    // HTTP_PROXY and its like in upper case, which libcurl does not read (it does in lower case).
    static Proxies of_environment();
};

class Http {
public:
    static Result<std::unique_ptr<Http>> create(Proxies proxies = Proxies::of_environment());
    Http(const Http&) = delete;
    Http& operator=(const Http&) = delete;
    ~Http();

    // Follows no redirect. Errors: unavailable; cancelled; deadline; denied when the certificate is
    // not trusted; what the sink answered. `problem` (may be null) tells more about a failure.
    Result<Response> send(const sdk::Call& call, const Request& request,
                          HttpProblem* problem = nullptr);

private:
    class Line;
    struct Shared;
    explicit Http(Proxies proxies);
    std::unique_ptr<Line> take_line(const std::string& peer);
    void give_back(std::unique_ptr<Line> line);
    void close_idle();  // the closer's work

    const Proxies proxies_;
    std::unique_ptr<Shared> shared_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Line>> idle_;  // guarded by mutex_; most recently used last
    // Hangs idle lines up and ends; there is one only while there are idle lines.
    std::thread closer_;
    std::condition_variable ending_changed_;
    std::chrono::steady_clock::time_point last_use_;
    bool closing_ = false, ending_ = false;
};

}  // namespace davit::oci
