// SPDX-License-Identifier: Apache-2.0
// The contract is worth something only if it fails: each copy of the reference driver has one
// fault, and the cases that speak of it must be the ones that see it.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <cstdio>
#include <string>

namespace {

struct Outcome {
    int status = -1;
    std::string report;
    bool failed(const std::string& promise) const {
        return report.find("[  FAILED  ] PlainDirStorageContract." + promise) != std::string::npos;
    }
};

Outcome conform(const std::string& driver, const std::string& filter = "*") {
    const std::string command = std::string(DAVIT_CONFORM) + " run " + DAVIT_TEST_DRIVER_DIRECTORY +
                                "/" + driver + ".so --gtest_filter='" + filter + "' 2>&1";
    Outcome outcome;
    FILE* report = ::popen(command.c_str(), "re");
    if (report == nullptr) return outcome;
    char buffer[4096];
    while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, report))
        outcome.report.append(buffer, count);
    const int status = ::pclose(report);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
}

TEST(StorageContractSees, a_parent_removed_under_its_children) {
    const Outcome outcome = conform("faulty-remove", "*remove*:*retain*");
    EXPECT_EQ(outcome.status, 1) << outcome.report;
    EXPECT_TRUE(outcome.failed("remove_of_a_parent_is_busy_until_its_last_child_is_gone"))
        << outcome.report;
}

TEST(StorageContractSees, a_committed_layer_that_can_be_written) {
    const Outcome outcome = conform("faulty-mount", "*mount*");
    EXPECT_EQ(outcome.status, 1) << outcome.report;
    EXPECT_TRUE(outcome.failed("mount_of_a_committed_layer_is_read_only")) << outcome.report;
}

TEST(StorageContractSees, a_layer_made_in_place_when_it_is_killed) {
    const Outcome outcome = conform("faulty-prepare", "*kill*");
    EXPECT_EQ(outcome.status, 1) << outcome.report;
    EXPECT_TRUE(outcome.failed("a_kill_during_prepare_leaves_the_key_absent_or_complete"))
        << outcome.report;
}

TEST(StorageContractSees, a_mount_descriptor_that_programs_would_inherit) {
    const Outcome outcome = conform("faulty-descriptor", "*descriptor*");
    EXPECT_EQ(outcome.status, 1) << outcome.report;
    EXPECT_TRUE(outcome.failed("descriptors_of_the_driver_are_not_inherited")) << outcome.report;
}

TEST(StorageContractSees, owners_lost_by_a_copy) {
    const Outcome outcome = conform("faulty-copy", "*survive*");
    EXPECT_EQ(outcome.status, 1) << outcome.report;
    EXPECT_TRUE(outcome.failed("owners_modes_and_times_survive")) << outcome.report;
}

}  // namespace
