// SPDX-License-Identifier: Apache-2.0
#include "plugins/docker-api/exchange.hpp"

#include "plugins/docker-api/base64.hpp"
#include "plugins/docker-api/json_text.hpp"
#include "plugins/docker-api/limits.hpp"
#include "plugins/docker-api/status.hpp"
#include "plugins/docker-api/stdcopy.hpp"
#include "plugins/docker-api/upload.hpp"
#include "sdk/plugin/value.hpp"

#include <algorithm>

namespace davit::docker_api {

namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kRawStream = "application/vnd.docker.raw-stream";
constexpr std::string_view kMultiplexedStream = "application/vnd.docker.multiplexed-stream";
constexpr Version kMultiplexedSince{1, 42};

std::string_view stream_type(Version version, bool terminal) {
    return terminal || version < kMultiplexedSince ? kRawStream : kMultiplexedStream;
}

bool is_json(std::string_view content_type) {
    std::string_view type = content_type.substr(0, content_type.find(';'));
    while (type.ends_with(' ')) type.remove_suffix(1);
    return std::equal(type.begin(), type.end(), kJson.begin(), kJson.end(), [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
    });
}

}  // namespace

Exchange::Exchange(const Engine& engine, Socket& socket, HttpReader& reader,
                   std::uint32_t peer_user)
    : engine_(engine),
      socket_(socket),
      reader_(reader),
      peer_user_(peer_user),
      response_(socket, reader.head()) {}

bool Exchange::run() {
    Routing routing = route_request(reader_.head());
    routed_ = std::move(routing.found);
    Result<void> sent;
    if (routed_.route == nullptr) {
        sent = response_.send_error(routing.missing.status, routing.missing.message);
    } else {
        Result<void> done = perform();
        sent = done ? finish() : report(done.error());
    }
    return sent && response_.keeps_connection() && reader_.drain();
}

Result<std::string> Exchange::read_json_body() {
    std::string body;
    if (!reader_.head().has_body) return body;
    // As dockerd: a browser's form or text must not be taken for a command.
    if (!is_json(reader_.head().content_type))
        return fail(Code::invalid, "unsupported Content-Type header (", reader_.head().content_type,
                    "): must be 'application/json'");
    for (std::size_t size = 0;;) {
        body.resize(size + kReadBlock);
        const std::size_t count = TRY(reader_.read_body(
            body.data() + size, kReadBlock, std::chrono::steady_clock::now() + kBodyDeadline));
        size += count;
        body.resize(size);
        if (count == 0) return body;
        if (size > kJsonBody) {
            response_.close_after();
            return fail(Code::invalid, "read body: it is longer than 4 MiB");
        }
    }
}

Result<void> Exchange::perform() {
    if (routed_.route->shape == Shape::hijack) TRY(DetachKeys::parse(routed_.detach_keys));
    CancelSet cancel(socket_.stop_fd());
    if (routed_.route->leaving == Leaving::cancels) TRY(cancel.watch_peer(socket_.fd()));
    if (routed_.route->body == Body::json) return ask_engine(TRY(read_json_body()), -1, cancel);
    if (routed_.route->body == Body::none) return ask_engine({}, -1, cancel);
    const std::unique_ptr<Upload> upload = TRY(Upload::start(reader_, socket_));
    TRY(cancel.watch(upload->broken()));
    return ask_engine({}, upload->input(), cancel);
}

Result<void> Exchange::ask_engine(std::string body, int input, const CancelSet& cancel) {
    Result<std::string> auth = base64_decode(reader_.head().registry_auth);
    if (!auth) return std::move(auth).error().context("read X-Registry-Auth");
    EngineRequest request{std::move(routed_.args), std::move(body)};
    TRY(to_current(routed_.version, routed_.route->operation, request));
    const std::string name(routed_.route->operation);
    auto operation = sdk::sized<davit_operation>();
    operation.input_fd = input;
    operation.name = sdk::str(name);
    operation.args = sdk::str(request.args);
    operation.body = sdk::str(request.body);
    operation.auth = sdk::str(*auth);
    operation.peer_uid = peer_user_;
    EngineCall call(cancel, *this);
    return call.run(engine_, routed_.route->ask, operation);
}

Result<void> Exchange::take(const davit_answer& answer) {
    switch (answer.kind) {
        case DAVIT_ANSWER_JOB:
            if (!response_.started()) response_.add_header("Davit-Job", sdk::view(answer.text));
            return {};
        case DAVIT_ANSWER_SAME: same_ = true; return {};
        case DAVIT_ANSWER_STARTED: return begin(answer.tty != 0);
        case DAVIT_ANSWER_RESULT: return take_result(sdk::view(answer.text));
        case DAVIT_ANSWER_PROGRESS:
            TRY(begin(false));
            return response_.piece(sdk::view(answer.text), "\r\n");
        case DAVIT_ANSWER_OUTPUT: return take_output(answer);
        case DAVIT_ANSWER_BYTES: return take_bytes(sdk::view(answer.text));
        case DAVIT_ANSWER_STREAMS: return take_streams(answer);
        default:
            return fail(Code::unsupported, "take answer: unknown kind ",
                        std::to_string(answer.kind));
    }
}

// Sent by finish(), when the engine holds nothing any more that a slow client could keep from
// others.
Result<void> Exchange::take_result(std::string_view text) {
    result_ = text;
    TRY(from_current(routed_.version, routed_.route->operation, result_));
    has_result_ = true;
    return {};
}

Result<void> Exchange::take_output(const davit_answer& answer) {
    TRY(begin(answer.tty != 0));
    const std::string_view text = sdk::view(answer.text);
    if (terminal_) return response_.piece(text);
    const FrameHead head(static_cast<std::uint8_t>(answer.stream), text.size());
    return response_.piece(head.bytes(), text);
}

Result<void> Exchange::take_bytes(std::string_view bytes) {
    TRY(begin(false));
    return response_.piece(bytes);
}

Result<void> Exchange::take_streams(const davit_answer& answer) {
    TRY(begin(answer.tty != 0));
    streams_.emplace(Fd(answer.in), Fd(answer.out), Fd(answer.err), answer.tty != 0);
    detach_keys_ = sdk::view(answer.text);
    return {};
}

Result<void> Exchange::begin(bool terminal) {
    if (response_.started()) return {};
    terminal_ = terminal;
    const unsigned status = routed_.route->status;
    switch (routed_.route->shape) {
        case Shape::output: return response_.begin(status, stream_type(routed_.version, terminal));
        case Shape::archive: add_path_stat(); return response_.begin(status, "application/x-tar");
        case Shape::hijack:
            if (!reader_.drain())
                return fail(Code::invalid, "take over connection: the request has a body");
            return response_.take_over(
                reader_.head().upgrade ? stream_type(routed_.version, terminal) : kRawStream);
        default: return response_.begin(status, kJson);
    }
}

// docker's `cp` learns from it what the path is.
void Exchange::add_path_stat() {
    if (has_result_) response_.add_header("X-Docker-Container-Path-Stat", base64_encode(result_));
    has_result_ = false;
}

Result<void> Exchange::finish() {
    if (same_) return response_.send(304, {}, {});
    if (streams_) return serve_streams();
    if (!response_.started()) return finish_at_once();
    if (has_result_) TRY(response_.piece(result_, "\n"));
    return routed_.route->shape == Shape::hijack ? Result<void>{} : response_.end();
}

Result<void> Exchange::finish_at_once() {
    const Route& route = *routed_.route;
    switch (route.shape) {
        case Shape::ping:
            response_.add_header("Builder-Version", "1");
            response_.add_header("Cache-Control", "no-cache, no-store, must-revalidate");
            response_.add_header("Pragma", "no-cache");
            return response_.send(200, "text/plain; charset=utf-8", "OK");
        case Shape::json:
            if (!has_result_) return response_.send_error(500, "ask engine: it gave no result");
            return response_.send(route.status, kJson, result_);
        case Shape::lines:
        case Shape::output:
        case Shape::archive: TRY(begin(false)); return response_.end();
        case Shape::stat: add_path_stat(); return response_.send(route.status, {}, {});
        default: return response_.send(route.status, {}, {});
    }
}

Result<void> Exchange::serve_streams() {
    const std::string& given = detach_keys_.empty() ? routed_.detach_keys : detach_keys_;
    DetachKeys keys = TRY(DetachKeys::parse(given));
    StreamPump(socket_, std::move(*streams_), std::move(keys), reader_.take_rest()).run();
    return {};
}

Result<void> Exchange::report(const Error& error) {
    if (response_.started()) return report_in_stream(error);
    return response_.send_error(http_status(error.code), error.what);
}

// The status line is gone. Streams that have a place for an error carry it there; all others are
// cut off, which every client takes for a failure.
Result<void> Exchange::report_in_stream(const Error& error) {
    response_.close_after();
    if (error.code == Code::cancelled && socket_.stopping()) return {};
    const Shape shape = routed_.route->shape;
    if (shape == Shape::lines) {
        std::string line = R"({"errorDetail":{"message":)";
        append_json_string(line, error.what);
        line += R"(},"error":)";
        append_json_string(line, error.what);
        TRY(response_.piece(line, "}\r\n"));
        return response_.end();
    }
    if (shape == Shape::hijack) {  // as dockerd tells that an exec's program could not be started
        const std::string line = error.what + "\r\n";
        const FrameHead head(kStdout, line.size());
        return socket_.write({terminal_ ? std::string_view{} : head.bytes(), line});
    }
    if (shape == Shape::output) {
        const std::string line = error.what + "\n";
        const FrameHead head(kStderr, line.size());
        TRY(response_.piece(terminal_ ? std::string_view{} : head.bytes(), line));
        return response_.end();
    }
    return {};
}

}  // namespace davit::docker_api
