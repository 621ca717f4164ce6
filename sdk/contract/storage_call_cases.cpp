// SPDX-License-Identifier: Apache-2.0
// The ABI as a caller of any age uses it, calls from many threads, and what an instance leaves
// behind.
#include "sdk/base/file.hpp"
#include "sdk/contract/storage_bench.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>

namespace davit::sdk::contract {
namespace {

// Calls an operation with pointers as they are, not as Caller would set them.
template <class Operation, class... Arguments>
Code raw_status(StorageBench& bench, Operation operation, Arguments... arguments) {
    const Caller caller;
    return static_cast<Code>(operation(bench.store().instance(), caller.raw(), arguments...));
}

template <Sized T>
T empty_struct() {
    T value{};  // its size is 0: "it has no size"
    return value;
}

template <Sized Request>
void expect_request_is_checked(StorageBench& bench,
                               davit_status (*operation)(davit_instance*, const davit_call*,
                                                         const Request*)) {
    const Request unsized = empty_struct<Request>();
    EXPECT_EQ(raw_status(bench, operation, static_cast<const Request*>(nullptr)), Code::invalid);
    EXPECT_EQ(raw_status(bench, operation, &unsized), Code::invalid);
}

template <Sized Request, Sized Out>
void expect_request_is_checked(StorageBench& bench,
                               davit_status (*operation)(davit_instance*, const davit_call*,
                                                         const Request*, Out*)) {
    auto out = sized<Out>();
    auto unsized_out = empty_struct<Out>();
    const auto request = sized<Request>();
    const Request unsized = empty_struct<Request>();
    EXPECT_EQ(raw_status(bench, operation, static_cast<const Request*>(nullptr), &out),
              Code::invalid);
    EXPECT_EQ(raw_status(bench, operation, &unsized, &out), Code::invalid);
    EXPECT_EQ(raw_status(bench, operation, &request, static_cast<Out*>(nullptr)), Code::invalid);
    EXPECT_EQ(raw_status(bench, operation, &request, &unsized_out), Code::invalid);
}

void null_and_unsized_arguments_are_invalid(StorageBench& bench) {
    const davit_storage& table = bench.store().table();
    expect_request_is_checked(bench, table.prepare);
    expect_request_is_checked(bench, table.mount);
    expect_request_is_checked(bench, table.release);
    expect_request_is_checked(bench, table.commit);
    expect_request_is_checked(bench, table.remove);
    expect_request_is_checked(bench, table.stat);
    expect_request_is_checked(bench, table.usage);
    expect_request_is_checked(bench, table.retain);
    expect_request_is_checked(bench, table.check);
}

void the_table_holds_every_operation(StorageBench& bench) {
    const davit_storage* table = &bench.store().table();
    EXPECT_TRUE(DAVIT_CAN(table, prepare) && DAVIT_CAN(table, mount) && DAVIT_CAN(table, release));
    EXPECT_TRUE(DAVIT_CAN(table, commit) && DAVIT_CAN(table, remove) && DAVIT_CAN(table, stat));
    EXPECT_TRUE(DAVIT_CAN(table, list) && DAVIT_CAN(table, usage) && DAVIT_CAN(table, sync));
    EXPECT_TRUE(DAVIT_CAN(table, retain) && DAVIT_CAN(table, check));
}

void get_answers_the_same_each_time_and_null_for_what_is_unknown(StorageBench& bench) {
    davit_instance* self = bench.store().instance();
    EXPECT_EQ(self->get(self, str(DAVIT_STORAGE)), &bench.store().table());
    for (const char* id : {"davit.storage/99", "davit.storage", "", "davit.network/1"})
        EXPECT_FALSE(bench.store().offers(id)) << id;
}

void a_request_of_an_older_host_works(StorageBench& bench) {
    auto request = sized<davit_storage_prepare>();
    request.size = offsetof(davit_storage_prepare, limit_bytes);
    request.key = str("web");
    request.parent = str("");
    request.limit_bytes = 1;  // beyond the size: never looked at
    auto out = sized<davit_storage_prepared>();
    EXPECT_EQ(raw_status(bench, bench.store().table().prepare,
                         static_cast<const davit_storage_prepare*>(&request), &out),
              Code::ok);
    EXPECT_TRUE(succeeds(bench.store().stat("web")));
}

struct NewerKey {
    davit_storage_key known;
    std::uint64_t unknown;
};

void a_request_of_a_newer_host_works_unless_it_asks_for_more(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().prepare("web")));
    NewerKey request{};
    request.known.size = sizeof request;
    request.known.key = str("web");
    request.unknown = 1;
    const auto* known = &request.known;
    EXPECT_EQ(raw_status(bench, bench.store().table().remove, known), Code::unsupported);
    EXPECT_TRUE(succeeds(bench.store().stat("web")));
    request.unknown = 0;
    EXPECT_EQ(raw_status(bench, bench.store().table().remove, known), Code::ok);
    EXPECT_TRUE(fails_as(bench.store().stat("web"), Code::not_found));
}

void a_result_is_cut_to_the_size_of_the_host(StorageBench& bench) {
    auto request = sized<davit_storage_prepare>();
    request.key = str("web");
    request.parent = str("");
    auto out = sized<davit_storage_prepared>();
    out.size = offsetof(davit_storage_prepared, view);
    out.view = 0xdeadbeef;
    out.padding = 0xdeadbeef;
    ASSERT_EQ(raw_status(bench, bench.store().table().prepare,
                         static_cast<const davit_storage_prepare*>(&request), &out),
              Code::ok);
    EXPECT_EQ(out.size, offsetof(davit_storage_prepared, view));
    EXPECT_EQ(out.view, 0xdeadbeef);
    EXPECT_EQ(out.padding, 0xdeadbeef);
}

void unknown_labels_are_ignored(StorageBench& bench) {
    const davit_kv label{str("org.example.hint"), str("fast")};
    auto request = sized<davit_storage_prepare>();
    request.key = str("web");
    request.parent = str("");
    request.labels = &label;
    request.label_count = 1;
    EXPECT_TRUE(
        succeeds(Caller().ask(bench.store().table().prepare, bench.store().instance(), request)));
}

void an_error_of_the_hosts_sink_ends_the_list(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().prepare("a")));
    ASSERT_TRUE(succeeds(bench.store().prepare("b")));
    int records = 0;
    const auto refuse = [&](const davit_storage_layer&) -> Result<void> {
        ++records;
        return fail(Code::conflict, "enough");
    };
    EXPECT_TRUE(fails_as(Caller().list<davit_storage_layer>(bench.store().table().list,
                                                            bench.store().instance(), refuse),
                         Code::conflict));
    EXPECT_EQ(records, 1);
}

// --- threads
// ---------------------------------------------------------------------------------------

// Runs `work(i)` on `count` threads at once and says how many failed.
template <class Work>
int failures_of(int count, Work work) {
    std::atomic<int> failures{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i)
        threads.emplace_back([&, i] {
            Result<void> done = work(i);
            if (!done) ++failures;
            EXPECT_TRUE(succeeds(done));
        });
    for (std::thread& thread : threads) thread.join();
    return failures;
}

void whole_lives_of_different_keys_run_side_by_side(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"a", "1"}})));
    const auto live = [&](int thread) -> Result<void> {
        for (int round = 0; round < 10; ++round) {
            const std::string name = "t" + std::to_string(thread) + "-" + std::to_string(round);
            TRY(bench.store().make_layer(name, "base", {{name, name}}));
            TRY(bench.store().stat(name));
            if (round % 2 == 0) TRY(bench.store().remove(name));
        }
        return {};
    };
    EXPECT_EQ(failures_of(8, live), 0);
    EXPECT_EQ(bench.store().list().value_or({}).size(), 1u + 8 * 5);
}

void a_parent_goes_only_between_its_children(StorageBench& bench) {
    const auto race = [&](int thread) -> Result<void> {
        for (int round = 0; round < 20; ++round) {
            if (thread == 0) {
                TRY(bench.store().make_layer("base", "", {{"a", "1"}}));
                const Result<void> removed = bench.store().remove("base");
                if (!removed && removed.error().code != Code::busy) return removed;
                continue;
            }
            const std::string key = "child-" + std::to_string(thread);
            const auto prepared = bench.store().prepare(key, "base");
            if (!prepared && prepared.error().code != Code::not_found) return prepared.error();
            if (!prepared) continue;
            const Fd root = TRY(bench.store().mount(key));  // its parent is there, whole
            TRY(read_file(root.get(), "a", 16));
            TRY(bench.store().remove(key));
        }
        return {};
    };
    EXPECT_EQ(failures_of(4, race), 0);
}

void reading_goes_on_while_layers_come_and_go(StorageBench& bench) {
    const auto mix = [&](int thread) -> Result<void> {
        for (int round = 0; round < 30; ++round) {
            if (thread == 0)
                TRY(bench.store().make_layer("layer-" + std::to_string(round), "", {{"a", "1"}}));
            if (thread == 1) TRY(bench.store().list());
            if (thread == 2) TRY(bench.store().remove("layer-" + std::to_string(round)));
            if (thread == 3 && round % 10 == 0) TRY(bench.store().sync());
        }
        return {};
    };
    EXPECT_EQ(failures_of(4, mix), 0);
}

// --- open, close, leaks
// ----------------------------------------------------------------------------

void closing_and_opening_keeps_every_layer(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"a", "1"}})));
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    write_file(bench.store().mount("web").value_or(Fd()).get(), "b", "2");
    const Layers before = bench.store().list().value_or({});
    ASSERT_TRUE(succeeds(bench.reopen()));
    EXPECT_EQ(bench.store().list().value_or({}), before);
    EXPECT_EQ(names_in(bench.store().mount("web").value_or(Fd()).get()),
              (std::set<std::string>{"a", "b"}));
    EXPECT_TRUE(fails_as(bench.store().remove("base"), Code::busy));
}

std::size_t entries_of(const char* path) {
    const Result<Fd> directory = open_directory(path, O_RDONLY);
    EXPECT_TRUE(succeeds(directory));
    return directory ? list_names(directory->get()).value_or({}).size() : 0;
}

// A thread that was joined stays in the list until the kernel has put it away.
std::size_t threads_when_settled(std::size_t expected) {
    for (int attempt = 0; attempt < 200 && entries_of("/proc/self/task") > expected; ++attempt)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return entries_of("/proc/self/task");
}

void a_closed_instance_leaves_no_descriptor_and_no_thread(StorageBench& bench) {
    bench.close();
    const std::size_t descriptors = entries_of("/proc/self/fd");
    const std::size_t threads = entries_of("/proc/self/task");
    for (int round = 0; round < 3; ++round) {
        ASSERT_TRUE(succeeds(bench.reopen()));
        ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"a", "1"}})));
        ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
        { ASSERT_TRUE(succeeds(bench.store().mount("web"))); }
        EXPECT_FALSE(bench.store().mount("nobody"));
        ASSERT_TRUE(succeeds(bench.store().remove("web")));
        ASSERT_TRUE(succeeds(bench.store().remove("base")));
        bench.close();
        EXPECT_EQ(entries_of("/proc/self/fd"), descriptors);
        EXPECT_LE(threads_when_settled(threads), threads);
    }
}

std::set<std::string> inheritable_descriptors() {
    const Result<Fd> directory = open_directory("/proc/self/fd", O_RDONLY);
    std::set<std::string> inheritable;
    for (const std::string& number : names_in(directory ? directory->get() : -1)) {
        const int flags = ::fcntl(std::stoi(number), F_GETFD);
        if (flags >= 0 && (flags & FD_CLOEXEC) == 0) inheritable.insert(number);
    }
    return inheritable;
}

void descriptors_of_the_driver_are_not_inherited(StorageBench& bench) {
    bench.close();
    const std::set<std::string> before = inheritable_descriptors();
    ASSERT_TRUE(succeeds(bench.reopen()));
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"a", "1"}})));
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    ASSERT_TRUE(succeeds(bench.store().prepare("bare")));
    const auto web = bench.store().mount("web");
    const auto bare = bench.store().mount("bare");
    const auto base = bench.store().mount("base");
    ASSERT_TRUE(succeeds(web) && succeeds(bare) && succeeds(base));
    EXPECT_EQ(inheritable_descriptors(), before);
}

void the_state_directory_stays_the_hosts(StorageBench& bench) {
    bench.close();
    EXPECT_GE(::fcntl(bench.directory(), F_GETFD), 0) << "state_fd is borrowed, never closed";
    EXPECT_TRUE(succeeds(bench.reopen()));
}

void two_instances_share_nothing(StorageBench& bench) {
    ASSERT_EQ(::mkdirat(bench.directory(), "second", 0700), 0);
    const Fd directory =
        std::move(open_beneath(bench.directory(), "second", O_RDONLY | O_DIRECTORY)).value_or(Fd());
    auto second = bench.open_second(directory.get());
    ASSERT_TRUE(succeeds(second));
    ASSERT_TRUE(succeeds(bench.store().prepare("web")));
    EXPECT_TRUE(fails_as((*second)->stat("web"), Code::not_found));
    ASSERT_TRUE(succeeds((*second)->prepare("web")));
    ASSERT_TRUE(succeeds(bench.store().remove("web")));
    EXPECT_TRUE(succeeds((*second)->stat("web")));
}

// --- a full disk
// -------------------------------------------------------------------------------------------

// A small file system on a directory of its own, mounted where only this process sees it.
class SmallDisk {
public:
    explicit SmallDisk(const StorageSubject& subject) {
        if (::mkdtemp(path_) == nullptr) return;
        if (subject.mount_small_disk) {
            mounted_ = succeeds(subject.mount_small_disk(path_));
        } else {
            mounted_ = ::mount("full", path_, "tmpfs", 0, "size=256k,nr_inodes=64,mode=0700") == 0;
        }
    }
    ~SmallDisk() {
        if (mounted_) ::umount2(path_, MNT_DETACH);
        ::rmdir(path_);
    }
    bool is_mounted() const { return mounted_; }
    const char* path() const { return path_; }

private:
    char path_[32] = "/tmp/davit-full-XXXXXX";
    bool mounted_ = false;
};

// Writes until there is no room for another byte.
void fill(int directory) {
    const Fd file =
        std::move(open_beneath(directory, "filler", O_WRONLY | O_CREAT, 0600)).value_or(Fd());
    for (std::size_t bytes = 1 << 20; bytes > 0; bytes /= 4)
        while (::write(file.get(), std::string(bytes, 'x').data(), bytes) > 0) {
        }
    ::fsync(file.get());
}

void a_full_disk_is_no_space_and_leaves_no_layer(StorageBench& bench) {
    constexpr int kMostKeys = 2000;
    const SmallDisk disk(bench.subject());
    ASSERT_TRUE(disk.is_mounted());
    const Fd directory = std::move(open_directory(disk.path(), O_RDONLY)).value_or(Fd());
    ASSERT_EQ(::mkdirat(directory.get(), "state", 0700), 0);
    const Fd state =
        std::move(open_beneath(directory.get(), "state", O_RDONLY | O_DIRECTORY)).value_or(Fd());
    auto store = bench.open_second(state.get());
    ASSERT_TRUE(succeeds(store));
    ASSERT_TRUE(succeeds((*store)->make_layer("base", "", {{"a", "1"}})));
    fill(directory.get());

    Result<davit_storage_prepared> prepared = (*store)->prepare("key-0", "base");
    int keys = 0;
    while (prepared && ++keys < kMostKeys)
        prepared = (*store)->prepare("key-" + std::to_string(keys), "base");
    ASSERT_TRUE(fails_as(prepared, Code::no_space));
    EXPECT_EQ((*store)->list().value_or({}).size(), static_cast<std::size_t>(keys) + 1);
    for (int i = 0; i < keys; ++i)
        EXPECT_TRUE(succeeds((*store)->remove("key-" + std::to_string(i))))
            << "removing has to work on a full disk";
    EXPECT_TRUE(succeeds((*store)->retain({"base"})));
    EXPECT_EQ((*store)->list().value_or({}).size(), 1u);
    ASSERT_EQ(::unlinkat(directory.get(), "filler", 0), 0);
    ASSERT_TRUE(succeeds((*store)->sync()));
    EXPECT_TRUE(succeeds((*store)->prepare("key-0", "base"))) << "there is room again";
}

}  // namespace

#define CASE(name) \
    StorageCase { #name, name }

std::vector<StorageCase> storage_call_cases() {
    return {
        CASE(null_and_unsized_arguments_are_invalid),
        CASE(the_table_holds_every_operation),
        CASE(get_answers_the_same_each_time_and_null_for_what_is_unknown),
        CASE(a_request_of_an_older_host_works),
        CASE(a_request_of_a_newer_host_works_unless_it_asks_for_more),
        CASE(a_result_is_cut_to_the_size_of_the_host),
        CASE(unknown_labels_are_ignored),
        CASE(an_error_of_the_hosts_sink_ends_the_list),
        CASE(whole_lives_of_different_keys_run_side_by_side),
        CASE(a_parent_goes_only_between_its_children),
        CASE(reading_goes_on_while_layers_come_and_go),
        CASE(closing_and_opening_keeps_every_layer),
        CASE(a_closed_instance_leaves_no_descriptor_and_no_thread),
        CASE(descriptors_of_the_driver_are_not_inherited),
        CASE(the_state_directory_stays_the_hosts),
        CASE(two_instances_share_nothing),
        CASE(a_full_disk_is_no_space_and_leaves_no_layer),
    };
}

}  // namespace davit::sdk::contract
