// SPDX-License-Identifier: Apache-2.0
#include "endpoint.hpp"

#include "sdk/base/undo.hpp"

#include <cerrno>
#include <chrono>
#include <thread>

namespace davit::macvlan {
namespace {

// The kernel dismantles a namespace, and so the links in it, within a second of its last user.
constexpr std::chrono::milliseconds kPatience{2000};
constexpr std::chrono::milliseconds kPause{5};

// What the kernel says when a MAC is in use on the parent (EADDRINUSE, once EBUSY, when the link
// comes up) and when a passthru parent is taken (EINVAL, when the link is made).
bool may_pass(const Error& error, sdk::MacvlanMode mode) {
    return error.os_errno == EADDRINUSE || error.os_errno == EBUSY ||
           (mode == sdk::MacvlanMode::passthru && error.os_errno == EINVAL);
}

// In passthru mode the link is born with its parent's MAC, whatever is asked for.
Result<int> index_of_new_link(sdk::RouteSocket& host, const EndpointPlan& plan) {
    for (const sdk::Link& link : TRY(sdk::list_links(host, plan.record.sandbox)))
        if (link.kind == "macvlan" && link.parent == plan.parent && !link.up) return link.index;
    return fail(Code::internal, "find link in sandbox: it is not there");
}

Result<sdk::Link> connect_once(sdk::RouteSocket& host, EndpointPlan& plan) {
    sdk::queue_macvlan(host, {.name = plan.interface.name,
                              .parent = plan.parent,
                              .mode = plan.mode,
                              .mac = plan.interface.mac,
                              .netns = plan.interface.netns,
                              .mtu = plan.interface.mtu});
    TRY(host.commit());
    Undo forget([&] { (void)disconnect(plan.record, plan.interface.alias); });
    if (plan.mode == sdk::MacvlanMode::passthru)
        plan.interface.index = TRY(index_of_new_link(host, plan));
    sdk::Link link = TRY(sdk::configure_interface(plan.interface));
    forget.keep();
    return link;
}

}  // namespace

Result<sdk::Link> connect(EndpointPlan plan) {
    sdk::RouteSocket host = TRY(sdk::RouteSocket::open());
    const auto end = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
        auto link = connect_once(host, plan);
        if (link || !may_pass(link.error(), plan.mode)) return link;
        if (std::chrono::steady_clock::now() > end) {
            Error error = std::move(link).error();
            error.code = Code::busy;
            error.what += plan.mode == sdk::MacvlanMode::passthru
                              ? " (a parent in passthru mode takes one container alone)"
                              : " (another link on this parent has the same MAC address)";
            return error;
        }
        std::this_thread::sleep_for(kPause);
    }
}

bool has_sandbox(sdk::RouteSocket& socket, const EndpointRecord& record) {
    return static_cast<bool>(sdk::list_links(socket, record.sandbox));
}

Result<std::optional<sdk::Link>> find_endpoint(sdk::RouteSocket& socket,
                                               const EndpointRecord& record,
                                               const std::string& alias) {
    const auto links = sdk::list_links(socket, record.sandbox);
    if (!links && links.error().code == Code::not_found) return std::optional<sdk::Link>();
    if (!links) return links.error();
    for (const sdk::Link& link : *links) {
        const bool unmarked = link.alias.empty() && link.mac == record.mac;
        if (link.kind == "macvlan" && (link.alias == alias || unmarked))
            return std::optional<sdk::Link>(link);
    }
    return std::optional<sdk::Link>();
}

Result<void> disconnect(const EndpointRecord& record, const std::string& alias) {
    sdk::RouteSocket socket = TRY(sdk::RouteSocket::open());
    const auto link = TRY(find_endpoint(socket, record, alias));
    if (!link) return {};
    sdk::queue_link_removal(socket, link->index, record.sandbox);
    const Result<void> removed = socket.commit();
    // The sandbox went meanwhile, and its number with it: so did the link.
    if (!removed && TRY(find_endpoint(socket, record, alias))) return removed.error();
    return {};
}

}  // namespace davit::macvlan
