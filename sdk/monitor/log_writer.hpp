// SPDX-License-Identifier: Apache-2.0
// Writes a container's output in Docker's json-file format: one JSON object a line, a line of
// output longer than 16 KiB cut into partial records without a newline, rotation by size. Used by
// launchers. One thread.
#pragma once

#include "sdk/base/fd.hpp"
#include "sdk/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace davit::sdk {

enum class Stream { out = 0, err = 1 };

class LogWriter {
public:
    struct Limits {
        std::uint64_t max_bytes = 0;  // 0: never rotate
        std::uint32_t max_files = 0;  // 0 or 1: truncate instead of keeping old ones
    };
    // Docker's: what a reader may count on to be the longest record.
    static constexpr std::size_t kPartial = 16 * 1024;

    LogWriter() = default;  // writes nothing
    // Appends to `path`, made 0640 when it is missing. A record that a crash cut short is ended by
    // a newline first.
    static Result<LogWriter> open(std::string path, Limits limits);

    // Takes what a stream brought. Whole lines are written before it returns; the rest of a line
    // waits for its end or for 16 KiB. Errors: those of write; what could not be written is lost,
    // later calls try again.
    Result<void> write(Stream stream, std::string_view bytes);
    // Writes what waits, as at the end of a stream.
    Result<void> flush(Stream stream);

    // What was taken but is not in the file yet.
    std::string_view waiting(Stream stream) const { return waiting_[static_cast<int>(stream)]; }
    bool active() const { return static_cast<bool>(file_); }
    std::uint64_t offset() const {
        return size_;
    }  // bytes in the file: where the next record will begin
    std::uint64_t inode() const { return inode_; }

private:
    void append_record(Stream stream, std::string_view text, std::string_view time);
    Result<void> put();
    Result<void> rotate();
    Result<void> reopen(int flags);

    std::string path_;
    Limits limits_;
    Fd file_;
    std::uint64_t size_ = 0;
    std::uint64_t inode_ = 0;
    std::string waiting_[2];
    std::string records_;  // built, not yet written
};

// Appends `text` as a JSON string, as Docker's writer does: <, >, & and the line separators
// escaped, bytes that are not UTF-8 as U+FFFD.
void append_json_string(std::string& into, std::string_view text);
// "2026-01-31T12:00:00.123456789Z" from CLOCK_REALTIME.
std::string log_time(std::int64_t nanoseconds);

}  // namespace davit::sdk
