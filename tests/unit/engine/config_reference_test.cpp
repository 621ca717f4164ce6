// SPDX-License-Identifier: Apache-2.0
// docs/operator-guide/configuration.md says what the schema and the command line say. With
// DAVIT_UPDATE=1 in the environment the page is written instead of compared.
#include "core/engine/config_source.hpp"

#include <gtest/gtest.h>
#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace davit::engine {
namespace {

const std::string kPage = DAVIT_SOURCE_DIR "/docs/operator-guide/configuration.md";

std::string text_of(const boost::json::object& object, const char* key) {
    const auto* value = object.if_contains(key);
    return value == nullptr     ? ""
           : value->is_string() ? value->as_string().c_str()
                                : boost::json::serialize(*value);
}

std::string type_of(const boost::json::object& schema) {
    if (const auto* choices = schema.if_contains("enum")) {
        std::string list;
        for (const auto& choice : choices->as_array()) {
            if (!list.empty()) list += ", ";
            list += '`' + boost::json::serialize(choice) + '`';
        }
        return list;
    }
    const auto type = text_of(schema, "type");
    if (type != "array") return text_of(schema, "pattern") == "^/" ? "absolute path" : type;
    const auto item = type_of(schema.at("items").as_object());
    return "list of " + (item == "absolute path" ? "absolute paths" : item + "s");
}

void append_rows(std::string& page, const boost::json::object& schema, const std::string& above);

void append_row(std::string& page, const std::string& path, const boost::json::object& schema) {
    const auto fallback = text_of(schema, "default");
    page += "| `" + path + "` | " + type_of(schema) + " | ";
    if (!fallback.empty()) page += '`' + fallback + '`';
    page += " | " + text_of(schema, "description") + " |\n";
    append_rows(page, schema, path);
    if (const auto* items = schema.if_contains("items"))
        append_rows(page, items->as_object(), path + "[]");
    const auto* others = schema.if_contains("additionalProperties");
    if (others != nullptr && others->is_object())
        append_rows(page, others->as_object(), path + ".NAME");
}

void append_rows(std::string& page, const boost::json::object& schema, const std::string& above) {
    const auto* properties = schema.if_contains("properties");
    if (properties == nullptr) return;
    for (const auto& property : properties->as_object()) {
        const std::string key = property.key();
        append_row(page, above.empty() ? key : above + "." + key, property.value().as_object());
    }
}

// The kinds have the same members, so they are shown once.
std::string settings() {
    auto schema = config_schema();
    auto& properties = schema["properties"].as_object();
    for (const char* kind : {"network", "exec", "service"}) properties.erase(kind);
    std::string page = "| key | type | default | meaning |\n|---|---|---|---|\n";
    append_rows(page, schema, "");
    return page + "\n`network`, `exec` and `service` have the same members as `storage`.\n";
}

std::string flags() {
    const char* argv[] = {"davitd", "--help"};
    std::string page, line;
    const auto parsed = parse_flags(2, argv).take();
    for (const char letter : parsed.print.value_or("")) {
        line += letter;
        if (letter != '\n') continue;
        page += line == "\n" ? line : "    " + line;
        line.clear();
    }
    while (page.ends_with("\n\n")) page.pop_back();
    return page;
}

std::string replaced(const std::string& page, const std::string& name, const std::string& content) {
    const auto begin = page.find("\n", page.find("<!-- " + name + ":")) + 1;
    const auto end = page.find("<!-- end of " + name + " -->");
    return page.substr(0, begin) + "\n" + content + "\n" + page.substr(end);
}

TEST(ConfigReference, is_what_the_schema_and_the_command_line_say) {
    std::ifstream in(kPage);
    const std::string page((std::istreambuf_iterator<char>(in)), {});
    ASSERT_NE(page.find("<!-- settings:"), std::string::npos) << kPage;
    const auto expected = replaced(replaced(page, "flags", flags()), "settings", settings());
    if (std::getenv("DAVIT_UPDATE") != nullptr)
        std::ofstream(kPage) << expected;
    else
        EXPECT_EQ(page, expected) << "DAVIT_UPDATE=1 ctest -R ConfigReference writes it anew";
}

TEST(ConfigReference, every_setting_is_described) {
    const auto page = settings();
    for (std::size_t at = 0, end; at < page.size(); at = end + 1) {
        end = std::min(page.find('\n', at), page.size());
        EXPECT_EQ(page.substr(at, end - at).find("|  |\n"), std::string::npos);
        EXPECT_FALSE(page.substr(at, end - at).ends_with("|  |")) << page.substr(at, end - at);
    }
}

TEST(ConfigReference, the_example_in_it_is_good) {
    std::ifstream in(kPage);
    const std::string page((std::istreambuf_iterator<char>(in)), {});
    const auto begin = page.find("    {\n");
    const auto end = page.find("\n    }\n", begin) + 6;
    const auto parsed = parse_config(page.substr(begin, end - begin), "example");
    ASSERT_TRUE(parsed) << parsed.error().what;
    EXPECT_TRUE(make_config(*parsed));
}

}  // namespace
}  // namespace davit::engine
