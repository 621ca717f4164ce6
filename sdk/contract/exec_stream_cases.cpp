// SPDX-License-Identifier: Apache-2.0
// Standard streams, terminals, logs.
#include "sdk/contract/exec_bench.hpp"

#include <sys/stat.h>
#include <csignal>
#include <filesystem>
#include <fstream>

namespace davit::sdk::contract {
namespace {

void an_attached_client_gets_everything_from_the_start(ExecBench& bench) {
    ASSERT_TRUE(bench.create("web", {.arguments = {"/bin/sh", "-c", "echo out; echo err >&2"}}));
    auto streams = bench.attach("web", DAVIT_ATTACH_STDOUT | DAVIT_ATTACH_STDERR);
    ASSERT_TRUE(streams) << streams.error().what;
    EXPECT_FALSE(streams->in);
    ASSERT_TRUE(bench.start("web"));
    EXPECT_EQ(read_to_end(streams->out.get()), "out\n");
    EXPECT_EQ(read_to_end(streams->err.get()), "err\n");
    EXPECT_EQ(streams->log_offset, 0u);
}

void log_and_stream_together_are_everything_once(ExecBench& bench) {
    ASSERT_TRUE(bench.run(
        "web", {.arguments = {"/bin/sh", "-c", "echo one; printf tw; read x; echo o; echo three"},
                .flags = DAVIT_EXEC_STDIN}));
    auto first = bench.attach("web", DAVIT_ATTACH_STDOUT);
    while (bench.logged("web").empty()) ::usleep(1000);
    ::usleep(50'000);  // "tw" has been read by now, and is in no record: its line has no end yet
    auto streams = bench.attach("web", DAVIT_ATTACH_STDOUT | DAVIT_ATTACH_STDIN);
    ASSERT_TRUE(streams) << streams.error().what;
    std::ifstream log(bench.log_path("web"));
    std::string before(streams->log_offset, '\0');
    log.read(before.data(), static_cast<std::streamsize>(before.size()));
    EXPECT_NE(before.find("one"), std::string::npos);
    EXPECT_TRUE(before.ends_with("\n"));
    struct stat status {};
    ASSERT_EQ(::stat(bench.log_path("web").c_str(), &status), 0);
    EXPECT_EQ(streams->log_file, status.st_ino);
    ASSERT_EQ(::write(streams->in.get(), "\n", 1), 1);
    EXPECT_EQ(read_to_end(streams->out.get()), "two\nthree\n");
}

void a_closed_client_costs_nothing(ExecBench& bench) {
    ASSERT_TRUE(bench.create("web", {.arguments = {"/bin/seq", "20000"}}));
    ASSERT_TRUE(bench.attach("web", DAVIT_ATTACH_STDOUT)) << "and closed at once";
    ASSERT_TRUE(bench.start("web"));
    EXPECT_EQ(bench.ended("web")->code, 0);
    EXPECT_EQ(bench.logged("web").size(), 108894u);
}

void a_full_client_holds_its_container_up_and_loses_nothing(ExecBench& bench) {
    ASSERT_TRUE(bench.create("web", {.arguments = {"/bin/seq", "100000"}}));
    auto streams = bench.attach("web", DAVIT_ATTACH_STDOUT);
    ASSERT_TRUE(streams);
    ASSERT_TRUE(bench.start("web"));
    EXPECT_FALSE(readable(bench.wait("web")->get(), std::chrono::milliseconds(100)))
        << "588 895 bytes fit into no pipe";
    EXPECT_EQ(read_to_end(streams->out.get()).size(), 588895u);
    EXPECT_EQ(bench.ended("web")->code, 0);
}

void two_clients_get_the_same(ExecBench& bench) {
    ASSERT_TRUE(bench.create("web", {.arguments = {"/bin/echo", "both"}}));
    auto one = bench.attach("web", DAVIT_ATTACH_STDOUT);
    auto other = bench.attach("web", DAVIT_ATTACH_STDOUT);
    ASSERT_TRUE(one && other && bench.start("web"));
    EXPECT_EQ(read_to_end(one->out.get()), "both\n");
    EXPECT_EQ(read_to_end(other->out.get()), "both\n");
}

void stdin_stays_open_when_a_client_leaves(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", {.arguments = {"/bin/cat"}, .flags = DAVIT_EXEC_STDIN}));
    {
        auto first = bench.attach("web", DAVIT_ATTACH_STDIN);
        ASSERT_EQ(::write(first->in.get(), "one\n", 4), 4);
    }
    auto second = bench.attach("web", DAVIT_ATTACH_STDIN | DAVIT_ATTACH_STDOUT);
    ASSERT_TRUE(second);
    ASSERT_EQ(::write(second->in.get(), "two\n", 4), 4);
    EXPECT_NE(read_until(second->out.get(), "two\n").find("two\n"), std::string::npos);
    EXPECT_FALSE(readable(bench.wait("web")->get(), std::chrono::milliseconds(20)));
}

void stdin_once_ends_with_its_client(ExecBench& bench) {
    ASSERT_TRUE(bench.run(
        "web", {.arguments = {"/bin/cat"}, .flags = DAVIT_EXEC_STDIN | DAVIT_EXEC_STDIN_ONCE}));
    auto streams = bench.attach("web", DAVIT_ATTACH_STDIN | DAVIT_ATTACH_STDOUT);
    ASSERT_TRUE(streams);
    ASSERT_EQ(::write(streams->in.get(), "text", 4), 4);
    streams->in.reset();
    EXPECT_EQ(read_to_end(streams->out.get()), "text");
    EXPECT_EQ(bench.ended("web")->code, 0);
}

void without_stdin_it_reads_an_end_of_file(ExecBench& bench) {
    EXPECT_EQ(bench.output_of("cat; echo end"), "end\n");
    ASSERT_TRUE(bench.run("web", {.arguments = {"/bin/sleep", "1000"}}));
    EXPECT_EQ(bench.attach("web", DAVIT_ATTACH_STDIN).error().code, Code::conflict);
}

void attaching_to_the_ended_is_a_conflict(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", {}));
    ASSERT_TRUE(bench.ended("web"));
    EXPECT_EQ(bench.attach("web", DAVIT_ATTACH_STDOUT).error().code, Code::conflict);
    EXPECT_EQ(bench.attach("nobody", DAVIT_ATTACH_STDOUT).error().code, Code::not_found);
}

void a_terminal_is_a_terminal_with_a_size(ExecBench& bench) {
    const Wish wish{.flags = DAVIT_EXEC_TTY};
    EXPECT_EQ(bench.output_of("tty; stty size; stat -c '%t' /dev/console", wish),
              "/dev/pts/0\r\n24 80\r\n88\r\n");
}

void a_terminal_can_be_resized(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", {.arguments = {"/bin/sh", "-c", "read x; stty size"},
                                  .flags = DAVIT_EXEC_TTY | DAVIT_EXEC_STDIN}));
    const auto resized = bench.resize("web", 50, 132);
    ASSERT_TRUE(resized) << resized.error().what;
    auto streams =
        bench.attach("web", DAVIT_ATTACH_STDIN | DAVIT_ATTACH_STDOUT | DAVIT_ATTACH_STDERR);
    ASSERT_TRUE(streams);
    EXPECT_FALSE(streams->err) << "everything comes over one stream";
    ASSERT_EQ(::write(streams->in.get(), "\n", 1), 1);
    EXPECT_NE(read_to_end(streams->out.get()).find("50 132"), std::string::npos);
}

void resizing_without_a_terminal_is_a_conflict(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", {.arguments = {"/bin/sleep", "1000"}}));
    EXPECT_EQ(bench.resize("web", 1, 1).error().code, Code::conflict);
}

void a_planted_devpts_is_not_used_r14(ExecBench& bench) {
    const Wish wish{.more_mounts = R"(, {"destination": "/dev/pts", "type": "tmpfs"})",
                    .more_mount_fds = {-1},
                    .flags = DAVIT_EXEC_TTY};
    const auto created = bench.create("web", wish);
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().code, Code::denied);
}

void a_long_line_is_cut_into_records_of_16_kib(ExecBench& bench) {
    ASSERT_TRUE(bench.run(
        "web", {.arguments = {"/bin/sh", "-c", "head -c 40000 /dev/zero | tr '\\0' x; echo"}}));
    ASSERT_TRUE(bench.ended("web"));
    std::ifstream log(bench.log_path("web"));
    std::size_t records = 0;
    for (std::string line; std::getline(log, line);) ++records;
    EXPECT_EQ(records, 3u);
    EXPECT_EQ(bench.logged("web"), std::string(40000, 'x') + "\n");
}

void the_log_rotates_and_keeps_whole_records(ExecBench& bench) {
    ASSERT_TRUE(bench.run(
        "web", {.arguments = {"/bin/seq", "5000"}, .log_max_bytes = 65536, .log_max_files = 3}));
    ASSERT_TRUE(bench.ended("web"));
    EXPECT_TRUE(std::filesystem::exists(bench.log_path("web") + ".1"));
    EXPECT_TRUE(std::filesystem::exists(bench.log_path("web") + ".2"));
    EXPECT_FALSE(std::filesystem::exists(bench.log_path("web") + ".3"));
    EXPECT_TRUE(bench.logged("web").ends_with("5000\n"));
}

void without_a_log_it_still_runs_and_is_drained(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", {.arguments = {"/bin/seq", "100000"}, .log = false}));
    EXPECT_EQ(bench.ended("web")->code, 0);
    EXPECT_FALSE(std::filesystem::exists(bench.log_path("web")));
}

}  // namespace

#define DAVIT_CASE(name) \
    { #name, name }
std::vector<ExecCase> exec_stream_cases() {
    return {DAVIT_CASE(an_attached_client_gets_everything_from_the_start),
            DAVIT_CASE(log_and_stream_together_are_everything_once),
            DAVIT_CASE(a_closed_client_costs_nothing),
            DAVIT_CASE(a_full_client_holds_its_container_up_and_loses_nothing),
            DAVIT_CASE(two_clients_get_the_same),
            DAVIT_CASE(stdin_stays_open_when_a_client_leaves),
            DAVIT_CASE(stdin_once_ends_with_its_client),
            DAVIT_CASE(without_stdin_it_reads_an_end_of_file),
            DAVIT_CASE(attaching_to_the_ended_is_a_conflict),
            DAVIT_CASE(a_terminal_is_a_terminal_with_a_size),
            DAVIT_CASE(a_terminal_can_be_resized),
            DAVIT_CASE(resizing_without_a_terminal_is_a_conflict),
            DAVIT_CASE(a_planted_devpts_is_not_used_r14),
            DAVIT_CASE(a_long_line_is_cut_into_records_of_16_kib),
            DAVIT_CASE(the_log_rotates_and_keeps_whole_records),
            DAVIT_CASE(without_a_log_it_still_runs_and_is_drained)};
}

}  // namespace davit::sdk::contract
