// SPDX-License-Identifier: Apache-2.0
// Messages of the domain name system (RFC 1035): a question read, an answer written. What is read
// comes from strangers. No state.
#pragma once

#include "sdk/netlink/address.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::network {

enum class DnsType : std::uint16_t { a = 1, ptr = 12, aaaa = 28 };
enum class DnsCode : std::uint8_t { none = 0, format_error = 1, server_failure = 2 };

struct DnsQuestion {
    std::string name;  // lower case, without the dot at its end
    std::uint16_t type = 0, name_class = 0;
    std::size_t end = 0;      // of the question in the message
    std::size_t limit = 512;  // bytes that an answer by UDP may have (EDNS, RFC 6891)
};

// Nothing when it is no query with exactly one question.
std::optional<DnsQuestion> read_question(std::string_view message);

// Answers to the query `message`, whose question `question` is; records of other types than the
// question's are left out. One that would be longer than `limit` is cut and marked as cut.
std::string address_answer(std::string_view message, const DnsQuestion& question,
                           const std::vector<sdk::Prefix>& addresses, std::size_t limit);
std::string pointer_answer(std::string_view message, const DnsQuestion& question,
                           std::string_view name);
std::string empty_answer(std::string_view message, const DnsQuestion& question, DnsCode code);

// The address that a name below in-addr.arpa or ip6.arpa stands for.
std::optional<sdk::Prefix> address_of_pointer(std::string_view name);

std::uint16_t message_id(std::string_view message);
void set_message_id(std::string& message, std::uint16_t id);
// `answer` answers the question of `query` under the same id.
bool answers(std::string_view answer, std::string_view query, const DnsQuestion& question);
// Another server may know better: SERVFAIL, REFUSED.
bool declines(std::string_view answer);

}  // namespace davit::network
