// SPDX-License-Identifier: Apache-2.0
#include "core/network/address_pool.hpp"

#include <gtest/gtest.h>

namespace davit::network {
namespace {

sdk::Prefix at(const std::string& text) { return *sdk::parse_prefix(text); }

std::string next(AddressPool& pool) {
    const auto address = pool.allocate();
    return address ? sdk::prefix_text(*address) : address.error().what;
}

TEST(AddressPool, gives_addresses_in_order_without_the_subnets_own) {
    AddressPool pool = *AddressPool::create(at("10.1.2.0/29"));
    EXPECT_EQ(next(pool), "10.1.2.1/29");
    EXPECT_EQ(next(pool), "10.1.2.2/29");
    for (int i = 3; i < 6; ++i) ASSERT_TRUE(pool.allocate());
    EXPECT_EQ(next(pool), "10.1.2.6/29");
    const auto none = pool.allocate();
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, Code::no_space);
    EXPECT_EQ(pool.used(), 6u);
}

TEST(AddressPool, comes_back_to_a_freed_address_only_after_all_others) {
    AddressPool pool = *AddressPool::create(at("10.1.2.0/29"));
    ASSERT_EQ(next(pool), "10.1.2.1/29");
    pool.release(at("10.1.2.1"));
    EXPECT_EQ(next(pool), "10.1.2.2/29");
    for (int i = 3; i <= 6; ++i) ASSERT_TRUE(pool.allocate());
    EXPECT_EQ(next(pool), "10.1.2.1/29");
}

TEST(AddressPool, takes_wished_addresses_once_and_only_of_its_subnet) {
    AddressPool pool = *AddressPool::create(at("10.1.0.0/16"));
    ASSERT_TRUE(pool.reserve(at("10.1.0.1")));
    EXPECT_EQ(next(pool), "10.1.0.2/16");
    EXPECT_EQ(pool.reserve(at("10.1.0.1")).error().code, Code::exists);
    EXPECT_EQ(pool.reserve(at("10.2.0.1")).error().code, Code::invalid);
    EXPECT_EQ(pool.reserve(at("10.1.0.0")).error().code, Code::invalid);
    EXPECT_EQ(pool.reserve(at("10.1.255.255")).error().code, Code::invalid);
    pool.release(at("10.1.0.1"));
    pool.release(at("10.1.0.1"));
    EXPECT_EQ(pool.used(), 1u);
    EXPECT_TRUE(pool.reserve(at("10.1.0.1")));
}

TEST(AddressPool, allocates_from_its_range_and_takes_wished_ones_outside_of_it) {
    AddressPool pool = *AddressPool::create(at("10.1.0.0/16"), at("10.1.4.0/30"));
    EXPECT_EQ(next(pool), "10.1.4.0/16");
    EXPECT_TRUE(pool.reserve(at("10.1.9.9")));
    EXPECT_FALSE(pool.reserve(at("10.1.9.9")));
    for (int i = 1; i < 4; ++i) ASSERT_TRUE(pool.allocate());
    EXPECT_FALSE(pool.allocate());
    EXPECT_FALSE(AddressPool::create(at("10.1.0.0/16"), at("10.2.0.0/24")));
}

TEST(AddressPool, serves_subnets_of_ipv6_and_very_large_ones) {
    AddressPool six = *AddressPool::create(at("fd00:1::/64"));
    EXPECT_EQ(next(six), "fd00:1::1/64");
    EXPECT_TRUE(six.reserve(at("fd00:1::dead:beef:1:2")));
    EXPECT_FALSE(six.reserve(at("fd00:1::dead:beef:1:2")));
    six.release(at("fd00:1::dead:beef:1:2"));
    EXPECT_TRUE(six.reserve(at("fd00:1::dead:beef:1:2")));
    AddressPool eight = *AddressPool::create(at("10.0.0.0/8"));
    EXPECT_TRUE(eight.reserve(at("10.200.1.1")));
    EXPECT_EQ(next(eight), "10.0.0.1/8");
    AddressPool pair = *AddressPool::create(at("10.9.9.8/31"));
    EXPECT_EQ(next(pair), "10.9.9.8/31");
    EXPECT_EQ(next(pair), "10.9.9.9/31");
}

TEST(ChooseSubnet, skips_what_is_taken_or_routed_by_the_host) {
    const auto blocks = default_blocks("0123abcd");
    EXPECT_EQ(sdk::prefix_text(*choose_subnet(blocks, 4, {})), "172.17.0.0/16");
    EXPECT_EQ(
        sdk::prefix_text(*choose_subnet(blocks, 4, {at("172.17.3.0/24"), at("172.18.0.0/15")})),
        "172.20.0.0/16");
    EXPECT_EQ(sdk::prefix_text(*choose_subnet(blocks, 4, {at("172.16.0.0/12")})), "192.168.0.0/20");
    EXPECT_EQ(
        sdk::prefix_text(*choose_subnet(blocks, 4, {at("172.16.0.0/12"), at("192.168.1.0/24")})),
        "192.168.16.0/20");
    EXPECT_EQ(choose_subnet(blocks, 4, {at("172.16.0.0/12"), at("192.168.0.0/16")}).error().code,
              Code::no_space);
    EXPECT_EQ(sdk::prefix_text(*choose_subnet(blocks, 4, {at("0.0.0.0/0")})), "172.17.0.0/16")
        << "a default route takes nothing";
}

TEST(ChooseSubnet, cuts_a_unique_local_ipv6_subnet_that_is_the_engines_own) {
    const auto first = *choose_subnet(default_blocks("0123abcd"), 6, {});
    EXPECT_EQ(sdk::prefix_text(first), "fdda:123:abcd::/64");
    EXPECT_EQ(sdk::prefix_text(*choose_subnet(default_blocks("0123abcd"), 6, {first})),
              "fdda:123:abcd:1::/64");
    EXPECT_NE(*choose_subnet(default_blocks("ffff0000"), 6, {}), first);
}

TEST(ChooseSubnet, refuses_blocks_that_cannot_be_cut) {
    EXPECT_EQ(choose_subnet({{at("10.0.0.0/16"), 8}}, 4, {}).error().code, Code::invalid);
    EXPECT_EQ(choose_subnet({{at("10.0.0.0/16"), 33}}, 4, {}).error().code, Code::invalid);
}

}  // namespace
}  // namespace davit::network
