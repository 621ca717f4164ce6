// SPDX-License-Identifier: Apache-2.0
// One rtnetlink(7) socket: requests are queued and go to the kernel in one sendmsg. Belongs to the
// network namespace of the thread that opened it, whatever thread uses it later. Not thread-safe:
// one user at a time. link.hpp and address.hpp queue requests and read answers; libnl stays inside
// this folder's .cpp files.
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct nl_sock;
struct nl_msg;

namespace davit::sdk {

class RouteSocket {
public:
    static Result<RouteSocket> open();

    // Adds a request; `doing` ("add address to eth0") begins the error's text should the kernel
    // refuse it. Takes ownership of `message`; nullptr means that there was no memory for it and
    // fails the commit.
    void queue(nl_msg* message, std::string doing);
    bool empty() const { return doing_.empty(); }

    // Sends what is queued in one sendmsg and reads every answer; the queue is empty afterwards.
    // The kernel carries requests out in order and goes on after a refused one; the first refusal
    // is the error.
    Result<void> commit();

    // As commit, but what is there already is no refusal: how many of the requests changed
    // anything.
    Result<std::size_t> put();

    nl_sock* raw() const { return socket_.get(); }

private:
    struct Close {
        void operator()(nl_sock* socket) const;
    };
    explicit RouteSocket(nl_sock* socket) : socket_(socket) {}
    Result<std::size_t> send_all(bool may_exist);
    Result<std::size_t> read_answers(bool may_exist);

    std::unique_ptr<nl_sock, Close> socket_;
    std::string pending_;             // the queued messages, one after the other
    std::vector<std::string> doing_;  // what each of them does
    std::uint32_t first_sequence_ = 0;
    bool out_of_memory_ = false;
};

}  // namespace davit::sdk
