// SPDX-License-Identifier: Apache-2.0
// What a program finds around itself, and what it must not find or do.
#include "sdk/base/file.hpp"
#include "sdk/base/mount.hpp"
#include "sdk/contract/exec_bench.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <csignal>
#include <filesystem>
#include <fstream>

namespace davit::sdk::contract {
namespace {

constexpr const char* kDefaultPolicy = R"(, "annotations": {"davit.seccomp": "default"})";
constexpr const char* kUserMap =
    R"(, "uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
                                      "gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}])";

void it_is_process_1_in_its_own_namespaces(ExecBench& bench) {
    const std::string mine = std::filesystem::read_symlink("/proc/self/ns/ipc");
    const std::string seen =
        bench.output_of("echo $$; readlink /proc/self/ns/ipc; ls /proc | grep -c '^[0-9]'");
    EXPECT_TRUE(seen.starts_with("1\n")) << seen;
    EXPECT_EQ(seen.find(mine), std::string::npos) << "the host's IPC namespace";
}

void it_has_three_descriptors_and_no_more(ExecBench& bench) {
    EXPECT_EQ(bench.output_of("ls /proc/$$/fd; true"), "0\n1\n2\n");
}

void it_has_the_hosts_mounts_nowhere(ExecBench& bench) {
    const std::string seen = bench.output_of("cut -d' ' -f2 /proc/mounts");
    EXPECT_EQ(seen.find("/sys/fs/cgroup"), std::string::npos) << seen;
    EXPECT_TRUE(seen.starts_with("/\n")) << seen;
}

void its_host_name_is_set(ExecBench& bench) {
    EXPECT_EQ(bench.output_of("hostname", {.more = R"(, "hostname": "web-1")"}), "web-1\n");
}

void its_user_groups_and_umask_are_exactly_those(ExecBench& bench) {
    const Wish wish{.user = R"({"uid": 1000, "gid": 1001, "umask": 7, "additionalGids": [5, 6]})"};
    EXPECT_EQ(bench.output_of("id -u; id -g; umask; grep Groups /proc/self/status", wish),
              "1000\n1001\n0007\nGroups:\t5 6 1001 \n");
}

// Rule R-02: all five sets, as root and as a user.
void its_capability_sets_are_exactly_those_r02(ExecBench& bench) {
    const Wish root{.capabilities = R"("CAP_CHOWN", "CAP_KILL")"};
    EXPECT_EQ(bench.output_of("grep Cap /proc/self/status", root),
              "CapInh:\t0000000000000000\nCapPrm:\t0000000000000021\nCapEff:\t0000000000000021\n"
              "CapBnd:\t0000000000000021\nCapAmb:\t0000000000000000\n");
    Wish user = root;
    user.user = R"({"uid": 1000, "gid": 1000})";
    EXPECT_EQ(bench.output_of("grep Cap /proc/self/status", user),
              "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
              "CapBnd:\t0000000000000021\nCapAmb:\t0000000000000000\n");
}

void the_default_policy_filters_and_ordinary_programs_run(ExecBench& bench) {
    const Wish wish{.more = kDefaultPolicy};
    EXPECT_EQ(bench.output_of("grep Seccomp: /proc/self/status; seq 3 | wc -l", wish),
              "Seccomp:\t2\n3\n");
}

void a_policy_of_its_own_is_enforced(ExecBench& bench) {
    const Wish wish{.more_linux = R"(, "seccomp": {"defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]})"};
    EXPECT_EQ(bench.output_of("mkdir /tmp/new 2>&1", wish),
              "mkdir: can't create directory '/tmp/new': Permission denied\n");
    EXPECT_EQ(bench.output_of("mkdir /tmp/new && echo made"), "made\n");
}

void no_new_privileges_holds(ExecBench& bench) {
    const Wish wish{.more_process = R"(, "noNewPrivileges": true)", .more = kDefaultPolicy};
    EXPECT_EQ(bench.output_of("grep NoNewPrivs /proc/self/status", wish), "NoNewPrivs:\t1\n");
    EXPECT_EQ(bench.output_of("grep NoNewPrivs /proc/self/status", {.more = kDefaultPolicy}),
              "NoNewPrivs:\t0\n");
}

void limits_of_the_process_are_set(ExecBench& bench) {
    const Wish wish{.more_process =
                        R"(, "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 333, "hard": 444}])"};
    EXPECT_EQ(bench.output_of("ulimit -Sn; ulimit -Hn", wish), "333\n444\n");
}

void its_devices_are_the_usual_ones_and_work(ExecBench& bench) {
    EXPECT_EQ(
        bench.output_of(
            "for d in null zero full random urandom tty; do stat -c '%n %t:%T %a' /dev/$d; done;"
            "for l in ptmx fd stdout; do readlink /dev/$l; done; echo x > /dev/null; head -c 2 "
            "/dev/zero | wc -c"),
        "/dev/null 1:3 666\n/dev/zero 1:5 666\n/dev/full 1:7 666\n/dev/random 1:8 "
        "666\n/dev/urandom 1:9 666\n"
        "/dev/tty 5:0 666\npts/ptmx\n/proc/self/fd\n/proc/self/fd/1\n2\n");
}

void other_devices_are_denied(ExecBench& bench) {
    const Wish wish{.capabilities = R"("CAP_MKNOD")"};
    EXPECT_EQ(
        bench.output_of(
            "mknod /tmp/kmsg c 1 11 && (exec 3< /tmp/kmsg) 2>&1 | grep -c 'not permitted'", wish),
        "1\n");
}

void masked_paths_show_nothing_r13(ExecBench& bench) {
    std::ofstream(bench.root_path() + "/etc/secret") << "secret";
    std::filesystem::create_directory(bench.root_path() + "/etc/hidden");
    std::ofstream(bench.root_path() + "/etc/hidden/file") << "secret";
    const Wish wish{
        .more_linux =
            R"(, "maskedPaths": ["/etc/secret", "/etc/hidden", "/proc/uptime", "/absent"])"};
    EXPECT_EQ(bench.output_of("cat /etc/secret; ls /etc/hidden; stat -c %t:%T /proc/uptime;"
                              "touch /etc/hidden/new 2>&1 | grep -c -i 'read-only'",
                              wish),
              "1:3\n1\n");
}

// An image may bring a /dev/null that is a link to something worth writing to.
void a_planted_null_device_is_not_used_r13(ExecBench& bench) {
    std::filesystem::create_directory(bench.root_path() + "/dev");
    std::filesystem::create_symlink("/etc/canary", bench.root_path() + "/dev/null");
    std::ofstream(bench.root_path() + "/etc/canary") << "alive";
    std::ofstream(bench.root_path() + "/etc/secret") << "secret";
    const Wish wish{.more_linux = R"(, "maskedPaths": ["/etc/secret"])"};
    EXPECT_EQ(bench.output_of("echo gone > /etc/secret; cat /etc/secret; cat /etc/canary", wish),
              "alive");
}

void read_only_paths_cannot_be_written(ExecBench& bench) {
    const Wish wish{.more_linux = R"(, "readonlyPaths": ["/etc", "/absent"])"};
    EXPECT_EQ(
        bench.output_of("touch /etc/x 2>&1 | grep -c 'Read-only'; touch /tmp/x && echo ok", wish),
        "1\nok\n");
}

void a_read_only_root_leaves_mounts_writable(ExecBench& bench) {
    Wish wish{
        .more_mounts = R"(, {"destination": "/data", "type": "tmpfs", "options": ["size=1m"]})",
        .more_mount_fds = {-1}};
    wish.read_only = true;
    const std::string seen =
        bench.output_of("touch /tmp/x 2>&1 | grep -c 'Read-only'; touch /data/x && echo ok", wish);
    EXPECT_EQ(seen, "1\nok\n");
}

void a_bind_shows_its_source_and_ro_is_kept(ExecBench& bench) {
    std::filesystem::create_directory(bench.path() + "/volume");
    std::ofstream(bench.path() + "/volume/file") << "text";
    Fd directory(::open(bench.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    auto volume = DetachedMount::clone(directory.get(), "volume");
    ASSERT_TRUE(volume) << volume.error().what;
    const Wish wish{
        .more_mounts =
            R"(, {"destination": "/new/place", "type": "bind", "options": ["rbind", "ro"]})",
        .more_mount_fds = {volume->fd()}};
    EXPECT_EQ(
        bench.output_of("cat /new/place/file; touch /new/place/x 2>&1 | grep -c 'Read-only'", wish),
        "text1\n");
}

void a_file_can_be_bound_over_nothing(ExecBench& bench) {
    std::ofstream(bench.path() + "/hosts") << "127.0.0.1 localhost\n";
    Fd directory(::open(bench.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    auto file = DetachedMount::clone(directory.get(), "hosts");
    ASSERT_TRUE(file);
    const Wish wish{
        .more_mounts = R"(, {"destination": "/etc/hosts", "type": "bind", "options": ["bind"]})",
        .more_mount_fds = {file->fd()}};
    EXPECT_EQ(bench.output_of("cat /etc/hosts", wish), "127.0.0.1 localhost\n");
}

// Rules R-07 and R-12: links of an image lead nowhere but inside.
void mount_points_stay_inside_the_root_r07(ExecBench& bench) {
    const std::string canary = bench.path() + "/canary";
    std::filesystem::create_directory(canary);
    std::filesystem::create_symlink("../../../../../../../.." + canary,
                                    bench.root_path() + "/link");
    const Wish wish{.more_mounts = R"(, {"destination": "/link/made", "type": "tmpfs"})",
                    .more_mount_fds = {-1}};
    EXPECT_EQ(bench.output_of("grep -c made /proc/mounts", wish), "1\n");
    EXPECT_TRUE(std::filesystem::is_empty(canary));
}

// Rules R-06 and R-10: the image's /proc is a link.
void a_linked_proc_is_refused_r10(ExecBench& bench) {
    std::filesystem::remove(bench.root_path() + "/proc");
    std::filesystem::create_symlink("/tmp", bench.root_path() + "/proc");
    const auto created = bench.create("web", {});
    ASSERT_FALSE(created);
    EXPECT_TRUE(bench.leftovers().empty());
}

void nothing_is_mounted_into_proc_r06(ExecBench& bench) {
    std::filesystem::create_directory(bench.path() + "/fake");
    Fd directory(::open(bench.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    auto fake = DetachedMount::clone(directory.get(), "fake");
    const Wish wish{
        .more_mounts =
            R"(, {"destination": "/proc/self/attr", "type": "bind", "options": ["bind"]})",
        .more_mount_fds = {fake->fd()}};
    const auto created = bench.create("web", wish);
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().code, Code::denied);
}

// Rule R-11: a descriptor's link as working directory must not lead to the host.
void a_working_directory_outside_is_refused_r11(ExecBench& bench) {
    for (const int number : {3, 4, 5, 6, 7, 8, 9, 10, 11, 12}) {
        const std::string key = "leak" + std::to_string(number);
        const auto run = bench.run(key, {.arguments = {"/bin/cat", "bin/davit-canary"},
                                         .cwd = "/proc/self/fd/" + std::to_string(number)});
        if (run) {
            ASSERT_TRUE(bench.ended(key));
            EXPECT_EQ(bench.logged(key, "stdout"), "");
        }
    }
    EXPECT_EQ(bench.output_of("pwd", {.cwd = "/made/by/the/driver"}), "/made/by/the/driver\n");
}

void sysctls_are_its_own(ExecBench& bench) {
    const Wish wish{
        .more_linux =
            R"(, "sysctl": {"net.ipv4.ip_unprivileged_port_start": "7", "kernel.shm_rmid_forced": "1"})"};
    EXPECT_EQ(
        bench.output_of(
            "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced",
            wish),
        "7\n1\n");
}

void its_memory_limit_kills_and_is_told(ExecBench& bench) {
    const Wish wish{.arguments = {"/bin/sh", "-c", "a=x; while true; do a=$a$a; done"},
                    .resources = R"({"memory": {"limit": 16777216, "swap": 16777216}})"};
    ASSERT_TRUE(bench.run("web", wish));
    const auto record = bench.ended("web");
    ASSERT_TRUE(record) << record.error().what;
    EXPECT_EQ(record->code, 137);
    EXPECT_EQ(record->out_of_memory, 1u);
}

void its_process_limit_holds(ExecBench& bench) {
    const Wish wish{.resources = R"({"pids": {"limit": 5}})"};
    EXPECT_NE(bench.output_of("for i in 1 2 3 4 5 6 7 8; do sleep 1 & done 2>&1; wait", wish)
                  .find("fork"),
              std::string::npos);
}

void limits_can_be_changed_while_it_runs(ExecBench& bench) {
    ASSERT_TRUE(bench.run("web", {.arguments = {"/bin/sleep", "1000"},
                                  .resources = R"({"memory": {"limit": 33554432}})"}));
    const auto updated =
        bench.update("web", R"({"memory": {"limit": 67108864}, "cpu": {"shares": 512}})");
    EXPECT_TRUE(updated) << updated.error().what;
    EXPECT_EQ(bench.update("web", R"({"hugepages": [{"size": 1}]})").error().code,
              Code::unsupported);
    EXPECT_EQ(bench.update("nobody", "{}").error().code, Code::not_found);
}

void an_init_of_ours_reaps_and_passes_signals_on(ExecBench& bench) {
    const Wish wish{.arguments = {"/bin/sh", "-c",
                                  "trap 'echo caught; exit 9' TERM; (sleep 0.01 &); echo $$ ready; "
                                  "while true; do sleep 0.05; done"},
                    .more = R"(, "annotations": {"davit.init": "true"})"};
    ASSERT_TRUE(bench.create("web", wish));
    auto streams = bench.attach("web", DAVIT_ATTACH_STDOUT);
    ASSERT_TRUE(bench.start("web"));
    EXPECT_EQ(read_until(streams->out.get(), "ready\n"), "2 ready\n");
    ASSERT_TRUE(bench.signal("web", SIGTERM));
    EXPECT_EQ(bench.ended("web")->code, 9);
    EXPECT_EQ(read_to_end(streams->out.get()), "caught\n");
}

void a_user_namespace_maps_its_root(ExecBench& bench) {
    ::chown(bench.root_path().c_str(), 100000, 100000);
    ::chown((bench.root_path() + "/tmp").c_str(), 100000, 100000);
    Wish wish{.more_linux = kUserMap,
              .namespaces = {"pid", "network", "mount", "ipc", "uts", "user"}};
    EXPECT_EQ(bench.output_of("id -u; sed 's/  */ /g' /proc/self/uid_map; touch /tmp/made; echo x "
                              "> /dev/null && echo ok",
                              wish),
              "0\n 0 100000 65536\nok\n");
    struct stat status {};
    ASSERT_EQ(::stat((bench.root_path() + "/tmp/made").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 100000u);
    wish.arguments = {"/bin/sleep", "1000"};
    ASSERT_TRUE(bench.run("web", wish));
    EXPECT_EQ(bench.output_in("web",
                              "id -u; test $(readlink /proc/1/ns/user) = $(readlink "
                              "/proc/self/ns/user) && echo same"),
              "0\nsame\n");
}

void a_network_namespace_is_handed_out_when_none_was_given(ExecBench& bench) {
    const auto created = bench.create("web", {});
    ASSERT_TRUE(created);
    EXPECT_TRUE(created->network);
}

void what_it_cannot_carry_out_is_refused_by_name(ExecBench& bench) {
    const auto created = bench.create("web", {.more_linux = R"(, "intelRdt": {"closID": "x"})"});
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().code, Code::unsupported);
    EXPECT_NE(created.error().what.find("intelRdt"), std::string::npos) << created.error().what;
}

// Rule R-03 and R-04: what enters cannot be looked into, and cannot be written.
void process_1_of_an_init_shows_nothing_of_itself_r04(ExecBench& bench) {
    const Wish wish{.capabilities = R"("CAP_SYS_CHROOT")",
                    .more = R"(, "annotations": {"davit.init": "true"})"};
    EXPECT_EQ(bench.output_of("cat /proc/1/environ 2>&1 | grep -c 'denied'; (echo x > /proc/1/exe) "
                              "2>&1 | grep -c -E 'denied|busy'",
                              wish),
              "1\n1\n");
}

}  // namespace

#define DAVIT_CASE(name) \
    { #name, name }
std::vector<ExecCase> exec_inside_cases() {
    return {DAVIT_CASE(it_is_process_1_in_its_own_namespaces),
            DAVIT_CASE(it_has_three_descriptors_and_no_more),
            DAVIT_CASE(it_has_the_hosts_mounts_nowhere),
            DAVIT_CASE(its_host_name_is_set),
            DAVIT_CASE(its_user_groups_and_umask_are_exactly_those),
            DAVIT_CASE(its_capability_sets_are_exactly_those_r02),
            DAVIT_CASE(the_default_policy_filters_and_ordinary_programs_run),
            DAVIT_CASE(a_policy_of_its_own_is_enforced),
            DAVIT_CASE(no_new_privileges_holds),
            DAVIT_CASE(limits_of_the_process_are_set),
            DAVIT_CASE(its_devices_are_the_usual_ones_and_work),
            DAVIT_CASE(other_devices_are_denied),
            DAVIT_CASE(masked_paths_show_nothing_r13),
            DAVIT_CASE(a_planted_null_device_is_not_used_r13),
            DAVIT_CASE(read_only_paths_cannot_be_written),
            DAVIT_CASE(a_read_only_root_leaves_mounts_writable),
            DAVIT_CASE(a_bind_shows_its_source_and_ro_is_kept),
            DAVIT_CASE(a_file_can_be_bound_over_nothing),
            DAVIT_CASE(mount_points_stay_inside_the_root_r07),
            DAVIT_CASE(a_linked_proc_is_refused_r10),
            DAVIT_CASE(nothing_is_mounted_into_proc_r06),
            DAVIT_CASE(a_working_directory_outside_is_refused_r11),
            DAVIT_CASE(sysctls_are_its_own),
            DAVIT_CASE(its_memory_limit_kills_and_is_told),
            DAVIT_CASE(its_process_limit_holds),
            DAVIT_CASE(limits_can_be_changed_while_it_runs),
            DAVIT_CASE(an_init_of_ours_reaps_and_passes_signals_on),
            DAVIT_CASE(a_user_namespace_maps_its_root),
            DAVIT_CASE(a_network_namespace_is_handed_out_when_none_was_given),
            DAVIT_CASE(what_it_cannot_carry_out_is_refused_by_name),
            DAVIT_CASE(process_1_of_an_init_shows_nothing_of_itself_r04)};
}

}  // namespace davit::sdk::contract
