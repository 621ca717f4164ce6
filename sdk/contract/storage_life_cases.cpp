// SPDX-License-Identifier: Apache-2.0
// The life of a layer: every operation, every error that davit/storage.h names.
#include "sdk/contract/storage_bench.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::sdk::contract {
namespace {

constexpr LayerState kPrepared{DAVIT_STORAGE_PREPARED, ""};
constexpr LayerState kCommitted{DAVIT_STORAGE_COMMITTED, ""};

// --- prepare
// ---------------------------------------------------------------------------------------

void prepare_makes_an_empty_writable_layer(StorageBench& bench) {
    const auto prepared = bench.store().prepare("web");
    ASSERT_TRUE(succeeds(prepared));
    EXPECT_EQ(prepared->existed, 0u);
    const auto root = bench.store().mount("web");
    ASSERT_TRUE(succeeds(root));
    EXPECT_TRUE(names_in(root->get()).empty());
    write_file(root->get(), "etc/hostname", "web\n");
    EXPECT_EQ(content_of(root->get(), "etc/hostname"), "web\n");
}

void prepare_again_with_the_same_parent_changes_nothing(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"a", "1"}})));
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    write_file(bench.store().mount("web").value_or(Fd()).get(), "b", "2");
    const auto again = bench.store().prepare("web", "base");
    ASSERT_TRUE(succeeds(again));
    EXPECT_EQ(again->existed, 1u);
    EXPECT_EQ(again->view, DAVIT_STORAGE_MERGED);
    const auto root = bench.store().mount("web");
    ASSERT_TRUE(succeeds(root));
    EXPECT_EQ(content_of(root->get(), "b"), "2");
}

void prepare_again_with_another_parent_says_exists(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {})));
    ASSERT_TRUE(succeeds(bench.store().prepare("web")));
    EXPECT_TRUE(fails_as(bench.store().prepare("web", "base"), Code::exists));
    EXPECT_EQ(bench.store().stat("web").value_or({}), kPrepared);
}

void prepare_of_a_committed_key_says_exists(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {})));
    EXPECT_TRUE(fails_as(bench.store().prepare("base"), Code::exists));
    EXPECT_EQ(bench.store().stat("base").value_or({}), kCommitted);
}

void prepare_with_unknown_parent_leaves_nothing_behind(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().retain({})));
    const std::size_t before = bench.inodes();
    EXPECT_TRUE(fails_as(bench.store().prepare("web", "nobody"), Code::not_found));
    EXPECT_TRUE(fails_as(bench.store().stat("web"), Code::not_found));
    ASSERT_TRUE(succeeds(bench.store().retain({})));
    EXPECT_EQ(bench.inodes(), before);
}

void prepare_over_a_prepared_layer_is_not_found(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().prepare("below")));
    EXPECT_TRUE(fails_as(bench.store().prepare("web", "below"), Code::not_found));
}

void prepare_with_a_limit_is_refused_where_none_is_enforced(StorageBench& bench) {
    if (bench.store().offers(DAVIT_STORAGE_QUOTA))
        return;  // the chapter of that ability speaks of it
    auto request = sized<davit_storage_prepare>();
    request.key = str("web");
    request.parent = str("");
    request.limit_bytes = 1 << 20;
    EXPECT_TRUE(
        fails_as(Caller().ask(bench.store().table().prepare, bench.store().instance(), request),
                 Code::unsupported));
    EXPECT_TRUE(fails_as(bench.store().stat("web"), Code::not_found));
}

void every_allowed_form_of_key_works(StorageBench& bench) {
    const std::string longest = "sha256:" + std::string(DAVIT_STORAGE_KEY_MAX - 7, 'f');
    for (const std::string& key : {std::string("0"), std::string("A.b_c:d-e"), longest}) {
        ASSERT_TRUE(succeeds(bench.store().make_layer(key, "", {{"key", key}}))) << key;
        ASSERT_TRUE(succeeds(bench.store().prepare("over", key))) << key;
        const auto root = bench.store().mount("over");
        ASSERT_TRUE(succeeds(root)) << key;
        EXPECT_EQ(content_of(root->get(), "key"), key);
        ASSERT_TRUE(succeeds(bench.store().remove("over")));
    }
}

void forbidden_forms_of_key_are_invalid(StorageBench& bench) {
    const std::string too_long(DAVIT_STORAGE_KEY_MAX + 1, 'x');
    const std::string with_nul("a\0b", 3);
    for (const std::string& key :
         {std::string(), std::string("."), std::string(".."), std::string("a/b"),
          std::string("../a"), std::string("-a"), std::string("a b"), too_long, with_nul})
        EXPECT_TRUE(fails_as(bench.store().prepare(key), Code::invalid)) << key;
    ASSERT_TRUE(succeeds(bench.store().prepare("web")));
    EXPECT_TRUE(fails_as(bench.store().commit("web", "../web"), Code::invalid));
    EXPECT_EQ(bench.store().list().value_or({}), (Layers{{"web", kPrepared}}));
}

// --- mount and release
// -----------------------------------------------------------------------------

void mount_of_an_unknown_key_is_not_found(StorageBench& bench) {
    EXPECT_TRUE(fails_as(bench.store().mount("nobody"), Code::not_found));
}

void mount_with_an_unknown_flag_is_unsupported(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().prepare("web")));
    EXPECT_TRUE(fails_as(bench.store().mount("web", 1u << 31), Code::unsupported));
}

void mount_of_a_committed_layer_is_read_only(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"a", "1"}})));
    ASSERT_TRUE(succeeds(bench.store().make_layer("upper", "base", {{"b", "2"}})));
    for (const char* key : {"base", "upper"}) {
        const auto root = bench.store().mount(key);
        ASSERT_TRUE(succeeds(root));
        EXPECT_EQ(content_of(root->get(), "a"), "1");
        EXPECT_LT(::openat(root->get(), "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600), 0);
        EXPECT_EQ(errno, EROFS);
    }
}

void mount_read_only_of_a_prepared_layer_shows_its_files(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"a", "1"}})));
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    write_file(bench.store().mount("web").value_or(Fd()).get(), "b", "2");
    const auto root = bench.store().mount("web", DAVIT_STORAGE_READ_ONLY);
    ASSERT_TRUE(succeeds(root));
    EXPECT_EQ(names_in(root->get()), (std::set<std::string>{"a", "b"}));
    EXPECT_LT(::mkdirat(root->get(), "new", 0700), 0);
    EXPECT_EQ(errno, EROFS);
}

void mount_after_a_volatile_mount_works_and_keeps_the_files(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {})));
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    write_file(bench.store().mount("web", DAVIT_STORAGE_VOLATILE).value_or(Fd()).get(), "a", "1");
    for (const std::uint32_t flags : {DAVIT_STORAGE_VOLATILE, 0u, 0u}) {
        ASSERT_TRUE(succeeds(bench.store().release("web")));
        const auto root = bench.store().mount("web", flags);
        ASSERT_TRUE(succeeds(root));
        EXPECT_EQ(content_of(root->get(), "a"), "1");
    }
    write_file(bench.store().mount("web", DAVIT_STORAGE_VOLATILE).value_or(Fd()).get(), "b", "2");
    ASSERT_TRUE(succeeds(bench.reopen()));
    EXPECT_TRUE(succeeds(bench.store().mount("web")));
}

void release_is_idempotent_and_takes_any_key(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().prepare("web")));
    EXPECT_TRUE(succeeds(bench.store().release("web")));
    EXPECT_TRUE(succeeds(bench.store().release("web")));
    EXPECT_TRUE(succeeds(bench.store().release("nobody")));
}

// --- commit
// ----------------------------------------------------------------------------------------

void commit_turns_the_key_into_the_name(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {})));
    ASSERT_TRUE(succeeds(bench.store().prepare("new", "base")));
    const auto committed = bench.store().commit("new", "image");
    ASSERT_TRUE(succeeds(committed));
    EXPECT_EQ(committed->existed, 0u);
    EXPECT_EQ(bench.store().list().value_or({}),
              (Layers{{"base", kCommitted}, {"image", {DAVIT_STORAGE_COMMITTED, "base"}}}));
}

void commit_under_its_own_key_works(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().prepare("same")));
    ASSERT_TRUE(succeeds(bench.store().commit("same", "same")));
    EXPECT_EQ(bench.store().list().value_or({}), (Layers{{"same", kCommitted}}));
}

void commit_of_an_unknown_key_is_not_found(StorageBench& bench) {
    EXPECT_TRUE(fails_as(bench.store().commit("nobody", "image"), Code::not_found));
    EXPECT_TRUE(bench.store().list().value_or({{"x", {}}}).empty());
}

void commit_onto_a_committed_name_keeps_that_and_drops_the_key(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("image", "", {{"a", "first"}})));
    ASSERT_TRUE(succeeds(bench.store().prepare("new")));
    write_file(bench.store().mount("new").value_or(Fd()).get(), "a", "second");
    const auto committed = bench.store().commit("new", "image");
    ASSERT_TRUE(succeeds(committed));
    EXPECT_EQ(committed->existed, 1u);
    EXPECT_EQ(bench.store().list().value_or({}), (Layers{{"image", kCommitted}}));
    EXPECT_EQ(content_of(bench.store().mount("image").value_or(Fd()).get(), "a"), "first");
}

void commit_sent_again_says_that_it_is_done(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().prepare("new")));
    ASSERT_TRUE(succeeds(bench.store().commit("new", "image")));
    const auto again = bench.store().commit("new", "image");
    ASSERT_TRUE(succeeds(again));
    EXPECT_EQ(again->existed, 1u);
}

void commit_onto_the_name_of_another_prepared_layer_says_exists(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().prepare("new")));
    ASSERT_TRUE(succeeds(bench.store().prepare("web")));
    EXPECT_TRUE(fails_as(bench.store().commit("new", "web"), Code::exists));
    EXPECT_EQ(bench.store().list().value_or({}), (Layers{{"new", kPrepared}, {"web", kPrepared}}));
}

void commit_naming_a_parent_over_a_parent_is_invalid(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {})));
    ASSERT_TRUE(succeeds(bench.store().make_layer("other", "", {})));
    ASSERT_TRUE(succeeds(bench.store().prepare("new", "base")));
    EXPECT_TRUE(fails_as(bench.store().commit("new", "image", "other"), Code::invalid));
    EXPECT_EQ(bench.store().stat("new").value_or({}), (LayerState{DAVIT_STORAGE_PREPARED, "base"}));
}

void commit_naming_a_parent_without_the_ability_is_invalid(StorageBench& bench) {
    if (bench.store().offers(DAVIT_STORAGE_REBASE)) return;  // next case
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {})));
    ASSERT_TRUE(succeeds(bench.store().prepare("new")));
    EXPECT_TRUE(fails_as(bench.store().commit("new", "image", "base"), Code::invalid));
    EXPECT_EQ(bench.store().stat("new").value_or({}), kPrepared);
}

void commit_naming_an_unknown_parent_leaves_the_layer_prepared(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().prepare("new")));
    EXPECT_FALSE(bench.store().commit("new", "image", "nobody"));
    EXPECT_EQ(bench.store().list().value_or({}), (Layers{{"new", kPrepared}}));
    EXPECT_TRUE(succeeds(bench.store().commit("new", "image")));
}

// --- remove
// ----------------------------------------------------------------------------------------

void remove_of_an_unknown_key_is_fine(StorageBench& bench) {
    EXPECT_TRUE(succeeds(bench.store().remove("nobody")));
}

void remove_is_idempotent(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"a", "1"}})));
    EXPECT_TRUE(succeeds(bench.store().remove("base")));
    EXPECT_TRUE(succeeds(bench.store().remove("base")));
    EXPECT_TRUE(fails_as(bench.store().stat("base"), Code::not_found));
}

void remove_of_a_parent_is_busy_until_its_last_child_is_gone(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"a", "1"}})));
    ASSERT_TRUE(succeeds(bench.store().make_layer("upper", "base", {})));
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    EXPECT_TRUE(fails_as(bench.store().remove("base"), Code::busy));
    ASSERT_TRUE(succeeds(bench.store().remove("web")));
    EXPECT_TRUE(fails_as(bench.store().remove("base"), Code::busy));
    EXPECT_EQ(content_of(bench.store().mount("upper").value_or(Fd()).get(), "a"), "1");
    ASSERT_TRUE(succeeds(bench.store().remove("upper")));
    EXPECT_TRUE(succeeds(bench.store().remove("base")));
}

void a_removed_key_can_be_prepared_again_and_is_empty(StorageBench& bench) {
    for (int round = 0; round < 3; ++round) {
        ASSERT_TRUE(succeeds(bench.store().prepare("web")));
        const auto root = bench.store().mount("web");
        ASSERT_TRUE(succeeds(root));
        EXPECT_TRUE(names_in(root->get()).empty());
        write_file(root->get(), "a", "1");
        ASSERT_TRUE(succeeds(bench.store().remove("web")));
    }
}

void remove_works_while_a_mount_is_still_held(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"a", "1"}})));
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    const auto root = bench.store().mount("web");
    ASSERT_TRUE(succeeds(root));
    EXPECT_TRUE(succeeds(bench.store().remove("web")));
    EXPECT_TRUE(fails_as(bench.store().stat("web"), Code::not_found));
}

// --- stat, list, usage, sync, retain, check
// ---------------------------------------------------------

void stat_tells_state_and_parent(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {})));
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    EXPECT_EQ(bench.store().stat("base").value_or({}), kCommitted);
    EXPECT_EQ(bench.store().stat("web").value_or({}), (LayerState{DAVIT_STORAGE_PREPARED, "base"}));
    EXPECT_TRUE(fails_as(bench.store().stat("nobody"), Code::not_found));
}

void list_shows_every_layer_once(StorageBench& bench) {
    EXPECT_TRUE(bench.store().list().value_or({{"x", {}}}).empty());
    Layers expected;
    for (int i = 0; i < 40; ++i) {
        const std::string key = "layer-" + std::to_string(i);
        ASSERT_TRUE(succeeds(bench.store().prepare(key)));
        expected[key] = kPrepared;
    }
    EXPECT_EQ(bench.store().list().value_or({}), expected);
}

void usage_counts_what_the_layer_holds(StorageBench& bench) {
    constexpr std::size_t kContent = 256 * 1024;
    ASSERT_TRUE(succeeds(bench.store().prepare("web")));
    const auto empty = bench.store().usage("web");
    ASSERT_TRUE(succeeds(empty));
    EXPECT_GE(empty->files, 1u) << "the root directory counts";
    {
        const auto root = bench.store().mount("web");
        ASSERT_TRUE(succeeds(root));
        write_file(root->get(), "big", std::string(kContent, 'x'));
        ASSERT_EQ(::linkat(root->get(), "big", root->get(), "same", 0), 0);
        ASSERT_EQ(::syncfs(bench.directory()), 0);  // allocation may be delayed until then
    }
    const auto filled = bench.store().usage("web");
    ASSERT_TRUE(succeeds(filled));
    EXPECT_EQ(filled->files, empty->files + 1) << "a second name is not a second file";
    EXPECT_GE(filled->bytes, empty->bytes + kContent);
    EXPECT_LT(filled->bytes, empty->bytes + 2 * kContent);
    EXPECT_TRUE(fails_as(bench.store().usage("nobody"), Code::not_found));
}

void usage_of_a_large_layer_can_be_cancelled(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().prepare("web")));
    {
        const auto root = bench.store().mount("web");
        ASSERT_TRUE(succeeds(root));
        for (int i = 0; i < 2000; ++i) write_file(root->get(), std::to_string(i), "");
    }
    auto cancel = Cancel::create();
    ASSERT_TRUE(succeeds(cancel));
    (*cancel)->request();
    EXPECT_TRUE(fails_as(bench.store().usage("web", *cancel), Code::cancelled));
}

void sync_succeeds_with_and_without_layers(StorageBench& bench) {
    EXPECT_TRUE(succeeds(bench.store().sync()));
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"a", "1"}})));
    EXPECT_TRUE(succeeds(bench.store().sync()));
}

void retain_removes_all_else_and_names_it(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {})));
    ASSERT_TRUE(succeeds(bench.store().make_layer("dead", "base", {})));
    ASSERT_TRUE(succeeds(bench.store().make_layer("dead-child", "dead", {})));
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    ASSERT_TRUE(succeeds(bench.store().prepare("gone", "dead-child")));
    const auto findings = bench.store().retain({"base", "web", "never-seen"});
    ASSERT_TRUE(succeeds(findings));
    std::set<std::string> named;
    for (const Finding& finding : *findings) {
        EXPECT_TRUE(finding.repaired) << finding.key;
        if (!finding.key.empty()) named.insert(finding.key);
    }
    EXPECT_EQ(named, (std::set<std::string>{"dead", "dead-child", "gone"}));
    EXPECT_EQ(bench.store().list().value_or({}),
              (Layers{{"base", kCommitted}, {"web", {DAVIT_STORAGE_PREPARED, "base"}}}));
}

void retain_never_takes_the_parent_of_what_lives(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"a", "1"}})));
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    ASSERT_TRUE(succeeds(bench.store().retain({"web"})));
    EXPECT_EQ(content_of(bench.store().mount("web").value_or(Fd()).get(), "a"), "1");
}

void retain_of_nothing_leaves_the_directory_as_it_was_made(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().retain({})));
    const std::size_t fresh = bench.inodes();
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {{"a/b/c", "1"}})));
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    { ASSERT_TRUE(succeeds(bench.store().mount("web"))); }
    ASSERT_TRUE(succeeds(bench.store().retain({})));
    EXPECT_EQ(bench.inodes(), fresh);
}

void check_of_sound_layers_finds_nothing(StorageBench& bench) {
    ASSERT_TRUE(succeeds(bench.store().make_layer("base", "", {})));
    ASSERT_TRUE(succeeds(bench.store().prepare("web", "base")));
    for (const char* key : {"", "base", "web"}) {
        const auto findings = bench.store().check(key);
        ASSERT_TRUE(succeeds(findings)) << key;
        EXPECT_TRUE(findings->empty()) << key << ": " << findings->front().text;
    }
    EXPECT_TRUE(fails_as(bench.store().check("nobody"), Code::not_found));
}

}  // namespace

#define CASE(name) \
    StorageCase { #name, name }

std::vector<StorageCase> storage_life_cases() {
    return {
        CASE(prepare_makes_an_empty_writable_layer),
        CASE(prepare_again_with_the_same_parent_changes_nothing),
        CASE(prepare_again_with_another_parent_says_exists),
        CASE(prepare_of_a_committed_key_says_exists),
        CASE(prepare_with_unknown_parent_leaves_nothing_behind),
        CASE(prepare_over_a_prepared_layer_is_not_found),
        CASE(prepare_with_a_limit_is_refused_where_none_is_enforced),
        CASE(every_allowed_form_of_key_works),
        CASE(forbidden_forms_of_key_are_invalid),
        CASE(mount_of_an_unknown_key_is_not_found),
        CASE(mount_with_an_unknown_flag_is_unsupported),
        CASE(mount_of_a_committed_layer_is_read_only),
        CASE(mount_read_only_of_a_prepared_layer_shows_its_files),
        CASE(mount_after_a_volatile_mount_works_and_keeps_the_files),
        CASE(release_is_idempotent_and_takes_any_key),
        CASE(commit_turns_the_key_into_the_name),
        CASE(commit_under_its_own_key_works),
        CASE(commit_of_an_unknown_key_is_not_found),
        CASE(commit_onto_a_committed_name_keeps_that_and_drops_the_key),
        CASE(commit_sent_again_says_that_it_is_done),
        CASE(commit_onto_the_name_of_another_prepared_layer_says_exists),
        CASE(commit_naming_a_parent_over_a_parent_is_invalid),
        CASE(commit_naming_a_parent_without_the_ability_is_invalid),
        CASE(commit_naming_an_unknown_parent_leaves_the_layer_prepared),
        CASE(remove_of_an_unknown_key_is_fine),
        CASE(remove_is_idempotent),
        CASE(remove_of_a_parent_is_busy_until_its_last_child_is_gone),
        CASE(a_removed_key_can_be_prepared_again_and_is_empty),
        CASE(remove_works_while_a_mount_is_still_held),
        CASE(stat_tells_state_and_parent),
        CASE(list_shows_every_layer_once),
        CASE(usage_counts_what_the_layer_holds),
        CASE(usage_of_a_large_layer_can_be_cancelled),
        CASE(sync_succeeds_with_and_without_layers),
        CASE(retain_removes_all_else_and_names_it),
        CASE(retain_never_takes_the_parent_of_what_lives),
        CASE(retain_of_nothing_leaves_the_directory_as_it_was_made),
        CASE(check_of_sound_layers_finds_nothing),
    };
}

}  // namespace davit::sdk::contract
