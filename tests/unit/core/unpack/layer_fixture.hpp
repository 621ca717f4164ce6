// SPDX-License-Identifier: Apache-2.0
// A directory to unpack layers into with the real davit-unpack, and a canary beside it that no
// layer may touch.
#pragma once

#include "core/image/unpack.hpp"
#include "tests/support/tar.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <map>

namespace davit::test {

class LayerTest : public testing::Test {
protected:
    void SetUp() override;
    void TearDown() override;

    Result<image::UnpackResult> unpack(std::string_view stream,
                                       image::View view = image::View::merged);
    // The same when the stream stands still after these bytes and does not end.
    Result<image::UnpackResult> unpack_stalled(std::string_view stream, image::View view);
    // Unpacks and expects it to go well.
    image::UnpackResult accept(const Tar& tar, image::View view = image::View::merged);
    // Unpacks and expects this in the error.
    void refuse(const Tar& tar, const std::string& complaint,
                image::View view = image::View::merged);
    // Expects a bare layer to ask for its parent.
    void wants_parent(const Tar& tar);

    std::string at(const std::string& name) const {
        return root_ + "/" + name;
    }  // a path on the host
    std::string read(const std::string& name) const;
    void write(const std::string& name, const std::string& content) const;
    bool exists(const std::string& name) const;
    struct stat look(const std::string& name) const;  // the name itself
    std::string xattr(const std::string& name, const std::string& key) const;
    std::string link(const std::string& name) const;

    std::string home_;    // holds both
    std::string root_;    // the layer
    std::string canary_;  // a file beside it

private:
    std::map<std::string, std::string> survey() const;
    std::map<std::string, std::string> before_;
};

}  // namespace davit::test
