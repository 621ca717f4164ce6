// SPDX-License-Identifier: Apache-2.0
// A connection that has become a container's streams: copies between the socket and the container's
// descriptors until either side ends. Used by the connection's thread; one object per connection.
#pragma once

#include "plugins/docker-api/detach_keys.hpp"
#include "plugins/docker-api/socket.hpp"
#include "sdk/base/fd.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace davit::docker_api {

// What the engine handed over. An empty descriptor: the client did not ask for that stream.
struct ContainerStreams {
    Fd in;
    Fd out;
    Fd err;
    bool terminal = false;  // bytes as they are, no frames; detach keys work
};

class StreamPump {
public:
    // `early`: what the client sent before its streams were there.
    StreamPump(Socket& socket, ContainerStreams streams, DetachKeys keys, std::string early);

    // Returns when the container has closed its output (everything of it is then sent), or the
    // client has left, or detached, or the service stops. A client that only ends its sending side
    // closes the container's stdin and goes on reading.
    void run();

private:
    bool finished() const;
    Result<void> wait();
    Result<void> step();
    void hang_up();
    void receive_input();
    void accept_input(std::string bytes);
    void forward_input();
    void receive_output(Fd& from, std::uint8_t stream, short ready);
    Result<void> forward_output();

    enum Slot { kSocket, kStop, kIn, kOut, kErr, kSlots };

    Socket& socket_;
    ContainerStreams streams_;
    DetachKeys keys_;
    bool with_output_;  // the client reads stdout or stderr: their end is the connection's
    bool client_sends_ = true;
    bool hung_up_ = false;  // the client reads no more either; what it sent is still delivered
    bool detached_ = false;
    std::string to_container_;  // read from the client, not yet taken
    std::string to_client_;     // framed, not yet sent: [sent_, size)
    std::size_t sent_ = 0;
    std::unique_ptr<char[]> block_;
    short ready_[kSlots] = {};
};

}  // namespace davit::docker_api
