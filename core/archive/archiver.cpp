// SPDX-License-Identifier: Apache-2.0
#include "core/archive/archiver.hpp"

#include "core/archive/worker.hpp"
#include "sdk/base/file.hpp"
#include "sdk/base/pipe.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <utility>

namespace davit::archive {

namespace {

using unpack::Order;
using unpack::Work;

constexpr std::size_t kChunk = std::size_t{256} << 10;  // read and handed on at once
constexpr int kPipeBytes = 1 << 20;                     // a smaller pipe works as well, only slower

template <std::size_t N>
Result<void> put(char (&to)[N], const std::string& text) {
    if (text.size() >= N) return os_error(ENAMETOOLONG, "look at " + text.substr(0, 64) + "…");
    std::copy(text.begin(), text.end(), to);
    return {};
}

Result<Order> order_of(Work work, const Place& place, const std::string& path) {
    Order order;
    order.work = work;
    order.root = place.kind;
    order.attachments = static_cast<std::uint32_t>(place.mounts.size());
    TRY(put(order.path, path));
    return order;
}

Result<Fd> write_selection(const std::vector<Selected>& selection) {
    Fd file(::memfd_create("davit-selection", MFD_CLOEXEC));
    if (!file) return os_error("write selection");
    std::string text;
    for (const Selected& one : selection) {
        text += one.deleted ? unpack::kListedDeletion : unpack::kListedEntry;
        text.append(one.path).push_back('\0');
    }
    TRY(write_all(file.get(), text));
    if (::lseek(file.get(), 0, SEEK_SET) != 0) return os_error("write selection");
    return file;
}

// Waits for one of them; false for a cancelled call.
template <std::size_t Count>
Result<void> wait_for(std::array<pollfd, Count>& fds, Cancel& cancel, const char* doing) {
    while (::poll(fds.data(), fds.size(), -1) < 0)
        if (errno != EINTR) return os_error(doing);
    return cancel.check(doing);
}

// To the end of one worker that nobody reads from.
Result<void> run_to_end(Worker& worker, Cancel& cancel, const char* doing) {
    while (!worker.ended()) {
        std::array<pollfd, 2> fds{{{worker.socket(), POLLIN, 0}, {cancel.fd(), POLLIN, 0}}};
        TRY(wait_for(fds, cancel, doing));
        if (fds[0].revents != 0) TRY(worker.receive());
    }
    return worker.finish();
}

// False at the end of the archive.
Result<bool> hand_on(int from, std::vector<char>& buffer, const Sink& sink) {
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) return true;
    if (got < 0) return os_error("read archive");
    if (got > 0) TRY(sink({buffer.data(), static_cast<std::size_t>(got)}));
    return got > 0;
}

// The archive is read once the path is found, so that `found` comes first.
Result<void> hand_all_on(Worker& worker, Fd archive, const WhenFound& found, const Sink& sink,
                         Cancel& cancel) {
    std::vector<char> buffer(kChunk);
    bool told = false;
    while (archive || !worker.ended()) {
        const bool reading = archive && (told || worker.ended());
        std::array<pollfd, 3> fds{{{worker.socket(), POLLIN, 0},
                                   {reading ? archive.get() : -1, POLLIN, 0},
                                   {cancel.fd(), POLLIN, 0}}};
        TRY(wait_for(fds, cancel, "pack files"));
        if (fds[0].revents != 0) TRY(worker.receive());
        if (!told && worker.found()) {
            if (found) TRY(found(*worker.found()));
            told = true;
        }
        if (fds[1].revents != 0 && !TRY(hand_on(archive.get(), buffer, sink))) archive.reset();
    }
    return worker.finish();
}

}  // namespace

Result<PathStat> Archiver::look(Place place, const std::string& path,
                                const std::shared_ptr<Cancel>& cancel) const {
    const Order order = TRY(order_of(Work::look, place, path));
    auto worker = TRY(Worker::start(program_, order, std::move(place), {}));
    TRY(run_to_end(worker, *cancel, "look at path"));
    if (!worker.found()) return fail(Code::internal, "look at ", path, ": no answer");
    return *worker.found();
}

Result<void> Archiver::pack(Place place, const PackRequest& request, const WhenFound& found,
                            const Sink& sink, const std::shared_ptr<Cancel>& cancel) const {
    Order order = TRY(order_of(Work::pack, place, request.path));
    TRY(put(order.shown, request.shown));
    if (request.tell_holes) order.flags |= unpack::kTellHoles;
    Fd selection;
    if (request.selection) {
        order.flags |= unpack::kSelection;
        selection = TRY(write_selection(*request.selection));
    }
    Pipe pipe = TRY(make_pipe());
    ::fcntl(pipe.write.get(), F_SETPIPE_SZ, kPipeBytes);
    auto worker =
        TRY(Worker::start(program_, order, std::move(place),
                          {.in = -1, .out = pipe.write.get(), .selection = selection.get()}));
    pipe.write.reset();
    return hand_all_on(worker, std::move(pipe.read), found, sink, *cancel);
}

Result<void> Archiver::extract(Place place, const ExtractRequest& request, int source,
                               const std::shared_ptr<Cancel>& cancel) const {
    Order order = TRY(order_of(Work::extract, place, request.path));
    if (request.keep_kinds) order.flags |= unpack::kKeepKinds;
    if (request.owner) {
        order.flags |= unpack::kChangeOwner;
        order.uid = request.owner->uid;
        order.gid = request.owner->gid;
    }
    auto worker = TRY(Worker::start(program_, order, std::move(place), {.in = source}));
    return run_to_end(worker, *cancel, "extract archive");
}

Result<void> Archiver::copy(Place from, const std::string& path, Place to,
                            const std::shared_ptr<Cancel>& cancel) const {
    Order pack = TRY(order_of(Work::pack, from, path + "/."));
    TRY(put(pack.shown, "."));
    pack.flags = unpack::kTellHoles;
    Order extract = TRY(order_of(Work::extract, to, "/"));
    extract.flags = unpack::kTopToo;
    Pipe pipe = TRY(make_pipe());
    auto reader = TRY(Worker::start(program_, pack, std::move(from), {.out = pipe.write.get()}));
    auto writer = TRY(Worker::start(program_, extract, std::move(to), {.in = pipe.read.get()}));
    pipe = {};
    const auto written = run_to_end(writer, *cancel, "copy files");
    const auto read = run_to_end(reader, *cancel, "copy files");
    // One that failed is why the other found a cut archive, or nobody who reads.
    const bool reader_first = !read && read.error().code != Code::unavailable;
    return reader_first ? read : written;
}

}  // namespace davit::archive
