// SPDX-License-Identifier: Apache-2.0
// Objects, life cycle, recovery. What packets may do is in bridge_packets_test.cpp.
#include "bridge_fixture.hpp"

namespace davit::bridge::test {
namespace {

class BridgeDriverTest : public BridgeHost {};

TEST_F(BridgeDriverTest, attach_gives_the_sandbox_an_interface_that_works_at_once) {
    const auto created = create();
    ASSERT_TRUE(created) << created.error().what;
    const Container one = start("172.30.0.2/16");
    EXPECT_EQ(one.interface, "eth0");
    const auto server = serve(one.netns.fd(), 80);
    EXPECT_EQ(ask(host(), "172.30.0.2", 80), "172.30.0.1");
    ASSERT_TRUE(detach(one));
}

}  // namespace
}  // namespace davit::bridge::test
