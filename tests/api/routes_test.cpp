// SPDX-License-Identifier: Apache-2.0
// The route table against the Engine API's description, and docs/docker-compat.md against the route
// table.
#include "plugins/docker-api/routes.hpp"
#include "plugins/docker-api/target.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

namespace davit::docker_api::test {
namespace {

using Endpoint = std::pair<std::string, std::string>;  // "GET", "/info"

Method method_of(const std::string& name) {
    const std::pair<const char*, Method> all[] = {{"get", Method::get},
                                                  {"head", Method::head},
                                                  {"post", Method::post},
                                                  {"put", Method::put},
                                                  {"delete", Method::del}};
    for (const auto& [word, method] : all)
        if (name == word) return method;
    return Method::other;
}

std::string word_of(Method method) {
    switch (method) {
        case Method::get: return "GET";
        case Method::head: return "HEAD";
        case Method::post: return "POST";
        case Method::put: return "PUT";
        case Method::del: return "DELETE";
        default: return "?";
    }
}

// Paths stand two spaces deep below "paths:", methods four.
std::set<Endpoint> described() {
    std::ifstream file(DAVIT_API_DESCRIPTION);
    std::set<Endpoint> endpoints;
    std::string line, path;
    bool in_paths = false;
    while (std::getline(file, line)) {
        if (!line.empty() && line[0] != ' ' && line[0] != '#') in_paths = line == "paths:";
        if (!in_paths || !line.ends_with(':')) continue;
        if (line.starts_with("  /")) path = line.substr(2, line.size() - 3);
        if (line.starts_with("  \"/")) path = line.substr(3, line.size() - 5);
        if (!line.starts_with("    ") || line[4] == ' ') continue;
        if (const Method method = method_of(line.substr(4, line.size() - 5));
            method != Method::other)
            endpoints.emplace(word_of(method), path);
    }
    return endpoints;
}

std::set<Endpoint> offered() {
    std::set<Endpoint> endpoints;
    for (const Route& route : routes()) endpoints.emplace(word_of(route.method), route.pattern);
    return endpoints;
}

std::set<Endpoint> refused() {
    std::set<Endpoint> endpoints;
    for (const RefusedRoute& route : refused_routes())
        endpoints.emplace(word_of(route.method), route.pattern);
    return endpoints;
}

TEST(Routes, every_endpoint_of_the_description_is_offered_or_refused_by_name) {
    const std::set<Endpoint> all = described();
    EXPECT_EQ(all.size(), 107u);
    const std::set<Endpoint> served = offered(), named = refused();
    for (const Endpoint& endpoint : all)
        EXPECT_EQ(served.count(endpoint) + named.count(endpoint), 1u)
            << endpoint.first << " " << endpoint.second;
}

TEST(Routes, nothing_is_offered_that_is_neither_docker_s_nor_under_davit) {
    const std::set<Endpoint> all = described();
    for (const Endpoint& endpoint : offered())
        EXPECT_TRUE(all.contains(endpoint) || endpoint.second.starts_with("/davit/v1/"))
            << endpoint.second;
    for (const Endpoint& endpoint : refused())
        EXPECT_TRUE(all.contains(endpoint)) << endpoint.second;
}

// A path made from a pattern must not be caught by an earlier row that means something else.
TEST(Routes, every_row_is_reached_by_its_own_path) {
    for (const Route& wanted : routes()) {
        std::string path(wanted.pattern);
        if (const std::size_t open = path.find('{'); open != path.npos)
            path.replace(open, path.find('}') - open + 1, "some");
        const auto first = std::find_if(routes().begin(), routes().end(), [&](const Route& row) {
            return row.method == wanted.method && row.selector == wanted.selector &&
                   match(row.pattern, path).matched;
        });
        EXPECT_EQ(&*first, &wanted) << path;
    }
}

TEST(Routes, image_names_may_hold_slashes_and_ids_may_not) {
    EXPECT_EQ(match("/images/{name}/json", "/images/quay.io/a/b/json").value, "quay.io/a/b");
    EXPECT_TRUE(match("/images/{name}", "/images/a/b").matched);
    EXPECT_FALSE(match("/containers/{id}/json", "/containers/a/b/json").matched);
    EXPECT_FALSE(match("/containers/{id}/json", "/containers//json").matched);
    EXPECT_FALSE(match("/info", "/info/").matched);
}

std::string compat_page() {
    std::ostringstream page;
    page << "# What of the Docker Engine API Davit serves\n\n"
            "API versions "
         << kOldestVersion.minor << " to " << kCurrentVersion.minor
         << " (1.NN), with and without `/v1.NN` in the path. This page is written from the route "
            "table\n"
            "(`plugins/docker-api/routes.cpp`) and checked by `tests/api`: `DAVIT_WRITE=1 "
            "api_routes_test` renews it.\n\n"
            "*Served* endpoints reach the engine as the operation in the fourth column; one that "
            "the engine does not offer\n"
            "yet answers 501 with its name. A client that leaves ends the operation where the "
            "fifth column says so.\n\n"
            "| method | path | since | operation | client leaves |\n|---|---|---|---|---|\n";
    for (const Route& route : routes()) {
        page << "| " << word_of(route.method) << " | `" << route.pattern;
        if (!route.selector.empty()) page << "?" << route.selector;
        page << "` | " << route.first.text() << " | " << route.operation << " | "
             << (route.leaving == Leaving::cancels ? "ends it" : "it goes on") << " |\n";
    }
    page << "\nRefused by name, with 501:\n\n| method | path | what |\n|---|---|---|\n";
    for (const RefusedRoute& route : refused_routes())
        page << "| " << word_of(route.method) << " | `" << route.pattern << "` | " << route.what
             << " |\n";
    return page.str();
}

TEST(Routes, the_page_for_users_says_what_the_table_says) {
    if (std::getenv("DAVIT_WRITE") != nullptr) std::ofstream(DAVIT_COMPAT_PAGE) << compat_page();
    std::ifstream file(DAVIT_COMPAT_PAGE);
    const std::string page(std::istreambuf_iterator<char>(file), {});
    EXPECT_EQ(page, compat_page()) << "run: DAVIT_WRITE=1 " << ::program_invocation_name;
}

}  // namespace
}  // namespace davit::docker_api::test
