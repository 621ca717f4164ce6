// SPDX-License-Identifier: Apache-2.0
// davit context create, ls, inspect, show, use, update, rm, export, import.
#include "cli/command.hpp"
#include "cli/contexts.hpp"
#include "cli/files.hpp"
#include "cli/listing.hpp"
#include "cli/object_format.hpp"
#include "cli/output.hpp"
#include "cli/view.hpp"
#include "sdk/base/json.hpp"

#include <boost/json/serialize.hpp>

#include <filesystem>

namespace davit::cli {
namespace {

namespace bj = boost::json;

// "host=tcp://…,ca=FILE,cert=FILE,key=FILE,skip-tls-verify=true", as docker's CLI takes it.
Result<void> read_endpoint(std::string_view text, Target& target) {
    bool skip_verify = false;
    while (!text.empty()) {
        const auto part = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), part.size() + 1));
        const auto equals = part.find('=');
        const auto key = part.substr(0, equals);
        const std::string value(equals == part.npos ? "" : part.substr(equals + 1));
        if (key == "host")
            target.host = value;
        else if (key == "ca")
            target.tls.authorities = value;
        else if (key == "cert")
            target.tls.certificate = value;
        else if (key == "key")
            target.tls.key = value;
        else if (key == "skip-tls-verify")
            skip_verify = value == "true" || value == "1";
        else
            return fail(Code::invalid, "unknown part ", key,
                        ": host, ca, cert, key and skip-tls-verify exist");
    }
    auto& tls = target.tls;
    tls.tls = skip_verify || !tls.authorities.empty() || !tls.certificate.empty();
    tls.verify = tls.tls && !skip_verify;
    return {};
}

bj::object shown(const Context& context) {
    const auto& target = context.target;
    bj::array files;
    for (const auto* file : {&target.tls.authorities, &target.tls.certificate, &target.tls.key})
        if (!file->empty()) files.emplace_back(*file);
    return {{"Name", context.name},
            {"Metadata", bj::object{{"Description", context.description}}},
            {"Endpoints",
             bj::object{
                 {"docker", bj::object{{"Host", target.host},
                                       {"SkipTLSVerify", target.tls.tls && !target.tls.verify}}}}},
            {"TLSMaterial", std::move(files)}};
}

class Edit : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(description_, "description", "TEXT", "What the context is for");
        flags.text(endpoint_, "docker", "KEY=VALUE,...",
                   "host=, ca=, cert=, key= and skip-tls-verify=");
    }

protected:
    Result<void> apply(Context& context) const {
        if (description_) context.description = *description_;
        if (endpoint_) TRY(read_endpoint(*endpoint_, context.target).context("read --docker"));
        return {};
    }
    std::optional<std::string> description_, endpoint_;
};

class Create final : public Edit {
public:
    void declare(Flags& flags) override {
        Edit::declare(flags);
        flags.text(from_, "from", "CONTEXT", "Begin with what this one says");
    }
    Result<int> run(Session&, const Strings& names) override {
        Context context;
        if (!from_.empty()) context = TRY(load_context(from_));
        context.name = names[0];
        TRY(apply(context));
        TRY(store_context(context, false));
        TRY(print(context.name + "\n"));
        return 0;
    }

private:
    std::string from_;
};

class Update final : public Edit {
public:
    Result<int> run(Session&, const Strings& names) override {
        Context context = TRY(load_context(names[0]));
        TRY(apply(context));
        TRY(store_context(context, true));
        TRY(print(context.name + "\n"));
        return 0;
    }
};

class List final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(format_, "format", "FORMAT",
                   "'table', 'table TEMPLATE', 'json' or a Go template");
        flags.toggle(quiet_, "q,quiet", "Show names only");
    }
    Result<int> run(Session& session, const Strings&) override {
        auto listing = TRY(Listing::create(
            quiet_ ? "{{.Name}}" : format_,
            "{{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}",
            {{"Name", "NAME"},
             {"Description", "DESCRIPTION"},
             {"DockerEndpoint", "DOCKER ENDPOINT"},
             {"Error", "ERROR"}}));
        const auto current = session.context_name();
        for (const auto& name : context_names()) {
            const auto context = load_context(name);
            const auto host = context ? context->target.host : std::string();
            TRY(listing.add({{"Name", name},
                             {"Current", name == current},
                             {"Description", context ? context->description : std::string()},
                             {"DockerEndpoint",
                              name == kDefaultContext ? "unix:///run/davit/davit.sock" : host},
                             {"Error", context ? std::string() : context.error().what}}));
        }
        TRY(print(TRY(listing.finish())));
        return 0;
    }

private:
    std::string format_;
    bool quiet_ = false;
};

class Inspect final : public Command {
public:
    void declare(Flags& flags) override {
        flags.text(format_, "f,format", "FORMAT", "'json' or a Go template");
    }
    Result<int> run(Session& session, const Strings& names) override {
        bj::array all;
        for (const auto& name : names.empty() ? Strings{session.context_name()} : names) {
            auto object = shown(TRY(load_context(name)));
            if (format_.empty())
                all.push_back(std::move(object));
            else
                TRY(print(TRY(format_object(object, format_))));
        }
        if (format_.empty()) TRY(print(json::pretty(all) + "\n"));
        return 0;
    }

private:
    std::string format_;
};

class Show final : public Command {
public:
    Result<int> run(Session& session, const Strings&) override {
        TRY(print(session.context_name() + "\n"));
        return 0;
    }
};

class Use final : public Command {
public:
    Result<int> run(Session&, const Strings& names) override {
        TRY(choose_context(names[0]));
        TRY(print(names[0] + "\n"));
        print_error("Current context is now \"" + names[0] + "\"\n");
        return 0;
    }
};

class Remove final : public Command {
public:
    void declare(Flags& flags) override {
        flags.toggle(force_, "f,force", "Also the one that is in use");
    }
    Result<int> run(Session&, const Strings& names) override {
        for (const auto& name : names) {
            const bool used = name == current_context();
            if (used && !force_)
                return fail(Code::busy, "context \"", name, "\" is in use; --force removes it");
            TRY(remove_context(name));
            if (used) TRY(choose_context(std::string(kDefaultContext)));
            TRY(print(name + "\n"));
        }
        return 0;
    }

private:
    bool force_ = false;
};

constexpr std::pair<const char*, std::string TlsOptions::*> kFiles[] = {
    {"ca.pem", &TlsOptions::authorities},
    {"cert.pem", &TlsOptions::certificate},
    {"key.pem", &TlsOptions::key}};

// One JSON document with the files in it: to be kept as one keeps a key.
class Export final : public Command {
public:
    Result<int> run(Session&, const Strings& words) override {
        const auto context = TRY(load_context(words[0]));
        auto document = shown(context);
        bj::object files;
        for (const auto& [name, member] : kFiles)
            if (const auto& path = context.target.tls.*member; !path.empty())
                files[name] = TRY(read_file(path));
        document["TLSMaterial"] = std::move(files);
        const auto text = json::pretty(document) + "\n";
        const auto path = words.size() > 1 ? words[1] : words[0] + ".davitcontext";
        if (path == "-") {
            TRY(print(text));
            return 0;
        }
        // Empty first: from its first byte on it is for nobody else's eyes.
        TRY(create_file(path, ""));
        std::filesystem::permissions(
            path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        TRY(replace_file(path, text));
        print_error("Written file \"" + path + "\"\n");
        return 0;
    }
};

class Import final : public Command {
public:
    Result<int> run(Session&, const Strings& words) override {
        const auto document = TRY(json::parse_object(TRY(read_file(words[1])), words[1]));
        const auto& docker = view::object(view::object(document, "Endpoints"), "docker");
        Context context{.name = words[0], .description = {}, .target = {}};
        context.description = view::string(view::object(document, "Metadata"), "Description");
        context.target.host = view::string(docker, "Host");
        TRY(store_context(context, false));
        const auto& files = view::object(document, "TLSMaterial");
        for (const auto& [name, member] : kFiles) {
            const auto text = view::string(files, name);
            if (text.empty()) continue;
            context.target.tls.*member = own_folder() + "/contexts/" + words[0] + "/" + name;
            TRY(replace_file(context.target.tls.*member, text));
        }
        const bool skips = view::boolean(docker, "SkipTLSVerify");
        context.target.tls.tls = skips || !files.empty();
        context.target.tls.verify = context.target.tls.tls && !skips;
        TRY(store_context(context, true));
        TRY(print(words[0] + "\n"));
        return 0;
    }
};

}  // namespace

std::unique_ptr<Command> make_context_create() { return std::make_unique<Create>(); }
std::unique_ptr<Command> make_context_export() { return std::make_unique<Export>(); }
std::unique_ptr<Command> make_context_import() { return std::make_unique<Import>(); }
std::unique_ptr<Command> make_context_inspect() { return std::make_unique<Inspect>(); }
std::unique_ptr<Command> make_context_list() { return std::make_unique<List>(); }
std::unique_ptr<Command> make_context_remove() { return std::make_unique<Remove>(); }
std::unique_ptr<Command> make_context_show() { return std::make_unique<Show>(); }
std::unique_ptr<Command> make_context_update() { return std::make_unique<Update>(); }
std::unique_ptr<Command> make_context_use() { return std::make_unique<Use>(); }

}  // namespace davit::cli
