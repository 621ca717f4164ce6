// SPDX-License-Identifier: Apache-2.0
// Further processes of a running container, and calls on all of them.
#include "davit/draft/exec_pause.h"
#include "davit/draft/exec_stats.h"

#include "sdk/base/process.hpp"
#include "sdk/contract/exec_bench.hpp"

#include <csignal>
#include <fstream>
#include <map>
#include <string>

namespace davit::sdk::contract {
namespace {

const Wish kSleeper{.arguments = {"/bin/sleep", "1000"},
                    .more = R"(, "hostname": "web", "annotations": {"davit.seccomp": "default"})"};

void a_session_runs_inside(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", kSleeper));
    EXPECT_EQ(bench.output_in("web", "hostname; readlink /proc/1/exe; ls /proc/self/fd | wc -l"),
              "web\n/bin/sleep\n4\n");
    for (const char* kind : {"pid", "mnt", "net", "ipc", "uts"})
        EXPECT_EQ(
            bench.output_in("web", std::string("test $(readlink /proc/1/ns/") + kind +
                                       ") = $(readlink /proc/self/ns/" + kind + ") && echo same"),
            "same\n")
            << kind;
}

void a_session_has_the_containers_limits_and_policy(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", kSleeper));
    EXPECT_EQ(
        bench.output_in("web", "grep Seccomp: /proc/self/status; grep CapInh /proc/self/status"),
        "Seccomp:\t2\nCapInh:\t0000000000000000\n");
    EXPECT_EQ(bench.output_in("web", "grep Seccomp: /proc/self/status", {}, true), "Seccomp:\t0\n")
        << "privileged";
    const std::string group = bench.output_in("web", "cat /proc/self/cgroup");
    const std::string own = ":/davit-" + bench.scope() + "/web";
    if (bench.group_parents().size() == 1) {
        EXPECT_NE(group.find("0:" + own), std::string::npos) << group;
        return;
    }
    for (const char* hierarchy : {"memory", "pids", "devices", "freezer", "name=systemd"})
        EXPECT_NE(group.find(hierarchy + own), std::string::npos) << group;
}

void its_output_waits_for_the_first_client_when_held(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", kSleeper));
    Wish wish{.arguments = {"/bin/echo", "early"}, .flags = DAVIT_EXEC_HOLD};
    ASSERT_TRUE(bench.exec("web", "one", wish));
    ASSERT_TRUE(bench.ended("web", "one"));
    auto streams = bench.attach("web", DAVIT_ATTACH_STDOUT, "one");
    ASSERT_TRUE(streams) << streams.error().what;
    EXPECT_EQ(read_to_end(streams->out.get()), "early\n");
}

void held_output_that_nobody_wanted_goes_with_the_session(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", kSleeper));
    const Wish wish{.arguments = {"/bin/echo", "unheard"}, .flags = DAVIT_EXEC_HOLD};
    auto session = bench.exec("web", "one", wish);
    ASSERT_TRUE(session && bench.ended("web", "one"));
    ASSERT_TRUE(bench.remove("web", "one"));
    EXPECT_TRUE(readable(session->keeper.get())) << "its keeper is gone";
}

void its_exit_code_and_signal_are_its_own(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", kSleeper));
    ASSERT_TRUE(bench.exec("web", "one", {.arguments = {"/bin/sh", "-c", "exit 5"}}));
    EXPECT_EQ(bench.ended("web", "one")->code, 5);
    ASSERT_TRUE(bench.exec("web", "two", {.arguments = {"/bin/sleep", "1000"}}));
    ASSERT_TRUE(bench.signal("web", SIGKILL, "two"));
    EXPECT_EQ(bench.ended("web", "two")->code, 137);
    EXPECT_FALSE(readable(bench.wait("web")->get(), std::chrono::milliseconds(20)));
}

void a_session_can_have_a_terminal(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", kSleeper));
    const Wish wish{.arguments = {"/bin/sh", "-c", "tty; read x; stty size"},
                    .flags = DAVIT_EXEC_TTY | DAVIT_EXEC_STDIN | DAVIT_EXEC_HOLD};
    const auto session = bench.exec("web", "one", wish);
    ASSERT_TRUE(session) << session.error().what;
    ASSERT_TRUE(bench.resize("web", 33, 44, "one"));
    auto streams = bench.attach("web", DAVIT_ATTACH_STDIN | DAVIT_ATTACH_STDOUT, "one");
    ASSERT_EQ(::write(streams->in.get(), "\n", 1), 1);
    const std::string seen = read_to_end(streams->out.get());
    EXPECT_NE(seen.find("/dev/pts/"), std::string::npos) << seen;
    EXPECT_NE(seen.find("33 44"), std::string::npos) << seen;
}

void a_missing_program_leaves_no_session(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", kSleeper));
    const auto session = bench.exec("web", "one", {.arguments = {"/nothing"}});
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().code, Code::not_found);
    EXPECT_EQ(bench.wait("web", "one").error().code, Code::not_found);
    EXPECT_TRUE(bench.exec("web", "one", {})) << "its name is free";
}

void sessions_need_a_running_container(ExecBench& bench) {
    EXPECT_EQ(bench.exec("nobody", "one", {}).error().code, Code::not_found);
    ASSERT_TRUE(bench.create("web", kSleeper));
    EXPECT_EQ(bench.exec("web", "one", {}).error().code, Code::conflict) << "not started";
    ASSERT_TRUE(bench.run("gone", {}));
    ASSERT_TRUE(bench.ended("gone"));
    EXPECT_EQ(bench.exec("gone", "one", {}).error().code, Code::conflict);
}

void a_session_lives_through_a_restart(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", kSleeper));
    ASSERT_TRUE(
        bench.exec("web", "one",
                   {.arguments = {"/bin/sh", "-c", "read x; exit 6"}, .flags = DAVIT_EXEC_STDIN}));
    ASSERT_TRUE(bench.reopen());
    ASSERT_TRUE(bench.recover("web"));
    auto streams = bench.attach("web", DAVIT_ATTACH_STDIN, "one");
    ASSERT_TRUE(streams) << streams.error().what;
    ASSERT_EQ(::write(streams->in.get(), "\n", 1), 1);
    EXPECT_EQ(bench.ended("web", "one")->code, 6);
    EXPECT_EQ(bench.output_in("web", "grep Seccomp: /proc/self/status"), "Seccomp:\t2\n")
        << "the policy was kept";
    EXPECT_TRUE(bench.remove("web", "one"));
    EXPECT_EQ(bench.wait("web", "one").error().code, Code::not_found);
}

void a_running_session_is_not_removed(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", kSleeper));
    ASSERT_TRUE(bench.exec("web", "one", {.arguments = {"/bin/sleep", "1000"}}));
    EXPECT_EQ(bench.remove("web", "one").error().code, Code::busy);
    EXPECT_EQ(bench.exec("web", "one", {}).error().code, Code::exists);
}

void sessions_end_with_their_container(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", kSleeper));
    ASSERT_TRUE(bench.exec("web", "one", {.arguments = {"/bin/sleep", "1000"}}));
    ASSERT_TRUE(bench.signal("web", SIGKILL));
    EXPECT_EQ(bench.ended("web", "one")->code, 137);
    ASSERT_TRUE(bench.ended("web"));
    EXPECT_TRUE(bench.remove("web"));
    EXPECT_TRUE(bench.leftovers().empty());
}

void list_names_every_process(ExecBench& bench) {
    const auto created = bench.run("web", kSleeper);
    ASSERT_TRUE(created);
    const auto session = bench.exec("web", "one", {.arguments = {"/bin/sleep", "1000"}});
    ASSERT_TRUE(session);
    auto pids = bench.list("web");
    ASSERT_TRUE(pids) << pids.error().what;
    EXPECT_EQ(std::set(pids->begin(), pids->end()),
              (std::set<std::int32_t>{created->pid, session->pid}));
    EXPECT_EQ(bench.list("nobody").error().code, Code::not_found);
}

void everyone_gets_a_signal_to_everyone(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", kSleeper));
    ASSERT_TRUE(bench.exec("web", "one", {.arguments = {"/bin/sleep", "1000"}}));
    ASSERT_TRUE(bench.signal("web", SIGKILL, "", true));
    EXPECT_EQ(bench.ended("web", "one")->code, 137);
    EXPECT_EQ(bench.ended("web")->code, 137);
}

void paused_it_does_nothing_and_resumed_it_goes_on(ExecBench& bench) {
    const auto* pause = static_cast<const davit_exec_pause*>(bench.ability(DAVIT_EXEC_PAUSE));
    if (pause == nullptr) GTEST_SKIP() << "the driver does not offer " DAVIT_EXEC_PAUSE;
    ASSERT_TRUE(bench.run(
        "web", {.arguments = {"/bin/sh", "-c", "while true; do echo tick; sleep 0.01; done"}}));
    auto request = sized<davit_exec_key>();
    request.key = str("web");
    ASSERT_TRUE(Caller().tell(pause->pause, bench.instance(), request));
    ::usleep(30'000);  // what was in the pipe arrives
    const std::size_t stopped = bench.logged("web").size();
    ::usleep(100'000);
    EXPECT_EQ(bench.logged("web").size(), stopped);
    ASSERT_TRUE(Caller().tell(pause->resume, bench.instance(), request));
    for (int tries = 0; tries < 500 && bench.logged("web").size() == stopped; ++tries)
        ::usleep(10'000);
    EXPECT_GT(bench.logged("web").size(), stopped);
}

void its_figures_tell_what_it_uses(ExecBench& bench) {
    const auto* stats = static_cast<const davit_exec_stats*>(bench.ability(DAVIT_EXEC_STATS));
    if (stats == nullptr) GTEST_SKIP() << "the driver does not offer " DAVIT_EXEC_STATS;
    ASSERT_TRUE(bench.run("web", {.arguments = {"/bin/sh", "-c", "while true; do :; done"}}));
    ::usleep(100'000);
    auto request = sized<davit_exec_key>();
    request.key = str("web");
    std::map<std::string, std::uint64_t> figures;
    ASSERT_TRUE(Caller().list<davit_exec_figure>(
        stats->stats, bench.instance(), request,
        [&](const davit_exec_figure& one) { figures[text(one.name)] = one.value; }));
    EXPECT_GT(figures["cpu.total"], 0u);
    EXPECT_EQ(figures["pids.current"], 1u);
    request.key = str("nobody");
    EXPECT_FALSE(Caller().list<davit_exec_figure>(stats->stats, bench.instance(), request,
                                                  [](const davit_exec_figure&) {}));
}

}  // namespace

#define DAVIT_CASE(name) \
    { #name, name }
std::vector<ExecCase> exec_session_cases() {
    return {DAVIT_CASE(a_session_runs_inside),
            DAVIT_CASE(a_session_has_the_containers_limits_and_policy),
            DAVIT_CASE(its_output_waits_for_the_first_client_when_held),
            DAVIT_CASE(held_output_that_nobody_wanted_goes_with_the_session),
            DAVIT_CASE(its_exit_code_and_signal_are_its_own),
            DAVIT_CASE(a_session_can_have_a_terminal),
            DAVIT_CASE(a_missing_program_leaves_no_session),
            DAVIT_CASE(sessions_need_a_running_container),
            DAVIT_CASE(a_session_lives_through_a_restart),
            DAVIT_CASE(a_running_session_is_not_removed),
            DAVIT_CASE(sessions_end_with_their_container),
            DAVIT_CASE(list_names_every_process),
            DAVIT_CASE(everyone_gets_a_signal_to_everyone),
            DAVIT_CASE(paused_it_does_nothing_and_resumed_it_goes_on),
            DAVIT_CASE(its_figures_tell_what_it_uses)};
}

}  // namespace davit::sdk::contract
