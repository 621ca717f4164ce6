// SPDX-License-Identifier: Apache-2.0
// What the files of a layer look like: to the layer above, after a commit, and through rebase. Also
// what hostile files may not do.
#include "sdk/base/file.hpp"
#include "sdk/contract/storage_bench.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <array>

namespace davit::sdk::contract {
namespace {

// A directory or file below `root`, opened for extended attributes and the like.
Fd opened(int root, const std::string& path, int flags = O_RDONLY) {
    Result<Fd> fd = open_beneath(root, path, flags);
    EXPECT_TRUE(succeeds(fd)) << path;
    return fd ? std::move(*fd) : Fd();
}

// Mounts `key`, lets `change` work on it, commits it as `name`.
template <class Change>
void change_and_commit(StorageBench& bench, const std::string& key, const std::string& name,
                       Change change) {
    {
        const auto root = bench.store().mount(key);
        ASSERT_TRUE(succeeds(root));
        change(root->get());
    }
    ASSERT_TRUE(succeeds(bench.store().release(key)));
    ASSERT_TRUE(succeeds(bench.store().commit(key, name)));
}

void writes_to_a_layer_leave_its_parent_alone(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"a", "old"}, {"dir/b", "old"}})));
    ASSERT_TRUE(succeeds(bench.store().prepare("new", "base")));
    change_and_commit(bench, "new", "image", [](int root) {
        write_file(root, "a", "new");
        write_file(root, "dir/c", "new");
        EXPECT_EQ(::unlinkat(root, "dir/b", 0), 0);
    });
    const auto base = bench.store().mount("base");
    const auto image = bench.store().mount("image");
    ASSERT_TRUE(succeeds(base) && succeeds(image));
    EXPECT_EQ(content_of(base->get(), "a"), "old");
    EXPECT_EQ(names_in(base->get(), "dir"), (std::set<std::string>{"b"}));
    EXPECT_EQ(content_of(image->get(), "a"), "new");
    EXPECT_EQ(names_in(image->get(), "dir"), (std::set<std::string>{"c"}));
}

void a_deleted_file_stays_deleted_in_layers_above(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"keep", ""}, {"drop", ""}})));
    ASSERT_TRUE(succeeds(bench.store().prepare("new", "base")));
    change_and_commit(bench, "new", "image",
                      [](int root) { EXPECT_EQ(::unlinkat(root, "drop", 0), 0); });
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "image")));
    for (const char* key : {"image", "web"}) {
        const auto root = bench.store().mount(key);
        ASSERT_TRUE(succeeds(root));
        EXPECT_FALSE(exists(root->get(), "drop")) << key;
        EXPECT_EQ(names_in(root->get()), (std::set<std::string>{"keep"})) << key;
    }
}

void a_replaced_directory_hides_what_lay_below(StorageBench& bench) {
    ASSERT_TRUE(
        succeeds(bench.store().make_layer("base", "", {{"dir/old", ""}, {"dir/sub/old", ""}})));
    ASSERT_TRUE(succeeds(bench.store().prepare("new", "base")));
    change_and_commit(bench, "new", "image", [](int root) {
        EXPECT_TRUE(succeeds(remove_tree(root, "dir")));
        write_file(root, "dir/new", "");
    });
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "image")));
    const auto root = bench.store().mount("web");
    ASSERT_TRUE(succeeds(root));
    EXPECT_EQ(names_in(root->get(), "dir"), (std::set<std::string>{"new"}));
}

void a_file_may_become_a_directory_and_back(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"x", "file"}, {"y/in", ""}})));
    ASSERT_TRUE(succeeds(bench.store().prepare("new", "base")));
    change_and_commit(bench, "new", "image", [](int root) {
        EXPECT_EQ(::unlinkat(root, "x", 0), 0);
        write_file(root, "x/in", "directory");
        EXPECT_TRUE(succeeds(remove_tree(root, "y")));
        write_file(root, "y", "file");
    });
    const auto root = bench.store().mount("image");
    ASSERT_TRUE(succeeds(root));
    EXPECT_EQ(content_of(root->get(), "x/in"), "directory");
    EXPECT_EQ(content_of(root->get(), "y"), "file");
}

void owners_modes_and_times_survive(StorageBench& bench) {
    constexpr std::array<timespec, 2> kTimes{{{1000000000, 123456789}, {1000000001, 987654321}}};
    ASSERT_TRUE(succeeds(bench.store().prepare("new")));
    change_and_commit(bench, "new", "base", [&](int root) {
        write_file(root, "setuid", "x");
        EXPECT_EQ(::fchownat(root, "setuid", 1234, 4321, 0), 0);
        EXPECT_EQ(::fchmodat(root, "setuid", 06751, 0), 0);
        EXPECT_EQ(::utimensat(root, "setuid", kTimes.data(), 0), 0);
    });
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    const auto root = bench.store().mount("web");
    ASSERT_TRUE(succeeds(root));
    struct stat status {};
    ASSERT_EQ(::fstatat(root->get(), "setuid", &status, 0), 0);
    EXPECT_EQ(status.st_mode & 07777u, 06751u);
    EXPECT_EQ(status.st_uid, 1234u);
    EXPECT_EQ(status.st_gid, 4321u);
    EXPECT_EQ(status.st_mtim.tv_sec, 1000000001);
    EXPECT_EQ(status.st_mtim.tv_nsec, 987654321);
}

void the_root_directory_keeps_its_owner_and_mode(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().prepare("new")));
    change_and_commit(bench, "new", "base", [](int root) {
        const Fd self = opened(root, ".", O_RDONLY | O_DIRECTORY);
        EXPECT_EQ(::fchown(self.get(), 7, 8), 0);
        EXPECT_EQ(::fchmod(self.get(), 01777), 0);
    });
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    for (const char* key : {"base", "web"}) {
        struct stat status {};
        const auto root = bench.store().mount(key);
        ASSERT_TRUE(succeeds(root));
        ASSERT_EQ(::fstatat(root->get(), "", &status, AT_EMPTY_PATH), 0);
        EXPECT_EQ(status.st_mode & 07777u, 01777u) << key;
        EXPECT_EQ(status.st_uid, 7u) << key;
        EXPECT_EQ(status.st_gid, 8u) << key;
    }
}

void an_empty_layers_root_can_be_entered_by_everybody(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().prepare("web")));
    const auto root = bench.store().mount("web");
    ASSERT_TRUE(succeeds(root));
    struct stat status {};
    ASSERT_EQ(::fstatat(root->get(), "", &status, AT_EMPTY_PATH), 0);
    EXPECT_EQ(status.st_mode & 07777u, 0755u);
}

void links_devices_and_sockets_survive(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().prepare("new")));
    change_and_commit(bench, "new", "base", [](int root) {
        write_file(root, "file", "x");
        EXPECT_EQ(::linkat(root, "file", root, "hard", 0), 0);
        EXPECT_EQ(::symlinkat("/nowhere/../at all", root, "soft"), 0);
        EXPECT_EQ(::mknodat(root, "null", S_IFCHR | 0666, makedev(1, 3)), 0);
        EXPECT_EQ(::mkfifoat(root, "fifo", 0600), 0);
    });
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    const auto root = bench.store().mount("web");
    ASSERT_TRUE(succeeds(root));
    struct stat file {
    }, hard{}, node{}, fifo{};
    ASSERT_EQ(::fstatat(root->get(), "file", &file, 0), 0);
    ASSERT_EQ(::fstatat(root->get(), "hard", &hard, 0), 0);
    ASSERT_EQ(::fstatat(root->get(), "null", &node, 0), 0);
    ASSERT_EQ(::fstatat(root->get(), "fifo", &fifo, 0), 0);
    EXPECT_EQ(file.st_ino, hard.st_ino);
    EXPECT_EQ(file.st_nlink, 2u);
    EXPECT_EQ(node.st_rdev, makedev(1, 3));
    EXPECT_TRUE(S_ISFIFO(fifo.st_mode));
    EXPECT_EQ(read_link(root->get(), "soft").value_or(""), "/nowhere/../at all");
}

void extended_attributes_survive(StorageBench& bench) {
    // A version-2 capability: cap_net_raw permitted and effective (linux/capability.h).
    const std::string capability(
        "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20);
    ASSERT_TRUE(succeeds(bench.store().prepare("new")));
    change_and_commit(bench, "new", "base", [&](int root) {
        write_file(root, "ping", "x");
        const Fd file = opened(root, "ping");
        EXPECT_EQ(
            ::fsetxattr(file.get(), "security.capability", capability.data(), capability.size(), 0),
            0);
        EXPECT_EQ(::fsetxattr(file.get(), "trusted.contract", "t", 1, 0), 0);
    });
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    const auto root = bench.store().mount("web");
    ASSERT_TRUE(succeeds(root));
    const Fd file = opened(root->get(), "ping");
    std::array<char, 64> value{};
    ASSERT_EQ(::fgetxattr(file.get(), "security.capability", value.data(), value.size()), 20);
    EXPECT_EQ(std::string(value.data(), 20), capability);
    EXPECT_EQ(::fgetxattr(file.get(), "trusted.contract", value.data(), value.size()), 1);
}

void names_are_bytes(StorageBench& bench) {
    const std::set<std::string> names = {"new\nline", " ",       "\xff\xfe",           "-rf",
                                         "\\",        "a,b:c=d", std::string(255, 'n')};
    ASSERT_TRUE(succeeds(bench.store().prepare("new")));
    change_and_commit(bench, "new", "base", [&](int root) {
        for (const std::string& name : names) write_file(root, name, "x");
    });
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    const auto root = bench.store().mount("web");
    ASSERT_TRUE(succeeds(root));
    EXPECT_EQ(names_in(root->get()), names);
}

// --- views and rebase
// ------------------------------------------------------------------------------

void a_layer_over_a_parent_is_merged(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"a", "1"}})));
    const auto prepared = bench.store().prepare("web", "base");
    ASSERT_TRUE(succeeds(prepared));
    EXPECT_EQ(prepared->view, DAVIT_STORAGE_MERGED);
}

void rebase_lays_a_layer_onto_the_parent_that_commit_names(StorageBench& bench) {
    if (!bench.store().offers(DAVIT_STORAGE_REBASE)) return;
    ASSERT_TRUE(succeeds(bench.store().prepare("upper")));
    write_file(bench.store().mount("upper").value_or(Fd()).get(), "dir/b", "2");
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"dir/a", "1"}})));
    ASSERT_TRUE(succeeds(bench.store().commit("upper", "image", "base")));
    EXPECT_EQ(bench.store().stat("image").value_or({}),
              (LayerState{DAVIT_STORAGE_COMMITTED, "base"}));
    EXPECT_TRUE(fails_as(bench.store().remove("base"), Code::busy));
    ASSERT_TRUE(succeeds(bench.reopen()));
    const auto root = bench.store().mount("image");
    ASSERT_TRUE(succeeds(root));
    EXPECT_EQ(names_in(root->get(), "dir"), (std::set<std::string>{"a", "b"}));
    EXPECT_EQ(bench.store().stat("image").value_or({}).parent, "base");
}

void marks_in_a_bare_view_delete_what_lies_below(StorageBench& bench) {
    if (!bench.store().offers(DAVIT_STORAGE_REBASE)) return;
    const auto prepared = bench.store().prepare("upper");
    ASSERT_TRUE(succeeds(prepared));
    ASSERT_EQ(prepared->view, DAVIT_STORAGE_BARE)
        << "a layer that is rebased cannot show its parent";
    {
        const auto root = bench.store().mount("upper");
        ASSERT_TRUE(succeeds(root));
        EXPECT_EQ(::mknodat(root->get(), "drop", S_IFCHR, makedev(0, 0)), 0);
        write_file(root->get(), "dir/new", "");
        const Fd directory = opened(root->get(), "dir", O_RDONLY | O_DIRECTORY);
        EXPECT_EQ(::fsetxattr(directory.get(), "trusted.overlay.opaque", "y", 1, 0), 0);
    }
    ASSERT_TRUE(succeeds(
        bench.store().make_layer("base", "", {{"drop", ""}, {"keep", ""}, {"dir/old", ""}})));
    ASSERT_TRUE(succeeds(bench.store().commit("upper", "image", "base")));
    const auto root = bench.store().mount("image");
    ASSERT_TRUE(succeeds(root));
    EXPECT_EQ(names_in(root->get()), (std::set<std::string>{"keep", "dir"}));
    EXPECT_EQ(names_in(root->get(), "dir"), (std::set<std::string>{"new"}));
}

void marks_in_the_lowest_layer_are_never_seen(StorageBench& bench) {
    const auto prepared = bench.store().prepare("new");
    ASSERT_TRUE(succeeds(prepared));
    if (prepared->view != DAVIT_STORAGE_BARE) return;
    change_and_commit(bench, "new", "base", [](int root) {
        write_file(root, "keep", "");
        EXPECT_EQ(::mknodat(root, "drop", S_IFCHR, makedev(0, 0)), 0);
    });
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    for (const char* key : {"base", "web"}) {
        const auto root = bench.store().mount(key);
        ASSERT_TRUE(succeeds(root));
        EXPECT_FALSE(exists(root->get(), "drop")) << key;
        EXPECT_EQ(names_in(root->get()), (std::set<std::string>{"keep"})) << key;
    }
}

// --- depth and hostility
// ---------------------------------------------------------------------------

void a_chain_of_130_layers_shows_every_file(StorageBench& bench) {
    constexpr int kLayers = 130;
    std::string parent;
    for (int i = 0; i < kLayers; ++i) {
        const std::string name = "layer-" + std::to_string(i);
        ASSERT_TRUE(succeeds(
            bench.store().make_layer(name, parent, {{std::to_string(i), ""}, {"last", name}})));
        parent = name;
    }
    ASSERT_TRUE(succeeds(bench.store().prepare("web", parent)));
    const auto root = bench.store().mount("web");
    ASSERT_TRUE(succeeds(root));
    EXPECT_EQ(names_in(root->get()).size(), kLayers + 1u);
    EXPECT_EQ(content_of(root->get(), "last"), "layer-129");
    ASSERT_TRUE(succeeds(bench.reopen()));
    EXPECT_EQ(names_in(bench.store().mount("web").value_or(Fd()).get()).size(), kLayers + 1u);
}

void removal_follows_no_link_out_of_the_layer(StorageBench& bench) {
    char path[] = "/tmp/davit-canary-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    const Fd outside = std::move(open_directory(path, O_RDONLY)).value_or(Fd());
    write_file(outside.get(), "canary", "alive");
    ASSERT_TRUE(succeeds(bench.store().prepare("web")));
    {
        const auto root = bench.store().mount("web");
        ASSERT_TRUE(succeeds(root));
        ASSERT_EQ(::symlinkat(path, root->get(), "link"), 0);
        ASSERT_EQ(::symlinkat("../../../../../../../../..", root->get(), "up"), 0);
    }
    EXPECT_TRUE(succeeds(bench.store().remove("web")));
    EXPECT_TRUE(succeeds(bench.store().retain({})));
    EXPECT_TRUE(exists(outside.get(), "canary"));
    (void)::unlinkat(outside.get(), "canary", 0);
    (void)::rmdir(path);
}

void a_very_deep_tree_can_be_measured_and_removed(StorageBench& bench) {
    constexpr int kDepth =
        3000;  // descriptors of a process end at 1 024, PATH_MAX at 2 048 such names
    ASSERT_TRUE(succeeds(bench.store().retain({})));
    const std::size_t fresh = bench.inodes();
    ASSERT_TRUE(succeeds(bench.store().prepare("web")));
    {
        const auto root = bench.store().mount("web");
        ASSERT_TRUE(succeeds(root));
        Fd here = opened(root->get(), ".", O_RDONLY | O_DIRECTORY);
        for (int i = 0; i < kDepth; ++i) {
            ASSERT_EQ(::mkdirat(here.get(), "d", 0700), 0);
            here = opened(here.get(), "d", O_RDONLY | O_DIRECTORY);
        }
    }
    const auto space = bench.store().usage("web");
    ASSERT_TRUE(succeeds(space));
    EXPECT_EQ(space->files, kDepth + 1u);
    ASSERT_TRUE(succeeds(bench.store().remove("web")));
    ASSERT_TRUE(succeeds(bench.store().retain({})));
    EXPECT_EQ(bench.inodes(), fresh);
}

// --- mounts
// ----------------------------------------------------------------------------------------

std::string mount_table() {
    const Fd table(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
    return std::move(read_all(table.get(), 1 << 20)).value_or("");
}

void mounts_never_show_in_the_hosts_table(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"a", "1"}})));
    ASSERT_TRUE(succeeds(bench.store().prepare("bare")));
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    const std::string before = mount_table();
    for (const char* key : {"base", "bare", "web"}) {
        const auto root = bench.store().mount(key);
        ASSERT_TRUE(succeeds(root));
        EXPECT_EQ(mount_table(), before) << key;
    }
    EXPECT_EQ(mount_table(), before);
}

void a_mount_can_be_attached_and_what_is_mounted_in_it_stays_there(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().prepare("web")));
    const auto root = bench.store().mount("web");
    ASSERT_TRUE(succeeds(root));
    write_file(root->get(), "dir/a", "1");
    char path[] = "/tmp/davit-attach-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    ASSERT_EQ(::move_mount(root->get(), "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH), 0)
        << errno_text(errno);
    const std::string inner = std::string(path) + "/dir";
    EXPECT_EQ(::mount("none", inner.c_str(), "tmpfs", 0, nullptr), 0);
    const auto second = bench.store().mount("web");
    ASSERT_TRUE(succeeds(second));
    EXPECT_TRUE(exists(second->get(), "dir/a"))
        << "a mount inside one view shows in another: shared propagation";
    EXPECT_EQ(::umount2(path, MNT_DETACH), 0);
    EXPECT_EQ(::rmdir(path), 0);
}

}  // namespace

#define CASE(name) \
    StorageCase { #name, name }

std::vector<StorageCase> storage_content_cases() {
    return {
        CASE(writes_to_a_layer_leave_its_parent_alone),
        CASE(a_deleted_file_stays_deleted_in_layers_above),
        CASE(a_replaced_directory_hides_what_lay_below),
        CASE(a_file_may_become_a_directory_and_back),
        CASE(owners_modes_and_times_survive),
        CASE(the_root_directory_keeps_its_owner_and_mode),
        CASE(an_empty_layers_root_can_be_entered_by_everybody),
        CASE(links_devices_and_sockets_survive),
        CASE(extended_attributes_survive),
        CASE(names_are_bytes),
        CASE(a_layer_over_a_parent_is_merged),
        CASE(rebase_lays_a_layer_onto_the_parent_that_commit_names),
        CASE(marks_in_a_bare_view_delete_what_lies_below),
        CASE(marks_in_the_lowest_layer_are_never_seen),
        CASE(a_chain_of_130_layers_shows_every_file),
        CASE(removal_follows_no_link_out_of_the_layer),
        CASE(a_very_deep_tree_can_be_measured_and_removed),
        CASE(mounts_never_show_in_the_hosts_table),
        CASE(a_mount_can_be_attached_and_what_is_mounted_in_it_stays_there),
    };
}

}  // namespace davit::sdk::contract
