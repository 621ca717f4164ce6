// SPDX-License-Identifier: Apache-2.0
// The growth rules of the ABI through the real thunks: the host calls a loaded driver's table as an
// older or a newer host would.
#include "core/plugin/library.hpp"
#include "davit/storage.h"
#include "sdk/plugin/caller.hpp"

#include <gtest/gtest.h>
#include <cstddef>
#include <cstring>

namespace davit::plugin {
namespace {

using sdk::sized;

class ThunkTest : public testing::Test {
protected:
    void SetUp() override {
        library_ = Library::open(DAVIT_TEST_DRIVERS "/echo.so").take();
        const auto* module = library_->load("").take();
        auto request = sized<davit_open>();
        request.config = {"{}", 2};
        auto opened = sized<davit_opened>();
        begin();
        ASSERT_EQ(find_driver(*module, "storage", "echo")->open(call_.raw(), &request, &opened),
                  DAVIT_OK);
        instance_ = opened.instance;
        table_ = static_cast<const davit_storage*>(
            instance_->get(instance_, {DAVIT_STORAGE, sizeof DAVIT_STORAGE - 1}));
        begin();
    }
    void TearDown() override {
        begin();
        instance_->close(instance_, call_.raw());
    }
    void begin() { call_.begin(nullptr); }

    static davit_storage_prepare request(const char* key = "a") {
        auto made = sized<davit_storage_prepare>();
        made.key = {key, std::strlen(key)};
        made.limit_files = 5;
        made.label_count = 1;
        return made;
    }

    std::shared_ptr<Library> library_;
    sdk::Caller call_;
    davit_instance* instance_ = nullptr;
    const davit_storage* table_ = nullptr;
};

TEST_F(ThunkTest, a_request_of_an_older_host_arrives_with_zeros_for_what_it_lacks) {
    auto asked = request();
    asked.size =
        offsetof(davit_storage_prepare, labels);  // labels were appended later, in this host's eyes
    auto out = sized<davit_storage_prepared>();
    ASSERT_EQ(table_->prepare(instance_, call_.raw(), &asked, &out), DAVIT_OK);
    EXPECT_EQ(out.existed, 2u);
    asked.size = offsetof(davit_storage_prepare, limit_files);
    ASSERT_EQ(table_->prepare(instance_, call_.raw(), &asked, &out), DAVIT_OK);
    EXPECT_EQ(out.existed, 0u);
}

struct NewerPrepare {
    davit_storage_prepare known;
    std::uint64_t later;
};

TEST_F(ThunkTest, a_request_of_a_newer_host_is_taken_while_it_asks_for_nothing_new) {
    NewerPrepare asked{request(), 0};
    asked.known.size = sizeof asked;
    auto out = sized<davit_storage_prepared>();
    EXPECT_EQ(table_->prepare(instance_, call_.raw(), &asked.known, &out), DAVIT_OK);
    EXPECT_EQ(out.existed, 3u);
}

TEST_F(ThunkTest, a_request_that_asks_for_something_unknown_is_refused) {
    NewerPrepare asked{request(), 1};
    asked.known.size = sizeof asked;
    auto out = sized<davit_storage_prepared>();
    const auto answer = call_.finish(table_->prepare(instance_, call_.raw(), &asked.known, &out));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::unsupported);
    EXPECT_NE(answer.error().what.find("too old"), std::string::npos);
}

TEST_F(ThunkTest, a_result_is_cut_to_the_room_of_an_older_host) {
    struct {
        davit_storage_prepared known;
        unsigned char after[16];
    } out;
    std::memset(&out, 0x5a, sizeof out);
    out.known.size = offsetof(davit_storage_prepared, view);
    const auto asked = request();
    ASSERT_EQ(table_->prepare(instance_, call_.raw(), &asked, &out.known), DAVIT_OK);
    EXPECT_EQ(out.known.existed, 3u);
    EXPECT_EQ(out.known.size, offsetof(davit_storage_prepared, view));
    EXPECT_EQ(out.known.view, 0x5a5a5a5au);
    EXPECT_EQ(out.after[0], 0x5a);
}

TEST_F(ThunkTest, a_result_struct_of_a_newer_host_keeps_its_size_and_its_tail) {
    struct {
        davit_storage_prepared known;
        std::uint64_t later;
    } out{sized<davit_storage_prepared>(), 77};
    out.known.size = sizeof out;
    const auto asked = request();
    ASSERT_EQ(table_->prepare(instance_, call_.raw(), &asked, &out.known), DAVIT_OK);
    EXPECT_EQ(out.known.size, sizeof out);
    EXPECT_EQ(out.later, 77u);
}

TEST_F(ThunkTest, structs_without_a_size_are_refused) {
    auto out = sized<davit_storage_prepared>();
    auto asked = request();
    EXPECT_EQ(table_->prepare(instance_, call_.raw(), nullptr, &out), DAVIT_INVALID);
    EXPECT_EQ(table_->prepare(instance_, call_.raw(), &asked, nullptr), DAVIT_INVALID);
    asked.size = 0;
    EXPECT_EQ(table_->prepare(instance_, call_.raw(), &asked, &out), DAVIT_INVALID);
}

TEST_F(ThunkTest, no_exception_leaves_a_driver) {
    auto out = sized<davit_storage_prepared>();
    const auto asked = request("throw");
    auto answer = call_.finish(table_->prepare(instance_, call_.raw(), &asked, &out));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::internal);
    EXPECT_EQ(answer.error().what, "thrown on purpose");
    const auto number = request("throw-number");
    begin();
    EXPECT_EQ(table_->prepare(instance_, call_.raw(), &number, &out), DAVIT_INTERNAL);
}

TEST_F(ThunkTest, an_error_arrives_with_code_errno_and_words) {
    const auto answer = call_.run(table_->sync, instance_);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::no_space);
    EXPECT_EQ(answer.error().os_errno, 28);
    EXPECT_EQ(answer.error().what, "sync layers: no space left on device");
}

TEST_F(ThunkTest, an_emitted_record_is_copied_with_zeros_for_what_an_older_driver_lacks) {
    auto key = sized<davit_storage_key>();
    key.key = {"k", 1};
    std::string seen;
    const auto each = [&](const davit_storage_layer& layer) {
        seen = sdk::text(layer.key) + "/" + sdk::text(layer.parent);
    };
    ASSERT_TRUE(call_.list<davit_storage_layer>(table_->stat, instance_, key, each));
    EXPECT_EQ(seen, "k/below");
    // What a driver of an older minor would hand over: a record that ends before `parent`.
    auto record = sized<davit_storage_layer>();
    record.key = {"k", 1};
    record.parent = {"x", 1};
    record.size = offsetof(davit_storage_layer, parent);
    call_.begin(sdk::Caller::sink_of<davit_storage_layer>(each));
    ASSERT_EQ(call_.raw()->emit(call_.raw(), &record), DAVIT_OK);
    EXPECT_EQ(seen, "k/");
}

TEST_F(ThunkTest, a_host_that_refuses_a_record_ends_the_list_with_its_own_error) {
    auto key = sized<davit_storage_key>();
    const auto answer = call_.list<davit_storage_layer>(
        table_->stat, instance_, key, [](const davit_storage_layer&) -> Result<void> {
            return fail(Code::corrupt, "read layer: bad");
        });
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::corrupt);
}

TEST_F(ThunkTest, a_cancelled_call_is_seen_by_the_driver) {
    const auto cancel = Cancel::create().take();
    sdk::Caller call(cancel);
    auto key = sized<davit_storage_key>();
    EXPECT_TRUE(call.tell(table_->remove, instance_, key));
    cancel->request();
    const auto answer = call.tell(table_->remove, instance_, key);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::cancelled);
}

TEST_F(ThunkTest, an_unknown_interface_is_null) {
    EXPECT_EQ(instance_->get(instance_, {"davit.network/1", 15}), nullptr);
    EXPECT_EQ(instance_->get(instance_, {"", 0}), nullptr);
}

}  // namespace
}  // namespace davit::plugin
