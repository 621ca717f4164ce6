// SPDX-License-Identifier: Apache-2.0
#include "sdk/base/json.hpp"

#include <gtest/gtest.h>
#include <boost/json.hpp>

namespace davit::json {
namespace {

std::string failure(const auto& result) { return result ? "(no error)" : result.error().what; }

boost::json::object object_of(std::string_view text) { return parse_object(text, "test").take(); }

TEST(Json, reads_a_document_and_writes_it_back) {
    const auto value = parse(R"({"a":[1,true,null,"x"]})", "test");
    ASSERT_TRUE(value) << failure(value);
    EXPECT_EQ(serialize(*value), R"({"a":[1,true,null,"x"]})");
}

TEST(Json, names_the_line_and_column_of_a_mistake) {
    const auto value = parse("{\n  \"a\": 1,\n  \"b\": x\n}", "daemon.json");
    EXPECT_EQ(failure(value), "parse daemon.json: line 3, column 8: syntax error");
    EXPECT_EQ(value.error().code, Code::invalid);
}

TEST(Json, refuses_text_after_the_value) {
    EXPECT_EQ(failure(parse("{} {}", "test")),
              "parse test: line 1, column 4: extra text after the value");
}

TEST(Json, refuses_a_document_that_stops_early_or_is_empty) {
    EXPECT_EQ(failure(parse("{\"a\":\n[1,", "test")),
              "parse test: line 2, column 4: the document ends too early");
    EXPECT_EQ(failure(parse("", "test")), "parse test: line 1, column 1: the document is empty");
}

TEST(Json, refuses_documents_over_its_limits) {
    const std::string deep(100, '[');
    EXPECT_NE(failure(parse(deep + std::string(100, ']'), "test")).find("column 65"),
              std::string::npos);
    EXPECT_EQ(failure(parse("[1,2,3]", "test", {.bytes = 3})), "parse test: longer than 3 bytes");
}

TEST(Json, refuses_invalid_utf8_and_comments_where_machines_write) {
    EXPECT_FALSE(parse("\"\xff\"", "test"));
    EXPECT_FALSE(parse("{} // no", "test"));
}

TEST(Json, reads_comments_and_trailing_commas_where_people_write) {
    const auto object =
        parse_commented("// hello\n{ \"a\": 1, /* b */ \"c\": [1,], }\n", "daemon.json");
    ASSERT_TRUE(object) << failure(object);
    EXPECT_EQ(serialize(*object), R"({"a":1,"c":[1]})");
}

TEST(Json, refuses_a_member_that_a_person_wrote_twice) {
    EXPECT_EQ(failure(parse_commented("{\"a\": {\"x\": 1},\n \"b\": {\"x\": 2, \"x\": 3}}",
                                      "daemon.json")),
              "parse daemon.json: line 2, column 18: \"x\" appears twice");
}

TEST(Json, knows_the_line_of_every_member) {
    const auto lines = member_lines(
        "{ // first\n \"a\": 1,\n\"b\":\n {\"c\": [1,\n {\"d\": \"x\"}],\n\n\"e\": null}}");
    const std::map<std::string, std::size_t> expected = {
        {"a", 2}, {"b", 3}, {"b.c", 4}, {"b.c[0]", 4}, {"b.c[1]", 5}, {"b.c[1].d", 5}, {"b.e", 7}};
    EXPECT_EQ(lines, expected);
}

TEST(Json, expects_an_object_where_one_must_be) {
    EXPECT_EQ(failure(parse_object("[]", "body")),
              "parse body: expected an object, found an array");
}

TEST(Json, getters_take_absent_and_null_as_not_given) {
    const auto object = object_of(R"({"n":null})");
    EXPECT_EQ(get_string(object, "n").take(), std::nullopt);
    EXPECT_EQ(get_string(object, "absent", "x").take(), "x");
    EXPECT_EQ(get_int(object, "n", 7).take(), 7);
    EXPECT_TRUE(get_bool(object, "n", true).take());
    EXPECT_EQ(get_object(object, "n").take(), nullptr);
    EXPECT_TRUE(get_strings(object, "n").take().empty());
    EXPECT_EQ(failure(require_string(object, "n")), "read n: it is missing");
    EXPECT_EQ(failure(require_int(object, "m")), "read m: it is missing");
}

TEST(Json, getters_refuse_another_kind) {
    const auto object = object_of(R"({"a":"x","b":1.5,"c":[1]})");
    EXPECT_EQ(failure(get_bool(object, "a", false)), "read a: expected a boolean, found a string");
    EXPECT_EQ(failure(get_int(object, "b", 0)), "read b: expected a whole number, found a number");
    EXPECT_EQ(failure(get_string(object, "c", "")), "read c: expected a string, found an array");
    EXPECT_EQ(failure(get_object(object, "a")), "read a: expected an object, found a string");
    EXPECT_FALSE(get_strings(object, "c"));
}

TEST(Json, whole_numbers_may_be_written_as_doubles) {
    EXPECT_EQ(get_int(object_of(R"({"a":3.0})"), "a", 0).take(), 3);
    EXPECT_FALSE(get_int(object_of(R"({"a":1e300})"), "a", 0));
    EXPECT_FALSE(get_int(object_of(R"({"a":18446744073709551615})"), "a", 0));
}

TEST(Json, pretty_gives_every_member_a_line) {
    EXPECT_EQ(pretty(parse(R"({"a":[1,{"b":{}}],"c":[]})", "test").take()),
              "{\n  \"a\": [\n    1,\n    {\n      \"b\": {}\n    }\n  ],\n  \"c\": []\n}");
}

}  // namespace
}  // namespace davit::json
