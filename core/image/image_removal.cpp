// SPDX-License-Identifier: Apache-2.0
// Removing images as Docker does: names first, the image when none is left, its layers when nobody
// else uses them.
#include "core/image/image_store.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace davit::image {

using store::Database;
using store::Row;

namespace {

constexpr std::size_t kShortId = 12;

// "sha256:0123456789ab…" → "0123456789ab": as people see IDs.
std::string brief(std::string_view id) {
    if (id.starts_with("sha256:")) id.remove_prefix(7);
    return std::string(id.substr(0, kShortId));
}

// A name of an image: a tag, or a digest that it was pulled by.
struct Name {
    std::string repository, tag, digest;  // one of the last two
    std::string familiar() const {
        return familiar_repository(repository) + (digest.empty() ? ":" + tag : "@" + digest);
    }
};

struct User {
    std::string container;
    bool running;
};

Result<std::vector<Name>> names_of(Database::Session& session, const std::string& id) {
    std::vector<Name> names;
    TRY(session.each(
        "SELECT repository, tag FROM image_names WHERE image = ? ORDER BY repository, tag",
        [&](const Row& row) {
            names.push_back({row.text(0), row.text(1), {}});
        },
        id));
    TRY(session.each(
        "SELECT repository, digest FROM image_digests WHERE image = ? ORDER BY repository, digest",
        [&](const Row& row) {
            names.push_back({row.text(0), {}, row.text(1)});
        },
        id));
    return names;
}

Result<std::vector<User>> users_of(Database::Session& session, const std::string& id) {
    std::vector<User> users;
    TRY(session.each(
        "SELECT id, status IN ('running', 'paused', 'restarting') FROM containers "
        "WHERE image = ? AND status <> 'removing' ORDER BY 2 DESC, id",
        [&](const Row& row) {
            users.push_back({row.text(0), row.integer(1) != 0});
        },
        id));
    return users;
}

Result<bool> has_children(Database::Session& session, const std::string& id) {
    bool found = false;
    TRY(session.each(
        "SELECT 1 FROM images WHERE parent = ? LIMIT 1", [&](const Row&) { found = true; }, id));
    return found;
}

// At most one tag, and everything in one repository: then an ID stands for the names as well.
bool is_single(const std::vector<Name>& names) {
    const auto tags = std::count_if(names.begin(), names.end(),
                                    [](const Name& name) { return name.digest.empty(); });
    return names.size() <= 1 ||
           (tags <= 1 && std::all_of(names.begin(), names.end(), [&](const Name& name) {
                return name.repository == names.front().repository;
            }));
}

enum class Names { do_not_matter, count };

// Why an image cannot go. What is said to be forcible goes with force.
Result<void> check_removable(Database::Session& session, const std::string& id, bool force,
                             Names names) {
    const auto refuse = [&](std::string_view how, std::string_view why) {
        return fail(Code::conflict, "conflict: unable to delete ", brief(id), " (", how, ") - ",
                    why);
    };
    if (TRY(has_children(session, id)))
        return refuse("cannot be forced", "image has dependent child images");
    const auto users = TRY(users_of(session, id));
    for (const User& user : users)
        if (user.running)
            return refuse("cannot be forced",
                          "image is being used by running container " + brief(user.container));
    if (force) return {};
    if (names == Names::count && !TRY(names_of(session, id)).empty())
        return refuse("must be forced", "image is referenced in multiple repositories");
    if (!users.empty())
        return refuse("must be forced",
                      "image is being used by stopped container " + brief(users.front().container));
    return {};
}

Result<void> untag(Database::Session& session, const Name& name, Removed& removed) {
    if (name.digest.empty()) {
        TRY(session.run("DELETE FROM image_names WHERE repository = ? AND tag = ?", name.repository,
                        name.tag));
    } else {
        TRY(session.run("DELETE FROM image_digests WHERE repository = ? AND digest = ?",
                        name.repository, name.digest));
    }
    removed.untagged.push_back(name.familiar());
    return {};
}

Result<void> untag_all(Database::Session& session, const std::string& id, Removed& removed) {
    for (const Name& name : TRY(names_of(session, id))) TRY(untag(session, name, removed));
    return {};
}

// Removes the one name, and with the last tag of a repository the digests that came with it.
// Answers whether another name is left.
Result<bool> untag_one(Database::Session& session, const std::string& id, const Name& name,
                       Removed& removed) {
    TRY(untag(session, name, removed));
    auto left = TRY(names_of(session, id));
    const bool tag_left = std::any_of(left.begin(), left.end(), [&](const Name& other) {
        return other.digest.empty() && other.repository == name.repository;
    });
    if (name.digest.empty() && !tag_left)
        for (const Name& other : left)
            if (other.repository == name.repository) TRY(untag(session, other, removed));
    return !TRY(names_of(session, id)).empty();
}

// An ID or the beginning of one, as opposed to a name.
bool names_id(std::string_view name, std::string_view id) {
    if (name.starts_with("sha256:")) name.remove_prefix(7);
    id.remove_prefix(7);
    return id.starts_with(name);
}

Result<Name> name_of(std::string_view text) {
    const Reference reference = TRY(Reference::parse(text)).with_latest();
    if (reference.digest()) return Name{reference.repository(), {}, reference.digest()->text()};
    return Name{reference.repository(), *reference.tag(), {}};
}

Result<void> check_untag(Database::Session& session, const std::string& id, std::string_view name) {
    if (!is_single(TRY(names_of(session, id)))) return {};
    const auto users = TRY(users_of(session, id));
    if (users.empty()) return {};
    return fail(Code::conflict, "conflict: unable to remove repository reference \"", name,
                "\" (must force) - container ", brief(users.front().container),
                " is using its referenced image ", brief(id));
}

Result<std::vector<std::string>> manifests_of(Database::Session& session, const std::string& id) {
    std::vector<std::string> digests;
    TRY(session.each(
        "SELECT digest FROM manifests WHERE image = ?",
        [&](const Row& row) { digests.push_back(row.text(0)); }, id));
    return digests;
}

}  // namespace

Result<Removed> ImageStore::remove(std::string_view name, RemoveOptions options) {
    Removed removed;
    const auto removal = layers_.removal_lock();
    std::string id = TRY(resolve(name));
    removed.image = id;
    {
        auto transaction = TRY(database_.begin());
        const auto names = TRY(names_of(transaction, id));
        bool left = false;
        if (!names_id(name, id)) {
            if (!options.force) TRY(check_untag(transaction, id, name));
            left = TRY(untag_one(transaction, id, TRY(name_of(name)), removed));
            if (!left) {
                // The last name went: the image follows, or stays without a name when something
                // still needs it.
                const auto removable =
                    check_removable(transaction, id, options.force, Names::count);
                if (!removable && !options.force) return removable.error();
                left = !removable;
            }
        } else {
            const bool single = is_single(names);
            TRY(check_removable(transaction, id, options.force,
                                single ? Names::do_not_matter : Names::count));
            TRY(untag_all(transaction, id, removed));
        }
        TRY(transaction.commit());
        if (left) return removed;
    }
    while (!id.empty()) {
        const std::string parent = TRY(get(id)).parent;
        TRY(remove_image(id));
        removed.deleted.push_back(std::exchange(id, {}));
        if (parent.empty() || !options.prune_parents) break;
        // Parents of images built here go with their last child, unless they have names or users.
        auto session = database_.session();
        const bool named = !TRY(names_of(session, parent)).empty();
        if (!named && check_removable(session, parent, false, Names::count)) id = parent;
    }
    TRY(remove_layers(removal, removed));
    return removed;
}

// The rows of one image and its documents. The caller holds the removal lock.
Result<void> ImageStore::remove_image(const std::string& id) {
    auto transaction = TRY(database_.begin());
    auto documents = TRY(manifests_of(transaction, id));
    documents.push_back(id);
    TRY(transaction.run("DELETE FROM images WHERE id = ?", id));
    // An index is shared by the images of its platforms.
    std::set<std::string> shared;
    for (const std::string& digest : documents)
        TRY(transaction.each(
            "SELECT digest FROM manifests WHERE digest = ?",
            [&](const Row& row) { shared.insert(row.text(0)); }, digest));
    TRY(transaction.commit());
    for (const std::string& digest : documents)
        if (!shared.contains(digest)) TRY(content_.remove(TRY(Digest::parse(digest))));
    return {};
}

Result<std::vector<std::string>> ImageStore::settle_unsynced(Boot boot) {
    std::set<std::string> instances, images, kept;
    {
        auto session = database_.session();
        TRY(session.each("SELECT DISTINCT instance FROM layer_instances WHERE synced = 0",
                         [&](const Row& row) { instances.insert(row.text(0)); }));
        TRY(
            session.each("SELECT DISTINCT u.image FROM image_layers u JOIN layer_instances i ON "
                         "i.layer = u.layer "
                         "WHERE i.synced = 0",
                         [&](const Row& row) { images.insert(row.text(0)); }));
    }
    if (boot == Boot::unclean) {
        const auto removal = layers_.removal_lock();
        for (const std::string& id : images) {
            auto session = std::make_unique<Database::Session>(database_.session());
            const bool used = !TRY(users_of(*session, id)).empty();
            session.reset();
            if (used) {
                kept.insert(id);
            } else {
                TRY(remove_image(id));
            }
        }
        Removed removed;
        TRY(remove_layers(removal, removed));
    }
    for (const std::string& instance : instances)
        if (auto storage = find_storage_(instance)) sync_later(*storage);
    return std::vector<std::string>(kept.begin(), kept.end());
}

}  // namespace davit::image
