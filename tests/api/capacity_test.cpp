// SPDX-License-Identifier: Apache-2.0
// How many connections there may be, and that root still gets in when everybody else has taken
// theirs.
#include "tests/api/http_client.hpp"
#include "tests/api/served_api.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <memory>
#include <vector>

namespace davit::docker_api::test {
namespace {

constexpr int kConnections = 4096;
constexpr int kForRoot = 16;
constexpr uid_t kNobody = 65534;

void allow_descriptors() {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    ASSERT_GT(limit.rlim_cur, 2u * kConnections + 100);
}

unsigned ping(const std::string& path) { return HttpClient::ask(path, "GET", "/_ping").status; }

// The status that a ping by this user gets. The child executes nothing but system calls and this
// file.
int ping_as(uid_t user, const std::string& path) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setuid(user) != 0) ::_exit(1);
        ::_exit(static_cast<int>(ping(path) / 10));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status) * 10;
}

TEST(Capacity, the_last_16_connections_are_root_s) {
    allow_descriptors();
    ServedApi api;
    api.on("system.ping", [](const Asked&) { return DAVIT_OK; });
    ASSERT_EQ(::chmod(api.socket_path().substr(0, api.socket_path().rfind('/')).c_str(), 0755), 0);
    ASSERT_EQ(::chmod(api.socket_path().c_str(), 0666), 0);
    EXPECT_EQ(ping_as(kNobody, api.socket_path()), 200);

    std::vector<std::unique_ptr<HttpClient>> held;
    const auto hold = [&](int count) {
        for (int i = 0; i < count; ++i) {
            held.push_back(std::make_unique<HttpClient>(api.socket_path()));
            held.back()->send("GET /_ping HTTP/1.1\r\n\r\n");
            ASSERT_EQ(held.back()->read_answer().status, 200u) << i;
        }
    };
    hold(kConnections - kForRoot);
    EXPECT_EQ(ping_as(kNobody, api.socket_path()), 500);  // 503
    hold(kForRoot);
    EXPECT_EQ(ping(api.socket_path()), 503u);
    held.clear();
    for (int tries = 0; tries < 1000 && ping(api.socket_path()) != 200; ++tries) ::usleep(10'000);
    EXPECT_EQ(ping_as(kNobody, api.socket_path()), 200);
}

}  // namespace
}  // namespace davit::docker_api::test
