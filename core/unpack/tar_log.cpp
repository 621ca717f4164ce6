// SPDX-License-Identifier: Apache-2.0
#include "core/unpack/tar_log.hpp"

#include "core/unpack/entry_name.hpp"
#include "sdk/base/file.hpp"

#include <zstd.h>
#include <algorithm>
#include <charconv>
#include <functional>

namespace davit::unpack {

namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kPendingMost = 64 << 10;
constexpr std::uint64_t kBodyMost = 1 << 20;  // of an extension header that is understood
constexpr std::uint64_t kSizeMost = std::uint64_t{1} << 42;
constexpr int kLevel = 1;  // headers shrink to a tenth at any level

struct Field {
    std::size_t offset, bytes;
};
constexpr Field kName{0, 100}, kSize{124, 12}, kMagic{257, 6}, kPrefix{345, 155};
constexpr std::size_t kType = 156;

std::string_view field(std::string_view header, Field which) {
    const std::string_view text = header.substr(which.offset, which.bytes);
    return text.substr(0, text.find('\0'));
}

// Octal digits, perhaps between blanks; the binary form of large sizes is left to the verbatim way.
std::optional<std::uint64_t> number(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    if (text.empty()) return 0;
    std::uint64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
    if (fault != std::errc{} || end != text.data() + text.size() || value > kSizeMost)
        return std::nullopt;
    return value;
}

std::uint64_t padding_of(std::uint64_t size) { return (kBlock - size % kBlock) % kBlock; }

void append_number(std::string& to, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) to += static_cast<char>(value >> (8 * i) & 0xff);
}

bool is_whiteout(std::string_view clean) { return split(clean).base.starts_with(".wh."); }

}  // namespace

struct TarLog::Encoder {
    int fd;
    ZSTD_CCtx* context = ZSTD_createCCtx();
    std::vector<char> output = std::vector<char>(ZSTD_CStreamOutSize());
    ~Encoder() { ZSTD_freeCCtx(context); }

    Result<void> write(std::string_view bytes, ZSTD_EndDirective how) {
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        for (;;) {
            ZSTD_outBuffer out{output.data(), output.size(), 0};
            const std::size_t left = ZSTD_compressStream2(context, &out, &in, how);
            if (ZSTD_isError(left))
                return fail(Code::internal, "note archive down: ", ZSTD_getErrorName(left));
            TRY(write_all(fd, {output.data(), out.pos}).context("note archive down"));
            if (how == ZSTD_e_end ? left == 0 : in.pos == in.size) return {};
        }
    }
};

TarLog::TarLog(std::unique_ptr<Encoder> encoder) : encoder_(std::move(encoder)) {}
TarLog::TarLog(TarLog&&) noexcept = default;
TarLog::~TarLog() = default;

Result<TarLog> TarLog::create(int fd) {
    auto encoder = std::make_unique<Encoder>();
    encoder->fd = fd;
    if (encoder->context == nullptr ||
        ZSTD_isError(ZSTD_CCtx_setParameter(encoder->context, ZSTD_c_compressionLevel, kLevel)))
        return fail(Code::internal, "start zstd encoder: out of memory");
    return TarLog(std::move(encoder));
}

Result<void> TarLog::add(std::string_view bytes) {
    total_ += bytes.size();
    while (!bytes.empty()) bytes = TRY(take(bytes));
    return {};
}

Result<std::string_view> TarLog::take(std::string_view bytes) {
    switch (state_) {
        case State::header: {
            const std::size_t count = std::min(bytes.size(), kBlock - block_.size());
            block_ += bytes.substr(0, count);
            if (block_.size() == kBlock) TRY(read_header());
            return bytes.substr(count);
        }
        case State::body: {
            const std::uint64_t whole = left_ + padding_ - body_.size();
            const auto count =
                static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), whole));
            body_ += bytes.substr(0, count);
            if (body_.size() == left_ + padding_) TRY(read_body());
            return bytes.substr(count);
        }
        case State::content: {
            const auto count =
                static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), left_));
            left_ -= count;
            if (left_ == 0) {
                body_type_ = 0;  // padding: most often zeros, but nobody has to write such
                state_ = padding_ == 0 ? State::header : State::body;
            }
            return bytes.substr(count);
        }
        case State::verbatim: TRY(note(bytes)); return std::string_view();
    }
    return bytes;
}

Result<void> TarLog::read_header() {
    const std::string header = std::exchange(block_, {});
    TRY(note(header));
    const char type = header[kType];
    const auto said = number(field(header, kSize));
    // A block of zeros ends the archive; what follows means nothing.
    const bool ends = header.find_first_not_of('\0') == std::string::npos;
    if (ends || !said) {
        give_up();
        return {};
    }
    if (type == 'x' || type == 'g' || type == 'L' || type == 'K') {
        if (*said > kBodyMost) {
            give_up();
            return {};
        }
        state_ = *said == 0 ? State::header : State::body;
        left_ = *said;
        padding_ = padding_of(*said);
        body_type_ = type;
        body_.clear();
        return {};
    }
    const std::uint64_t size = size_.value_or(*said);
    if (type == '0' || type == '\0' || type == '7') return read_regular(header, size);
    // Links, devices, directories and pipes have no content; what has some is not understood.
    if (type < '1' || type > '6' || size != 0) give_up();
    name_.clear();
    size_.reset();
    return {};
}

Result<void> TarLog::read_regular(std::string_view header, std::uint64_t size) {
    std::string raw = std::exchange(name_, {});
    size_.reset();
    if (size == 0) return {};
    if (raw.empty()) {
        const bool has_prefix =
            header.substr(kMagic.offset, kMagic.bytes) == std::string_view("ustar\0", 6);
        const std::string_view prefix = has_prefix ? field(header, kPrefix) : std::string_view();
        raw = std::string(prefix) + (prefix.empty() ? "" : "/") + std::string(field(header, kName));
    }
    const auto clean = clean_name(raw);
    if (!clean || clean->empty() || is_whiteout(*clean)) {
        give_up();
        return {};
    }
    TRY(note_file(*clean, size));
    state_ = State::content;
    left_ = size;
    padding_ = padding_of(size);
    return {};
}

Result<void> TarLog::read_body() {
    TRY(note(body_));
    state_ = State::header;
    if (body_type_ != 0) read_extension(body_type_);
    body_.clear();
    return {};
}

void TarLog::read_extension(char type) {
    const std::string_view content =
        std::string_view(body_).substr(0, static_cast<std::size_t>(left_));
    if (type == 'L') name_ = content.substr(0, content.find('\0'));
    if (type == 'x' || type == 'g') read_pax(content, type == 'g');
}

// POSIX.1-2017 pax: "length key=value\n", the length counting all of it.
void TarLog::read_pax(std::string_view records, bool global) {
    while (!records.empty()) {
        std::size_t length = 0;
        const auto [end, fault] =
            std::from_chars(records.data(), records.data() + records.size(), length);
        const auto digits = static_cast<std::size_t>(end - records.data());
        if (fault != std::errc{} || length <= digits + 1 || length > records.size())
            return give_up();
        std::string_view record = records.substr(digits + 1, length - digits - 2);
        records.remove_prefix(length);
        const std::size_t equals = record.find('=');
        if (equals == std::string_view::npos) return give_up();
        const std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
        const bool is_size = key == "size", is_path = key == "path";
        if (key.starts_with("GNU.sparse") || key == "hdrcharset" ||
            (global && (is_size || is_path)))
            return give_up();
        if (is_path) name_ = value;
        if (!is_size) continue;
        std::uint64_t size = 0;
        const auto parsed = std::from_chars(value.data(), value.data() + value.size(), size);
        if (parsed.ec != std::errc{} || parsed.ptr != value.data() + value.size() ||
            size > kSizeMost)
            return give_up();
        size_ = size;
    }
}

Result<void> TarLog::note(std::string_view bytes) {
    pending_ += bytes;
    return pending_.size() < kPendingMost ? Result<void>() : flush();
}

Result<void> TarLog::flush() {
    if (pending_.empty()) return {};
    std::string record(1, static_cast<char>(LogKind::bytes));
    append_number(record, pending_.size(), 4);
    TRY(encoder_->write(record, ZSTD_e_continue));
    TRY(encoder_->write(pending_, ZSTD_e_continue));
    pending_.clear();
    return {};
}

Result<void> TarLog::note_file(const std::string& name, std::uint64_t size) {
    TRY(flush());
    std::string record(1, static_cast<char>(LogKind::file));
    append_number(record, size, 8);
    append_number(record, name.size(), 2);
    record += name;
    names_.push_back(std::hash<std::string>{}(name));
    return encoder_->write(record, ZSTD_e_continue);
}

Result<void> TarLog::finish() {
    TRY(note(block_));  // an archive that was cut off in the middle of something
    if (state_ == State::body) TRY(note(body_));
    TRY(flush());
    std::sort(names_.begin(), names_.end());
    const bool good = state_ != State::content &&
                      std::adjacent_find(names_.begin(), names_.end()) == names_.end();
    std::string record(1, static_cast<char>(LogKind::end));
    append_number(record, total_, 8);
    record += good ? '\1' : '\0';
    return encoder_->write(record, ZSTD_e_end);
}

}  // namespace davit::unpack
