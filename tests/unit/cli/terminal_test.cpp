// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.hpp"

#include "cli/foreground.hpp"

#include <gtest/gtest.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>
#include <csignal>

namespace davit::cli {
namespace {

TEST(DetachKeys, are_read_as_docker_reads_them) {
    EXPECT_EQ(*parse_detach_keys("ctrl-p,ctrl-q"), "\x10\x11");
    EXPECT_EQ(*parse_detach_keys("ctrl-@,a,ctrl-_"), std::string("\0a\x1f", 3));
    for (const auto* bad : {"ctrl-", "ctrl-1", "ab", "ctrl-p;q"})
        EXPECT_FALSE(parse_detach_keys(bad)) << bad;
}

std::string sent(const std::vector<std::string_view>& typed, bool& detached) {
    DetachKeys keys("\x10\x11");
    std::string out;
    detached = false;
    for (const auto text : typed) detached |= keys.feed(text, out);
    return out;
}

TEST(DetachKeys, detach_when_typed_one_after_the_other_in_pieces_too) {
    bool detached = false;
    EXPECT_EQ(sent({"ls\x10\x11rest"}, detached), "ls");
    EXPECT_TRUE(detached);
    EXPECT_EQ(sent({"ls", "\x10", "\x11"}, detached), "ls");
    EXPECT_TRUE(detached);
}

TEST(DetachKeys, lose_no_key_that_only_looked_like_their_beginning) {
    bool detached = false;
    EXPECT_EQ(sent({"\x10", "x"}, detached), "\x10x");
    EXPECT_EQ(sent({"\x10\x10", "x\x11"}, detached), "\x10\x10x\x11");
    EXPECT_FALSE(detached);
    EXPECT_EQ(sent({"a\x10\x10\x11"}, detached), "a\x10");
    EXPECT_TRUE(detached);
}

TEST(RawMode, ends_with_its_scope) {
    int main_end = -1, user_end = -1;
    ASSERT_EQ(::openpty(&main_end, &user_end, nullptr, nullptr, nullptr), 0);
    termios before{}, within{}, after{};
    ::tcgetattr(user_end, &before);
    {
        const auto raw = RawMode::enter(user_end);
        ASSERT_TRUE(raw);
        ::tcgetattr(user_end, &within);
    }
    ::tcgetattr(user_end, &after);
    EXPECT_EQ(within.c_lflag & ICANON, 0u);
    EXPECT_EQ(after.c_lflag, before.c_lflag);
    ::close(main_end);
    ::close(user_end);
}

TEST(Signals, sent_while_they_are_taken_are_read_and_kill_nobody) {
    auto signals = Signals::take();
    ASSERT_TRUE(signals);
    ::raise(SIGTERM);
    EXPECT_EQ(signals->next(), SIGTERM);
    EXPECT_EQ(signals->next(), 0);
    EXPECT_EQ(signal_name(SIGTERM), "TERM");
}

}  // namespace
}  // namespace davit::cli
