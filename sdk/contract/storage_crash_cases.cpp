// SPDX-License-Identifier: Apache-2.0
// kill -9 before every single system call of an operation: what is committed stays whole, every
// other key is absent or removable, and `retain` finds all that is left.
#include "sdk/base/file.hpp"
#include "sdk/contract/storage_bench.hpp"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <functional>
#include <optional>

namespace davit::sdk::contract {
namespace {

constexpr int kMostPoints =
    5000;  // an operation of more system calls than this is beyond what we sweep

using Operation = std::function<Result<void>(const Store&)>;

// In the child: opens the instance, stops until the parent counts, runs the operation, tells its
// outcome.
[[noreturn]] void run_traced(StorageBench& bench, const Operation& operation) {
    auto store = bench.open_second(bench.directory());
    if (!store) ::_exit(2);
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(3);
    ::raise(SIGSTOP);
    const Result<void> done = operation(**store);
    ::_exit(done ? 0 : 1);  // no close: the end of a process is all that a driver may count on
}

// Runs `operation` in a process of its own and kills that before its system call number `point`.
// Nothing: it came to its end before. Else whether it was killed there.
enum class Ending { killed, succeeded, failed };
Ending run_and_kill(StorageBench& bench, const Operation& operation, int point) {
    const pid_t child = ::fork();
    if (child == 0) run_traced(bench, operation);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFSTOPPED(status)) return Ending::failed;
    ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    int stops = 0;  // an entry and a return for each call
    for (long signal = 0;;) {
        ::ptrace(PTRACE_SYSCALL, child, nullptr, signal);
        ::waitpid(child, &status, 0);
        if (WIFEXITED(status)) return WEXITSTATUS(status) == 0 ? Ending::succeeded : Ending::failed;
        if (WIFSIGNALED(status)) return Ending::failed;
        const bool is_call = WSTOPSIG(status) == (SIGTRAP | 0x80);
        signal = is_call ? 0 : WSTOPSIG(status);
        if (!is_call || ++stops < 2 * point + 1) continue;
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
        return Ending::killed;
    }
}

// What has to hold after every crash; `before` and `after` are the layers around the operation.
struct Expectation {
    Layers before;
    Layers after;
};

void expect_crash_contract(StorageBench& bench, const Expectation& expected, int point) {
    ASSERT_TRUE(succeeds(bench.reopen())) << "killed before system call " << point;
    const auto layers = bench.store().list();
    ASSERT_TRUE(succeeds(layers));
    for (const auto& [key, layer] : *layers) {
        const bool known = (expected.before.contains(key) && expected.before.at(key) == layer) ||
                           (expected.after.contains(key) && expected.after.at(key) == layer);
        EXPECT_TRUE(known || layer.state == DAVIT_STORAGE_PREPARED) << key << ", call " << point;
        if (layer.state != DAVIT_STORAGE_COMMITTED) continue;
        const auto root = bench.store().mount(key);
        ASSERT_TRUE(succeeds(root)) << key << ", call " << point;
        EXPECT_EQ(content_of(root->get(), "of-" + key), key) << "call " << point;
    }
    for (const auto& [key, layer] : expected.before) {
        const bool must_be = expected.after.contains(key) && layer.state == DAVIT_STORAGE_COMMITTED;
        EXPECT_TRUE(!must_be || layers->contains(key)) << key << " is lost, call " << point;
    }
    const auto findings = bench.store().check("");
    EXPECT_TRUE(succeeds(findings) && findings->empty()) << "call " << point;
}

struct Sweep {
    std::function<Result<void>(const Store&)> arrange;
    Operation operation;
    Expectation expected;
};

// Kills at every point in turn, each time on a fresh state, until the operation ends undisturbed.
void sweep(StorageBench& bench, const Sweep& plan) {
    ASSERT_TRUE(succeeds(bench.store().retain({})));
    const std::size_t fresh = bench.inodes();
    for (int point = 0; point < kMostPoints; ++point) {
        ASSERT_TRUE(succeeds(plan.arrange(bench.store())));
        bench.close();
        const Ending ending = run_and_kill(bench, plan.operation, point);
        ASSERT_NE(ending, Ending::failed) << "call " << point;
        ASSERT_NO_FATAL_FAILURE(expect_crash_contract(bench, plan.expected, point));
        if (ending == Ending::succeeded) {
            EXPECT_EQ(bench.store().list().value_or({}), plan.expected.after);
            EXPECT_GE(point, 2) << "it made no system call: nothing was tested";
            return;
        }
        ASSERT_TRUE(succeeds(plan.operation(bench.store())))
            << "again after a crash at call " << point;
        EXPECT_EQ(bench.store().list().value_or({}), plan.expected.after)
            << "again, call " << point;
        ASSERT_TRUE(succeeds(bench.store().retain({})));
        EXPECT_EQ(bench.inodes(), fresh) << "left behind, killed before system call " << point;
        if (testing::Test::HasFailure()) return;
    }
    FAIL() << "more than " << kMostPoints << " system calls";
}

constexpr LayerState kBase{DAVIT_STORAGE_COMMITTED, ""};

Result<void> make_base(const Store& store) {
    return store.make_layer("base", "", {{"of-base", "base"}});
}

Result<void> make_base_and_work(const Store& store, const std::string& parent) {
    TRY(make_base(store));
    TRY(store.prepare("new", parent));
    const Fd root = TRY(store.mount("new"));
    write_file(root.get(), "of-image", "image");
    return {};
}

void a_kill_during_prepare_leaves_the_key_absent_or_complete(StorageBench& bench) {
    const Layers after = {{"base", kBase}, {"web", {DAVIT_STORAGE_PREPARED, "base"}}};
    sweep(bench, {.arrange = make_base,
                  .operation = [](const Store& store) -> Result<void> {
                      TRY(store.prepare("web", "base"));
                      return {};
                  },
                  .expected = {{{"base", kBase}}, after}});
}

void a_kill_during_mount_costs_nothing(StorageBench& bench) {
    const Layers both = {{"base", kBase}, {"new", {DAVIT_STORAGE_PREPARED, "base"}}};
    sweep(bench, {.arrange = [](const Store& store) { return make_base_and_work(store, "base"); },
                  .operation = [](const Store& store) -> Result<void> {
                      const Fd root = TRY(store.mount("new"));
                      TRY(read_file(root.get(), "of-image", 16));
                      return {};
                  },
                  .expected = {both, both}});
}

void a_kill_during_commit_leaves_the_old_state_or_the_new(StorageBench& bench) {
    sweep(bench, {.arrange = [](const Store& store) { return make_base_and_work(store, "base"); },
                  .operation = [](const Store& store) -> Result<void> {
                      TRY(store.commit("new", "image"));
                      return {};
                  },
                  .expected = {{{"base", kBase}, {"new", {DAVIT_STORAGE_PREPARED, "base"}}},
                               {{"base", kBase}, {"image", {DAVIT_STORAGE_COMMITTED, "base"}}}}});
}

void a_kill_during_a_commit_that_rebases_leaves_the_old_state_or_the_new(StorageBench& bench) {
    if (!bench.store().offers(DAVIT_STORAGE_REBASE)) return;
    sweep(bench, {.arrange = [](const Store& store) { return make_base_and_work(store, ""); },
                  .operation = [](const Store& store) -> Result<void> {
                      TRY(store.commit("new", "image", "base"));
                      return {};
                  },
                  .expected = {{{"base", kBase}, {"new", {DAVIT_STORAGE_PREPARED, ""}}},
                               {{"base", kBase}, {"image", {DAVIT_STORAGE_COMMITTED, "base"}}}}});
}

void a_kill_during_remove_leaves_the_layer_whole_or_gone(StorageBench& bench) {
    const auto arrange = [](const Store& store) -> Result<void> {
        TRY(make_base(store));
        return store.make_layer("image", "base", {{"of-image", "image"}, {"a/b", "x"}});
    };
    sweep(bench, {.arrange = arrange,
                  .operation = [](const Store& store) { return store.remove("image"); },
                  .expected = {{{"base", kBase}, {"image", {DAVIT_STORAGE_COMMITTED, "base"}}},
                               {{"base", kBase}}}});
}

}  // namespace

#define CASE(name) \
    StorageCase { #name, name }

std::vector<StorageCase> storage_crash_cases() {
    return {
        CASE(a_kill_during_prepare_leaves_the_key_absent_or_complete),
        CASE(a_kill_during_mount_costs_nothing),
        CASE(a_kill_during_commit_leaves_the_old_state_or_the_new),
        CASE(a_kill_during_a_commit_that_rebases_leaves_the_old_state_or_the_new),
        CASE(a_kill_during_remove_leaves_the_layer_whole_or_gone),
    };
}

}  // namespace davit::sdk::contract
