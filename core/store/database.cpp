// SPDX-License-Identifier: Apache-2.0
#include "core/store/database.hpp"

#include <sqlite3.h>

namespace davit::store {

namespace {

// One daemon holds the file (seams rule 1), so the lock is exclusive: no shared-memory file, no
// lock system calls for each statement. The page cache is small because the kernel caches the file
// as well.
constexpr const char* kPragmas =
    "PRAGMA locking_mode=EXCLUSIVE;"
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=NORMAL;"
    "PRAGMA foreign_keys=ON;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA cache_size=-512;";

Code code_of(int sqlite) {
    switch (sqlite & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return Code::busy;
        case SQLITE_FULL: return Code::no_space;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return Code::corrupt;
        case SQLITE_CONSTRAINT: return Code::conflict;
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH: return Code::denied;
        case SQLITE_CANTOPEN:
        case SQLITE_IOERR: return Code::unavailable;
        default: return Code::internal;
    }
}

}  // namespace

bool Row::null(int column) const {
    return ::sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Row::integer(int column) const { return ::sqlite3_column_int64(statement_, column); }

std::string_view Row::view(int column) const {
    const auto* data = reinterpret_cast<const char*>(::sqlite3_column_text(statement_, column));
    if (data == nullptr) return {};
    return {data, static_cast<std::size_t>(::sqlite3_column_bytes(statement_, column))};
}

Error Database::error(std::string_view doing) const {
    return fail(code_of(::sqlite3_extended_errcode(handle_)), doing, ": ",
                ::sqlite3_errmsg(handle_));
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path) {
    sqlite3* handle = nullptr;
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int opened = ::sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
    std::unique_ptr<Database> database(new Database(handle));
    if (opened != SQLITE_OK) return database->error("open " + path);
    auto pragmas = database->session().script(kPragmas);
    if (!pragmas) return std::move(pragmas).error().context("open ", path);
    return database;
}

Database::~Database() {
    for (auto& [sql, statement] : statements_) ::sqlite3_finalize(statement);
    ::sqlite3_close(handle_);
}

Database::Session Database::session() { return Session(*this, std::unique_lock(mutex_)); }

Result<Database::Transaction> Database::begin(Durability durability) {
    Session opened = session();
    const bool full = durability == Durability::power_loss;
    if (full)
        TRY(opened.script(
            "PRAGMA synchronous=FULL"));  // has no effect inside a transaction, so before it
    TRY(opened.run("BEGIN IMMEDIATE"));
    return Transaction(std::move(opened), full);
}

Result<sqlite3_stmt*> Database::prepare(const char* sql) {
    if (auto known = statements_.find(std::string_view(sql)); known != statements_.end())
        return known->second;
    sqlite3_stmt* statement = nullptr;
    if (::sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
        SQLITE_OK)
        return error(std::string("prepare \"") + sql + '"');
    statements_.emplace(sql, statement);
    return statement;
}

// Texts are bound without a copy: the arguments outlive the statement's run.
void Database::Session::bind(sqlite3_stmt* statement, int position, std::int64_t value) {
    ::sqlite3_bind_int64(statement, position, value);
}

void Database::Session::bind(sqlite3_stmt* statement, int position, std::string_view value) {
    ::sqlite3_bind_text64(statement, position, value.data() == nullptr ? "" : value.data(),
                          value.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Database::Session::bind(sqlite3_stmt* statement, int position, std::nullopt_t) {
    ::sqlite3_bind_null(statement, position);
}

Result<void> Database::Session::step(sqlite3_stmt* statement, const char* sql,
                                     const std::function<Result<void>(const Row&)>& row) {
    Result<void> outcome;
    int code = SQLITE_ROW;
    while (outcome && (code = ::sqlite3_step(statement)) == SQLITE_ROW)
        outcome = row(Row(statement));
    if (outcome && code != SQLITE_DONE)
        outcome = database_->error(std::string("run \"") + sql + '"');
    ::sqlite3_reset(statement);
    ::sqlite3_clear_bindings(statement);
    return outcome;
}

Result<void> Database::Session::script(const char* sql) {
    if (::sqlite3_exec(database_->handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        return database_->error("run script");
    return {};
}

std::int64_t Database::Session::changes() const { return ::sqlite3_changes64(database_->handle_); }

Database::Transaction::~Transaction() {
    if (!open_) return;
    (void)run("ROLLBACK");  // fails only when SQLite has rolled back by itself
    end();
}

Result<void> Database::Transaction::commit() {
    auto done = run("COMMIT");
    if (!done) return done;  // still open: the destructor rolls back
    open_ = false;
    end();
    return {};
}

void Database::Transaction::end() {
    if (full_) (void)script("PRAGMA synchronous=NORMAL");
}

}  // namespace davit::store
