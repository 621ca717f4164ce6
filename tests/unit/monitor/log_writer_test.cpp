// SPDX-License-Identifier: Apache-2.0
#include "sdk/monitor/log_writer.hpp"

#include <gtest/gtest.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace davit::sdk {
namespace {

class LogWriterTest : public testing::Test {
protected:
    LogWriterTest() {
        char name[] = "/tmp/davit-log-XXXXXX";
        directory_ = ::mkdtemp(name);
    }
    ~LogWriterTest() override { std::filesystem::remove_all(directory_); }

    std::string path() const { return directory_ + "/log"; }
    std::string content(const std::string& suffix = "") const {
        std::ostringstream all;
        all << std::ifstream(path() + suffix).rdbuf();
        return all.str();
    }
    LogWriter open(LogWriter::Limits limits = {}) { return *LogWriter::open(path(), limits); }

    std::string directory_;
};

std::string escaped(std::string_view text) {
    std::string into;
    append_json_string(into, text);
    return into;
}

TEST(JsonString, escapes_as_dockers_writer_does) {
    EXPECT_EQ(escaped("a\"b\\c\n\r\t"), R"("a\"b\\c\n\r\t")");
    EXPECT_EQ(escaped("<&>"), R"("\u003c\u0026\u003e")");
    EXPECT_EQ(escaped(std::string_view("\0\x1b", 2)), R"("\u0000\u001b")");
    EXPECT_EQ(escaped("\xE2\x80\xA8"), R"("\u2028")");
}

TEST(JsonString, keeps_utf8_and_replaces_what_is_none) {
    EXPECT_EQ(escaped("\xC3\xA4\xF0\x9F\x90\x8B"), "\"\xC3\xA4\xF0\x9F\x90\x8B\"");
    EXPECT_EQ(escaped("a\xFFz"), R"("a\ufffdz")");
    EXPECT_EQ(escaped("\xC0\xAF"), R"("\ufffd\ufffd")") << "an overlong form";
    EXPECT_EQ(escaped("\xED\xA0\x80"), R"("\ufffd\ufffd\ufffd")") << "a surrogate";
}

TEST(LogTime, is_rfc_3339_with_nanoseconds) {
    EXPECT_EQ(log_time(1'700'000'000'000'000'007), "2023-11-14T22:13:20.000000007Z");
}

TEST_F(LogWriterTest, a_line_waits_for_its_end) {
    LogWriter log = open();
    ASSERT_TRUE(log.write(Stream::out, "hal"));
    EXPECT_EQ(content(), "");
    EXPECT_EQ(log.waiting(Stream::out), "hal");
    ASSERT_TRUE(log.write(Stream::out, "f\n"));
    EXPECT_TRUE(content().starts_with(R"({"log":"half\n","stream":"stdout","time":")"))
        << content();
    EXPECT_EQ(log.offset(), content().size());
}

TEST_F(LogWriterTest, streams_do_not_mix_within_a_line) {
    LogWriter log = open();
    ASSERT_TRUE(log.write(Stream::out, "out "));
    ASSERT_TRUE(log.write(Stream::err, "err\n"));
    ASSERT_TRUE(log.write(Stream::out, "line\n"));
    EXPECT_NE(content().find(R"("err\n","stream":"stderr")"), std::string::npos);
    EXPECT_NE(content().find(R"("out line\n","stream":"stdout")"), std::string::npos);
}

TEST_F(LogWriterTest, the_rest_is_written_at_the_end) {
    LogWriter log = open();
    ASSERT_TRUE(log.write(Stream::out, "no newline"));
    ASSERT_TRUE(log.flush(Stream::out));
    EXPECT_NE(content().find(R"("log":"no newline",)"), std::string::npos);
}

TEST_F(LogWriterTest, a_record_cut_by_a_crash_is_ended_first) {
    std::ofstream(path()) << R"({"log":"cu)";
    LogWriter log = open();
    ASSERT_TRUE(log.write(Stream::out, "next\n"));
    EXPECT_TRUE(content().starts_with("{\"log\":\"cu\n{\"log\":\"next")) << content();
}

TEST_F(LogWriterTest, rotation_keeps_as_many_files_as_asked) {
    LogWriter log = open({.max_bytes = 200, .max_files = 2});
    for (int line = 0; line < 20; ++line) ASSERT_TRUE(log.write(Stream::out, "line\n"));
    EXPECT_TRUE(std::filesystem::exists(path() + ".1"));
    EXPECT_FALSE(std::filesystem::exists(path() + ".2"));
    EXPECT_TRUE(content(".1").ends_with("\"}\n"));
}

TEST_F(LogWriterTest, one_file_is_truncated_instead) {
    LogWriter log = open({.max_bytes = 200, .max_files = 1});
    for (int line = 0; line < 20; ++line) ASSERT_TRUE(log.write(Stream::out, "line\n"));
    EXPECT_FALSE(std::filesystem::exists(path() + ".1"));
    EXPECT_LT(content().size(), 400u);
}

}  // namespace
}  // namespace davit::sdk
