// SPDX-License-Identifier: Apache-2.0
#include "sdk/client/frames.hpp"

#include <gtest/gtest.h>
#include <string>

namespace davit::sdk {
namespace {

std::string frame(char stream, std::string_view payload) {
    std::string bytes{stream,
                      0,
                      0,
                      0,
                      0,
                      0,
                      static_cast<char>(payload.size() >> 8),
                      static_cast<char>(payload.size())};
    return bytes.append(payload);
}

TEST(FrameReader, tells_stdout_and_stderr_apart_however_bytes_arrive) {
    const auto bytes =
        frame(1, "out") + frame(2, std::string(300, 'e')) + frame(1, "") + frame(1, "more");
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
        FrameReader reader;
        std::string streams[3];
        for (std::size_t at = 0; at < bytes.size(); at += step) {
            std::string_view rest = std::string_view(bytes).substr(at, step);
            while (!rest.empty()) {
                const auto piece = reader.next(rest);
                ASSERT_TRUE(piece);
                streams[piece->stream] += piece->bytes;
            }
        }
        EXPECT_EQ(streams[1], "outmore");
        EXPECT_EQ(streams[2], std::string(300, 'e'));
        EXPECT_TRUE(reader.at_boundary());
    }
}

TEST(FrameReader, refuses_a_stream_that_has_no_frames) {
    FrameReader reader;
    std::string_view text = "plain text of a terminal";
    EXPECT_EQ(reader.next(text).error().code, Code::corrupt);
}

}  // namespace
}  // namespace davit::sdk
