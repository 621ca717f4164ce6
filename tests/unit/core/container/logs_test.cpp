// SPDX-License-Identifier: Apache-2.0
#include "core/container/logs.hpp"

#include "core/container/log_line.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "sdk/base/fd.hpp"

namespace davit::container {
namespace {

class LogsTest : public ::testing::Test {
protected:
    LogsTest() {
        std::string pattern = ::testing::TempDir() + "davit-logs-XXXXXX";
        path_ = ::mkdtemp(pattern.data());
        directory_ = Fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        cancel_ = Cancel::create().value();
    }
    ~LogsTest() override { std::filesystem::remove_all(path_); }

    static std::string line(const std::string& text, const std::string& stream, int second) {
        return "{\"log\":\"" + text + "\",\"stream\":\"" + stream +
               "\",\"time\":\"2026-01-01T00:00:0" + std::to_string(second) + ".5Z\"}\n";
    }
    void append(const std::string& text, const std::string& name = "log") {
        std::ofstream(path_ + "/" + name, std::ios::app) << text;
    }
    std::string read(const LogRequest& request) {
        std::string all;
        const LogSource source{.directory = directory_.get(), .name = "log", .ended = [this] {
                                   return ended_.load();
                               }};
        auto done = read_log(source, request, *cancel_,
                             [&](std::uint32_t stream, std::string_view bytes) -> Result<void> {
                                 all += (stream == 1 ? "" : "!") + std::string(bytes);
                                 return {};
                             });
        EXPECT_TRUE(done) << done.error().what;
        return all;
    }

    std::string path_;
    Fd directory_;
    std::shared_ptr<Cancel> cancel_;
    std::atomic<bool> ended_{true};
};

TEST_F(LogsTest, gives_every_line_with_its_stream) {
    append(line("one\\n", "stdout", 1) + line("two\\n", "stderr", 2));
    EXPECT_EQ(read({}), "one\n!two\n");
    EXPECT_EQ(read({.err = false}), "one\n");
    EXPECT_EQ(read({.out = false}), "!two\n");
}

TEST_F(LogsTest, tail_counts_lines_over_rotated_files) {
    append(line("one\\n", "stdout", 1) + line("two\\n", "stdout", 2), "log.1");
    append(line("three\\n", "stdout", 3) + line("four\\n", "stdout", 4));
    EXPECT_EQ(read({}), "one\ntwo\nthree\nfour\n");
    EXPECT_EQ(read({.tail = 1}), "four\n");
    EXPECT_EQ(read({.tail = 3}), "two\nthree\nfour\n");
    EXPECT_EQ(read({.tail = 0}), "");
    EXPECT_EQ(read({.tail = 99}), "one\ntwo\nthree\nfour\n");
}

TEST_F(LogsTest, since_and_until_cut_by_time) {
    append(line("one\\n", "stdout", 1) + line("two\\n", "stdout", 2) +
           line("three\\n", "stdout", 3));
    EXPECT_EQ(read({.since_ns = *parse_time("2026-01-01T00:00:02Z")}), "two\nthree\n");
    EXPECT_EQ(read({.until_ns = *parse_time("2026-01-01T00:00:02Z")}), "one\n");
}

TEST_F(LogsTest, time_stamps_stand_once_before_a_line_of_several_parts) {
    append(line("a", "stdout", 1) + line("b\\n", "stdout", 2));
    EXPECT_EQ(read({.timestamps = true}), "2026-01-01T00:00:01.5Z ab\n");
}

TEST_F(LogsTest, damaged_lines_are_left_out) {
    append(line("one\\n", "stdout", 1) + "{\"log\":\"brok\n\n" + line("two\\n", "stdout", 2));
    EXPECT_EQ(read({}), "one\ntwo\n");
}

TEST_F(LogsTest, escapes_come_out_as_they_went_in) {
    append(line("a\\tb\\u00e9\\\"\\\\\\n", "stdout", 1));
    EXPECT_EQ(read({}), "a\tb\u00e9\"\\\n");
}

TEST_F(LogsTest, following_waits_for_more_and_survives_rotation) {
    append(line("one\\n", "stdout", 1));
    ended_ = false;
    std::thread writer([this] {
        ::usleep(50'000);
        append(line("two\\n", "stdout", 2));
        std::filesystem::rename(path_ + "/log", path_ + "/log.1");
        append(line("three\\n", "stdout", 3));
        ::usleep(50'000);
        ended_ = true;
    });
    EXPECT_EQ(read({.follow = true}), "one\ntwo\nthree\n");
    writer.join();
}

TEST_F(LogsTest, a_log_that_was_never_written_is_empty) { EXPECT_EQ(read({}), ""); }

TEST(LogTime, reads_zones_and_fractions) {
    EXPECT_EQ(parse_time("1970-01-01T00:00:01Z"), 1'000'000'000);
    EXPECT_EQ(parse_time("1970-01-01T01:00:00+01:00"), 0);
    EXPECT_EQ(parse_time("1970-01-01T00:00:00.000000001Z"), 1);
    EXPECT_FALSE(parse_time("yesterday"));
    EXPECT_EQ(format_time(1'500'000'000), "1970-01-01T00:00:01.500000000Z");
}

}  // namespace
}  // namespace davit::container
