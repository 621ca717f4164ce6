// SPDX-License-Identifier: Apache-2.0
// One request and its answer: route, body, engine, answer. Lives as long as that; used by the
// connection's thread.
#pragma once

#include "plugins/docker-api/engine_call.hpp"
#include "plugins/docker-api/http_server.hpp"
#include "plugins/docker-api/response.hpp"
#include "plugins/docker-api/router.hpp"
#include "plugins/docker-api/streams.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace davit::docker_api {

class Exchange final : private Answers {
public:
    Exchange(const Engine& engine, Socket& socket, HttpReader& reader, std::uint32_t peer_user);

    // Serves the request that the reader holds. Whether the connection can serve another one.
    bool run();

private:
    Result<void> perform();
    Result<std::string> read_json_body();
    Result<void> ask_engine(std::string body, int input, const CancelSet& cancel);

    Result<void> take(const davit_answer& answer) override;
    Result<void> take_result(std::string_view text);
    Result<void> take_output(const davit_answer& answer);
    Result<void> take_bytes(std::string_view bytes);
    Result<void> take_streams(const davit_answer& answer);
    Result<void> begin(bool terminal);

    Result<void> finish();
    void add_path_stat();
    Result<void> finish_at_once();
    Result<void> serve_streams();
    Result<void> report(const Error& error);
    Result<void> report_in_stream(const Error& error);

    const Engine& engine_;
    Socket& socket_;
    HttpReader& reader_;
    std::uint32_t peer_user_;
    Routed routed_;
    Response response_;
    std::string result_;
    std::string detach_keys_;
    std::optional<ContainerStreams> streams_;
    bool has_result_ = false;
    bool same_ = false;
    bool terminal_ = false;
};

}  // namespace davit::docker_api
