// SPDX-License-Identifier: Apache-2.0
#include "core/container/process_list.hpp"

#include <gtest/gtest.h>

namespace davit::container {
namespace {

constexpr const char* kTable =
    "UID          PID    PPID CMD\n"
    "root           1       0 /sbin/init splash\n"
    "0           4711       1 sh -c  sleep 5\n"
    "root        4712    4711\n";

TEST(ProcessList, KeepsTheRowsOfThePidsAndTheBlanksOfTheLastColumn) {
    const auto list = parse_process_list(kTable, {4711, 4712});
    ASSERT_TRUE(list) << list.error().what;
    EXPECT_EQ(list->titles, (std::vector<std::string>{"UID", "PID", "PPID", "CMD"}));
    ASSERT_EQ(list->rows.size(), 2u);
    EXPECT_EQ(list->rows[0], (std::vector<std::string>{"0", "4711", "1", "sh -c  sleep 5"}));
    EXPECT_EQ(list->rows[1], (std::vector<std::string>{"root", "4712", "4711"}));
}

TEST(ProcessList, NeedsAColumnOfPids) {
    const auto list = parse_process_list("USER CMD\nroot init\n", {1});
    ASSERT_FALSE(list);
    EXPECT_EQ(list.error().code, Code::invalid);
}

TEST(ProcessList, RefusesWhatPsRefuses) {
    const auto list = list_processes({1}, "-o no_such_column");
    ASSERT_FALSE(list);
    EXPECT_EQ(list.error().code, Code::invalid);
}

}  // namespace
}  // namespace davit::container
