// SPDX-License-Identifier: Apache-2.0
// The netlink socket behind NftBatch and the readers of nft_dump: one for each exchange, in the
// network namespace of the calling thread. For this folder only.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <functional>
#include <string>
#include <vector>

struct nlmsghdr;

namespace davit::sdk {

// Belongs to the network namespace of the thread that opened it. Keep it where rules are removed
// often: closing one makes the kernel finish what was removed in that namespace before, which takes
// an RCU grace period or two.
class NftSocket {
public:
    static Result<NftSocket> open();
    int fd() const { return fd_.get(); }

private:
    explicit NftSocket(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

// Sends a whole batch in one message and reads the kernel's verdict. `doing[n]` says what the
// message with sequence number n + 1 does; it begins the error's text. For NftBatch.
Result<void> send_nft_batch(const NftSocket& socket, std::string& bytes,
                            const std::vector<std::string>& doing);

// Sends one dump request and gives `each` every message of the answer. Errors: not_found when there
// is nothing of that name; busy when the rules changed meanwhile and the answer cannot be trusted
// (the caller asks again).
Result<void> dump_netfilter(const NftSocket& socket, const nlmsghdr* request,
                            const std::function<void(const nlmsghdr*)>& each);
// The same by a socket of its own, in the network namespace of the calling thread.
Result<void> dump_netfilter(const nlmsghdr* request,
                            const std::function<void(const nlmsghdr*)>& each);

}  // namespace davit::sdk
