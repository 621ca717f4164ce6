// SPDX-License-Identifier: Apache-2.0
#include "core/image/timestamp.hpp"

#include <gtest/gtest.h>

namespace davit::image {

TEST(Timestamp, reads_what_it_writes) {
    for (const char* text :
         {"2024-05-01T10:00:00Z", "2024-02-29T23:59:59.123456789Z", "1970-01-01T00:00:00.5Z"})
        EXPECT_EQ(format_time(parse_time(text).value()), text);
}

TEST(Timestamp, an_offset_is_taken_into_account) {
    EXPECT_EQ(parse_time("2024-05-01T12:00:00+02:00"), parse_time("2024-05-01T10:00:00Z"));
    EXPECT_EQ(parse_time("2024-05-01T05:30:00-04:30"), parse_time("2024-05-01T10:00:00Z"));
}

TEST(Timestamp, anything_else_is_no_time) {
    for (const char* text :
         {"", "2024-05-01", "2024-05-01T10:00:00", "2024-13-01T10:00:00Z", "0001-01-01T00:00:00Z",
          "2024-05-01T10:00:00.Z", "2024-05-01T10:00:00Zx", "-024-05-01T10:00:00Z"})
        EXPECT_FALSE(parse_time(text)) << text;
}

}  // namespace davit::image
