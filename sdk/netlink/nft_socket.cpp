// SPDX-License-Identifier: Apache-2.0
#include "sdk/netlink/nft_socket.hpp"

#include <libmnl/libmnl.h>

#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>
#include <array>
#include <cerrno>

namespace davit::sdk {
namespace {

// A sendmsg is refused (EMSGSIZE) when it exceeds the send buffer; 4 000 elements with IPv6 keys
// take some 400 KiB.
constexpr int kMinSendBuffer = 256 * 1024;
constexpr std::size_t kDumpBuffer = 64 * 1024;  // the kernel fills at most 32 KiB at a time

// The answers of a batch: the first refusal decides.
Result<void> read_verdict(int socket, const std::vector<std::string>& doing) {
    std::array<char, 16 * 1024> buffer;
    Result<void> outcome;
    for (;;) {
        // The kernel has done its work within send(2): what it has to say is queued already.
        const auto received = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (received < 0 && errno == EINTR) continue;
        if (received < 0 && errno == EAGAIN) return outcome;
        if (received < 0) return os_error("read answer");
        int left = static_cast<int>(received);
        for (auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
             mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
            if (header->nlmsg_type != NLMSG_ERROR || !outcome) continue;
            const int number = -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(header))->error;
            if (number == 0) continue;
            const std::size_t index = header->nlmsg_seq - 1;
            outcome = os_error(number, index < doing.size() ? doing[index] : "begin transaction");
        }
    }
}

}  // namespace

Result<NftSocket> NftSocket::open() {
    Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
    if (!socket) return os_error("open netfilter socket");
    const int on = 1;
    ::setsockopt(socket.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    return NftSocket(std::move(socket));
}

Result<void> send_nft_batch(const NftSocket& socket, std::string& bytes,
                            const std::vector<std::string>& doing) {
    if (bytes.size() > static_cast<std::size_t>(kMinSendBuffer) / 4) {
        const int room = std::max(kMinSendBuffer, static_cast<int>(bytes.size()) * 2);
        if (::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) != 0)
            return os_error("enlarge send buffer");
    }
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    if (::sendto(socket.fd(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&kernel),
                 sizeof kernel) < 0)
        return os_error("send transaction");
    return read_verdict(socket.fd(), doing);
}

Result<void> dump_netfilter(const NftSocket& socket, const nlmsghdr* request,
                            const std::function<void(const nlmsghdr*)>& each) {
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    if (::sendto(socket.fd(), request, request->nlmsg_len, 0, reinterpret_cast<sockaddr*>(&kernel),
                 sizeof kernel) < 0)
        return os_error("send request");
    std::vector<char> buffer(kDumpBuffer);
    for (;;) {
        const auto received = ::recv(socket.fd(), buffer.data(), buffer.size(), 0);
        if (received < 0 && errno == EINTR) continue;
        if (received < 0) return os_error("read answer");
        int left = static_cast<int>(received);
        for (auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
             mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
            if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0)
                return fail(Code::busy, "read answer: it changed meanwhile");
            if (header->nlmsg_type == NLMSG_DONE) return {};
            if (header->nlmsg_type == NLMSG_ERROR) {
                const int number =
                    -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(header))->error;
                if (number == 0) return {};
                return os_error(number, "read answer");
            }
            each(header);
        }
    }
}

Result<void> dump_netfilter(const nlmsghdr* request,
                            const std::function<void(const nlmsghdr*)>& each) {
    const NftSocket socket = TRY(NftSocket::open());
    return dump_netfilter(socket, request, each);
}

}  // namespace davit::sdk
