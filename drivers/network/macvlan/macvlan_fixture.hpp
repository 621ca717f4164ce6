// SPDX-License-Identifier: Apache-2.0
// A host of its own for each test of the macvlan driver: a private network namespace whose link
// "lanlink0" (192.0.2.1) leads to a peer of the LAN (192.0.2.9), and the driver opened inside as an
// engine would. Containers live in the LAN's own subnet.
#pragma once

#include "macvlan_driver.hpp"
#include "sdk/contract/network_bench.hpp"

#include <gtest/gtest.h>
#include <cstdlib>

namespace davit::macvlan::test {

using sdk::contract::Sandbox;

inline const davit_driver* driver() {
    using Entry = sdk::DriverEntry<sdk::NetworkDriver, MacvlanDriver>;
    static const davit_driver entry = {
        sizeof(davit_driver), 1, 1, 0, sdk::str("network"), sdk::str("macvlan"), &Entry::open,
        &Entry::probe};
    return &entry;
}

class MacvlanHost : public testing::Test {
protected:
    MacvlanHost() : subject_{.name = "Macvlan", .driver = driver}, bench_(subject_) {}
    void SetUp() override { bench_.set_up(); }

    // "parent": "lanlink0", and what `more` adds.
    static std::string on_lan(const std::string& more = "") {
        return R"({"parent": "lanlink0")" + (more.empty() ? "" : ", " + more) + "}";
    }
    static std::string mode(const std::string& word) {
        return on_lan(R"("macvlan_mode": ")" + word + "\"");
    }
    Result<davit_network_created> create(const std::string& options,
                                         const std::string& key = "net-a",
                                         std::uint32_t flags = 0) {
        return fabric().create({.key = key,
                                .gateway4 = "192.0.2.9/24",
                                .gateway6 = "fd00::9/64",
                                .options = options,
                                .flags = flags});
    }
    // 192.0.2.<last> and fd00::<last>.
    Sandbox sandbox(int last, const std::string& network = "net-a") {
        Sandbox made = bench_.sandbox(last, network);
        const std::string tail = std::to_string(last);
        made.addresses = {sdk::contract::network_address("192.0.2." + tail + "/24"),
                          sdk::contract::network_address("fd00::" + tail + "/64")};
        made.gateway = "192.0.2.9";
        made.gateway6 = "fd00::9";
        return made;
    }
    Sandbox started(int last, const std::string& network = "net-a") {
        Sandbox made = sandbox(last, network);
        const auto attached = fabric().attach(made);
        EXPECT_TRUE(attached) << attached.error().what;
        return made;
    }
    static std::string address(int last) { return "192.0.2." + std::to_string(last); }
    static bool reach(const Sandbox& client, const Sandbox& server, int last) {
        const auto serving = bench::serve(server.netns.fd(), 80);
        return !bench::is_out_of_reach(client.netns.fd(), address(last), 80);
    }
    // Runs a command in a namespace; true when it succeeded.
    static bool shell(int netns, const std::string& command) {
        return static_cast<bool>(run_in_netns(netns, [&]() -> Result<void> {
            if (std::system(command.c_str()) == 0) return {};
            return fail(Code::internal, "run ", command);
        }));
    }

    using bench = sdk::contract::NetworkBench;
    const sdk::contract::Fabric& fabric() const { return bench_.fabric(); }
    int host() const { return bench_.host(); }
    int lan() const { return bench_.lan(); }

    sdk::contract::NetworkSubject subject_;
    bench bench_;
};

}  // namespace davit::macvlan::test
