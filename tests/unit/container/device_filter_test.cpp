// SPDX-License-Identifier: Apache-2.0
// Policies, and the programs made of them in the kernel: a process is born into a control group
// that has one, and tries.
#include "sdk/container/device_filter.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/process.hpp"
#include "sdk/container/namespaces.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <filesystem>

namespace davit::sdk {
namespace {

const DeviceRule kNone{false, 'a', {}, {}, "rwm"};
const DeviceRule kAll{true, 'a', {}, {}, "rwm"};

std::string text(const std::vector<DeviceRule>& rules) {
    const auto policy = device_policy(rules);
    if (!policy) return std::string(code_name(policy.error().code));
    std::string out = policy->allow ? "allow" : "deny";
    for (const auto& one : policy->exceptions)
        out += "," + std::to_string(one.type) + ":" +
               (one.major ? std::to_string(*one.major) : "*") + ":" +
               (one.minor ? std::to_string(*one.minor) : "*") + ":" + std::to_string(one.access);
    return out;
}

TEST(DevicePolicy, begins_with_everything_and_a_rule_for_all_begins_anew) {
    EXPECT_EQ(text({}), "allow");
    EXPECT_EQ(text({kNone}), "deny");
    EXPECT_EQ(text({kNone, {true, 'c', 1, 3, "r"}, kAll}), "allow");
}

TEST(DevicePolicy, rules_for_the_same_devices_add_up_and_cancel) {
    EXPECT_EQ(text({kNone, {true, 'c', 1, 3, "r"}, {true, 'c', 1, 3, "w"}}), "deny,2:1:3:6");
    EXPECT_EQ(text({kNone, {true, 'c', 1, 3, "rw"}, {false, 'c', 1, 3, "w"}}), "deny,2:1:3:2");
    EXPECT_EQ(text({kNone, {true, 'b', 8, {}, "r"}, {false, 'b', 8, {}, "rwm"}}), "deny");
    EXPECT_EQ(text({{false, 'b', 8, -1, "w"}}), "allow,1:8:*:4");
}

TEST(DevicePolicy, what_makes_no_sense_is_refused) {
    EXPECT_EQ(text({{true, 'x', 1, 3, "r"}}), "invalid");
    EXPECT_EQ(text({{true, 'c', 1, 3, "x"}}), "invalid");
    EXPECT_EQ(text({{true, 'c', std::int64_t{1} << 40, 3, "r"}}), "invalid");
}

class DeviceProgram : public testing::Test {
protected:
    void SetUp() override {
        for (const char* tree : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"})
            if (std::filesystem::exists(std::string(tree) + "/cgroup.procs") && path_.empty())
                path_ = std::string(tree) + "/davit-device-test-" + std::to_string(::getpid());
        ASSERT_FALSE(path_.empty()) << "no control groups version 2 here";
        ASSERT_EQ(::mkdir(path_.c_str(), 0755), 0);
        group_ = *open_directory(path_);
    }
    void TearDown() override { ::rmdir(path_.c_str()); }

    void apply(const std::vector<DeviceRule>& rules) {
        const auto policy = device_policy(rules);
        ASSERT_TRUE(policy);
        const auto applied = filters_.apply(group_.get(), *policy);
        ASSERT_TRUE(applied) << applied.error().what;
    }

    // What open(2) says to a process in the group; 0: it worked.
    int opening(const char* path, int flags) {
        auto child = clone_process(0, group_.get());
        if (child && child->pid == 0) ::_exit(::open(path, flags) < 0 ? errno : 0);
        const auto status = wait_child(child->pidfd.get());
        return status ? status->code : -1;
    }

    std::string path_;
    Fd group_;
    DeviceFilters filters_;
};

TEST_F(DeviceProgram, decides_by_type_number_and_access) {
    apply({kNone, {true, 'c', 1, 3, "r"}, {true, 'c', 5, {}, "rw"}, {true, 'b', 1, 5, "rw"}});
    EXPECT_EQ(opening("/dev/null", O_RDONLY), 0);
    EXPECT_EQ(opening("/dev/null", O_WRONLY), EPERM);
    EXPECT_EQ(opening("/dev/null", O_RDWR), EPERM) << "only half of it is allowed";
    EXPECT_EQ(opening("/dev/zero", O_RDONLY), EPERM) << "a block device has that number";
    EXPECT_EQ(opening("/dev/ptmx", O_RDWR), 0) << "every minor number";
}

TEST_F(DeviceProgram, can_forbid_single_devices) {
    apply({{false, 'c', 1, 5, "w"}});
    EXPECT_EQ(opening("/dev/zero", O_RDONLY), 0);
    EXPECT_EQ(opening("/dev/zero", O_RDWR), EPERM) << "half of it is forbidden";
    EXPECT_EQ(opening("/dev/null", O_RDWR), 0);
}

TEST_F(DeviceProgram, a_new_policy_replaces_the_old) {
    apply({kNone});
    EXPECT_EQ(opening("/dev/null", O_RDONLY), EPERM);
    apply({kNone, {true, 'c', 1, 3, "rwm"}});
    EXPECT_EQ(opening("/dev/null", O_RDONLY), 0);
    apply({kNone, {true, 'c', 1, 3, "rwm"}});
    EXPECT_EQ(opening("/dev/null", O_RDONLY), 0) << "the same once more";
    EXPECT_EQ(opening("/dev/zero", O_RDONLY), EPERM);
    apply({});
    EXPECT_EQ(opening("/dev/zero", O_RDONLY), 0);
}

}  // namespace
}  // namespace davit::sdk
