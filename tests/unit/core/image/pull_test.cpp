// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/core/image/pull_fixture.hpp"

#include <algorithm>
#include <thread>

namespace davit::test {

TestImage two_layers() {
    return make_image(
        {{Tar().directory("etc").file("etc/passwd", "root").file("etc/old", "old")},
         {Tar().directory("etc").file("etc/passwd", "changed").file("etc/.wh.old", ""),
          Packing::zstd}});
}

bool told(const std::vector<std::string>& statuses, const std::string& wanted) {
    return std::find(statuses.begin(), statuses.end(), wanted) != statuses.end();
}

TEST_F(PullTest, a_pulled_image_has_the_files_of_its_layers_and_the_names_it_was_pulled_by) {
    const TestImage image = two_layers();
    offer(image);
    const auto result = pulled();
    EXPECT_EQ(result.id, image.id());
    EXPECT_TRUE(result.changed);
    EXPECT_EQ(read(result.id, "etc/passwd"), "changed");
    EXPECT_FALSE(exists(result.id, "etc/old"));
    const auto record = store_->get(result.id).take();
    EXPECT_EQ(record.tags, std::vector<std::string>{"app:latest"});
    EXPECT_EQ(record.digests, std::vector<std::string>{"app@" + image.digest()});
    EXPECT_EQ(record.bytes, 4u + 3u + 7u);
}

TEST_F(PullTest, a_driver_without_rebase_gets_its_layers_parent_first) {
    const TestImage image = two_layers();
    offer(image);
    const auto result = pulled("app", "plain-dir");
    EXPECT_EQ(read(result.id, "etc/passwd", "plain-dir"), "changed");
    EXPECT_FALSE(exists(result.id, "etc/old", "plain-dir"));
}

}  // namespace davit::test
