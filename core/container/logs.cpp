// SPDX-License-Identifier: Apache-2.0
#include "core/container/logs.hpp"

#include "core/container/log_line.hpp"
#include "sdk/base/fd.hpp"
#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace davit::container {

namespace {

constexpr std::size_t kBlock =
    64 * 1024;                     // read at once; a log line is at most about 100 KiB when escaped
constexpr int kRotatedMax = 1000;  // rotated files looked for; max-file has far fewer
// A follower looks at the container's state this often besides being woken by writes: the end of a
// container changes nothing in its log.
constexpr int kLookAtStateMs = 100;

class Reader {
public:
    Reader(const LogSource& source, const LogRequest& request, Cancel& cancel, const LogSink& sink)
        : source_(source), request_(request), cancel_(cancel), sink_(sink) {}

    Result<void> run() {
        std::vector<Fd> files = TRY(open_all());
        if (files.empty()) files.emplace_back();
        if (request_.tail) TRY(seek_tail(files));
        for (std::size_t i = 0; i + 1 < files.size(); ++i)
            if (files[i]) TRY(drain(files[i].get()));
        Fd current = std::move(files.back());
        if (current) TRY(drain(current.get()));
        return request_.follow && !over_ ? follow(std::move(current)) : Result<void>();
    }

private:
    // Oldest first, the one being written last.
    Result<std::vector<Fd>> open_all() {
        std::vector<Fd> files;
        for (int number = 1; number < kRotatedMax; ++number) {
            auto rotated = open_beneath(source_.directory,
                                        source_.name + "." + std::to_string(number), O_RDONLY);
            if (!rotated) break;
            files.insert(files.begin(), std::move(*rotated));
        }
        auto current = open_beneath(source_.directory, source_.name, O_RDONLY);
        if (current)
            files.push_back(std::move(*current));
        else if (current.error().code != Code::not_found)
            return std::move(current).error();
        return files;
    }

    // Places every file so that exactly the last `tail` lines are read; files before them are left
    // out.
    Result<void> seek_tail(std::vector<Fd>& files) {
        std::uint64_t wanted = *request_.tail;
        for (std::size_t i = files.size(); i-- > 0;) {
            if (!files[i]) continue;
            if (wanted == 0) {
                if (i + 1 < files.size())
                    files[i].reset();
                else if (::lseek(files[i].get(), 0, SEEK_END) < 0)
                    return os_error("seek in log");
                continue;
            }
            wanted -= TRY(seek_lines_back(files[i].get(), wanted));
        }
        return {};
    }

    // Leaves the position `lines` lines before the end, or at the start; how many there are from
    // there on.
    static Result<std::uint64_t> seek_lines_back(int fd, std::uint64_t lines) {
        off_t end = ::lseek(fd, 0, SEEK_END);
        if (end < 0) return os_error("seek in log");
        std::uint64_t found = 0;
        std::string block;
        for (off_t at = end; at > 0;) {
            const off_t begin = std::max<off_t>(0, at - static_cast<off_t>(kBlock));
            block.resize(static_cast<std::size_t>(at - begin));
            const ssize_t got = ::pread(fd, block.data(), block.size(), begin);
            if (got != static_cast<ssize_t>(block.size())) return os_error("read log");
            for (std::size_t i = block.size(); i-- > 0;) {
                const off_t position = begin + static_cast<off_t>(i);
                if (block[i] != '\n' || position == end - 1) continue;
                if (++found == lines) return ::lseek(fd, position + 1, SEEK_SET) < 0 ? 0 : found;
            }
            at = begin;
        }
        if (::lseek(fd, 0, SEEK_SET) < 0) return os_error("seek in log");
        return end > 0 ? found + 1 : 0;
    }

    // Everything that is there now; the beginning of an unfinished line stays in `rest_`.
    Result<void> drain(int fd) {
        std::array<char, kBlock> block;
        const std::optional<std::uint64_t> end = end_of(fd);
        while (!over_) {
            TRY(cancel_.check("read log"));
            const auto at = static_cast<std::uint64_t>(::lseek(fd, 0, SEEK_CUR));
            const std::size_t wanted =
                end ? std::min<std::uint64_t>(block.size(), *end - std::min(at, *end))
                    : block.size();
            const ssize_t got = ::read(fd, block.data(), wanted);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return os_error("read log");
            if (got == 0) break;
            rest_.append(block.data(), static_cast<std::size_t>(got));
            TRY(give_lines());
        }
        over_ = over_ || end.has_value();
        return flush();
    }

    // How far into this file the request goes; nothing: to its end.
    std::optional<std::uint64_t> end_of(int fd) const {
        struct stat status {};
        if (!request_.end || ::fstat(fd, &status) != 0 || status.st_ino != request_.end->file)
            return std::nullopt;
        return request_.end->offset;
    }

    Result<void> give_lines() {
        std::size_t begin = 0;
        for (std::size_t end; !over_ && (end = rest_.find('\n', begin)) != std::string::npos;
             begin = end + 1)
            TRY(give(std::string_view(rest_).substr(begin, end - begin)));
        rest_.erase(0, begin);
        return {};
    }

    Result<void> give(std::string_view raw) {
        const auto line = parse_log_line(raw);
        if (!line) return {};
        if (request_.since_ns != 0 || request_.until_ns != 0) {
            const auto time = parse_time(line->time);
            if (time && request_.until_ns != 0 && *time > request_.until_ns) {
                over_ = true;
                return {};
            }
            if (time && *time < request_.since_ns) return {};
        }
        if (!(line->stream == 1 ? request_.out : request_.err)) return {};
        // Lines of one stream travel together; with time stamps a part of a line has none of its
        // own.
        if (line->stream != stream_ || pending_.size() > kBlock) TRY(flush());
        stream_ = line->stream;
        if (request_.timestamps && !inside_line_) pending_.append(line->time).append(" ");
        if (!request_.details.empty() && !inside_line_)
            pending_.append(request_.details).append(" ");
        inside_line_ = !line->text.ends_with('\n');
        pending_ += line->text;
        return {};
    }

    Result<void> flush() {
        if (pending_.empty()) return {};
        auto sent = sink_(stream_, pending_);
        pending_.clear();
        return sent;
    }

    // A rotated file is left only after reading it to its end: the launcher renames it and makes a
    // new one.
    Result<void> follow(Fd current) {
        const Fd notify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        if (!notify) return os_error("watch log");
        const std::string path = "/proc/self/fd/" + std::to_string(source_.directory);
        if (::inotify_add_watch(notify.get(), path.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO) <
            0)
            return os_error("watch log");
        while (!over_) {
            const bool ended =
                source_.ended();  // asked before reading: what was written before is read below
            if (current) TRY(drain(current.get()));
            if (auto next = newer_file(current)) {
                if (current) TRY(drain(current.get()));
                current = std::move(next);
                continue;
            }
            if (ended) return {};
            TRY(wait(notify));
        }
        return {};
    }

    // The file under the log's name, if it is not the one that is being read.
    Fd newer_file(const Fd& current) const {
        auto named = open_beneath(source_.directory, source_.name, O_RDONLY);
        if (!named) return {};
        struct stat ours {
        }, theirs{};
        if (current && (::fstat(current.get(), &ours) != 0 || ::fstat(named->get(), &theirs) != 0))
            return {};
        if (current && ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev) return {};
        return std::move(*named);
    }

    Result<void> wait(const Fd& notify) {
        std::array<pollfd, 2> fds{{{notify.get(), POLLIN, 0}, {cancel_.fd(), POLLIN, 0}}};
        (void)::poll(fds.data(), fds.size(), kLookAtStateMs);
        std::array<char, 4096> events;
        while (::read(notify.get(), events.data(), events.size()) > 0) continue;
        return cancel_.check("follow log");
    }

    const LogSource& source_;
    const LogRequest& request_;
    Cancel& cancel_;
    const LogSink& sink_;
    std::string rest_, pending_;
    std::uint32_t stream_ = 1;
    bool inside_line_ = false, over_ = false;
};

}  // namespace

Result<void> read_log(const LogSource& source, const LogRequest& request, Cancel& cancel,
                      const LogSink& sink) {
    return Reader(source, request, cancel, sink).run();
}

}  // namespace davit::container
