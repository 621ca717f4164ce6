// SPDX-License-Identifier: Apache-2.0
#include "core/network/dns_message.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace davit::network {

namespace {

constexpr std::size_t kHeader = 12, kNameMax = 255, kLabelMax = 63;
constexpr std::uint8_t kIsAnswer = 0x80, kOpcode = 0x78, kAuthoritative = 0x04, kCut = 0x02,
                       kRecursionWanted = 0x01, kRecursionAvailable = 0x80, kCodeMask = 0x0f;
constexpr std::uint16_t kOpt = 41, kQuestionPointer = 0xc00c;  // the name at offset 12
constexpr std::uint32_t kTimeToLive = 600;                     // seconds, as docker's
constexpr std::size_t kUdpMin = 512, kUdpMax = 4096;
constexpr std::string_view kPointer4 = ".in-addr.arpa", kPointer6 = ".ip6.arpa";

std::uint8_t byte_at(std::string_view message, std::size_t at) {
    return static_cast<std::uint8_t>(message[at]);
}
std::uint16_t word_at(std::string_view message, std::size_t at) {
    return static_cast<std::uint16_t>(byte_at(message, at) << 8 | byte_at(message, at + 1));
}
void put_word(std::string& message, std::uint16_t word) {
    message += static_cast<char>(word >> 8);
    message += static_cast<char>(word & 0xff);
}
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Moves `at` behind the name. A question has no compressed names: nothing stands before it.
std::optional<std::string> read_name(std::string_view message, std::size_t& at) {
    std::string name;
    while (at < message.size()) {
        const std::size_t length = byte_at(message, at++);
        if (length == 0) return name;
        if (length > kLabelMax || at + length > message.size() || name.size() + length > kNameMax)
            return std::nullopt;
        if (!name.empty()) name += '.';
        for (const char c : message.substr(at, length)) name += lower(c);
        at += length;
    }
    return std::nullopt;
}

// The size that the asker's OPT record names, if that is the only record behind the question.
std::size_t udp_limit(std::string_view message, std::size_t at) {
    constexpr std::size_t kRoot = 1, kFixed = 10;
    if (word_at(message, 10) == 0 || at + kRoot + kFixed > message.size()) return kUdpMin;
    if (message[at] != 0 || word_at(message, at + kRoot) != kOpt) return kUdpMin;
    return std::clamp<std::size_t>(word_at(message, at + kRoot + 2), kUdpMin, kUdpMax);
}

std::string begin_answer(std::string_view message, const DnsQuestion& question, DnsCode code) {
    std::string answer(message.substr(0, question.end));
    const std::uint8_t kept = byte_at(message, 2) & (kOpcode | kRecursionWanted);
    answer[2] = static_cast<char>(kept | kIsAnswer | (code == DnsCode::none ? kAuthoritative : 0));
    answer[3] = static_cast<char>(kRecursionAvailable | static_cast<std::uint8_t>(code));
    std::memset(answer.data() + 6, 0, kHeader - 6);
    return answer;
}

void add_record(std::string& answer, std::uint16_t type, std::string_view data) {
    put_word(answer, kQuestionPointer);
    put_word(answer, type);
    put_word(answer, 1);
    put_word(answer, static_cast<std::uint16_t>(kTimeToLive >> 16));
    put_word(answer, static_cast<std::uint16_t>(kTimeToLive & 0xffff));
    put_word(answer, static_cast<std::uint16_t>(data.size()));
    answer += data;
    const std::uint16_t count = word_at(answer, 6) + 1;
    answer[6] = static_cast<char>(count >> 8);
    answer[7] = static_cast<char>(count & 0xff);
}

std::vector<std::string_view> labels_backwards(std::string_view name) {
    std::vector<std::string_view> labels;
    for (std::size_t dot = name.rfind('.'); dot != std::string_view::npos; dot = name.rfind('.')) {
        labels.push_back(name.substr(dot + 1));
        name = name.substr(0, dot);
    }
    labels.push_back(name);
    return labels;
}

}  // namespace

std::optional<DnsQuestion> read_question(std::string_view message) {
    if (message.size() < kHeader) return std::nullopt;
    if ((byte_at(message, 2) & (kIsAnswer | kOpcode)) != 0) return std::nullopt;
    if (word_at(message, 4) != 1) return std::nullopt;
    DnsQuestion question;
    std::size_t at = kHeader;
    auto name = read_name(message, at);
    if (!name || at + 4 > message.size()) return std::nullopt;
    question.name = std::move(*name);
    question.type = word_at(message, at);
    question.name_class = word_at(message, at + 2);
    question.end = at + 4;
    question.limit = udp_limit(message, question.end);
    return question;
}

std::string address_answer(std::string_view message, const DnsQuestion& question,
                           const std::vector<sdk::Prefix>& addresses, std::size_t limit) {
    constexpr std::size_t kRecord = 12;
    std::string answer = begin_answer(message, question, DnsCode::none);
    const std::uint8_t family = question.type == static_cast<std::uint16_t>(DnsType::a)      ? 4
                                : question.type == static_cast<std::uint16_t>(DnsType::aaaa) ? 6
                                                                                             : 0;
    for (const sdk::Prefix& address : addresses) {
        if (family == 0 || address.family != family) continue;
        if (answer.size() + kRecord + address.width() > limit) {
            answer[2] = static_cast<char>(byte_at(answer, 2) | kCut);
            break;
        }
        add_record(answer, question.type,
                   {reinterpret_cast<const char*>(address.bytes.data()), address.width()});
    }
    return answer;
}

std::string pointer_answer(std::string_view message, const DnsQuestion& question,
                           std::string_view name) {
    std::string data;
    auto labels = labels_backwards(name);
    for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
        const std::string_view part = label->substr(0, kLabelMax);
        data += static_cast<char>(part.size());
        data += part;
    }
    data += '\0';
    std::string answer = begin_answer(message, question, DnsCode::none);
    add_record(answer, question.type, data);
    return answer;
}

std::string empty_answer(std::string_view message, const DnsQuestion& question, DnsCode code) {
    return begin_answer(message, question, code);
}

std::optional<sdk::Prefix> address_of_pointer(std::string_view name) {
    const bool four = name.ends_with(kPointer4);
    if (!four && !name.ends_with(kPointer6)) return std::nullopt;
    name.remove_suffix(four ? kPointer4.size() : kPointer6.size());
    const auto labels = labels_backwards(name);
    if (labels.size() != (four ? 4u : 32u)) return std::nullopt;
    sdk::Prefix address;
    address.family = four ? 4 : 6;
    address.length = four ? 32 : 128;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        std::uint8_t value = 0;
        const char* end = labels[i].data() + labels[i].size();
        const auto [last, error] = std::from_chars(labels[i].data(), end, value, four ? 10 : 16);
        if (error != std::errc() || last != end || (!four && value > 15)) return std::nullopt;
        if (four)
            address.bytes[i] = value;
        else
            address.bytes[i / 2] = static_cast<std::uint8_t>(address.bytes[i / 2] << 4 | value);
    }
    return address;
}

std::uint16_t message_id(std::string_view message) { return word_at(message, 0); }

void set_message_id(std::string& message, std::uint16_t id) {
    message[0] = static_cast<char>(id >> 8);
    message[1] = static_cast<char>(id & 0xff);
}

bool answers(std::string_view answer, std::string_view query, const DnsQuestion& question) {
    if (answer.size() < question.end || message_id(answer) != message_id(query)) return false;
    if ((byte_at(answer, 2) & kIsAnswer) == 0 || word_at(answer, 4) != 1) return false;
    return std::equal(query.begin() + kHeader, query.begin() + static_cast<long>(question.end),
                      answer.begin() + kHeader,
                      [](char one, char other) { return lower(one) == lower(other); });
}

bool declines(std::string_view answer) {
    constexpr std::uint8_t kServerFailure = 2, kRefused = 5;
    const std::uint8_t code = byte_at(answer, 3) & kCodeMask;
    return code == kServerFailure || code == kRefused;
}

}  // namespace davit::network
