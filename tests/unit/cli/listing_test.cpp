// SPDX-License-Identifier: Apache-2.0
#include "cli/listing.hpp"

#include <gtest/gtest.h>
#include <boost/json/string.hpp>

namespace davit::cli {
namespace {

std::string listed(std::string_view format) {
    auto listing =
        Listing::create(format, "{{.ID}}\t{{.Name}}", {{"ID", "CONTAINER ID"}, {"Name", "NAMES"}});
    if (!listing) return listing.error().what;
    for (const auto* name : {"web", "database"})
        if (auto done = listing->add({{"ID", "e04871a41f40"}, {"Name", name}}); !done)
            return done.error().what;
    return *listing->finish();
}

TEST(Listing, without_a_format_is_dockers_table) {
    EXPECT_EQ(listed(""), "CONTAINER ID   NAMES\ne04871a41f40   web\ne04871a41f40   database\n");
    EXPECT_EQ(listed("table"), listed(""));
}

TEST(Listing, takes_a_table_of_ones_own) {
    EXPECT_EQ(listed("table {{.Name}}\\t{{upper .ID}}"),
              "NAMES      CONTAINER ID\nweb        E04871A41F40\ndatabase   E04871A41F40\n");
}

TEST(Listing, prints_a_template_for_each_row) {
    EXPECT_EQ(listed("{{.Name}}!"), "web!\ndatabase!\n");
}

TEST(Listing, prints_rows_as_json_lines) {
    EXPECT_EQ(listed("json"),
              "{\"ID\":\"e04871a41f40\",\"Name\":\"web\"}\n{\"ID\":\"e04871a41f40\",\"Name\":"
              "\"database\"}\n");
}

TEST(Listing, names_the_fields_when_one_is_wrong) {
    EXPECT_EQ(listed("{{.Image}}"),
              "template: 1:3: .Image: no field \"Image\"; there are .ID, .Name");
}

TEST(Listing, heads_a_label_with_its_last_word) {
    EXPECT_TRUE(Listing::create("table {{.Label \"com.example.role\"}}", "", {})
                    ->finish()
                    ->starts_with("role"));
}

TEST(Columns, are_at_least_ten_wide_and_count_characters_not_bytes) {
    EXPECT_EQ(align_columns("a\tb\n\"sh -c 'echo…\"\tc\n"),
              "a                b\n\"sh -c 'echo…\"   c\n");
    EXPECT_EQ(align_columns("A\tB\nx\t\n"), "A         B\nx         \n");
}

}  // namespace
}  // namespace davit::cli
