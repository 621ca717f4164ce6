// SPDX-License-Identifier: Apache-2.0
#include "cli/new_container.hpp"

#include "cli/files.hpp"
#include "cli/output.hpp"
#include "cli/pull.hpp"
#include "cli/reference.hpp"
#include "cli/template/print.hpp"
#include "sdk/client/containers.hpp"

#include <unistd.h>

namespace davit::cli {
namespace {

Result<void> pull(Session& session, sdk::Client& client, const ContainerOptions& options,
                  const std::string& image) {
    auto reference = TRY(parse_reference(image));
    if (reference.tag.empty() && reference.digest.empty()) reference.tag = "latest";
    return pull_image(
        session, client,
        {std::move(reference), options.platform, options.quiet, STDERR_FILENO, options.storage});
}

std::string with_tag(const std::string& image) {
    const auto reference = parse_reference(image);
    return reference && reference->tag.empty() && reference->digest.empty() ? image + ":latest"
                                                                            : image;
}

Result<sdk::ContainerCreated> create(Session& session, sdk::Client& client,
                                     const ContainerOptions& options, const std::string& image,
                                     const std::string& body) {
    if (options.pull == "always") TRY(pull(session, client, options, image));
    auto created = sdk::create_container(client, options.name, options.platform, body);
    const bool missing = !created && created.error().code == Code::not_found &&
                         parse_reference(image) &&
                         (created.error().what.find("image") != std::string::npos);
    if (!missing || options.pull != "missing") return created;
    if (!options.quiet) print_error("Unable to find image '" + with_tag(image) + "' locally\n");
    TRY(pull(session, client, options, image));
    return sdk::create_container(client, options.name, options.platform, body);
}

}  // namespace

Result<std::string> create_container(Session& session, sdk::Client& client,
                                     const ContainerOptions& options, const std::string& image,
                                     boost::json::object body) {
    if (options.pull != "always" && options.pull != "missing" && options.pull != "never")
        return fail(Code::invalid, "invalid pull option: '", options.pull,
                    "': must be one of always, missing or never");
    if (!options.cidfile.empty() && ::access(options.cidfile.c_str(), F_OK) == 0)
        return fail(
            Code::exists,
            "container ID file found, make sure the other container isn't running or delete ",
            options.cidfile);
    const auto created = TRY(create(session, client, options, image, templates::to_json(body)));
    for (const auto& warning : created.warnings) print_error("WARNING: " + warning + "\n");
    if (!options.cidfile.empty()) TRY(create_file(options.cidfile, created.id));
    return created.id;
}

}  // namespace davit::cli
