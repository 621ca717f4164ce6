// SPDX-License-Identifier: Apache-2.0
// Real packets for tests of networks: a private network namespace that plays the host, others that
// play containers and peers of the LAN, servers and clients in each. Used by the network contract
// and by drivers' tests. One lab at a time in a thread; servers run threads of their own.
#pragma once

#include "sdk/base/netns.hpp"
#include "sdk/base/result.hpp"
#include "sdk/netlink/address.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

namespace davit::sdk {

// Moves the calling thread (and threads that it starts) into a new network namespace with `lo` up,
// and back when it ends. What the namespace held dies with it.
class PrivateHost {
public:
    static Result<PrivateHost> enter();
    PrivateHost(PrivateHost&&) noexcept = default;
    ~PrivateHost();
    int netns() const { return inside_.fd(); }

private:
    PrivateHost(NetNs before, NetNs inside)
        : before_(std::move(before)), inside_(std::move(inside)) {}
    NetNs before_, inside_;
};

// A namespace joined to the host's by a veth pair, with one address on each side: a peer in the
// LAN. The host's end is called `link`.
struct LanPeer {
    NetNs netns;
    static Result<LanPeer> create(const std::string& link, const std::string& host_address,
                                  const std::string& peer_address);
};

enum class Transport { tcp, udp };

// Serves at `address`:`port` in a namespace until it ends; tells every client the address that it
// saw it come from.
class EchoServer {
public:
    static Result<std::unique_ptr<EchoServer>> start(int netns, Transport transport,
                                                     const std::string& address,
                                                     std::uint16_t port);
    ~EchoServer();
    EchoServer(const EchoServer&) = delete;
    EchoServer& operator=(const EchoServer&) = delete;

private:
    EchoServer(Fd socket, Fd stop, Transport transport);
    void serve();
    void answer();
    Fd socket_, stop_;
    Transport transport_;
    std::thread thread_;
};

// The address that a server at `address`:`port` sees a client of that namespace come from.
// Errors: deadline after `patience`; unavailable when it was refused; whatever else connect(2)
// says.
Result<std::string> ask_server(int netns, Transport transport, const std::string& address,
                               std::uint16_t port,
                               std::chrono::milliseconds patience = std::chrono::seconds(2));

}  // namespace davit::sdk
