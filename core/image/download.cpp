// SPDX-License-Identifier: Apache-2.0
#include "core/image/download.hpp"

#include "sdk/base/file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <algorithm>

namespace davit::image {

namespace {

constexpr int kPipeBytes = 1 << 20;
constexpr unsigned kAttemptsWithoutProgress =
    6;  // with the pauses below: about 12 s of an absent registry
constexpr int kFirstPauseMilliseconds = 200;
constexpr int kLongestPauseMilliseconds = 5000;

}  // namespace

Result<std::unique_ptr<Download>> Download::start(const Origin& origin, const Descriptor& wanted,
                                                  std::shared_ptr<Cancel> cancel) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return os_error("make pipe");
    auto download = std::unique_ptr<Download>(new Download(origin, wanted, std::move(cancel)));
    download->source_ = Fd(ends[0]);
    download->sink_ = Fd(ends[1]);
    ::fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);  // a smaller pipe only costs speed
    download->thread_ = std::thread([self = download.get()] {
        self->outcome_ = self->run();
        self->sink_.reset();  // the reader sees the end only after the outcome is known
    });
    return download;
}

Download::~Download() { (void)finish(); }

Result<void> Download::finish() {
    source_.reset();
    if (thread_.joinable()) thread_.join();
    return outcome_;
}

Result<void> Download::pause(unsigned attempt) {
    const int milliseconds =
        std::min(kFirstPauseMilliseconds << attempt, kLongestPauseMilliseconds);
    pollfd stop{cancel_->fd(), POLLIN, 0};
    ::poll(&stop, 1, milliseconds);
    return cancel_->check("fetch " + wanted_.digest.text());
}

Result<void> Download::run() {
    std::uint64_t offset = 0;
    for (unsigned attempt = 0;; ++attempt) {
        std::uint64_t written = 0;
        sdk::Caller call(cancel_);
        auto fetched = origin_.registry.fetch(call, origin_.repository,
                                              {.digest = wanted_.digest.text(),
                                               .media_type = wanted_.media_type,
                                               .offset = offset,
                                               .sink = sink_.get()},
                                              written);
        offset += written;
        if (offset >= wanted_.bytes) return {};
        if (written > 0) attempt = 0;
        // A break is a status; a driver that is content has all there is.
        if (fetched)
            return fail(Code::corrupt, "fetch ", wanted_.digest.text(),
                        ": the registry sent fewer bytes than the manifest names");
        const Code code = fetched.error().code;
        if ((code != Code::unavailable && code != Code::deadline) ||
            attempt + 1 >= kAttemptsWithoutProgress)
            return std::move(fetched).error().context("fetch ", wanted_.digest.text());
        TRY(pause(attempt));
    }
}

Result<std::string> fetch_document(const Origin& origin, const Descriptor& wanted,
                                   std::shared_ptr<Cancel> cancel) {
    auto download = TRY(Download::start(origin, wanted, std::move(cancel)));
    auto document = read_all(download->source(), wanted.bytes);
    const auto fetched = download->finish();
    if (!fetched && (document || fetched.error().code != Code::invalid)) return fetched.error();
    if (!document || document->size() != wanted.bytes || Digest::of(*document) != wanted.digest)
        return fail(Code::corrupt, "fetch ", wanted.digest.text(),
                    ": the registry sent something else");
    return document;
}

}  // namespace davit::image
