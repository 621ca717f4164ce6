// SPDX-License-Identifier: Apache-2.0
#include "sdk/monitor/log_writer.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <array>
#include <cstdio>
#include <ctime>

namespace davit::sdk {

namespace {

constexpr std::size_t kBatch =
    64 * 1024;  // records are gathered up to this before they are written
constexpr std::int64_t kSecond = 1'000'000'000;

// How many bytes of valid UTF-8 begin here; 0: none. (RFC 3629: no overlong forms, no surrogates,
// none past 10FFFF.)
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const auto follows = [&](std::size_t at) {
        return at < text.size() && (byte(at) & 0xC0) == 0x80;
    };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        if (!follows(1) || !follows(2)) return 0;
        if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F)) return 0;
        return 3;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        if (!follows(1) || !follows(2) || !follows(3)) return 0;
        if ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)) return 0;
        return 4;
    }
    return 0;
}

// 1: stands for itself. Everything else takes the slow way.
constexpr std::array<bool, 256> kPlain = [] {
    std::array<bool, 256> plain{};
    for (unsigned byte = 0x20; byte < 0x7F; ++byte) plain[byte] = true;
    for (const char special : {'"', '\\', '<', '>', '&'})
        plain[static_cast<unsigned char>(special)] = false;
    return plain;
}();

void append_escaped(std::string& into, unsigned char byte) {
    static constexpr char kHex[] = "0123456789abcdef";
    switch (byte) {
        case '"': into += "\\\""; return;
        case '\\': into += "\\\\"; return;
        case '\n': into += "\\n"; return;
        case '\r': into += "\\r"; return;
        case '\t': into += "\\t"; return;
        default: break;
    }
    if (byte == 0x7F) {
        into += static_cast<char>(byte);
        return;
    }
    into += "\\u00";
    into += kHex[byte >> 4];
    into += kHex[byte & 15];
}

}  // namespace

void append_json_string(std::string& into, std::string_view text) {
    into += '"';
    while (!text.empty()) {
        std::size_t run = 0;
        while (run < text.size() && kPlain[static_cast<unsigned char>(text[run])]) ++run;
        into.append(text.substr(0, run));
        text.remove_prefix(run);
        if (text.empty()) break;
        const std::size_t length = utf8_length(text);
        if (length == 0)
            into += "\\ufffd";
        else if (length == 1)
            append_escaped(into, static_cast<unsigned char>(text[0]));
        else if (text.starts_with("\xE2\x80\xA8"))
            into += "\\u2028";
        else if (text.starts_with("\xE2\x80\xA9"))
            into += "\\u2029";
        else
            into.append(text.substr(0, length));
        text.remove_prefix(length == 0 ? 1 : length);
    }
    into += '"';
}

std::string log_time(std::int64_t nanoseconds) {
    const std::time_t seconds = static_cast<std::time_t>(nanoseconds / kSecond);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[64];
    const int length =
        std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%09dZ",
                      parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                      parts.tm_min, parts.tm_sec, static_cast<int>(nanoseconds % kSecond));
    return std::string(text, static_cast<std::size_t>(length));
}

Result<LogWriter> LogWriter::open(std::string path, Limits limits) {
    LogWriter log;
    log.path_ = std::move(path);
    log.limits_ = limits;
    TRY(log.reopen(O_CREAT));
    char last = '\n';
    if (log.size_ > 0 &&
        ::pread(log.file_.get(), &last, 1, static_cast<off_t>(log.size_ - 1)) == 1 &&
        last != '\n') {
        log.records_ = "\n";
        TRY(log.put());
    }
    return log;
}

Result<void> LogWriter::reopen(int flags) {
    Fd file(::open(path_.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0640));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) return os_error("open log " + path_);
    file_ = std::move(file);
    size_ = static_cast<std::uint64_t>(status.st_size);
    inode_ = status.st_ino;
    return {};
}

Result<void> LogWriter::write(Stream stream, std::string_view bytes) {
    if (!file_) return {};
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    const std::string time = log_time(now.tv_sec * kSecond + now.tv_nsec);
    std::string& waiting = waiting_[static_cast<int>(stream)];
    while (!bytes.empty()) {
        const std::size_t room = kPartial - waiting.size();
        const std::size_t newline = bytes.substr(0, room).find('\n');
        const bool complete = newline != std::string_view::npos;
        const std::size_t length = complete ? newline + 1 : std::min(room, bytes.size());
        if (complete && waiting.empty()) {
            append_record(stream, bytes.substr(0, length), time);
        } else {
            waiting.append(bytes.substr(0, length));
            if (complete || waiting.size() == kPartial) {
                append_record(stream, waiting, time);
                waiting.clear();
            }
        }
        bytes.remove_prefix(length);
        if (records_.size() >= kBatch) TRY(put());
    }
    return put();
}

Result<void> LogWriter::flush(Stream stream) {
    std::string& waiting = waiting_[static_cast<int>(stream)];
    if (!file_ || waiting.empty()) return {};
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    append_record(stream, waiting, log_time(now.tv_sec * kSecond + now.tv_nsec));
    waiting.clear();
    return put();
}

void LogWriter::append_record(Stream stream, std::string_view text, std::string_view time) {
    records_ += "{\"log\":";
    append_json_string(records_, text);
    records_ += stream == Stream::out ? ",\"stream\":\"stdout\",\"time\":\""
                                      : ",\"stream\":\"stderr\",\"time\":\"";
    records_ += time;
    records_ += "\"}\n";
}

// Writes whole records only, so that a rotation never cuts one.
Result<void> LogWriter::put() {
    if (records_.empty()) return {};
    std::string_view left = records_;
    Result<void> written;
    while (!left.empty() && written) {
        if (limits_.max_bytes != 0 && size_ >= limits_.max_bytes) written = rotate();
        std::size_t length = left.size();
        if (limits_.max_bytes != 0) {
            // Up to and including the record that passes the limit: Docker's order of things.
            const std::uint64_t room = limits_.max_bytes > size_ ? limits_.max_bytes - size_ : 0;
            if (room < left.size())
                length =
                    std::min(left.find('\n', static_cast<std::size_t>(room)), left.size() - 1) + 1;
        }
        if (written) written = write_all(file_.get(), left.substr(0, length));
        if (written) size_ += length;
        left.remove_prefix(length);
    }
    records_.clear();
    if (records_.capacity() > 2 * kBatch) records_.shrink_to_fit();
    if (!written)
        static_cast<void>(reopen(O_CREAT));  // a part may have been written: the size is the file's
    return std::move(written).context("write log ", path_);
}

// path.1 is the newest of the old ones. A reader that has the file open reads it to its end.
Result<void> LogWriter::rotate() {
    if (limits_.max_files < 2) {
        if (::ftruncate(file_.get(), 0) != 0) return os_error("truncate log");
        size_ = 0;
        return {};
    }
    for (std::uint32_t number = limits_.max_files - 1; number > 1; --number) {
        const std::string newer = path_ + "." + std::to_string(number - 1);
        if (::rename(newer.c_str(), (path_ + "." + std::to_string(number)).c_str()) != 0 &&
            errno != ENOENT)
            return os_error("rotate log");
    }
    if (::rename(path_.c_str(), (path_ + ".1").c_str()) != 0 && errno != ENOENT)
        return os_error("rotate log");
    return reopen(O_CREAT);
}

}  // namespace davit::sdk
