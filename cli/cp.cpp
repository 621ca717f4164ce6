// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/copy/local_tree.hpp"
#include "cli/copy/paths.hpp"
#include "cli/copy/tar_writer.hpp"
#include "cli/credentials.hpp"
#include "cli/files.hpp"
#include "cli/output.hpp"
#include "cli/terminal.hpp"
#include "cli/units.hpp"
#include "cli/view.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/json.hpp"
#include "sdk/base/pipe.hpp"
#include "sdk/client/client.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace davit::cli {
namespace {

constexpr std::uint32_t kGoDirectory = 1u << 31, kGoLink = 1u << 27;  // of os.FileMode

struct PathStat {
    std::string name, target;
    std::uint32_t mode = 0;
    bool is_directory() const { return (mode & kGoDirectory) != 0; }
    bool is_link() const { return (mode & kGoLink) != 0; }
};

std::string endpoint(const std::string& container) {
    return "/containers/" + sdk::encode_path(container) + "/archive";
}

Result<PathStat> read_stat(const sdk::HttpHead& head) {
    const auto text = TRY(from_base64(head.header("X-Docker-Container-Path-Stat")));
    const auto object = TRY(json::parse_object(text, "the daemon's answer"));
    return PathStat{.name = TRY(json::require_string(object, "name")),
                    .target = TRY(json::get_string(object, "linkTarget", "")),
                    .mode = static_cast<std::uint32_t>(TRY(json::require_int(object, "mode")))};
}

Result<PathStat> look(sdk::Client& client, const CopyEnd& end) {
    auto stream =
        TRY(client.stream({"HEAD", endpoint(end.container), sdk::Query().add("path", end.path)}));
    return read_stat(stream.head());
}

// Where a link at the end of a path in a container leads; the path itself when it is none.
Result<std::string> followed(sdk::Client& client, const CopyEnd& end) {
    const auto stat = look(client, end);
    if (!stat || !stat->is_link()) return end.path;
    if (stat->target.starts_with('/')) return stat->target;
    return split_path(end.path).directory + "/" + stat->target;
}

class Cp final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(archive_, "a,archive", "Give what is copied in to the container's user");
        flags.toggle(follow_, "L,follow-link", "Follow a link that SOURCE is");
        flags.toggle(quiet_, "q,quiet", "Do not say what was copied");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        const CopyEnd from = parse_copy_end(operands[0]), to = parse_copy_end(operands[1]);
        if (!from.container.empty() && !to.container.empty())
            return fail(Code::invalid, "copying between containers is not supported");
        if (from.container.empty() && to.container.empty())
            return fail(Code::invalid, "must specify at least one container source");
        if (from.path.empty() || to.path.empty()) return fail(Code::invalid, "a path is empty");
        client_ = TRY(session.client());
        if (!from.container.empty())
            TRY(copy_out(from, to.path));
        else
            TRY(copy_in(from.path, to));
        return 0;
    }

private:
    Result<void> say(std::uint64_t bytes, const std::string& to) const {
        if (quiet_) return {};
        print_error("Successfully copied " + human_size(static_cast<double>(bytes), 3) + " to " +
                    to + "\n");
        return {};
    }

    // --- out of a container

    struct Target {
        std::string directory;  // that entries go into
        std::string top;        // what their first component becomes; "" : nothing
    };
    static Result<Target> target_of(const std::string& path, const PathStat& source) {
        const SplitPath end = split_path(absolute_path(path));
        struct stat there {};
        const bool exists = ::stat(path.c_str(), &there) == 0;
        if (exists && S_ISDIR(there.st_mode))
            return Target{path, source.name == "." || source.name == "/" ? "" : source.name};
        if (exists && ends_as_directory(path)) return os_error(ENOTDIR, "open " + path);
        if (exists && source.is_directory()) return fail(Code::invalid, "cannot copy directory");
        if (!exists && !source.is_directory() && ends_as_directory(path))
            return fail(Code::invalid, "no such directory");
        return Target{end.directory, end.base};
    }

    Result<void> copy_out(const CopyEnd& from, const std::string& path) {
        const std::string source = follow_ ? TRY(followed(*client_, from)) : from.path;
        auto stream = TRY(
            client_->stream({"GET", endpoint(from.container), sdk::Query().add("path", source)}));
        if (path == "-") return print_archive(stream);
        PathStat stat = TRY(read_stat(stream.head()));
        const std::string packed = stat.name;
        if (follow_ && source != from.path) stat.name = split_path(from.path).base;
        const Target target = TRY(target_of(path, stat));
        std::uint64_t bytes = 0;
        TarReader reader([&]() -> Result<std::string_view> {
            const auto piece = TRY(stream.read());
            bytes += piece.size();
            return piece;
        });
        auto tree = TRY(LocalTree::open(target.directory));
        while (const auto entry = TRY(reader.next()))
            TRY(tree.add(*entry, rebased(entry->name, packed, target.top),
                         rebased(entry->link, packed, target.top), reader));
        TRY(reader.drain());
        TRY(tree.finish());
        return say(bytes, path);
    }

    static Result<void> print_archive(sdk::Stream& stream) {
        if (is_terminal(STDOUT_FILENO))
            return fail(Code::invalid, "cowardly refusing to write an archive to a terminal");
        for (;;) {
            const auto piece = TRY(stream.read());
            if (piece.empty()) return {};
            TRY(write_all(STDOUT_FILENO, piece));
        }
    }

    // --- into a container

    Result<void> send(const CopyEnd& to, const std::string& directory, int archive) {
        sdk::Call call{"PUT", endpoint(to.container),
                       sdk::Query()
                           .add("path", directory)
                           .add("noOverwriteDirNonDir", "true")
                           .flag("copyUIDGID", archive_)};
        call.headers.push_back({"Content-Type", "application/x-tar"});
        auto stream = TRY(client_->upload(call, archive));
        TRY(stream.read_all());
        return {};
    }

    // In docker's order: what a link leads to decides, then what is there.
    Result<void> copy_in(const std::string& path, const CopyEnd& to) {
        const CopyEnd end{to.container, TRY(followed(*client_, to))};
        const auto there = look(*client_, end);
        const bool is_directory = there && there->is_directory();
        if (path == "-") {
            if (!is_directory)
                return fail(Code::invalid, "destination \"", to.container, ":", to.path,
                            "\" must be a directory");
            return send(to, end.path, STDIN_FILENO);
        }
        const std::string source = follow_ ? TRY(real_path(path)) : path;
        const SplitPath from = split_path(source);
        struct stat status {};
        if (::lstat(source.c_str(), &status) != 0) return os_error("look at " + path);
        const SplitPath into = split_path(end.path);
        std::string shown = follow_ ? split_path(path).base : from.base;
        std::string directory = into.directory;
        if (is_directory)
            directory = end.path;
        else if (there && S_ISDIR(status.st_mode))
            return fail(Code::invalid, "cannot copy directory");
        else if (!there && !S_ISDIR(status.st_mode) && ends_as_directory(end.path))
            return fail(Code::invalid, "no such directory");
        else
            shown = into.base;
        const std::uint64_t bytes = TRY(pack_and_send(to, directory, from, shown));
        return say(bytes, to.container + ":" + to.path);
    }

    static Result<std::string> real_path(const std::string& path) {
        char* found = ::realpath(path.c_str(), nullptr);
        if (found == nullptr) return os_error("look at " + path);
        std::string real = found;
        std::free(found);
        return means_content(path) ? real + "/." : real;
    }

    // The archive is written beside the call that sends it.
    Result<std::uint64_t> pack_and_send(const CopyEnd& to, const std::string& directory,
                                        const SplitPath& from, const std::string& shown) {
        const Fd parent = TRY(open_directory(from.directory, O_RDONLY));
        std::signal(SIGPIPE, SIG_IGN);  // a daemon that refuses the archive says why
        Pipe pipe = TRY(make_pipe());
        TarWriter writer(pipe.write.get());
        Result<void> packed;
        std::thread packing([&] {
            packed = writer.add_tree(parent.get(), from.base == "/" ? "." : from.base, shown);
            if (packed) packed = writer.finish();
            pipe.write.reset();
        });
        auto sent = send(to, directory, pipe.read.get());
        pipe.read.reset();
        packing.join();
        // A daemon that stopped reading has the better reason.
        if (!packed && packed.error().os_errno != EPIPE) return std::move(packed).error();
        TRY(std::move(sent));
        return writer.bytes();
    }

    bool archive_ = false, follow_ = false, quiet_ = false;
    sdk::Client* client_ = nullptr;
};

}  // namespace

std::unique_ptr<Command> make_cp() { return std::make_unique<Cp>(); }

}  // namespace davit::cli
