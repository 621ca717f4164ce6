// SPDX-License-Identifier: Apache-2.0
#include "core/store/database.hpp"
#include "core/store/migration.hpp"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <string>

#include <unistd.h>

namespace davit::store {
namespace {

class DatabaseTest : public ::testing::Test {
protected:
    DatabaseTest() {
        std::string pattern = ::testing::TempDir() + "davit-store-XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
    }
    ~DatabaseTest() override { std::filesystem::remove_all(directory_); }
    std::string path() const { return directory_ + "/graph.db"; }
    std::unique_ptr<Database> open() {
        auto opened = Database::open(path());
        EXPECT_TRUE(opened) << opened.error().what;
        return std::move(opened).take();
    }
    static std::int64_t count(Database& database, const char* sql) {
        std::int64_t found = -1;
        EXPECT_TRUE(database.session().each(sql, [&](const Row& row) { found = row.integer(0); }));
        return found;
    }
    std::string directory_;
};

TEST_F(DatabaseTest, a_transaction_that_is_not_committed_leaves_nothing) {
    auto database = open();
    ASSERT_TRUE(database->session().script("CREATE TABLE t (a TEXT, b INTEGER)"));
    {
        auto transaction = database->begin();
        ASSERT_TRUE(transaction);
        ASSERT_TRUE(transaction->run("INSERT INTO t VALUES (?, ?)", "lost", 1));
    }
    EXPECT_EQ(count(*database, "SELECT count(*) FROM t"), 0);
}

TEST_F(DatabaseTest, committed_rows_are_there_after_reopening) {
    {
        auto database = open();
        ASSERT_TRUE(database->session().script("CREATE TABLE t (a TEXT, b INTEGER)"));
        auto transaction = database->begin(Durability::power_loss);
        ASSERT_TRUE(
            transaction->run("INSERT INTO t VALUES (?, ?)", std::string("kept"), std::nullopt));
        ASSERT_TRUE(transaction->commit());
    }
    auto database = open();
    std::string text;
    bool null = false;
    ASSERT_TRUE(database->session().each("SELECT a, b FROM t", [&](const Row& row) {
        text = row.text(0);
        null = row.null(1);
    }));
    EXPECT_EQ(text, "kept");
    EXPECT_TRUE(null);
}

TEST_F(DatabaseTest, an_error_of_the_row_callback_ends_the_statement_and_is_returned) {
    auto database = open();
    ASSERT_TRUE(database->session().script("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)"));
    int rows = 0;
    auto outcome = database->session().each("SELECT a FROM t", [&](const Row&) -> Result<void> {
        ++rows;
        return fail(Code::cancelled, "stop");
    });
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Code::cancelled);
    EXPECT_EQ(rows, 1);
    EXPECT_EQ(count(*database, "SELECT count(*) FROM t"), 2);
}

TEST_F(DatabaseTest, a_violated_constraint_is_a_conflict) {
    auto database = open();
    ASSERT_TRUE(database->session().script("CREATE TABLE t (a TEXT PRIMARY KEY)"));
    ASSERT_TRUE(database->session().run("INSERT INTO t VALUES (?)", "x"));
    auto again = database->session().run("INSERT INTO t VALUES (?)", "x");
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::conflict);
}

TEST_F(DatabaseTest, a_file_that_is_no_database_is_corrupt) {
    FILE* file = ::fopen(path().c_str(), "w");
    ::fputs(
        "this is not a database, and it is long enough to be looked at by SQLite as a header of "
        "one file",
        file);
    ::fclose(file);
    auto opened = Database::open(path());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Code::corrupt);
    EXPECT_NE(opened.error().what.find(path()), std::string::npos);
}

TEST_F(DatabaseTest, a_graph_of_a_newer_daemon_is_refused) {
    auto database = open();
    ASSERT_TRUE(database->session().script("PRAGMA user_version=9999"));
    auto migrated = migrate(*database);
    ASSERT_FALSE(migrated);
    EXPECT_EQ(migrated.error().code, Code::unsupported);
}

TEST_F(DatabaseTest, migrating_twice_changes_nothing) {
    auto database = open();
    ASSERT_TRUE(migrate(*database));
    ASSERT_TRUE(migrate(*database));
    EXPECT_EQ(count(*database, "SELECT count(*) FROM containers"), 0);
}

TEST_F(DatabaseTest, a_failing_step_leaves_the_schema_at_the_step_before) {
    auto database = open();
    const std::array steps = {Migration{1, "good", "CREATE TABLE a (x)"},
                              Migration{2, "bad", "CREATE TABLE b (x); CREATE NONSENSE"}};
    ASSERT_FALSE(migrate(*database, steps));
    EXPECT_EQ(count(*database, "PRAGMA user_version"), 1);
    EXPECT_EQ(count(*database, "SELECT count(*) FROM sqlite_master WHERE name = 'b'"), 0);
}

}  // namespace
}  // namespace davit::store
