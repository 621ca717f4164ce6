// SPDX-License-Identifier: Apache-2.0
#include "core/unpack/roles.hpp"

#include "core/unpack/limits.hpp"
#include "core/unpack/protocol.hpp"
#include "core/unpack/system_calls.hpp"
#include "sdk/container/jail.hpp"

#include <sys/capability.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

namespace davit::unpack {

namespace {

constexpr int kParserCapabilities[] = {CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FOWNER,
                                       CAP_FSETID, CAP_MKNOD,        CAP_SETFCAP};

template <std::size_t N>
void copy_text(char (&to)[N], const std::string& text) {
    const std::size_t size = std::min(N - 1, text.size());
    std::memcpy(to, text.data(), size);
    to[size] = '\0';
}

// SOCK_SEQPACKET carries a message whole or not at all.
Result<void> send_message(const Message& message, int directory = -1) {
    iovec part{const_cast<Message*>(&message), sizeof message};
    msghdr packet{};
    packet.msg_iov = &part;
    packet.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    if (directory >= 0) {
        packet.msg_control = control;
        packet.msg_controllen = sizeof control;
        cmsghdr* header = CMSG_FIRSTHDR(&packet);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof directory);
        std::memcpy(CMSG_DATA(header), &directory, sizeof directory);
    }
    while (::sendmsg(kControlFd, &packet, MSG_NOSIGNAL) < 0)
        if (errno != EINTR) return os_error("report to the daemon");
    return {};
}

// `trusted.*` needs CAP_SYS_ADMIN, which the jail has not: the daemon sets it on the directory that
// we send.
Result<void> have_opaque_set(int directory) {
    Message request;
    request.kind = Kind::opaque;
    TRY(send_message(request, directory));
    Message answer;
    ssize_t got = 0;
    while ((got = ::recv(kControlFd, &answer, sizeof answer, 0)) < 0 && errno == EINTR) {
    }
    if (got != sizeof answer || answer.kind != Kind::opaque_done)
        return fail(Code::internal, "mark directory opaque: no answer from the daemon");
    if (answer.os_errno != 0) return os_error(answer.os_errno, "mark directory opaque");
    return {};
}

Result<void> lock_inflater() {
    TRY(sdk::keep_capabilities({}));
    TRY(sdk::limit_process({.memory = address_space(kInflaterMemory),
                            .file_bytes = kBytesMax,  // of the archive log, the one file it has
                            .processor_seconds = kProcessorSeconds,
                            .descriptors = kDescriptors}));
    TRY(sdk::restrict_files(sdk::FileAccess::none));
    return sdk::allow_system_calls(kInflaterCalls);
}

Result<void> lock_parser() {
    TRY(sdk::keep_capabilities(kParserCapabilities));
    TRY(sdk::limit_process({.memory = address_space(kParserMemory),
                            .file_bytes = kBytesMax,
                            .processor_seconds = kProcessorSeconds,
                            .descriptors = kDescriptors}));
    TRY(sdk::restrict_files(sdk::FileAccess::change));
    return sdk::allow_system_calls(kWritingCalls);
}

Result<void> unpack(LayerWriter& writer, Archive& archive) {
    std::uint64_t told = 0;
    while (auto entry = TRY(archive.next().context("unpack ", archive.shown_name()))) {
        TRY(writer.add(*entry, archive).context("unpack ", archive.shown_name()));
        if (writer.written().bytes - told < kProgressBytes) continue;
        told = writer.written().bytes;
        Message progress;
        progress.entries = writer.written().entries;
        progress.bytes = told;
        TRY(send_message(progress));
    }
    TRY(archive.drain());
    return writer.finish().context("set times of directories");
}

Result<Written> parse(View view, int archive_fd) {
    auto archive = TRY(Archive::open(archive_fd));
    LayerWriter writer(TRY(Tree::open_root()), view, have_opaque_set);
    TRY(unpack(writer, archive));
    return writer.written();
}

}  // namespace

int report_failure(const Error& error) {
    Message message;
    message.kind = Kind::result;
    message.outcome = error.code == Code::conflict ? Outcome::needs_parent : Outcome::failed;
    message.code = static_cast<std::int32_t>(error.code);
    message.os_errno = error.os_errno;
    copy_text(message.text, error.what);
    return send_message(message) ? 1 : 2;
}

int run_parser(View view, Fd archive) {
    ::close(STDIN_FILENO);
    ::close(kDigestFd);
    if (auto locked = lock_parser(); !locked)
        return report_failure(std::move(locked).context("lock the unpacker up").error());
    const auto written = parse(view, archive.get());
    if (!written) return report_failure(written.error());
    Message message;
    message.kind = Kind::result;
    message.entries = written->entries;
    message.bytes = written->bytes;
    return send_message(message) ? 0 : 2;
}

int run_inflater(Inflater inflater, Fd archive) {
    ::close(kControlFd);
    Inflated report;
    auto locked = lock_inflater().context("lock the inflater up");
    auto inflated = locked ? inflater.run(STDIN_FILENO, archive.get())
                           : Result<InflateResult>(std::move(locked).error());
    if (inflated) {
        report.compressed = inflated->compressed;
        report.bytes = inflated->bytes;
        std::memcpy(report.diff_id, inflated->diff_id.bytes().data(), sizeof report.diff_id);
    } else {
        report.code = static_cast<std::int32_t>(inflated.error().code);
        copy_text(report.text, inflated.error().what);
    }
    // Reported before the pipe closes: the parser's complaint about a cut archive comes later than
    // the cause.
    const bool told = ::write(kDigestFd, &report, sizeof report) == sizeof report;
    archive.reset();
    return told && inflated ? 0 : 1;
}

}  // namespace davit::unpack
