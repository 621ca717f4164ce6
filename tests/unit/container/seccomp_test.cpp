// SPDX-License-Identifier: Apache-2.0
#include "sdk/container/seccomp.hpp"
#include "sdk/container/capabilities.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>

namespace davit::sdk {
namespace {

constexpr CapabilityMask kSysAdmin = CapabilityMask{1} << 21;

TEST(Seccomp, the_default_policy_depends_on_capabilities) {
    const auto plain = compile_default_seccomp(0);
    const auto admin = compile_default_seccomp(kSysAdmin);
    ASSERT_TRUE(plain) << plain.error().what;
    ASSERT_TRUE(admin) << admin.error().what;
    EXPECT_NE(*plain, *admin);
    EXPECT_EQ(plain->size() % sizeof(sock_filter), 0u);
    EXPECT_LE(plain->size() / sizeof(sock_filter), std::size_t{BPF_MAXINSNS});
}

TEST(Seccomp, unknown_names_are_passed_over_and_bad_words_refused) {
    EXPECT_TRUE(compile_seccomp(R"({"defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["no_such_call"], "action": "SCMP_ACT_ERRNO"}]})"));
    EXPECT_EQ(compile_seccomp(R"({"defaultAction": "SCMP_ACT_NOTIFY"})").error().code,
              Code::unsupported);
    EXPECT_EQ(compile_seccomp(R"({"defaultAction": 1})").error().code, Code::invalid);
    EXPECT_EQ(compile_seccomp("{").error().code, Code::invalid);
}

TEST(Capabilities, names_and_numbers_agree) {
    EXPECT_EQ(capability_number("CAP_SYS_ADMIN"), 21u);
    EXPECT_EQ(capability_name(40), "CAP_CHECKPOINT_RESTORE");
    EXPECT_FALSE(capability_number("CAP_NONSENSE"));
    EXPECT_FALSE(capability_number("SYS_ADMIN"));
    EXPECT_EQ(capability_name(41), "");
}

}  // namespace
}  // namespace davit::sdk
