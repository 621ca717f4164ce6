// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/schema.hpp"

#include <gtest/gtest.h>
#include <boost/json.hpp>

namespace davit::plugin {
namespace {

boost::json::object object_of(std::string_view text) {
    return boost::json::parse({text.data(), text.size()}).as_object();
}

// What apply_schema finds, as "path: cause"; the value with its defaults when nothing.
std::string outcome(std::string_view schema, std::string_view text) {
    auto value = object_of(text);
    const auto found = apply_schema(object_of(schema), value);
    return found ? found->path + ": " + found->cause : boost::json::serialize(value);
}

std::string complaint(std::string_view schema) {
    const auto checked = check_schema(object_of(schema));
    return checked ? "" : checked.error().what;
}

TEST(Schema, fills_in_the_defaults_of_absent_members_at_every_depth) {
    EXPECT_EQ(
        outcome(R"({"properties":{"a":{"default":1},"b":{"properties":{"c":{"default":[]}}}}})",
                R"({"b":{}})"),
        R"({"b":{"c":[]},"a":1})");
    EXPECT_EQ(outcome(R"({"properties":{"a":{"type":"integer","default":1}}})", R"({"a":2})"),
              R"({"a":2})");
}

TEST(Schema, refuses_unknown_members_unless_they_are_welcome) {
    EXPECT_EQ(outcome(R"({"properties":{"size":{}}})", R"({"sise":1})"),
              R"(sise: unknown key (did you mean "size"?))");
    EXPECT_EQ(outcome(R"({})", R"({"a":1})"), "a: unknown key");
    EXPECT_EQ(outcome(R"({"additionalProperties":true})", R"({"a":1})"), R"({"a":1})");
    EXPECT_EQ(outcome(R"({"additionalProperties":{"type":"string"}})", R"({"a":1})"),
              "a: expected a string, found a number");
}

TEST(Schema, checks_the_type_of_every_member) {
    const auto of = [](const char* type, const char* value) {
        return outcome(std::string(R"({"properties":{"a":{"type":")") + type + R"("}}})",
                       std::string(R"({"a":)") + value + "}");
    };
    EXPECT_EQ(of("string", "1"), "a: expected a string, found a number");
    EXPECT_EQ(of("integer", "1.5"), "a: expected an integer, found a number");
    EXPECT_EQ(of("number", "1.5"), R"({"a":1.5E0})");
    EXPECT_EQ(of("boolean", "null"), "a: expected a boolean, found null");
    EXPECT_EQ(of("array", "{}"), "a: expected an array, found an object");
    EXPECT_EQ(of("object", "[]"), "a: expected an object, found an array");
}

TEST(Schema, keeps_numbers_texts_and_lists_within_their_bounds) {
    const auto schema =
        R"({"properties":{"n":{"minimum":2,"maximum":4},"t":{"minLength":2,"maxLength":3},
                            "l":{"type":"array","minItems":1,"maxItems":2,"items":{"type":"integer"}}}})";
    EXPECT_EQ(outcome(schema, R"({"n":1})"), "n: must be at least 2");
    EXPECT_EQ(outcome(schema, R"({"n":5})"), "n: must be at most 4");
    EXPECT_EQ(outcome(schema, R"({"t":"x"})"), "t: must be at least 2 bytes long");
    EXPECT_EQ(outcome(schema, R"({"t":"xxxx"})"), "t: must be at most 3 bytes long");
    EXPECT_EQ(outcome(schema, R"({"l":[]})"), "l: must be at least 1 items long");
    EXPECT_EQ(outcome(schema, R"({"l":[1,"2"]})"), "l[1]: expected an integer, found a string");
    EXPECT_EQ(outcome(schema, R"({"n":3,"t":"xx","l":[1]})"), R"({"n":3,"t":"xx","l":[1]})");
}

TEST(Schema, checks_patterns_choices_and_constants) {
    EXPECT_EQ(outcome(R"({"properties":{"a":{"pattern":"^[a-z]+$"}}})", R"({"a":"A"})"),
              R"(a: "A" does not match ^[a-z]+$)");
    EXPECT_EQ(outcome(R"({"properties":{"a":{"pattern":"^/"}}})", R"({"a":"b"})"),
              R"(a: "b" is not an absolute path)");
    EXPECT_EQ(outcome(R"({"properties":{"a":{"enum":[1,"two"]}}})", R"({"a":"tow"})"),
              R"(a: "tow" is not one of 1, "two" (did you mean "two"?))");
    EXPECT_EQ(outcome(R"({"properties":{"a":{"const":7}}})", R"({"a":8})"), "a: must be 7");
}

TEST(Schema, names_the_whole_path_of_what_is_missing) {
    EXPECT_EQ(
        outcome(
            R"({"properties":{"pools":{"items":{"required":["base"],"properties":{"base":{}}}}}})",
            R"({"pools":[{}]})"),
        "pools[0].base: it is missing");
}

TEST(Schema, a_schema_with_a_keyword_that_nobody_checks_is_refused) {
    EXPECT_EQ(complaint(R"({"properties":{"a":{"oneOf":[]}}})"),
              "a: read schema: oneOf: is not a keyword that Davit knows");
    EXPECT_EQ(complaint(R"({"type":"text"})"),
              "read schema: type: must be object, array, string, integer, number or boolean");
    EXPECT_NE(complaint(R"({"pattern":"("})").find("read schema: pattern: "), std::string::npos);
    EXPECT_EQ(complaint(R"({"minimum":"1"})"), "read schema: minimum: must be a number");
    EXPECT_EQ(complaint(R"({"required":"a"})"),
              "read schema: required: must be an array of strings");
    EXPECT_EQ(complaint(R"({"enum":[]})"),
              "read schema: enum: must be an array with at least one value");
    EXPECT_EQ(complaint(R"({"items":true})"), "read schema: items: must be a schema");
    EXPECT_EQ(
        complaint(
            R"({"$schema":"x","title":"t","properties":{"a":{"description":"d","default":1}}})"),
        "");
}

TEST(Schema, suggests_only_what_is_near) {
    const std::vector<std::string> known = {"data-root", "debug", "hosts"};
    EXPECT_EQ(nearest("data_root", known), "data-root");
    EXPECT_EQ(nearest("dbug", known), "debug");
    EXPECT_EQ(nearest("iptables", known), "");
    EXPECT_EQ(nearest("", known), "");
    EXPECT_EQ(nearest(std::string(1000, 'x'), known), "");
}

}  // namespace
}  // namespace davit::plugin
