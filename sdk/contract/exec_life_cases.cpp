// SPDX-License-Identifier: Apache-2.0
// From creation to removal, and over restarts of the engine.
#include "sdk/base/process.hpp"
#include "sdk/contract/exec_bench.hpp"

#include <sys/stat.h>
#include <csignal>
#include <fstream>

namespace davit::sdk::contract {
namespace {

const Wish kSleeper{.arguments = {"/bin/sleep", "1000"}};

void what_it_writes_is_in_its_log(ExecBench& bench) {
    const auto created =
        bench.run("web", {.arguments = {"/bin/sh", "-c", "echo out; echo err >&2"}});
    ASSERT_TRUE(created) << created.error().what;
    const auto record = bench.ended("web");
    ASSERT_TRUE(record) << record.error().what;
    EXPECT_EQ(record->code, 0);
    EXPECT_EQ(bench.logged("web", "stdout"), "out\n");
    EXPECT_EQ(bench.logged("web", "stderr"), "err\n");
}

void the_exit_code_is_the_programs(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", {.arguments = {"/bin/sh", "-c", "exit 42"}}));
    const auto record = bench.ended("web");
    ASSERT_TRUE(record) << record.error().what;
    EXPECT_EQ(record->code, 42);
    EXPECT_EQ(record->signal, 0);
    EXPECT_EQ(record->monitor_lost, 0u);
    EXPECT_GT(record->time_ns, 0);
}

void a_signal_ends_it_with_128_and_its_number(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", kSleeper));
    ASSERT_TRUE(bench.signal("web", SIGKILL));
    const auto record = bench.ended("web");
    ASSERT_TRUE(record) << record.error().what;
    EXPECT_EQ(record->code, 128 + SIGKILL);
    EXPECT_EQ(record->signal, SIGKILL);
}

void created_it_does_not_run_before_start(ExecBench& bench) {
    const auto created = bench.create("web", {.arguments = {"/bin/touch", "/ran"}});
    ASSERT_TRUE(created) << created.error().what;
    EXPECT_EQ(created->state, DAVIT_EXEC_CREATED);
    EXPECT_GT(created->pid, 0);
    EXPECT_TRUE(created->process && created->keeper);
    EXPECT_FALSE(readable(created->process.get(), std::chrono::milliseconds(50)));
    EXPECT_NE(::access((bench.root_path() + "/ran").c_str(), F_OK), 0);
    ASSERT_TRUE(bench.start("web"));
    ASSERT_TRUE(bench.ended("web"));
    EXPECT_EQ(::access((bench.root_path() + "/ran").c_str(), F_OK), 0);
}

void a_second_container_of_the_key_is_refused(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", kSleeper));
    const auto second = bench.create("web", kSleeper);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::exists);
    EXPECT_FALSE(readable(bench.wait("web")->get(), std::chrono::milliseconds(20)));
}

void a_second_start_is_refused(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", kSleeper));
    const auto again = bench.start("web");
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::conflict);
}

void a_missing_program_is_told_at_start(ExecBench& bench) {
    ASSERT_TRUE(bench.create("web", {.arguments = {"/bin/nothing"}}));
    const auto started = bench.start("web");
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Code::not_found);
    EXPECT_NE(started.error().what.find("no such file or directory"), std::string::npos)
        << started.error().what;
    const auto record = bench.ended("web");
    ASSERT_TRUE(record) << record.error().what;
    EXPECT_EQ(record->code, 127);
}

void a_program_that_may_not_run_is_told_at_start(ExecBench& bench) {
    std::ofstream(bench.root_path() + "/tmp/plain") << "text";
    ::chmod((bench.root_path() + "/tmp/plain").c_str(), 0644);
    ASSERT_TRUE(bench.create("web", {.arguments = {"/tmp/plain"}}));
    const auto started = bench.start("web");
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Code::denied);
    EXPECT_NE(started.error().what.find("permission denied"), std::string::npos)
        << started.error().what;
    EXPECT_EQ(bench.ended("web")->code, 126);
}

void a_name_without_slash_is_looked_up_in_its_path(ExecBench& bench) {
    ASSERT_TRUE(
        bench.run("web", {.arguments = {"echo", "found"}, .environment = {"PATH=/nowhere:/bin"}}));
    ASSERT_TRUE(bench.ended("web"));
    EXPECT_EQ(bench.logged("web"), "found\n");
    ASSERT_TRUE(bench.create("lost", {.arguments = {"echo"}, .environment = {"PATH=/nowhere"}}));
    const auto started = bench.start("lost");
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().what.find("executable file not found in $PATH"), std::string::npos);
}

void removal_leaves_nothing(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", {}));
    ASSERT_TRUE(bench.ended("web"));
    const auto removed = bench.remove("web");
    ASSERT_TRUE(removed) << removed.error().what;
    EXPECT_TRUE(bench.leftovers().empty());
    EXPECT_EQ(bench.exit_record("web").error().code, Code::not_found);
    EXPECT_TRUE(bench.run("web", {})) << "the key is free again";
}

void a_key_can_be_used_again_and_again(ExecBench& bench) {
    for (int round = 0; round < 20; ++round) {
        const auto created = bench.run("web", {.arguments = {"/bin/sh", "-c", "exit 11"}});
        ASSERT_TRUE(created) << round << ": " << created.error().what;
        const auto record = bench.ended("web");
        ASSERT_TRUE(record) << round << ": " << record.error().what;
        ASSERT_EQ(record->code, 11);
        ASSERT_TRUE(bench.remove("web"));
    }
}

void what_runs_is_not_removed(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", kSleeper));
    const auto removed = bench.remove("web");
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, Code::busy);
    EXPECT_TRUE(bench.signal("web", SIGKILL));
}

void removing_the_unknown_is_ok(ExecBench& bench) {
    EXPECT_TRUE(bench.remove("nobody"));
    EXPECT_TRUE(bench.remove("nobody"));
}

void a_created_one_can_be_removed(ExecBench& bench) {
    ASSERT_TRUE(bench.create("web", kSleeper));
    const auto removed = bench.remove("web");
    ASSERT_TRUE(removed) << removed.error().what;
    EXPECT_TRUE(bench.leftovers().empty());
}

void a_failed_creation_leaves_nothing(ExecBench& bench) {
    const Wish impossible{.more_mounts = R"(, {"destination": "/x", "type": "nosuchfs"})",
                          .more_mount_fds = {-1}};
    ASSERT_FALSE(bench.create("first", impossible));  // what a driver keeps for good is there now
    const std::size_t before = bench.descriptors();
    ASSERT_FALSE(bench.create("web", impossible));
    EXPECT_TRUE(bench.leftovers().empty());
    EXPECT_EQ(bench.descriptors(), before + 1) << "the case's own state directory";
    EXPECT_TRUE(bench.run("web", {})) << "the key is free";
}

void it_lives_through_a_restart(ExecBench& bench) {
    ASSERT_TRUE(
        bench.run("web", {.arguments = {"/bin/sh", "-c", "read line; echo got $line; exit 7"},
                          .flags = DAVIT_EXEC_STDIN}));
    ASSERT_TRUE(bench.reopen());
    EXPECT_EQ(bench.start("web").error().code, Code::not_found) << "not before it was recovered";
    const auto found = bench.recover("web");
    ASSERT_TRUE(found) << found.error().what;
    EXPECT_EQ(found->state, DAVIT_EXEC_RUNNING);
    auto streams = bench.attach("web", DAVIT_ATTACH_STDIN | DAVIT_ATTACH_STDOUT);
    ASSERT_TRUE(streams) << streams.error().what;
    ASSERT_EQ(::write(streams->in.get(), "it\n", 3), 3);
    EXPECT_EQ(read_to_end(streams->out.get()), "got it\n");
    EXPECT_EQ(bench.ended("web")->code, 7);
}

void an_end_during_a_restart_is_recorded(ExecBench& bench) {
    const auto created = bench.run("web", {.arguments = {"/bin/sh", "-c", "sleep 0.1; exit 3"}});
    ASSERT_TRUE(created);
    const auto before = bench.wait("web");
    ASSERT_TRUE(bench.reopen());
    ASSERT_TRUE(readable(before->get()));
    const auto found = bench.recover("web");
    ASSERT_TRUE(found) << found.error().what;
    EXPECT_EQ(found->state, DAVIT_EXEC_EXITED);
    EXPECT_EQ(bench.ended("web")->code, 3);
    EXPECT_TRUE(bench.remove("web"));
}

void an_empty_directory_holds_no_container(ExecBench& bench) {
    const auto found = bench.recover("nobody");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Code::not_found);
}

void the_death_of_the_host_before_start_takes_it_away(ExecBench& bench) {
    auto created = bench.create("web", kSleeper);
    ASSERT_TRUE(created);
    ASSERT_TRUE(bench.reopen());  // closes what a dead host would have closed
    EXPECT_TRUE(readable(created->process.get()));
    EXPECT_TRUE(readable(created->keeper.get()));
    EXPECT_EQ(bench.recover("web").error().code, Code::not_found);
    EXPECT_TRUE(bench.leftovers().empty());
}

void a_lost_keeper_costs_the_container_and_is_told(ExecBench& bench) {
    auto created = bench.run("web", kSleeper);
    ASSERT_TRUE(created);
    const auto waiter = bench.wait("web");
    ASSERT_TRUE(send_signal(created->keeper.get(), SIGKILL));
    ASSERT_TRUE(readable(waiter->get()));
    const auto record = bench.exit_record("web");
    ASSERT_TRUE(record) << record.error().what;
    EXPECT_EQ(record->monitor_lost, 1u);
    EXPECT_TRUE(readable(created->process.get())) << "its processes are gone";
    EXPECT_TRUE(bench.remove("web"));
    EXPECT_TRUE(bench.leftovers().empty());
}

void the_keeper_ends_after_the_process(ExecBench& bench) {
    auto created = bench.run("web", {});
    ASSERT_TRUE(created);
    ASSERT_TRUE(bench.ended("web"));
    EXPECT_TRUE(readable(created->keeper.get()));
}

void waiting_for_the_ended_answers_at_once(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", {}));
    ASSERT_TRUE(bench.ended("web"));
    EXPECT_TRUE(readable(bench.wait("web")->get(), std::chrono::milliseconds(1000)));
    EXPECT_EQ(bench.signal("web", SIGTERM).error().code, Code::conflict);
}

void the_record_of_what_runs_is_refused(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", kSleeper));
    EXPECT_EQ(bench.exit_record("web").error().code, Code::conflict);
}

}  // namespace

std::vector<ExecCase> exec_life_cases() {
    return {{"what_it_writes_is_in_its_log", what_it_writes_is_in_its_log},
            {"the_exit_code_is_the_programs", the_exit_code_is_the_programs},
            {"a_signal_ends_it_with_128_and_its_number", a_signal_ends_it_with_128_and_its_number},
            {"created_it_does_not_run_before_start", created_it_does_not_run_before_start},
            {"a_second_container_of_the_key_is_refused", a_second_container_of_the_key_is_refused},
            {"a_second_start_is_refused", a_second_start_is_refused},
            {"a_missing_program_is_told_at_start", a_missing_program_is_told_at_start},
            {"a_program_that_may_not_run_is_told_at_start",
             a_program_that_may_not_run_is_told_at_start},
            {"a_name_without_slash_is_looked_up_in_its_path",
             a_name_without_slash_is_looked_up_in_its_path},
            {"removal_leaves_nothing", removal_leaves_nothing},
            {"a_key_can_be_used_again_and_again", a_key_can_be_used_again_and_again},
            {"what_runs_is_not_removed", what_runs_is_not_removed},
            {"removing_the_unknown_is_ok", removing_the_unknown_is_ok},
            {"a_created_one_can_be_removed", a_created_one_can_be_removed},
            {"a_failed_creation_leaves_nothing", a_failed_creation_leaves_nothing},
            {"it_lives_through_a_restart", it_lives_through_a_restart},
            {"an_end_during_a_restart_is_recorded", an_end_during_a_restart_is_recorded},
            {"an_empty_directory_holds_no_container", an_empty_directory_holds_no_container},
            {"the_death_of_the_host_before_start_takes_it_away",
             the_death_of_the_host_before_start_takes_it_away},
            {"a_lost_keeper_costs_the_container_and_is_told",
             a_lost_keeper_costs_the_container_and_is_told},
            {"the_keeper_ends_after_the_process", the_keeper_ends_after_the_process},
            {"waiting_for_the_ended_answers_at_once", waiting_for_the_ended_answers_at_once},
            {"the_record_of_what_runs_is_refused", the_record_of_what_runs_is_refused}};
}

}  // namespace davit::sdk::contract
