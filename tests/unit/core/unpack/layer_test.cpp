// SPDX-License-Identifier: Apache-2.0
// Ordinary layers: everything that real images hold comes out as it went in.
#include "tests/unit/core/unpack/layer_fixture.hpp"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

namespace davit::test {

using image::View;

constexpr unsigned kPermissions = 07777;

TEST_F(LayerTest, an_ordinary_gzip_layer_comes_out_as_it_went_in) {
    const auto result = accept(
        Tar().directory("etc").file("etc/passwd", "root:x:0:0", 0600).symlink("lib", "usr/lib"));
    EXPECT_EQ(read("etc/passwd"), "root:x:0:0");
    EXPECT_EQ(look("etc/passwd").st_mode & kPermissions, 0600u);
    EXPECT_EQ(look("etc/passwd").st_mtim.tv_sec, 1000000000);
    EXPECT_EQ(look("etc").st_mtim.tv_sec, 1000000000);
    EXPECT_EQ(link("lib"), "usr/lib");
    EXPECT_EQ(result.entries, 3u);
    EXPECT_EQ(result.file_bytes, 10u);
}

}  // namespace davit::test
