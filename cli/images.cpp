// SPDX-License-Identifier: Apache-2.0
#include "sdk/client/images.hpp"
#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/listing.hpp"
#include "cli/output.hpp"
#include "cli/units.hpp"
#include "cli/view.hpp"

#include <ctime>
#include <map>

namespace davit::cli {
namespace {

namespace bj = boost::json;

constexpr std::string_view kTable =
    "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";
constexpr std::string_view kDigestTable =
    "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";
constexpr std::string_view kNone = "<none>";

struct Line {
    std::string repository{kNone}, tag{kNone}, digest{kNone};
};

std::string familiar(std::string_view name) {
    for (const std::string_view prefix : {"docker.io/library/", "docker.io/"})
        if (name.starts_with(prefix)) return std::string(name.substr(prefix.size()));
    return std::string(name);
}

// One line for each name of the image; with digests one for each pair of tag and digest of a
// repository.
std::vector<Line> lines_of(const bj::object& image, bool with_digests) {
    std::map<std::string, Strings> tags, digests;
    for (const auto& entry : view::array(image, "RepoTags")) {
        const auto text = view::as_string(entry);
        const auto colon = text.rfind(':');
        if (text != "<none>:<none>" && colon != std::string_view::npos)
            tags[familiar(text.substr(0, colon))].emplace_back(text.substr(colon + 1));
    }
    for (const auto& entry : view::array(image, "RepoDigests")) {
        const auto text = view::as_string(entry);
        const auto at = text.find('@');
        if (!text.starts_with("<none>") && at != std::string_view::npos)
            digests[familiar(text.substr(0, at))].emplace_back(text.substr(at + 1));
    }
    std::vector<Line> lines;
    for (const auto& [repository, names] : tags) {
        const auto known = digests.find(repository);
        for (const auto& tag : names) {
            if (!with_digests || known == digests.end()) {
                lines.push_back({repository, tag, std::string(kNone)});
                continue;
            }
            for (const auto& digest : known->second) lines.push_back({repository, tag, digest});
        }
        if (known != digests.end()) digests.erase(known);
    }
    // What was pulled by digest has no tag.
    for (const auto& [repository, known] : digests)
        for (const auto& digest : known) lines.push_back({repository, std::string(kNone), digest});
    if (lines.empty()) lines.emplace_back();
    return lines;
}

std::string created_text(std::int64_t seconds) {
    const auto when = static_cast<std::time_t>(seconds);
    std::tm parts{};
    ::localtime_r(&when, &parts);
    char buffer[64];
    return {buffer, std::strftime(buffer, sizeof buffer, "%Y-%m-%d %H:%M:%S %z %Z", &parts)};
}

class Images final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(which_.all, "a,all", "Show images that others were built on as well");
        flags.toggle(which_.digests, "digests", "Show digests");
        flags.list(filters_, "f,filter", "KEY=VALUE",
                   "Show those that fit: reference, dangling, label, before, since");
        flags.text(format_, "format", "FORMAT",
                   "'table', 'table TEMPLATE', 'json' or a Go template");
        flags.toggle(whole_, "no-trunc", "Show ids in full");
        flags.toggle(quiet_, "q,quiet", "Show ids only");
    }

    Result<int> run(Session& session, const Strings& operands) override {
        if (!operands.empty()) filters_.push_back("reference=" + operands[0]);
        which_.filters = TRY(filters_json(filters_));
        auto listing = TRY(Listing::create(quiet_ ? "{{.ID}}" : format_,
                                           which_.digests ? kDigestTable : kTable,
                                           {{"Repository", "REPOSITORY"},
                                            {"Tag", "TAG"},
                                            {"Digest", "DIGEST"},
                                            {"ID", "IMAGE ID"},
                                            {"CreatedSince", "CREATED"},
                                            {"CreatedAt", "CREATED AT"},
                                            {"Size", "SIZE"},
                                            {"Containers", "CONTAINERS"},
                                            {"VirtualSize", "SIZE"},
                                            {"SharedSize", "SHARED SIZE"},
                                            {"UniqueSize", "UNIQUE SIZE"}}));
        auto* client = TRY(session.client());
        const auto images = TRY(sdk::list_images(*client, which_));
        const bool digests = which_.digests || listing.wants(".Digest");
        if (const auto* all = images.if_array())
            for (const auto& image : *all) TRY(show(listing, view::as_object(image), digests));
        const auto text = TRY(listing.finish());
        TRY(print(text));
        return 0;
    }

private:
    Result<void> show(Listing& listing, const bj::object& image, bool digests) const {
        const auto now = static_cast<std::int64_t>(::time(nullptr));
        const auto id = view::string(image, "Id");
        const auto created = view::number(image, "Created");
        const auto size_text = [&](std::string_view key) {
            const auto size = view::number(image, key);
            return view::text(size < 0 ? "N/A" : human_size(static_cast<double>(size), 3));
        };
        bj::object row;
        row["ID"] = view::text(whole_ ? std::string(id) : short_id(id));
        row["CreatedSince"] =
            view::text(created == 0 ? "N/A" : human_duration(now - created) + " ago");
        row["CreatedAt"] = view::text(created_text(created));
        row["Size"] = size_text("Size");
        row["VirtualSize"] =
            view::text(human_size(static_cast<double>(view::number(image, "Size"))));
        row["SharedSize"] = size_text("SharedSize");
        row["UniqueSize"] = "N/A";
        const auto containers = view::number(image, "Containers");
        row["Containers"] = view::text(containers < 0 ? "N/A" : std::to_string(containers));
        for (const auto& line : lines_of(image, digests)) {
            row["Repository"] = view::text(line.repository);
            row["Tag"] = view::text(line.tag);
            row["Digest"] = view::text(line.digest);
            TRY(listing.add(row));
            if (quiet_) break;
        }
        return {};
    }

    sdk::ListImages which_;
    Strings filters_;
    std::string format_;
    bool whole_ = false, quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_images() { return std::make_unique<Images>(); }

}  // namespace davit::cli
