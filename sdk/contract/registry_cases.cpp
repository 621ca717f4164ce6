// SPDX-License-Identifier: Apache-2.0
// Every promise of davit/registry.h, shown against a real registry.
#include "sdk/base/digest.hpp"
#include "sdk/base/file.hpp"
#include "sdk/contract/expectation.hpp"
#include "sdk/contract/registry_bench.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <thread>

namespace davit::sdk::contract {
namespace {

std::string digest_of(const std::string& content) { return Digest::of(content).text(); }

// Content that no compression and no luck makes equal to another.
std::string bytes_of(std::size_t count, unsigned seed) {
    std::string bytes(count, '\0');
    std::uint32_t state = seed * 2654435761u + 1;
    for (char& byte : bytes) {
        state = state * 1664525u + 1013904223u;
        byte = static_cast<char>(state >> 24);
    }
    return bytes;
}

const std::string kNowhere = digest_of("nothing that was ever pushed");

// --- blobs
// -----------------------------------------------------------------------------------------

void a_pushed_blob_is_fetched_as_it_was(RegistryBench& bench) {
    const std::string content = bytes_of(3'000'000, 1);
    const auto pushed = bench.push(content, digest_of(content));
    ASSERT_TRUE(succeeds(pushed));
    EXPECT_FALSE(*pushed);
    const auto fetched = bench.fetch_text(digest_of(content));
    ASSERT_TRUE(succeeds(fetched));
    EXPECT_TRUE(*fetched == content);
}

void an_empty_blob_travels_too(RegistryBench& bench) {
    ASSERT_TRUE(succeeds(bench.push("", digest_of(""))));
    EXPECT_EQ(bench.fetch_text(digest_of("")).value_or("?"), "");
}

void a_blob_that_is_there_is_not_read_again(RegistryBench& bench) {
    ASSERT_TRUE(succeeds(bench.push("twice", digest_of("twice"))));
    const auto again = bench.push("twice", digest_of("twice"));
    ASSERT_TRUE(succeeds(again));
    EXPECT_TRUE(*again);
}

void a_blob_of_another_repository_is_mounted(RegistryBench& bench) {
    const std::string first = bench.repository;
    ASSERT_TRUE(succeeds(bench.push("shared", digest_of("shared"))));
    bench.repository = first + "/copy";
    const auto mounted = bench.push("shared", digest_of("shared"), first);
    ASSERT_TRUE(succeeds(mounted));
    EXPECT_TRUE(*mounted);
    EXPECT_EQ(bench.fetch_text(digest_of("shared")).value_or(""), "shared");
}

void a_mount_that_cannot_be_becomes_an_upload(RegistryBench& bench) {
    const auto pushed = bench.push("alone", digest_of("alone"), bench.repository + "/nobody");
    ASSERT_TRUE(succeeds(pushed));
    EXPECT_FALSE(*pushed);
    EXPECT_EQ(bench.fetch_text(digest_of("alone")).value_or(""), "alone");
}

void a_blob_that_is_only_asked_for_is_found_or_mounted_and_never_sent(RegistryBench& bench) {
    const std::string first = bench.repository;
    ASSERT_TRUE(succeeds(bench.push("asked", digest_of("asked"))));
    EXPECT_TRUE(succeeds(bench.ask_for(digest_of("asked"), 5)));
    EXPECT_TRUE(fails_as(bench.ask_for(kNowhere, 5), Code::not_found));
    bench.repository = first + "/asked";
    EXPECT_TRUE(fails_as(bench.ask_for(digest_of("asked"), 5), Code::not_found));
    EXPECT_TRUE(fails_as(bench.ask_for(kNowhere, 5, first), Code::not_found));
    EXPECT_TRUE(succeeds(bench.ask_for(digest_of("asked"), 5, first)));
    EXPECT_EQ(bench.fetch_text(digest_of("asked")).value_or(""), "asked");
}

void a_blob_with_the_wrong_digest_is_corrupt_and_not_kept(RegistryBench& bench) {
    EXPECT_TRUE(fails_as(bench.push("something else", kNowhere), Code::corrupt));
    EXPECT_TRUE(fails_as(bench.fetch_text(kNowhere), Code::not_found));
}

void fetch_of_an_unknown_blob_is_not_found_and_writes_nothing(RegistryBench& bench) {
    const Fd file(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    const Fetched fetched = bench.fetch(kNowhere, file.get());
    EXPECT_TRUE(fails_as(fetched.status, Code::not_found));
    EXPECT_EQ(fetched.bytes, 0u);
    EXPECT_EQ(::lseek(file.get(), 0, SEEK_END), 0);
}

void fetch_goes_on_from_an_offset(RegistryBench& bench) {
    const std::string content = bytes_of(1'000'000, 2);
    ASSERT_TRUE(succeeds(bench.push(content, digest_of(content))));
    for (const std::uint64_t offset : {1u, 500'000u, 999'999u}) {
        const auto rest = bench.fetch_text(digest_of(content), {.offset = offset});
        ASSERT_TRUE(succeeds(rest)) << offset;
        EXPECT_TRUE(*rest == content.substr(offset)) << offset;
    }
}

void fetch_gives_a_part(RegistryBench& bench) {
    ASSERT_TRUE(succeeds(bench.push("0123456789", digest_of("0123456789"))));
    EXPECT_EQ(bench.fetch_text(digest_of("0123456789"), {.offset = 0, .length = 3}).value_or(""),
              "012");
    EXPECT_EQ(bench.fetch_text(digest_of("0123456789"), {.offset = 4, .length = 2}).value_or(""),
              "45");
    EXPECT_EQ(bench.fetch_text(digest_of("0123456789"), {.offset = 8, .length = 100}).value_or(""),
              "89");
}

void fetch_from_beyond_the_end_is_invalid(RegistryBench& bench) {
    ASSERT_TRUE(succeeds(bench.push("short", digest_of("short"))));
    EXPECT_TRUE(fails_as(bench.fetch_text(digest_of("short"), {.offset = 100}), Code::invalid));
}

struct Pipe {
    Fd reader, writer;
};
Pipe make_pipe() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    return {Fd(ends[0]), Fd(ends[1])};
}

void fetch_into_a_slow_pipe_loses_nothing(RegistryBench& bench) {
    const std::string content = bytes_of(700'000, 3);
    ASSERT_TRUE(succeeds(bench.push(content, digest_of(content))));
    Pipe pipe = make_pipe();
    std::string received;
    std::thread reader([&] {
        char buffer[5000];
        for (ssize_t count; (count = ::read(pipe.reader.get(), buffer, sizeof buffer)) > 0;) {
            received.append(buffer, static_cast<std::size_t>(count));
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
    });
    const Fetched fetched = bench.fetch(digest_of(content), pipe.writer.get());
    pipe.writer.reset();  // the sink is borrowed: only now does the reader see its end
    reader.join();
    EXPECT_TRUE(succeeds(fetched.status));
    EXPECT_TRUE(received == content);
}

void fetch_into_a_pipe_that_nobody_reads_can_be_cancelled(RegistryBench& bench) {
    const std::string content = bytes_of(2'000'000, 4);
    ASSERT_TRUE(succeeds(bench.push(content, digest_of(content))));
    const Pipe pipe = make_pipe();
    auto cancel = Cancel::create();
    ASSERT_TRUE(succeeds(cancel));
    std::thread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        (*cancel)->request();
    });
    const Fetched fetched = bench.fetch(digest_of(content), pipe.writer.get(), {}, *cancel);
    later.join();
    EXPECT_TRUE(fails_as(fetched.status, Code::cancelled));
    EXPECT_GT(fetched.bytes, 0u) << "what was written counts on failure too";
    EXPECT_EQ(::fcntl(pipe.writer.get(), F_GETFL) & O_NONBLOCK, 0)
        << "the sink's own flags are the host's";
}

void fetch_into_a_closed_pipe_is_invalid(RegistryBench& bench) {
    const std::string content = bytes_of(300'000, 5);
    ASSERT_TRUE(succeeds(bench.push(content, digest_of(content))));
    Pipe pipe = make_pipe();
    pipe.reader.reset();
    EXPECT_TRUE(fails_as(bench.fetch(digest_of(content), pipe.writer.get()).status, Code::invalid));
}

void fetch_onto_a_full_disk_is_no_space(RegistryBench& bench) {
    ASSERT_TRUE(succeeds(bench.push("x", digest_of("x"))));
    const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    EXPECT_TRUE(fails_as(bench.fetch(digest_of("x"), full.get()).status, Code::no_space));
}

void a_call_that_is_cancelled_already_does_nothing(RegistryBench& bench) {
    ASSERT_TRUE(succeeds(bench.push("x", digest_of("x"))));
    auto cancel = Cancel::create();
    ASSERT_TRUE(succeeds(cancel));
    (*cancel)->request();
    const Fd file(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    EXPECT_TRUE(
        fails_as(bench.fetch(digest_of("x"), file.get(), {}, *cancel).status, Code::cancelled));
}

// --- manifests
// -------------------------------------------------------------------------------------

void a_manifest_is_resolved_by_tag_and_by_digest(RegistryBench& bench) {
    const auto image = bench.push_image("latest", "{}");
    ASSERT_TRUE(succeeds(image));
    for (const std::string& reference : {std::string("latest"), image->digest}) {
        const auto found = bench.resolve(reference);
        ASSERT_TRUE(succeeds(found)) << reference;
        EXPECT_EQ(found->digest, image->digest);
        EXPECT_EQ(found->media_type, image->media_type);
        EXPECT_EQ(found->bytes, image->bytes);
        EXPECT_TRUE(found->content.empty() || found->content == image->content);
    }
}

void a_manifest_can_be_fetched(RegistryBench& bench) {
    const auto image = bench.push_image("latest", "{}");
    ASSERT_TRUE(succeeds(image));
    const Pipe pipe = make_pipe();
    ASSERT_TRUE(succeeds(
        bench.fetch(image->digest, pipe.writer.get(), {}, nullptr, image->media_type).status));
    char buffer[4096];
    const ssize_t count = ::read(pipe.reader.get(), buffer, sizeof buffer);
    EXPECT_EQ(std::string(buffer, static_cast<std::size_t>(std::max<ssize_t>(0, count))),
              image->content);
}

void a_tag_moves_to_what_was_pushed_last(RegistryBench& bench) {
    ASSERT_TRUE(succeeds(bench.push_image("latest", R"({"a":1})")));
    const auto second = bench.push_image("latest", R"({"a":2})");
    ASSERT_TRUE(succeeds(second));
    const auto found = bench.resolve("latest");
    ASSERT_TRUE(succeeds(found));
    EXPECT_EQ(found->digest, second->digest);
}

void an_unknown_tag_is_not_found(RegistryBench& bench) {
    ASSERT_TRUE(succeeds(bench.push_image("latest", "{}")));
    EXPECT_TRUE(fails_as(bench.resolve("other"), Code::not_found));
    EXPECT_TRUE(fails_as(bench.resolve(kNowhere), Code::not_found));
}

void an_unknown_repository_is_not_found(RegistryBench& bench) {
    EXPECT_TRUE(fails_as(bench.resolve("latest"), Code::not_found));
    EXPECT_TRUE(fails_as(bench.tags(), Code::not_found));
}

void a_manifest_without_its_blobs_is_refused(RegistryBench& bench) {
    const std::string manifest =
        R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":)"
        R"({"mediaType":"application/vnd.oci.image.config.v1+json","digest":")" +
        kNowhere + R"(","size":2},"layers":[]})";
    EXPECT_FALSE(
        bench.push_manifest("latest", "application/vnd.oci.image.manifest.v1+json", manifest));
    EXPECT_TRUE(fails_as(bench.resolve("latest"), Code::not_found));
}

void every_tag_is_listed(RegistryBench& bench) {
    for (const char* tag : {"a", "b", "v1.0"}) ASSERT_TRUE(succeeds(bench.push_image(tag, "{}")));
    auto tags = bench.tags();
    ASSERT_TRUE(succeeds(tags));
    std::sort(tags->begin(), tags->end());
    EXPECT_EQ(*tags, (std::vector<std::string>{"a", "b", "v1.0"}));
}

void a_removed_manifest_is_gone(RegistryBench& bench) {
    const auto image = bench.push_image("latest", "{}");
    ASSERT_TRUE(succeeds(image));
    ASSERT_TRUE(succeeds(bench.remove(image->digest)));
    EXPECT_TRUE(fails_as(bench.resolve(image->digest), Code::not_found));
    EXPECT_TRUE(fails_as(bench.remove(image->digest), Code::not_found));
}

void nothing_refers_to_a_plain_image(RegistryBench& bench) {
    const auto image = bench.push_image("latest", "{}");
    ASSERT_TRUE(succeeds(image));
    const auto referrers = bench.referrers(image->digest);
    ASSERT_TRUE(succeeds(referrers));
    EXPECT_TRUE(referrers->empty());
}

// --- names, arguments, threads
// ---------------------------------------------------------------------

void names_that_could_reach_elsewhere_are_invalid(RegistryBench& bench) {
    const std::string good = bench.repository;
    for (const char* name :
         {"", "..", "a/../b", "/a", "a/", "A", "a?b", "a#b", "a b", "a//b", "a%2fb", "a\nb"}) {
        bench.repository = name;
        EXPECT_TRUE(fails_as(bench.resolve("latest"), Code::invalid)) << name;
    }
    bench.repository = good;
    for (const char* reference :
         {"", "..", "a/b", "a?b", "-a", "a b", "sha256:0", "sha256:../../x", "a\r\nb"})
        EXPECT_TRUE(fails_as(bench.resolve(reference), Code::invalid)) << reference;
}

template <class Operation, class... Arguments>
Code raw_status(RegistryBench& bench, Operation operation, Arguments... arguments) {
    const Caller caller;
    return static_cast<Code>(operation(bench.instance(), caller.raw(), arguments...));
}

void null_and_unsized_arguments_are_invalid(RegistryBench& bench) {
    const davit_registry& table = bench.table();
    const davit_registry_list unsized_list{};
    const davit_registry_fetch unsized_fetch{};
    auto fetched = sized<davit_registry_fetched>();
    EXPECT_EQ(raw_status(bench, table.resolve, static_cast<const davit_registry_resolve*>(nullptr)),
              Code::invalid);
    EXPECT_EQ(raw_status(bench, table.tags, &unsized_list), Code::invalid);
    EXPECT_EQ(raw_status(bench, table.remove, static_cast<const davit_registry_list*>(nullptr)),
              Code::invalid);
    EXPECT_EQ(raw_status(bench, table.fetch, &unsized_fetch, &fetched), Code::invalid);
    const auto request = sized<davit_registry_fetch>();
    EXPECT_EQ(
        raw_status(bench, table.fetch, &request, static_cast<davit_registry_fetched*>(nullptr)),
        Code::invalid);
}

void login_to_an_open_registry_succeeds(RegistryBench& bench) {
    EXPECT_TRUE(succeeds(bench.login()));
}

void many_threads_fetch_at_once(RegistryBench& bench) {
    constexpr int kThreads = 8;
    for (unsigned i = 0; i < kThreads; ++i) {
        const std::string content = bytes_of(200'000, 100 + i);
        ASSERT_TRUE(succeeds(bench.push(content, digest_of(content))));
    }
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; ++i)
        threads.emplace_back([&, i] {
            const std::string content = bytes_of(200'000, 100 + i);
            for (int round = 0; round < 5; ++round)
                EXPECT_TRUE(bench.fetch_text(digest_of(content)).value_or("") == content);
        });
    for (std::thread& thread : threads) thread.join();
}

}  // namespace

#define CASE(name) \
    RegistryCase { #name, name }

std::vector<RegistryCase> registry_cases() {
    return {
        CASE(a_pushed_blob_is_fetched_as_it_was),
        CASE(an_empty_blob_travels_too),
        CASE(a_blob_that_is_there_is_not_read_again),
        CASE(a_blob_of_another_repository_is_mounted),
        CASE(a_mount_that_cannot_be_becomes_an_upload),
        CASE(a_blob_that_is_only_asked_for_is_found_or_mounted_and_never_sent),
        CASE(a_blob_with_the_wrong_digest_is_corrupt_and_not_kept),
        CASE(fetch_of_an_unknown_blob_is_not_found_and_writes_nothing),
        CASE(fetch_goes_on_from_an_offset),
        CASE(fetch_gives_a_part),
        CASE(fetch_from_beyond_the_end_is_invalid),
        CASE(fetch_into_a_slow_pipe_loses_nothing),
        CASE(fetch_into_a_pipe_that_nobody_reads_can_be_cancelled),
        CASE(fetch_into_a_closed_pipe_is_invalid),
        CASE(fetch_onto_a_full_disk_is_no_space),
        CASE(a_call_that_is_cancelled_already_does_nothing),
        CASE(a_manifest_is_resolved_by_tag_and_by_digest),
        CASE(a_manifest_can_be_fetched),
        CASE(a_tag_moves_to_what_was_pushed_last),
        CASE(an_unknown_tag_is_not_found),
        CASE(an_unknown_repository_is_not_found),
        CASE(a_manifest_without_its_blobs_is_refused),
        CASE(every_tag_is_listed),
        CASE(a_removed_manifest_is_gone),
        CASE(nothing_refers_to_a_plain_image),
        CASE(names_that_could_reach_elsewhere_are_invalid),
        CASE(null_and_unsized_arguments_are_invalid),
        CASE(login_to_an_open_registry_succeeds),
        CASE(many_threads_fetch_at_once),
    };
}

}  // namespace davit::sdk::contract
