// SPDX-License-Identifier: Apache-2.0
#include "core/image/layer_archive.hpp"

#include "core/unpack/tar_log.hpp"
#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <algorithm>
#include <string>
#include <vector>

namespace davit::image {

namespace {

using unpack::LogKind;

constexpr std::size_t kChunk = std::size_t{256} << 10;
constexpr std::size_t kRecordMost = std::size_t{16} << 20;  // ours are 64 KiB and what follows

Error damaged() { return fail(Code::corrupt, "read archive log: it is damaged"); }

// The log's records, one after the other; read twice, so by position.
class LogReader {
public:
    explicit LogReader(int fd)
        : fd_(fd), input_(ZSTD_DStreamInSize()), context_(ZSTD_createDCtx()) {}
    ~LogReader() { ZSTD_freeDCtx(context_); }
    LogReader(const LogReader&) = delete;

    Result<std::uint64_t> number(int bytes) {
        const std::string raw = TRY(take(static_cast<std::size_t>(bytes)));
        std::uint64_t value = 0;
        for (int i = bytes; i-- > 0;)
            value = value << 8 | static_cast<unsigned char>(raw[static_cast<std::size_t>(i)]);
        return value;
    }
    Result<std::string> take(std::size_t count) {
        if (count > kRecordMost) return damaged();
        while (ready_.size() - begin_ < count) TRY(fill());
        std::string taken = ready_.substr(begin_, count);
        begin_ += count;
        if (begin_ > kChunk) ready_.erase(0, std::exchange(begin_, 0));
        return taken;
    }

private:
    Result<void> fill() {
        if (context_ == nullptr) return fail(Code::internal, "read archive log: out of memory");
        if (in_.pos == in_.size) {
            const ssize_t got = ::pread(fd_, input_.data(), input_.size(), offset_);
            if (got < 0) return os_error("read archive log");
            if (got == 0) return damaged();
            offset_ += got;
            in_ = {input_.data(), static_cast<std::size_t>(got), 0};
        }
        const std::size_t before = ready_.size();
        ready_.resize(before + kChunk);
        ZSTD_outBuffer out{ready_.data() + before, kChunk, 0};
        const bool broken = ZSTD_isError(ZSTD_decompressStream(context_, &out, &in_));
        ready_.resize(before + out.pos);
        return broken ? Result<void>(damaged()) : Result<void>();
    }

    int fd_;
    off_t offset_ = 0;
    std::vector<char> input_;
    ZSTD_inBuffer in_{};
    ZSTD_DCtx* context_;
    std::string ready_;
    std::size_t begin_ = 0;
};

struct Visitor {
    std::function<Result<void>(std::string)> bytes;
    std::function<Result<void>(const std::string& name, std::uint64_t size)> file;
};
struct End {
    std::uint64_t bytes;
    bool good;
};

Result<End> walk(int log, const Visitor& visitor) {
    LogReader reader(log);
    for (;;) {
        switch (static_cast<LogKind>(TRY(reader.number(1)))) {
            case LogKind::bytes: {
                const std::uint64_t count = TRY(reader.number(4));
                TRY(visitor.bytes(TRY(reader.take(count))));
                break;
            }
            case LogKind::file: {
                const std::uint64_t size = TRY(reader.number(8));
                TRY(visitor.file(TRY(reader.take(TRY(reader.number(2)))), size));
                break;
            }
            case LogKind::end: {
                const std::uint64_t bytes = TRY(reader.number(8));
                return End{bytes, TRY(reader.number(1)) == 1};
            }
            default: return damaged();
        }
    }
}

// The tree is what a stranger's image made of it: names are resolved inside, and only a regular
// file is read.
Result<void> copy_file(int mount, const std::string& name, std::uint64_t size,
                       const LayerArchive::Sink& sink) {
    const Fd file = TRY(open_in_root(mount, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME)
                            .context("read ", name));
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return os_error("look at " + name);
    if (!S_ISREG(status.st_mode) || static_cast<std::uint64_t>(status.st_size) != size)
        return fail(Code::corrupt, "read ", name, ": it is not the file that was unpacked");
    std::vector<char> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(size, kChunk)));
    for (std::uint64_t left = size; left > 0;) {
        const ssize_t got =
            ::read(file.get(), buffer.data(),
                   static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size())));
        if (got < 0) return os_error("read " + name);
        if (got == 0) return fail(Code::corrupt, "read ", name, ": it is cut off");
        TRY(sink({buffer.data(), static_cast<std::size_t>(got)}));
        left -= static_cast<std::uint64_t>(got);
    }
    return {};
}

}  // namespace

Result<LayerArchive> LayerArchive::open(Fd log, Fd mount) {
    const End end = TRY(walk(
        log.get(), {.bytes = [](const std::string&) { return Result<void>(); },
                    .file = [](const std::string&, std::uint64_t) { return Result<void>(); }}));
    if (!end.good)
        return fail(Code::not_found,
                    "make layer again: its archive names a file twice; pull the image anew");
    return LayerArchive(std::move(log), std::move(mount), end.bytes);
}

Result<void> LayerArchive::write(const Digest& diff_id, const Sink& sink) const {
    auto hash = TRY(Sha256::create());
    const Sink hashed = [&](std::string_view bytes) -> Result<void> {
        hash.add(bytes);
        return sink(bytes);
    };
    TRY(walk(log_.get(), {.bytes = [&](const std::string& bytes) { return hashed(bytes); },
                          .file =
                              [&](const std::string& name, std::uint64_t size) {
                                  return copy_file(mount_.get(), name, size, hashed);
                              }}));
    if (const Digest made = hash.finish(); made != diff_id)
        return fail(Code::corrupt, "make layer again: its files give ", made.text(), " instead of ",
                    diff_id.text());
    return {};
}

}  // namespace davit::image
