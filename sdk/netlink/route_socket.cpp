// SPDX-License-Identifier: Apache-2.0
#include "sdk/netlink/route_socket.hpp"

#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include <linux/netlink.h>
#include <sys/socket.h>
#include <array>
#include <cerrno>
#include <cstring>

namespace davit::sdk {
namespace {

// Acknowledgements carry at most the header of the request (NETLINK_CAP_ACK) and the kernel's words
// about a refusal.
constexpr std::size_t kAnswerSize = 8192;

// The kernel's own words about a refusal (NLMSGERR_ATTR_MSG), or nothing.
std::string kernel_words(const nlmsghdr* header) {
    if ((header->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
    const std::size_t fixed = NLMSG_HDRLEN + sizeof(nlmsgerr);
    const auto* bytes = reinterpret_cast<const char*>(header);
    for (std::size_t at = fixed; at + sizeof(nlattr) <= header->nlmsg_len;) {
        nlattr attribute;
        std::memcpy(&attribute, bytes + at, sizeof attribute);
        if (attribute.nla_len < sizeof attribute || at + attribute.nla_len > header->nlmsg_len)
            return {};
        if (attribute.nla_type == NLMSGERR_ATTR_MSG) {
            std::string words(bytes + at + NLA_HDRLEN,
                              attribute.nla_len - static_cast<std::size_t>(NLA_HDRLEN));
            while (!words.empty() && (words.back() == '\0' || words.back() == '.'))
                words.pop_back();
            return words;
        }
        at += NLMSG_ALIGN(attribute.nla_len);
    }
    return {};
}

Error refusal(const nlmsghdr* header, int number, const std::string& doing) {
    Error error = os_error(number, doing);
    if (const std::string words = kernel_words(header); !words.empty())
        error.what += " (" + words + ")";
    return error;
}

}  // namespace

void RouteSocket::Close::operator()(nl_sock* socket) const { nl_socket_free(socket); }

Result<RouteSocket> RouteSocket::open() {
    RouteSocket made(nl_socket_alloc());
    if (!made.socket_) return fail(Code::internal, "open rtnetlink socket: out of memory");
    // libnl sets O_CLOEXEC itself. Its errors hide errno, but socket(2) and bind(2) leave it set.
    if (const int error = nl_connect(made.raw(), NETLINK_ROUTE); error < 0)
        return fail(Code::internal, "open rtnetlink socket: ", nl_geterror(error));
    nl_socket_disable_seq_check(made.raw());  // libnl does not see the answers that commit reads
    const int on = 1;
    const int fd = nl_socket_get_fd(made.raw());
    ::setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    ::setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    return made;
}

void RouteSocket::queue(nl_msg* message, std::string doing) {
    if (message == nullptr) {
        out_of_memory_ = true;
        return;
    }
    nl_complete_msg(raw(), message);
    nlmsghdr* header = nlmsg_hdr(message);
    header->nlmsg_flags |= NLM_F_ACK;
    if (doing_.empty()) first_sequence_ = header->nlmsg_seq;
    pending_.append(reinterpret_cast<const char*>(header), header->nlmsg_len);
    pending_.resize(NLMSG_ALIGN(pending_.size()));
    doing_.push_back(std::move(doing));
    nlmsg_free(message);
}

Result<void> RouteSocket::commit() {
    TRY(send_all(false));
    return {};
}

Result<std::size_t> RouteSocket::put() { return send_all(true); }

Result<std::size_t> RouteSocket::send_all(bool may_exist) {
    if (std::exchange(out_of_memory_, false)) {
        pending_.clear();
        doing_.clear();
        return fail(Code::internal, "build rtnetlink request: out of memory");
    }
    if (doing_.empty()) return std::size_t{0};
    const auto sent = ::send(nl_socket_get_fd(raw()), pending_.data(), pending_.size(), 0);
    Result<std::size_t> done = sent < 0 ? Result<std::size_t>(os_error("send rtnetlink requests"))
                                        : read_answers(may_exist);
    pending_.clear();
    doing_.clear();
    return done;
}

// The kernel works within send(2), so that every answer is queued already; blocking is only the
// belt.
Result<std::size_t> RouteSocket::read_answers(bool may_exist) {
    Result<void> outcome;
    std::size_t changed = 0;
    const std::uint32_t end = first_sequence_ + static_cast<std::uint32_t>(doing_.size());
    for (std::uint32_t expected = first_sequence_; expected != end;) {
        alignas(nlmsghdr) std::array<char, kAnswerSize> buffer;
        const auto received = ::recv(nl_socket_get_fd(raw()), buffer.data(), buffer.size(), 0);
        if (received < 0 && errno == EINTR) continue;
        if (received < 0) return os_error("read rtnetlink answers");
        int left = static_cast<int>(received);
        for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); nlmsg_ok(header, left);
             header = nlmsg_next(header, &left)) {
            const std::uint32_t index = header->nlmsg_seq - first_sequence_;
            if (header->nlmsg_type != NLMSG_ERROR || index >= doing_.size()) continue;
            expected = header->nlmsg_seq + 1;
            const int number = -static_cast<const nlmsgerr*>(nlmsg_data(header))->error;
            if (number == 0) ++changed;
            if (number == 0 || (may_exist && number == EEXIST)) continue;
            if (outcome) outcome = refusal(header, number, doing_[index]);
        }
    }
    TRY(outcome);
    return changed;
}

}  // namespace davit::sdk
