// SPDX-License-Identifier: Apache-2.0
#include "sdk/netlink/namespace_id.hpp"

#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <memory>

namespace davit::sdk {
namespace {

struct FreeMessage {
    void operator()(nl_msg* message) const { nlmsg_free(message); }
};
using Message = std::unique_ptr<nl_msg, FreeMessage>;
struct PutCallbacks {
    void operator()(nl_cb* callbacks) const { nl_cb_put(callbacks); }
};

Message about(int type, int netns) {
    Message message(nlmsg_alloc_simple(type, 0));
    rtgenmsg fixed{};
    if (message && nlmsg_append(message.get(), &fixed, sizeof fixed, NLMSG_ALIGNTO) == 0 &&
        nla_put_u32(message.get(), NETNSA_FD, static_cast<std::uint32_t>(netns)) == 0)
        return message;
    return nullptr;
}

int read_id(nl_msg* message, void* id) {
    nlattr* found = nlmsg_find_attr(nlmsg_hdr(message), sizeof(rtgenmsg), NETNSA_NSID);
    if (found != nullptr) *static_cast<int*>(id) = nla_get_s32(found);
    return NL_OK;
}
int any_sequence(nl_msg*, void*) { return NL_OK; }  // RouteSocket reads answers without libnl

// NETNSA_NSID_NOT_ASSIGNED when it has none.
Result<int> ask(RouteSocket& socket, int netns) {
    const Message message = about(RTM_GETNSID, netns);
    const std::unique_ptr<nl_cb, PutCallbacks> callbacks(nl_cb_alloc(NL_CB_DEFAULT));
    if (!message || !callbacks) return fail(Code::internal, "number namespace: out of memory");
    int id = NETNSA_NSID_NOT_ASSIGNED;
    nl_cb_set(callbacks.get(), NL_CB_VALID, NL_CB_CUSTOM, &read_id, &id);
    nl_cb_set(callbacks.get(), NL_CB_SEQ_CHECK, NL_CB_CUSTOM, &any_sequence, nullptr);
    nl_complete_msg(socket.raw(), message.get());
    nlmsg_hdr(message.get())->nlmsg_flags &=
        static_cast<std::uint16_t>(~NLM_F_ACK);  // the answer is one
    int error = nl_send(socket.raw(), message.get());
    if (error >= 0) error = nl_recvmsgs(socket.raw(), callbacks.get());
    if (error < 0) return fail(Code::invalid, "number namespace: ", nl_geterror(error));
    return id;
}

}  // namespace

Result<int> namespace_id(RouteSocket& socket, int netns) {
    if (const int known = TRY(ask(socket, netns)); known >= 0) return known;
    Message message = about(RTM_NEWNSID, netns);
    if (message) nla_put_s32(message.get(), NETNSA_NSID, NETNSA_NSID_NOT_ASSIGNED);  // any
    socket.queue(message.release(), "number namespace");
    const Result<void> numbered = socket.commit();
    // Somebody else may have been faster.
    if (!numbered && numbered.error().code != Code::exists) return numbered.error();
    return ask(socket, netns);
}

}  // namespace davit::sdk
