// SPDX-License-Identifier: Apache-2.0
#include "core/container/oci_spec.hpp"

#include <gtest/gtest.h>
#include <boost/json.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace davit::container {
namespace {

boost::json::object process_of(const Config& config, bool privileged = false) {
    return boost::json::parse(
               make_process({.config = config,
                             .user = {.uid = 5, .gid = 6, .groups = {6}, .home = "/home/x"},
                             .hostname = "box",
                             .working_dir = "",
                             .arguments = {"true"},
                             .environment = {},
                             .privileged = privileged}))
        .get_object();
}

std::vector<std::string> capabilities(const Config& config, bool privileged = false) {
    std::vector<std::string> names;
    boost::json::object process = process_of(config, privileged);
    for (const auto& name : process["capabilities"].get_object()["bounding"].get_array())
        names.emplace_back(name.get_string());
    return names;
}

bool has(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

TEST(OciSpec, the_usual_capabilities_are_the_fourteen_that_people_expect) {
    const auto usual = capabilities({});
    EXPECT_EQ(usual.size(), 14u);
    EXPECT_TRUE(has(usual, "CAP_NET_BIND_SERVICE"));
    EXPECT_FALSE(has(usual, "CAP_SYS_ADMIN"));
}

TEST(OciSpec, capabilities_are_added_and_dropped_in_every_spelling) {
    const auto changed =
        capabilities({.cap_add = {"sys_time", "CAP_NET_ADMIN"}, .cap_drop = {"mknod"}});
    EXPECT_TRUE(has(changed, "CAP_SYS_TIME"));
    EXPECT_TRUE(has(changed, "CAP_NET_ADMIN"));
    EXPECT_FALSE(has(changed, "CAP_MKNOD"));
}

TEST(OciSpec, all_and_single_names_combine) {
    EXPECT_EQ(capabilities({.cap_drop = {"ALL"}}).size(), 0u);
    EXPECT_EQ(capabilities({.cap_add = {"CHOWN"}, .cap_drop = {"ALL"}}),
              std::vector<std::string>{"CAP_CHOWN"});
    EXPECT_FALSE(
        has(capabilities({.cap_add = {"ALL"}, .cap_drop = {"SYS_ADMIN"}}), "CAP_SYS_ADMIN"));
    EXPECT_TRUE(has(capabilities({}, true), "CAP_SYS_ADMIN"));
}

TEST(OciSpec, R_02_inheritable_and_ambient_sets_are_never_asked_for) {
    auto process = process_of({.cap_add = {"ALL"}});
    EXPECT_FALSE(process["capabilities"].get_object().contains("inheritable"));
    EXPECT_FALSE(process["capabilities"].get_object().contains("ambient"));
}

TEST(OciSpec, the_environment_has_path_hostname_and_home) {
    auto process = process_of({.environment = {"A=1"}});
    const std::string text = boost::json::serialize(process["env"]);
    EXPECT_EQ(
        text,
        R"(["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","HOSTNAME=box","A=1","HOME=/home/x"])");
}

TEST(OciSpec, the_users_own_path_and_home_stay) {
    auto process = process_of({.environment = {"PATH=/x", "HOME=/y", "HOSTNAME=z"}});
    EXPECT_EQ(boost::json::serialize(process["env"]), R"(["PATH=/x","HOME=/y","HOSTNAME=z"])");
}

}  // namespace
}  // namespace davit::container
