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

Result<Fd> open_netfilter_socket();

// Sends a whole batch in one message and reads the kernel's verdict. `doing[n]` says what the
// message with sequence number n + 1 does; it begins the error's text.
Result<void> send_nft_batch(std::string& bytes, const std::vector<std::string>& doing);

// Sends one dump request and gives `each` every message of the answer. Errors: not_found when there
// is nothing of that name; busy when the rules changed meanwhile and the answer cannot be trusted
// (the caller asks again).
Result<void> dump_netfilter(const nlmsghdr* request,
                            const std::function<void(const nlmsghdr*)>& each);

}  // namespace davit::sdk
