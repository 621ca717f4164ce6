// SPDX-License-Identifier: Apache-2.0
// kill -9 before every system call of an operation that may change something: the operation can be
// done again, and `retain` finds all that is left.
#include "sdk/contract/crash.hpp"
#include "sdk/contract/expectation.hpp"
#include "sdk/contract/network_bench.hpp"

namespace davit::sdk::contract {
namespace {

using Names = std::vector<std::string>;
constexpr int kMostPoints = 500;  // an operation of more calls that change something is too long

struct Sweep {
    std::function<void()> arrange;  // before each kill, on what the last round left
    std::function<Result<void>(const Fabric&)> operation;
    bool may_end_later = false;    // what it changes it may change off the caller's path
    std::function<void()> verify;  // after each crash and after the undisturbed end
};

void sweep(NetworkBench& bench, const Sweep& plan) {
    for (int point = 0; point < kMostPoints; ++point) {
        plan.arrange();
        bench.close();
        std::unique_ptr<Fabric> fabric;
        const auto open = [&] {
            auto opened = bench.open_second();
            if (opened) fabric = std::move(*opened);
            return static_cast<bool>(opened);
        };
        const auto operate = [&] { return static_cast<bool>(plan.operation(*fabric)); };
        const Ending ending = run_and_kill(open, operate, point);
        ASSERT_NE(ending, Ending::failed) << "call " << point;
        bench.reopen();
        plan.verify();
        if (testing::Test::HasFailure())
            FAIL() << "killed before call " << point << " of those that change something";
        if (ending == Ending::succeeded) {
            EXPECT_TRUE(point > 0 || plan.may_end_later)
                << "it changed nothing: nothing was tested";
            return;
        }
    }
    FAIL() << "more than " << kMostPoints << " calls";
}

bool become(int netns, const Names& expected) {
    return soon([&] { return NetworkBench::links(netns) == expected; });
}

NetworkWish first_network(const NetworkBench& bench) {
    return {.key = "net-a", .gateway4 = "172.30.0.1/16", .options = bench.subject().options};
}

void again(NetworkBench& bench) {
    EXPECT_TRUE(succeeds(bench.fabric().create(first_network(bench))));
}

void a_kill_during_create_network_leaves_nothing_that_retain_does_not_find(NetworkBench& bench) {
    const Names before = NetworkBench::links(bench.host());
    int round = 0;
    sweep(bench, {.arrange = [] {},
                  .operation = [&](const Fabric& fabric) -> Result<void> {
                      TRY(fabric.create(first_network(bench)));
                      return {};
                  },
                  .verify =
                      [&] {
                          // Every second time it is done again, as an engine does that still wants
                          // it.
                          if (++round % 2 == 0) again(bench);
                          EXPECT_TRUE(succeeds(bench.fabric().retain({}, {})));
                          EXPECT_TRUE(become(bench.host(), before));
                      }});
    EXPECT_FALSE(bench.fabric().create(first_network(bench))->existed);
}

void a_kill_during_remove_network_can_be_gone_on_with(NetworkBench& bench) {
    const Names before = NetworkBench::links(bench.host());
    sweep(bench,
          {.arrange = [&] { EXPECT_TRUE(succeeds(bench.fabric().create(first_network(bench)))); },
           .operation = [](const Fabric& fabric) { return fabric.remove("net-a"); },
           .verify =
               [&] {
                   EXPECT_TRUE(succeeds(bench.fabric().remove("net-a")));
                   EXPECT_TRUE(become(bench.host(), before));
                   EXPECT_TRUE(bench.fabric().retain({}, {})->empty());
               }});
}

void a_kill_during_attach_leaves_nothing_that_retain_does_not_find(NetworkBench& bench) {
    bench.create_networks();
    const Sandbox one = bench.sandbox(2);
    const Names host = NetworkBench::links(bench.host()),
                inside = NetworkBench::links(one.netns.fd());
    sweep(bench, {.arrange = [] {},
                  .operation = [&](const Fabric& fabric) -> Result<void> {
                      TRY(fabric.attach(one));
                      return {};
                  },
                  .verify =
                      [&] {
                          EXPECT_TRUE(succeeds(bench.fabric().retain({"net-a", "net-b"}, {})));
                          EXPECT_TRUE(become(bench.host(), host));
                          EXPECT_TRUE(become(one.netns.fd(), inside));
                      }});
    EXPECT_TRUE(succeeds(bench.fabric().attach(one)));
    EXPECT_TRUE(bench.fabric().check("net-a")->empty());
}

void a_kill_during_detach_can_be_gone_on_with(NetworkBench& bench) {
    bench.create_networks();
    const Sandbox one = bench.sandbox(2);
    const Names host = NetworkBench::links(bench.host()),
                inside = NetworkBench::links(one.netns.fd());
    sweep(bench, {.arrange = [&] { EXPECT_TRUE(succeeds(bench.fabric().attach(one))); },
                  .operation = [&](const Fabric& fabric) { return fabric.detach(one, true); },
                  .may_end_later = true,
                  .verify =
                      [&] {
                          EXPECT_TRUE(succeeds(bench.fabric().detach(one, true)));
                          EXPECT_TRUE(become(bench.host(), host));
                          EXPECT_TRUE(become(one.netns.fd(), inside));
                          EXPECT_TRUE(bench.fabric().retain({"net-a", "net-b"}, {})->empty());
                      }});
}

}  // namespace

#define CASE(name) \
    NetworkCase { #name, name }

std::vector<NetworkCase> network_crash_cases() {
    return {CASE(a_kill_during_create_network_leaves_nothing_that_retain_does_not_find),
            CASE(a_kill_during_remove_network_can_be_gone_on_with),
            CASE(a_kill_during_attach_leaves_nothing_that_retain_does_not_find),
            CASE(a_kill_during_detach_can_be_gone_on_with)};
}

}  // namespace davit::sdk::contract
