// SPDX-License-Identifier: Apache-2.0
#include "sdk/client/http.hpp"

#include <gtest/gtest.h>

namespace davit::sdk {
namespace {

TEST(HttpRequest, has_a_length_even_when_a_post_has_no_body) {
    const auto bytes = encode({.method = "POST", .target = "/v1.51/containers/x/start"});
    EXPECT_TRUE(bytes.starts_with("POST /v1.51/containers/x/start HTTP/1.1\r\n"));
    EXPECT_NE(bytes.find("Content-Length: 0\r\n"), std::string::npos);
    EXPECT_TRUE(bytes.ends_with("\r\n\r\n"));
}

TEST(HttpHead, is_read_with_names_in_any_case_and_leaves_the_body) {
    std::size_t used = 0;
    const std::string_view bytes =
        "HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\nApi-Version:1.41\r\n\r\nabc";
    const auto head = parse_head(bytes, used);
    ASSERT_TRUE(head && *head);
    EXPECT_EQ((*head)->status, 404);
    EXPECT_EQ((*head)->reason, "Not Found");
    EXPECT_EQ((*head)->header("Content-Length"), "3");
    EXPECT_EQ((*head)->header("API-VERSION"), "1.41");
    EXPECT_EQ(bytes.substr(used), "abc");
}

TEST(HttpHead, waits_for_its_end) {
    std::size_t used = 0;
    const auto head = parse_head("HTTP/1.1 200 OK\r\nA: b\r\n", used);
    ASSERT_TRUE(head);
    EXPECT_FALSE(*head);
}

TEST(HttpHead, of_something_else_is_refused) {
    std::size_t used = 0;
    EXPECT_EQ(parse_head("SSH-2.0-OpenSSH_9.2\r\n\r\n", used).error().code, Code::corrupt);
    EXPECT_EQ(parse_head(std::string(70'000, 'x'), used).error().code, Code::corrupt);
}

TEST(ChunkDecoder, gives_the_same_bytes_however_they_arrive) {
    const std::string_view bytes = "5\r\nhello\r\n7;name=x\r\n, world\r\n0\r\nTrailer: y\r\n\r\n";
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
        ChunkDecoder decoder;
        std::string out;
        for (std::size_t at = 0; at < bytes.size(); at += step) {
            const auto piece = bytes.substr(at, step);
            ASSERT_EQ(decoder.feed(piece, out).value_or(0), piece.size());
        }
        EXPECT_EQ(out, "hello, world");
        EXPECT_TRUE(decoder.done());
    }
}

TEST(ChunkDecoder, leaves_what_follows_the_body) {
    ChunkDecoder decoder;
    std::string out;
    EXPECT_EQ(*decoder.feed("0\r\n\r\nHTTP/1.1", out), 5u);
}

TEST(ChunkDecoder, refuses_a_size_that_is_none) {
    std::string out;
    EXPECT_FALSE(ChunkDecoder().feed("xyz\r\n", out));
    EXPECT_FALSE(ChunkDecoder().feed("3\r\nabcd\r\n", out));
}

TEST(Query, encodes_values_and_leaves_out_what_is_not_set) {
    Query query;
    query.add("filters", "{\"a\":[\"b c\"]}")
        .flag("all", true)
        .flag("size", false)
        .text("name", "");
    EXPECT_EQ(query.str(), "?filters=%7B%22a%22%3A%5B%22b%20c%22%5D%7D&all=1");
    EXPECT_EQ(encode_path("localhost:5000/a b"), "localhost:5000/a%20b");
}

}  // namespace
}  // namespace davit::sdk
