// SPDX-License-Identifier: Apache-2.0
// The calls themselves: sizes, nulls, names, and that nothing is kept which was only lent.
#include "sdk/contract/exec_bench.hpp"

#include <cstring>

namespace davit::sdk::contract {
namespace {

template <class Call>
Code code_of(Call call) {
    Caller caller;
    caller.begin(nullptr);
    const auto done = caller.finish(call(caller.raw()));
    return done ? Code::ok : done.error().code;
}

void requests_without_a_size_are_refused(ExecBench& bench) {
    davit_exec_key empty{};
    EXPECT_EQ(
        code_of([&](auto* call) { return bench.table().start(bench.instance(), call, &empty); }),
        Code::invalid);
    EXPECT_EQ(
        code_of([&](auto* call) { return bench.table().start(bench.instance(), call, nullptr); }),
        Code::invalid);
    EXPECT_EQ(
        code_of([&](auto* call) { return bench.table().list(bench.instance(), call, nullptr); }),
        Code::invalid);
    auto request = sized<davit_exec_key>();
    EXPECT_EQ(code_of([&](auto* call) {
                  return bench.table().wait(bench.instance(), call, &request, nullptr);
              }),
              Code::invalid);
}

void an_unknown_tail_must_be_zero(ExecBench& bench) {
    struct Newer {
        davit_exec_key known;
        std::uint64_t later;
    } request{sized<davit_exec_key>(), 0};
    request.known.size = sizeof request;
    request.known.key = str("nobody");
    const auto start = [&](auto* call) {
        return bench.table().start(bench.instance(), call, &request.known);
    };
    EXPECT_EQ(code_of(start), Code::not_found);
    request.later = 1;
    EXPECT_EQ(code_of(start), Code::unsupported);
}

void an_older_result_is_cut_to_its_size(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", {.arguments = {"/bin/sh", "-c", "exit 4"}}));
    ASSERT_TRUE(bench.ended("web"));
    auto request = sized<davit_exec_key>();
    request.key = str("web");
    davit_exec_exit out;
    std::memset(&out, 0x5a, sizeof out);
    out.size = offsetof(davit_exec_exit, signal);
    EXPECT_EQ(code_of([&](auto* call) {
                  return bench.table().exit_record(bench.instance(), call, &request, &out);
              }),
              Code::ok);
    EXPECT_EQ(out.code, 4);
    EXPECT_EQ(out.signal, 0x5a5a5a5a) << "beyond what the caller knows nothing is written";
}

void a_configuration_that_is_no_json_is_refused(ExecBench& bench) {
    EXPECT_EQ(bench.create("web", {.more = ", broken"}).error().code, Code::invalid);
    EXPECT_EQ(bench.create("web", {.arguments = {}}).error().code, Code::invalid);
    EXPECT_TRUE(bench.leftovers().empty());
}

void as_many_descriptors_as_mounts_are_needed(ExecBench& bench) {
    const auto created = bench.create("web", {.more_mount_fds = {-1}});
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().code, Code::invalid);
}

void keys_that_are_paths_are_refused(ExecBench& bench) {
    for (const char* key : {"a/b", "..", "", "launch"}) {
        auto request = sized<davit_exec_create>();
        auto out = sized<davit_exec_process>();
        request.root_fd = request.netns_fd = -1;
        request.state_fd = bench.state_directory("web");
        request.key = {key, std::strlen(key)};
        EXPECT_EQ(code_of([&](auto* call) {
                      return bench.table().create(bench.instance(), call, &request, &out);
                  }),
                  Code::invalid)
            << key;
    }
    EXPECT_TRUE(bench.leftovers().empty());
}

void a_signal_out_of_range_is_refused(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", {.arguments = {"/bin/sleep", "1000"}}));
    EXPECT_EQ(bench.signal("web", 0).error().code, Code::invalid);
    EXPECT_EQ(bench.signal("web", 65).error().code, Code::invalid);
    EXPECT_EQ(bench.signal("nobody", 15).error().code, Code::not_found);
}

void no_descriptor_is_left_of_ended_containers(ExecBench& bench) {
    const auto once = [&] {
        bench.state_directory("web");
        ASSERT_TRUE(bench.run(
            "web", {.arguments = {"/bin/sh", "-c", "exit 0"}, .flags = DAVIT_EXEC_STDIN}));
        ASSERT_TRUE(bench.exec("web", "one", {}) || true);
        ASSERT_TRUE(bench.ended("web"));
        ASSERT_TRUE(bench.remove("web"));
    };
    once();
    ::usleep(100'000);
    ASSERT_TRUE(bench.remove("nobody"));  // a moment to take away what has ended meanwhile
    const std::size_t before = bench.descriptors();
    for (int round = 0; round < 5; ++round) once();
    for (int tries = 0; tries < 200 && bench.descriptors() > before; ++tries) {
        ::usleep(10'000);
        ASSERT_TRUE(bench.remove("nobody"));
    }
    EXPECT_EQ(bench.descriptors(), before);
}

}  // namespace

#define DAVIT_CASE(name) \
    { #name, name }
std::vector<ExecCase> exec_call_cases() {
    return {DAVIT_CASE(requests_without_a_size_are_refused),
            DAVIT_CASE(an_unknown_tail_must_be_zero),
            DAVIT_CASE(an_older_result_is_cut_to_its_size),
            DAVIT_CASE(a_configuration_that_is_no_json_is_refused),
            DAVIT_CASE(as_many_descriptors_as_mounts_are_needed),
            DAVIT_CASE(keys_that_are_paths_are_refused),
            DAVIT_CASE(a_signal_out_of_range_is_refused),
            DAVIT_CASE(no_descriptor_is_left_of_ended_containers)};
}

}  // namespace davit::sdk::contract
