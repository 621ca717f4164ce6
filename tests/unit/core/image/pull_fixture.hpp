// SPDX-License-Identifier: Apache-2.0
// An image store of its own on the real storage drivers, and a registry that misbehaves as told.
#pragma once

#include "core/image/pull.hpp"
#include "core/plugin/catalog.hpp"
#include "tests/support/unruly_registry.hpp"

#include <gtest/gtest.h>

namespace davit::test {

class PullTest : public testing::Test {
protected:
    void SetUp() override;
    void TearDown() override;
    void SetUpStore();  // opens the image store, again

    void offer(const TestImage& image, const std::string& name = "library/app:latest");
    image::PullRequest request(const std::string& reference = "app",
                               const std::string& storage = "overlay");
    Result<image::PullResult> pull(const std::string& reference = "app",
                                   const std::string& storage = "overlay");
    // Pulls and expects it to go well.
    image::PullResult pulled(const std::string& reference = "app",
                             const std::string& storage = "overlay");
    // Expects a pull to fail so and to leave nothing.
    void refuse(const std::string& complaint, const std::string& reference = "app");
    void expect_nothing_left(const std::string& storage = "overlay");

    plugin::Storage storage(const std::string& name = "overlay");
    std::string read(const std::string& id, const std::string& file,
                     const std::string& storage = "overlay");
    bool exists(const std::string& id, const std::string& file,
                const std::string& storage = "overlay");
    std::vector<std::string> statuses() const;  // what the last pulls told
    std::int64_t count(const char* table);
    std::int64_t unsynced();

    std::string home_;
    std::shared_ptr<UnrulyRegistry::Shared> registry_;
    std::unique_ptr<plugin::Catalog> catalog_;
    std::unique_ptr<store::Database> database_;
    std::unique_ptr<image::ImageStore> store_;
    std::vector<image::PullProgress> told_;

private:
    Fd root_of(const std::string& id, const std::string& storage);
};

}  // namespace davit::test
