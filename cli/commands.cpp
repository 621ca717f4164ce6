// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.hpp"

#include <algorithm>

namespace davit::cli {

std::unique_ptr<Command> make_attach();
std::unique_ptr<Command> make_complete();
std::unique_ptr<Command> make_container_prune();
std::unique_ptr<Command> make_commit();
std::unique_ptr<Command> make_context_create();
std::unique_ptr<Command> make_context_export();
std::unique_ptr<Command> make_context_import();
std::unique_ptr<Command> make_context_inspect();
std::unique_ptr<Command> make_context_list();
std::unique_ptr<Command> make_context_remove();
std::unique_ptr<Command> make_context_show();
std::unique_ptr<Command> make_context_update();
std::unique_ptr<Command> make_context_use();
std::unique_ptr<Command> make_cp();
std::unique_ptr<Command> make_create();
std::unique_ptr<Command> make_dial_stdio();
std::unique_ptr<Command> make_diff();
std::unique_ptr<Command> make_driver_inspect();
std::unique_ptr<Command> make_driver_list();
std::unique_ptr<Command> make_events();
std::unique_ptr<Command> make_exec();
std::unique_ptr<Command> make_export();
std::unique_ptr<Command> make_history();
std::unique_ptr<Command> make_image_prune();
std::unique_ptr<Command> make_images();
std::unique_ptr<Command> make_import();
std::unique_ptr<Command> make_info();
std::unique_ptr<Command> make_inspect();
std::unique_ptr<Command> make_inspect_container();
std::unique_ptr<Command> make_inspect_image();
std::unique_ptr<Command> make_job_cancel();
std::unique_ptr<Command> make_job_list();
std::unique_ptr<Command> make_job_watch();
std::unique_ptr<Command> make_kill();
std::unique_ptr<Command> make_load();
std::unique_ptr<Command> make_login();
std::unique_ptr<Command> make_logout();
std::unique_ptr<Command> make_logs();
std::unique_ptr<Command> make_pause();
std::unique_ptr<Command> make_port();
std::unique_ptr<Command> make_manual();
std::unique_ptr<Command> make_network_connect();
std::unique_ptr<Command> make_network_create();
std::unique_ptr<Command> make_network_disconnect();
std::unique_ptr<Command> make_network_inspect();
std::unique_ptr<Command> make_network_list();
std::unique_ptr<Command> make_network_prune();
std::unique_ptr<Command> make_network_remove();
std::unique_ptr<Command> make_ps();
std::unique_ptr<Command> make_pull();
std::unique_ptr<Command> make_push();
std::unique_ptr<Command> make_rename();
std::unique_ptr<Command> make_restart();
std::unique_ptr<Command> make_rm();
std::unique_ptr<Command> make_rmi();
std::unique_ptr<Command> make_run();
std::unique_ptr<Command> make_save();
std::unique_ptr<Command> make_start();
std::unique_ptr<Command> make_stats();
std::unique_ptr<Command> make_stop();
std::unique_ptr<Command> make_system_df();
std::unique_ptr<Command> make_system_prune();
std::unique_ptr<Command> make_tag();
std::unique_ptr<Command> make_top();
std::unique_ptr<Command> make_unpause();
std::unique_ptr<Command> make_update();
std::unique_ptr<Command> make_version();
std::unique_ptr<Command> make_volume_create();
std::unique_ptr<Command> make_volume_inspect();
std::unique_ptr<Command> make_volume_list();
std::unique_ptr<Command> make_volume_prune();
std::unique_ptr<Command> make_volume_remove();
std::unique_ptr<Command> make_wait();

namespace {

constexpr std::size_t kMany = 1u << 30;
constexpr std::string_view kContainers = "Containers", kImages = "Images and registries",
                           kVolumes = "Volumes", kNetworks = "Networks", kEngine = "Engine";

constexpr CommandEntry kCommands[] = {
    {"run, container run", kContainers, "[OPTIONS] IMAGE [COMMAND] [ARG...]",
     "Create and start a container from an image", 1, kMany, true, make_run,
     "davit run --rm -it debian bash                    a shell that leaves nothing behind\n"
     "davit run -d --name web -p 8080:80 nginx          a server in the background\n"
     "davit run --rm -v \"$PWD\":/src -w /src gcc make    work on files of the host\n"
     "davit run --rm -m 512m --cpus 1.5 alpine sh -c …  with limits"},
    {"create, container create", kContainers, "[OPTIONS] IMAGE [COMMAND] [ARG...]",
     "Create a container without starting it", 1, kMany, true, make_create,
     "davit create --name web -p 8080:80 nginx"},
    {"start, container start", kContainers, "[OPTIONS] CONTAINER [CONTAINER...]",
     "Start containers that are stopped", 1, kMany, false, make_start,
     "davit start -ai shell    start it and use it from this terminal"},
    {"stop, container stop", kContainers, "[OPTIONS] CONTAINER [CONTAINER...]",
     "Stop containers, politely first", 1, kMany, false, make_stop,
     "davit stop -t 30 db    give it 30 seconds before it is killed"},
    {"kill, container kill", kContainers, "[OPTIONS] CONTAINER [CONTAINER...]",
     "Kill containers or send them a signal", 1, kMany, false, make_kill, "davit kill -s HUP web"},
    {"restart, container restart", kContainers, "[OPTIONS] CONTAINER [CONTAINER...]",
     "Stop containers and start them again", 1, kMany, false, make_restart,
     "davit restart -t 30 db    give it 30 seconds before it is killed"},
    {"pause, container pause", kContainers, "CONTAINER [CONTAINER...]",
     "Freeze all processes of containers", 1, kMany, false, make_pause, "davit pause web"},
    {"unpause, container unpause", kContainers, "CONTAINER [CONTAINER...]",
     "Let paused containers go on", 1, kMany, false, make_unpause, "davit unpause web"},
    {"wait, container wait", kContainers, "CONTAINER [CONTAINER...]",
     "Wait until containers stop and print their exit codes", 1, kMany, false, make_wait, ""},
    {"rm, container rm, container remove", kContainers, "[OPTIONS] CONTAINER [CONTAINER...]",
     "Remove containers", 1, kMany, false, make_rm,
     "davit rm -f $(davit ps -aq)    all of them, running or not"},
    {"container prune", kContainers, "[OPTIONS]", "Remove all containers that do not run", 0, 0,
     false, make_container_prune, "davit container prune -f --filter until=24h"},
    {"rename, container rename", kContainers, "CONTAINER NAME", "Give a container another name", 2,
     2, false, make_rename, "davit rename web old-web"},
    {"ps, container ls, container list, container ps", kContainers, "[OPTIONS]", "List containers",
     0, 0, false, make_ps,
     "davit ps -a --filter status=exited\n"
     "davit ps --format 'table {{.Names}}\\t{{.Status}}\\t{{.Ports}}'\n"
     "davit ps --format json"},
    {"logs, container logs", kContainers, "[OPTIONS] CONTAINER",
     "Show what a container has written", 1, 1, false, make_logs,
     "davit logs -f --tail 100 web\n"
     "davit logs --since 10m -t web"},
    {"top, container top", kContainers, "CONTAINER [PS-OPTION...]",
     "Show the processes of a container", 1, kMany, true, make_top,
     "davit top web -o pid,user,rss,args    with other columns of ps"},
    {"stats, container stats", kContainers, "[OPTIONS] [CONTAINER...]",
     "Show what containers use, as it changes", 0, kMany, false, make_stats,
     "davit stats --no-stream --format 'table {{.Name}}\\t{{.CPUPerc}}\\t{{.MemUsage}}'"},
    {"update, container update", kContainers, "[OPTIONS] CONTAINER [CONTAINER...]",
     "Change limits and restart policy of containers", 1, kMany, false, make_update,
     "davit update -m 1g --memory-swap 1g --cpus 2 db\n"
     "davit update --restart unless-stopped db web"},
    {"port, container port", kContainers, "CONTAINER [PORT[/PROTOCOL]]",
     "Show where a container's ports are published", 1, 2, false, make_port, "davit port web 80"},
    {"exec, container exec", kContainers, "[OPTIONS] CONTAINER COMMAND [ARG...]",
     "Run a further command in a running container", 2, kMany, true, make_exec,
     "davit exec -it web sh"},
    {"attach, container attach", kContainers, "[OPTIONS] CONTAINER",
     "Use a running container from this terminal", 1, 1, false, make_attach,
     "davit attach --detach-keys ctrl-x web"},
    {"diff, container diff", kContainers, "CONTAINER", "Show what a container has changed", 1, 1,
     false, make_diff, ""},
    {"commit, container commit", kContainers, "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
     "Make an image of a container", 1, 2, false, make_commit,
     "davit commit -m 'with vim' -c 'CMD [\"vim\"]' shell tools:1"},
    {"export, container export", kContainers, "[OPTIONS] CONTAINER",
     "Write a container's files to an archive", 1, 1, false, make_export,
     "davit export web | tar t"},
    {"cp, container cp", kContainers,
     "[OPTIONS] CONTAINER:SOURCE|SOURCE|- CONTAINER:TARGET|TARGET|-",
     "Copy files into or out of a container", 2, 2, false, make_cp,
     "davit cp web:/etc/nginx/nginx.conf .      the container need not run\n"
     "davit cp site/. web:/usr/share/nginx/html  what lies in a directory\n"
     "davit cp web:/var/log - | tar -t"},
    {"container inspect", "", "[OPTIONS] CONTAINER [CONTAINER...]", "Show all about containers", 1,
     kMany, false, make_inspect_container, ""},

    {"pull, image pull", kImages, "[OPTIONS] NAME[:TAG|@DIGEST]", "Fetch an image from a registry",
     1, 1, false, make_pull,
     "davit pull --platform linux/arm64 debian:12\n"
     "davit pull localhost:5000/nginx"},
    {"push, image push", kImages, "[OPTIONS] NAME[:TAG]", "Send an image to a registry", 1, 1,
     false, make_push, "davit push localhost:5000/team/app:1.2"},
    {"save, image save", kImages, "[OPTIONS] IMAGE [IMAGE...]",
     "Write images to an archive that every engine loads", 1, kMany, false, make_save,
     "davit save nginx:1.27 | zstd > nginx.tar.zst\n"
     "davit save -o both.tar nginx postgres"},
    {"load, image load", kImages, "[OPTIONS]", "Read images from an archive", 0, 0, false,
     make_load, "davit load -i nginx.tar.zst"},
    {"import, image import", kImages, "[OPTIONS] FILE|- [REPOSITORY[:TAG]]",
     "Make an image of an archive of files", 1, 2, false, make_import,
     "tar c -C /srv/root . | davit import -c 'CMD [\"/bin/sh\"]' - base:1"},
    {"images, image ls, image list", kImages, "[OPTIONS] [REPOSITORY[:TAG]]", "List images", 0, 1,
     false, make_images, "davit images --filter dangling=true -q"},
    {"rmi, image rm, image remove", kImages, "[OPTIONS] IMAGE [IMAGE...]", "Remove images", 1,
     kMany, false, make_rmi, ""},
    {"tag, image tag", kImages, "IMAGE[:TAG] NEW_NAME[:TAG]", "Give an image one more name", 2, 2,
     false, make_tag, "davit tag app registry.example:5000/team/app:1.2"},
    {"history, image history", kImages, "[OPTIONS] IMAGE", "Show how an image came about", 1, 1,
     false, make_history, "davit history --no-trunc --format '{{.CreatedBy}}' nginx"},
    {"image prune", kImages, "[OPTIONS]", "Remove images that nobody uses", 0, 0, false,
     make_image_prune,
     "davit image prune -f                              those without a name\n"
     "davit image prune -af --filter until=240h         all that are not used and ten days old"},
    {"image inspect", "", "[OPTIONS] IMAGE [IMAGE...]", "Show all about images", 1, kMany, false,
     make_inspect_image, ""},
    {"login", kImages, "[OPTIONS] [SERVER]", "Keep the credentials of a registry", 0, 1, false,
     make_login,
     "pass show registry | davit login -u alice --password-stdin registry.example:5000"},
    {"logout", kImages, "[SERVER]", "Forget the credentials of a registry", 0, 1, false,
     make_logout, ""},

    {"network create", kNetworks, "[OPTIONS] NETWORK", "Make a network", 1, 1, false,
     make_network_create,
     "davit network create front\n"
     "davit network create --subnet 10.5.0.0/16 --ip-range 10.5.1.0/24 fixed\n"
     "davit network create --internal --ipv6 back"},
    {"network ls, network list", kNetworks, "[OPTIONS]", "List networks", 0, 0, false,
     make_network_list, "davit network ls --filter type=custom"},
    {"network inspect", kNetworks, "[OPTIONS] NETWORK [NETWORK...]", "Show all about networks", 1,
     kMany, false, make_network_inspect,
     "davit network inspect -f '{{range .Containers}}{{println .Name .IPv4Address}}{{end}}' front"},
    {"network connect", kNetworks, "[OPTIONS] NETWORK CONTAINER",
     "Connect a container to a network", 2, 2, false, make_network_connect,
     "davit network connect --alias db back postgres"},
    {"network disconnect", kNetworks, "[OPTIONS] NETWORK CONTAINER",
     "Disconnect a container from a network", 2, 2, false, make_network_disconnect, ""},
    {"network rm, network remove", kNetworks, "[OPTIONS] NETWORK [NETWORK...]", "Remove networks",
     1, kMany, false, make_network_remove, ""},
    {"network prune", kNetworks, "[OPTIONS]", "Remove networks that no container uses", 0, 0, false,
     make_network_prune, "davit network prune -f --filter label=temporary"},

    {"volume create", kVolumes, "[OPTIONS] [VOLUME]", "Make a volume", 0, 1, false,
     make_volume_create,
     "davit volume create data\n"
     "davit volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=64m scratch\n"
     "davit volume create --opt type=nfs --opt device=:/export --opt o=addr=nas,vers=4 shared"},
    {"volume ls, volume list", kVolumes, "[OPTIONS]", "List volumes", 0, 0, false, make_volume_list,
     "davit volume ls -q --filter dangling=true"},
    {"volume inspect", kVolumes, "[OPTIONS] VOLUME [VOLUME...]", "Show all about volumes", 1, kMany,
     false, make_volume_inspect, "davit volume inspect -f '{{.Mountpoint}}' data"},
    {"volume rm, volume remove", kVolumes, "[OPTIONS] VOLUME [VOLUME...]", "Remove volumes", 1,
     kMany, false, make_volume_remove, ""},
    {"volume prune", kVolumes, "[OPTIONS]", "Remove volumes that no container uses", 0, 0, false,
     make_volume_prune, "davit volume prune -af"},

    {"inspect", kEngine, "[OPTIONS] NAME|ID [NAME|ID...]",
     "Show all about containers, images, networks or volumes", 1, kMany, false, make_inspect,
     "davit inspect -f '{{.State.Status}} {{.NetworkSettings.IPAddress}}' web\n"
     "davit inspect -f '{{range $p, $to := .NetworkSettings.Ports}}{{$p}} -> {{(index $to "
     "0).HostPort}}{{println}}{{end}}' web"},
    {"events, system events", kEngine, "[OPTIONS]", "Show what happens, as it happens", 0, 0, false,
     make_events,
     "davit events --filter event=die --format '{{.Actor.Attributes.name}} "
     "{{.Actor.Attributes.exitCode}}'"},
    {"info, system info", kEngine, "[OPTIONS]", "Show what the engine is and runs on", 0, 0, false,
     make_info, ""},
    {"system df", kEngine, "[OPTIONS]", "Show what takes how much of the disk", 0, 0, false,
     make_system_df, "davit system df -v"},
    {"system prune", kEngine, "[OPTIONS]", "Remove everything that is not used", 0, 0, false,
     make_system_prune, "davit system prune -af --volumes"},
    {"version", kEngine, "[OPTIONS]", "Show the versions of client and engine", 0, 0, false,
     make_version, ""},
    {"system dial-stdio", "", "", "Carry the engine's connection on stdin and stdout", 0, 0, false,
     make_dial_stdio, ""},
    {"context ls, context list", kEngine, "[OPTIONS]", "List the engines that have names", 0, 0,
     false, make_context_list, ""},
    {"context create", "", "[OPTIONS] CONTEXT", "Give an engine a name", 1, 1, false,
     make_context_create,
     "davit context create lab --docker host=ssh://me@lab\n"
     "davit context create far --docker host=tcp://far:2376,ca=ca.pem,cert=cert.pem,key=key.pem"},
    {"context use", "", "CONTEXT", "Choose the engine of the commands that follow", 1, 1, false,
     make_context_use, ""},
    {"context show", "", "", "Print the name of the engine in use", 0, 0, false, make_context_show,
     ""},
    {"context inspect", "", "[OPTIONS] [CONTEXT...]", "Show all about contexts", 0, kMany, false,
     make_context_inspect, ""},
    {"context update", "", "[OPTIONS] CONTEXT", "Change what a context says", 1, 1, false,
     make_context_update, ""},
    {"context rm, context remove", "", "[OPTIONS] CONTEXT [CONTEXT...]", "Forget contexts", 1,
     kMany, false, make_context_remove, ""},
    {"context export", "", "CONTEXT [FILE|-]", "Write a context, keys and all, to a file", 1, 2,
     false, make_context_export, ""},
    {"context import", "", "CONTEXT FILE|-", "Read a context from a file", 2, 2, false,
     make_context_import, ""},
    {"driver ls, driver list", kEngine, "[OPTIONS]", "List the drivers that were found", 0, 0,
     false, make_driver_list, ""},
    {"driver inspect", kEngine, "[OPTIONS] DRIVER [DRIVER...]", "Show all about drivers", 1, kMany,
     false, make_driver_inspect, ""},
    {"jobs ls, jobs, jobs list", kEngine, "[OPTIONS]", "List the work that the engine is doing", 0,
     0, false, make_job_list, ""},
    {"jobs watch", kEngine, "JOB", "Follow the progress of work under way", 1, 1, false,
     make_job_watch, ""},
    {"jobs cancel", kEngine, "JOB [JOB...]", "Stop work under way", 1, kMany, false,
     make_job_cancel, ""},
    {"__manual", "", "DIRECTORY", "Write the manual pages", 1, 1, false, make_manual, ""},
    {"__complete", "", "WORD [WORD...]", "Print what the last word may become", 1, kMany, true,
     make_complete, ""},
};

}  // namespace

std::span<const CommandEntry> all_commands() { return kCommands; }

std::vector<std::string_view> names_of(const CommandEntry& entry) {
    std::vector<std::string_view> names;
    auto rest = entry.names;
    for (;;) {
        const auto end = rest.find(", ");
        names.push_back(rest.substr(0, end));
        if (end == std::string_view::npos) return names;
        rest.remove_prefix(end + 2);
    }
}

const CommandEntry* find_command(const Strings& words, std::size_t& used) {
    for (used = std::min<std::size_t>(2, words.size()); used > 0; --used) {
        const auto wanted = used == 2 ? words[0] + " " + words[1] : words[0];
        for (const auto& entry : kCommands)
            for (const auto name : names_of(entry))
                if (name == wanted) return &entry;
    }
    return nullptr;
}

bool is_group(std::string_view word) {
    for (const auto& entry : kCommands)
        for (const auto name : names_of(entry))
            if (name.size() > word.size() && name.starts_with(word) && name[word.size()] == ' ')
                return true;
    return false;
}

}  // namespace davit::cli
