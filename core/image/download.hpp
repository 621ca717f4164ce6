// SPDX-License-Identifier: Apache-2.0
// One blob or manifest on its way from a registry: a thread asks the driver and goes on where a
// broken connection stopped; the bytes come out of a pipe. Nothing is verified here: the reader
// hashes. One owner.
#pragma once

#include "core/image/layer_source.hpp"
#include "core/image/manifest.hpp"
#include "core/plugin/registry.hpp"
#include "sdk/base/fd.hpp"

#include <memory>
#include <thread>

namespace davit::image {

struct Origin {
    plugin::Registry registry;
    plugin::Repository repository;
};

class Download final : public LayerSource {
public:
    // `wanted.bytes` is where the blob ends. `cancel` stops the driver's call.
    static Result<std::unique_ptr<Download>> start(const Origin& origin, const Descriptor& wanted,
                                                   std::shared_ptr<Cancel> cancel);
    ~Download() override;  // stops reading, waits for the thread

    int source() const override { return source_.get(); }
    Result<void> finish() override;

private:
    Download(Origin origin, Descriptor wanted, std::shared_ptr<Cancel> cancel)
        : origin_(std::move(origin)), wanted_(std::move(wanted)), cancel_(std::move(cancel)) {}
    Result<void> run();
    Result<void> pause(unsigned attempt);

    Origin origin_;
    Descriptor wanted_;
    std::shared_ptr<Cancel> cancel_;
    Fd source_, sink_;
    Result<void> outcome_;
    std::thread thread_;
};

// A whole small document, its digest and size verified. Errors: corrupt when it is not what the
// descriptor says.
Result<std::string> fetch_document(const Origin& origin, const Descriptor& wanted,
                                   std::shared_ptr<Cancel> cancel);

}  // namespace davit::image
