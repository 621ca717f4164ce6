// SPDX-License-Identifier: Apache-2.0
// What happens on the way: redirects, busy registries, broken connections, mirrors, silence.
#include "drivers/registry/oci/oci_fixture.hpp"
#include "sdk/base/digest.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>
#include <atomic>
#include <thread>

namespace davit::oci {
namespace {

using Asked = ScriptedServer::Asked;
using Reply = ScriptedServer::Reply;

const std::string kContent = std::string(100'000, 'c') + "the end";
const std::string kDigest = Digest::of(kContent).text();
const std::string kManifest = R"({"schemaVersion":2})";

bool is_ping(const Asked& asked) { return asked.target == "/v2/"; }

Reply basic_challenge() {
    return {.status = 401, .headers = {"WWW-Authenticate: Basic realm=\"x\""}, .body = "{}"};
}

TEST(OciTransfer, a_redirect_to_another_host_carries_no_credentials) {
    const ScriptedServer storage([](const Asked&) { return Reply{.body = kContent}; }, "127.0.0.2");
    const ScriptedServer registry([&](const Asked& asked) {
        if (!asked.headers.contains("authorization")) return basic_challenge();
        return Reply{.status = 307,
                     .headers = {"Location: " + storage.url() + "/blob?signature=1"}};
    });
    const auto driver = driver_for(registry.address());
    driver->auth = login_of("alice", "secret");
    EXPECT_EQ(driver->fetch_text(kDigest).value_or(""), kContent);
    ASSERT_EQ(storage.asked().size(), 1u);
    EXPECT_EQ(storage.asked()[0].target, "/blob?signature=1");
    EXPECT_FALSE(storage.asked()[0].headers.contains("authorization"));
}

TEST(OciTransfer, a_redirect_to_the_same_host_keeps_them) {
    const ScriptedServer registry([&](const Asked& asked) {
        if (!asked.headers.contains("authorization")) return basic_challenge();
        if (asked.target != "/elsewhere")
            return Reply{.status = 302, .headers = {"Location: /elsewhere"}};
        return Reply{.body = kContent};
    });
    const auto driver = driver_for(registry.address());
    driver->auth = login_of("alice", "secret");
    EXPECT_EQ(driver->fetch_text(kDigest).value_or(""), kContent);
}

TEST(OciTransfer, a_redirect_out_of_tls_is_refused) {
    const ScriptedServer registry([](const Asked& asked) {
        return is_ping(asked)
                   ? Reply{}
                   : Reply{.status = 307, .headers = {"Location: http://cdn.example/blob"}};
    });
    EXPECT_TRUE(fails_as(driver_for(registry.address())->fetch_text(kDigest), Code::denied));
}

TEST(OciTransfer, redirects_that_go_in_circles_end) {
    const ScriptedServer registry([](const Asked& asked) {
        return is_ping(asked) ? Reply{}
                              : Reply{.status = 302, .headers = {"Location: " + asked.target}};
    });
    EXPECT_TRUE(fails_as(driver_for(registry.address())->fetch_text(kDigest), Code::unavailable));
    EXPECT_LE(registry.asked().size(), 8u);
}

TEST(OciTransfer, a_broken_transfer_tells_how_far_it_came_and_goes_on_from_there) {
    std::atomic<bool> breaks{true};
    const ScriptedServer registry([&](const Asked& asked) {
        if (is_ping(asked)) return Reply{};
        if (breaks) return Reply{.body = kContent, .send_only = 40'000};
        const std::uint64_t start = std::stoull(asked.headers.at("range").substr(6));
        return Reply{
            .status = 206,
            .headers = {"Content-Range: bytes " + std::to_string(start) + "-100006/100007"},
            .body = kContent.substr(start)};
    });
    const auto driver = driver_for(registry.address());
    const Fd file(::memfd_create("sink", MFD_CLOEXEC));
    const Fetched first = driver->fetch(kDigest, file.get());
    EXPECT_TRUE(fails_as(first.status, Code::unavailable));
    EXPECT_EQ(first.bytes, 40'000u);
    breaks = false;
    const Fetched rest = driver->fetch(kDigest, file.get(), {.offset = first.bytes});
    EXPECT_TRUE(succeeds(rest.status));
    EXPECT_EQ(first.bytes + rest.bytes, kContent.size());
}

TEST(OciTransfer, a_registry_without_ranges_is_skipped_through) {
    const ScriptedServer registry(
        [](const Asked& asked) { return is_ping(asked) ? Reply{} : Reply{.body = kContent}; });
    EXPECT_EQ(driver_for(registry.address())->fetch_text(kDigest, {.offset = 100'000}).value_or(""),
              "the end");
}

TEST(OciTransfer, a_range_that_nobody_asked_for_is_refused) {
    const ScriptedServer registry([](const Asked& asked) {
        if (is_ping(asked)) return Reply{};
        return Reply{.status = 206, .headers = {"Content-Range: bytes 5-9/10"}, .body = "56789"};
    });
    EXPECT_TRUE(fails_as(driver_for(registry.address())->fetch_text(kDigest, {.offset = 3}),
                         Code::unavailable));
}

TEST(OciTransfer, a_busy_registry_is_asked_again_after_the_pause_it_names) {
    std::atomic<int> refusals{2};
    const ScriptedServer registry([&](const Asked& asked) {
        if (is_ping(asked)) return Reply{};
        if (refusals-- > 0)
            return Reply{.status = refusals == 1 ? 429 : 503, .headers = {"Retry-After: 0"}};
        return Reply{
            .headers = {"Content-Type: application/vnd.oci.image.manifest.v1+json; charset=utf-8"},
            .body = kManifest};
    });
    const auto found = driver_for(registry.address())->resolve("latest");
    ASSERT_TRUE(succeeds(found));
    EXPECT_EQ(found->media_type, "application/vnd.oci.image.manifest.v1+json");
    EXPECT_EQ(found->digest, Digest::of(kManifest).text());
}

TEST(OciTransfer, a_registry_that_stays_busy_is_unavailable) {
    const ScriptedServer registry([](const Asked& asked) {
        return is_ping(asked) ? Reply{} : Reply{.status = 503, .headers = {"Retry-After: 0"}};
    });
    EXPECT_TRUE(fails_as(driver_for(registry.address())->resolve("latest"), Code::unavailable));
    EXPECT_EQ(registry.asked().size(), 5u) << "the greeting, the question, and three times again";
}

TEST(OciTransfer, a_registry_that_wants_an_hour_is_not_waited_for) {
    const ScriptedServer registry([](const Asked& asked) {
        return is_ping(asked) ? Reply{} : Reply{.status = 429, .headers = {"Retry-After: 3600"}};
    });
    EXPECT_TRUE(fails_as(driver_for(registry.address())->resolve("latest"), Code::unavailable));
}

TEST(OciTransfer, a_manifest_that_is_not_what_the_digest_says_is_corrupt) {
    const ScriptedServer registry(
        [](const Asked& asked) { return is_ping(asked) ? Reply{} : Reply{.body = "{}"}; });
    EXPECT_TRUE(fails_as(driver_for(registry.address())->resolve(Digest::of("other").text()),
                         Code::corrupt));
}

TEST(OciTransfer, a_silent_registry_can_be_cancelled) {
    const ScriptedServer registry(
        [](const Asked& asked) { return Reply{.silent = !is_ping(asked)}; });
    const auto driver = driver_for(registry.address());
    auto cancel = Cancel::create();
    ASSERT_TRUE(succeeds(cancel));
    std::thread later([&] {
        ::usleep(100'000);
        (*cancel)->request();
    });
    EXPECT_TRUE(
        fails_as(driver->fetch(kDigest, STDOUT_FILENO, {}, *cancel).status, Code::cancelled));
    later.join();
}

TEST(OciTransfer, nobody_at_the_address_is_unavailable) {
    const std::string address = "127.0.0.1:" + std::to_string(tests::free_port());
    EXPECT_TRUE(fails_as(driver_for(address)->resolve("latest"), Code::unavailable));
}

TEST(OciTransfer, the_reason_is_in_the_words_of_the_registry) {
    const ScriptedServer registry([](const Asked& asked) {
        return is_ping(asked)
                   ? Reply{}
                   : Reply{.status = 404, .body = R"({"errors":[{"code":"MANIFEST_UNKNOWN"}]})"};
    });
    const auto found = driver_for(registry.address())->resolve("latest");
    ASSERT_TRUE(fails_as(found, Code::not_found));
    EXPECT_EQ(found.error().what,
              "resolve " + registry.address() + "/test/repository:latest: manifest unknown");
}

// --- mirrors
// ---------------------------------------------------------------------------------------

std::string mirrored(const ScriptedServer& registry, const ScriptedServer& mirror) {
    return R"({"mirrors":{")" + registry.address() + R"(":[")" + mirror.url() + R"("]}})";
}

TEST(OciMirror, is_asked_first_and_gets_no_credentials_of_the_registry) {
    const ScriptedServer mirror(
        [](const Asked& asked) {
            return asked.headers.contains("authorization") ? Reply{.body = kContent}
                                                           : basic_challenge();
        },
        "127.0.0.3");
    const ScriptedServer registry([](const Asked&) { return Reply{.body = kContent}; });
    const auto driver = driver_for(registry.address(), mirrored(registry, mirror));
    driver->auth = login_of("alice", "secret");
    EXPECT_EQ(driver->fetch_text(kDigest).value_or(""), kContent);
    ASSERT_FALSE(mirror.asked().empty());
    for (const Asked& asked : mirror.asked()) EXPECT_FALSE(asked.headers.contains("authorization"));
}

TEST(OciMirror, that_has_not_got_it_is_passed_over) {
    const ScriptedServer mirror([](const Asked&) { return Reply{.status = 404}; }, "127.0.0.3");
    const ScriptedServer registry([](const Asked&) { return Reply{.body = kManifest}; });
    const auto driver = driver_for(registry.address(), mirrored(registry, mirror));
    EXPECT_TRUE(succeeds(driver->resolve("latest")));
    EXPECT_EQ(mirror.asked().size(), 1u);
}

TEST(OciMirror, is_never_pushed_to) {
    const ScriptedServer mirror([](const Asked&) { return Reply{}; }, "127.0.0.3");
    const ScriptedServer registry(
        [](const Asked& asked) { return Reply{.status = asked.method == "PUT" ? 201 : 200}; });
    const auto driver = driver_for(registry.address(), mirrored(registry, mirror));
    EXPECT_TRUE(succeeds(
        driver->push_manifest("latest", "application/vnd.oci.image.manifest.v1+json", kManifest)));
    EXPECT_TRUE(mirror.asked().empty());
}

// --- proxies

TEST(OciProxy, is_asked_for_what_is_not_on_this_host) {
    const ScriptedServer proxy([](const Asked&) { return Reply{.body = kContent}; });
    const auto driver =
        driver_for("registry.example",
                   R"({"insecure-registries":["mirror.example"],"mirrors":{"registry.example":)"
                   R"(["http://mirror.example"]},"proxies":{"http-proxy":")" +
                       proxy.url() + R"("}})");
    EXPECT_EQ(driver->fetch_text(kDigest).value_or(""), kContent);
    ASSERT_FALSE(proxy.asked().empty());
    EXPECT_TRUE(proxy.asked().front().target.starts_with("http://mirror.example/v2/"))
        << proxy.asked().front().target;
}

TEST(OciProxy, is_passed_by_on_loopback) {
    const ScriptedServer proxy([](const Asked&) { return Reply{.status = 500}; }, "127.0.0.3");
    const ScriptedServer registry([](const Asked&) { return Reply{.body = kContent}; });
    const auto driver =
        driver_for(registry.address(), R"({"proxies":{"http-proxy":")" + proxy.url() + R"("}})");
    EXPECT_EQ(driver->fetch_text(kDigest).value_or(""), kContent);
    EXPECT_TRUE(proxy.asked().empty());
}

}  // namespace
}  // namespace davit::oci
