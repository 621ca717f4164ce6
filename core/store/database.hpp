// SPDX-License-Identifier: Apache-2.0
// SQLite as core uses it: one connection, one user at a time. A Session holds the database while it
// lives; a Transaction is a Session that takes everything back unless committed. Thread-safe;
// sessions must be short and no driver is called while one is held (lock order: container, network,
// store).
#pragma once

#include "sdk/base/result.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

struct sqlite3;
struct sqlite3_stmt;

namespace davit::store {

// One row of an answer. Valid inside the callback only; texts are borrowed from SQLite.
class Row {
public:
    explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
    bool null(int column) const;
    std::int64_t integer(int column) const;
    std::string_view view(int column) const;
    std::string text(int column) const { return std::string(view(column)); }

private:
    sqlite3_stmt* statement_;
};

// What a transaction survives once it is committed (seams rule 14).
enum class Durability {
    daemon_crash,  // the default: the file is consistent after power loss, the last transactions
                   // may be missing
    power_loss,    // committed means on disk
};

class Database {
public:
    class Session;
    class Transaction;

    // Opens or creates the file. `unavailable` when another process holds it, `corrupt` when it is
    // damaged.
    static Result<std::unique_ptr<Database>> open(const std::string& path);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    Session session();  // waits for the others
    Result<Transaction> begin(Durability durability = Durability::daemon_crash);

private:
    explicit Database(sqlite3* handle) : handle_(handle) {}
    Result<sqlite3_stmt*> prepare(const char* sql);
    Error error(std::string_view doing) const;

    sqlite3* handle_;
    std::mutex mutex_;
    std::map<std::string, sqlite3_stmt*, std::less<>>
        statements_;  // SQL text to its compiled form, kept for reuse
};

class Database::Session {
public:
    Session(Session&&) = default;

    // Runs one statement; arguments replace its `?`: integers, texts, std::nullopt and optionals of
    // both.
    template <class... Arguments>
    Result<void> run(const char* sql, const Arguments&... arguments) {
        return each(
            sql, [](const Row&) { return Result<void>(); }, arguments...);
    }
    // Calls `row(const Row&)` for every row; an error of it ends the statement and is returned.
    template <class RowCallback, class... Arguments>
    Result<void> each(const char* sql, RowCallback row, const Arguments&... arguments) {
        sqlite3_stmt* statement = TRY(database_->prepare(sql));
        int position = 0;
        (bind(statement, ++position, arguments), ...);
        return step(statement, sql, [&](const Row& found) -> Result<void> {
            if constexpr (std::is_void_v<decltype(row(found))>) {
                row(found);
                return {};
            } else {
                return row(found);
            }
        });
    }
    // Runs several statements separated by `;` without arguments (migrations, pragmas).
    Result<void> script(const char* sql);
    std::int64_t changes() const;  // rows that the last run() changed

protected:
    friend class Database;
    Session(Database& database, std::unique_lock<std::mutex> lock)
        : database_(&database), lock_(std::move(lock)) {}

    static void bind(sqlite3_stmt* statement, int position, std::int64_t value);
    static void bind(sqlite3_stmt* statement, int position, std::string_view value);
    static void bind(sqlite3_stmt* statement, int position, std::nullopt_t);
    template <class Integer>
    requires std::is_integral_v<Integer>
    static void bind(sqlite3_stmt* statement, int position, Integer value) {
        bind(statement, position, static_cast<std::int64_t>(value));
    }
    static void bind(sqlite3_stmt* statement, int position, const char* value) {
        bind(statement, position, std::string_view(value));
    }
    static void bind(sqlite3_stmt* statement, int position, const std::string& value) {
        bind(statement, position, std::string_view(value));
    }
    template <class Value>
    static void bind(sqlite3_stmt* statement, int position, const std::optional<Value>& value) {
        value ? bind(statement, position, *value) : bind(statement, position, std::nullopt);
    }
    Result<void> step(sqlite3_stmt* statement, const char* sql,
                      const std::function<Result<void>(const Row&)>& row);

    Database* database_;
    std::unique_lock<std::mutex> lock_;
};

class Database::Transaction : public Database::Session {
public:
    Transaction(Transaction&& other) noexcept
        : Session(std::move(other)), open_(std::exchange(other.open_, false)), full_(other.full_) {}
    ~Transaction();  // takes back what was not committed
    Result<void> commit();

private:
    friend class Database;
    Transaction(Session session, bool full) : Session(std::move(session)), full_(full) {}
    void end();
    bool open_ = true;
    bool full_;
};

}  // namespace davit::store
