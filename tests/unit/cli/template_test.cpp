// SPDX-License-Identifier: Apache-2.0
// Expected texts are what docker 28.2's `inspect -f` and `ps --format` print for the same templates
// on the same objects.
#include "cli/template/template.hpp"

#include "cli/template/print.hpp"
#include "sdk/base/json.hpp"

#include <gtest/gtest.h>

namespace davit::cli {
namespace {

constexpr std::string_view kContainer = R"({
  "Id": "e04871a41f409ab0157106db37e0d00e", "Name": "/t1", "RestartCount": 0,
  "State": {"Status": "running", "Running": true, "Paused": false, "Pid": 4711, "ExitCode": 0, "StartedAt": "2026-11-21T09:52:26Z"},
  "HostConfig": {"Binds": null, "Memory": 0, "NanoCpus": 1500000000, "PidsLimit": null, "PortBindings": {},
                 "LogConfig": {"Type": "json-file", "Config": {}}},
  "Mounts": [],
  "Config": {"Image": "busybox", "Env": ["PATH=/bin", "A=<b>&c"], "Cmd": ["sleep", "1000"], "Entrypoint": null, "Volumes": null,
             "Labels": {"a.b": "c", "x": "y"}},
  "NetworkSettings": {
    "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "90/udp": null},
    "Networks": {"bridge": {"Gateway": "172.17.0.1", "IPAddress": "172.17.0.2"}}}
})";

std::string on_container(std::string_view text) {
    const auto data = json::parse(kContainer, "container");
    const auto parsed = Template::parse(text);
    if (!parsed) return parsed.error().what;
    auto shown = parsed->execute(*data);
    return shown ? *shown : shown.error().what;
}

struct Case {
    std::string_view text, shown;
};

class TemplateLikeDocker : public testing::TestWithParam<Case> {};

TEST_P(TemplateLikeDocker, prints_the_same) {
    EXPECT_EQ(on_container(GetParam().text), GetParam().shown);
}

const Case kFields[] = {
    {"plain text", "plain text"},
    {"{{.State.Status}}", "running"},
    {"{{ .Config.Labels }}", "map[a.b:c x:y]"},
    {"{{.Config.Cmd}} {{.State.Pid}} {{.State.Running}}", "[sleep 1000] 4711 true"},
    {"{{.HostConfig.Binds}} {{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}", "[] 0 <nil>"},
    {"{{.Config.Entrypoint}} {{.Config.Volumes}} {{json .Config.Volumes}}", "[] map[] null"},
    {"{{.Config.Labels.nope}}", "<no value>"},
    {"{{.Config.Healthcheck}}", "<nil>"},
    {"{{.NetworkSettings.Networks.bridge.IPAddress}}", "172.17.0.2"},
    {"{{$.Name}}", "/t1"},
    {"{{(index .NetworkSettings.Ports \"80/tcp\" 0).HostPort}}", "8080"},
};
const Case kControl[] = {
    {"{{if .State.Running}}yes{{else}}no{{end}}", "yes"},
    {"{{if .State.Health}}healthy{{else}}none{{end}}", "none"},
    {"{{if eq .State.ExitCode 1}}one{{else if eq .State.ExitCode 0}}{{if "
     "true}}zero{{end}}{{else}}more{{end}}",
     "zero"},
    {"{{range .Config.Env}}[{{.}}]{{end}}", "[PATH=/bin][A=<b>&c]"},
    {"{{range $i, $e := .Config.Cmd}}{{if $i}}, {{end}}{{$i}}={{$e}}{{end}}", "0=sleep, 1=1000"},
    {"{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{$v.Gateway}}{{end}}",
     "bridge 172.17.0.1"},
    {"{{range $p, $c := .NetworkSettings.Ports}}{{$p}} {{end}}", "80/tcp 90/udp "},
    {"{{range .Mounts}}{{.Source}}{{else}}none{{end}}", "none"},
    {"{{range .Config.Env}}{{break}}{{end}}{{range .Config.Cmd}}{{if eq . "
     "\"sleep\"}}{{continue}}{{end}}{{.}}{{end}}",
     "1000"},
    {"{{with .Config}}{{.Image}} {{$.Name}}{{end}}", "busybox /t1"},
    {"{{with .HostConfig.Binds}}{{.}}{{else}}nothing{{end}}", "nothing"},
    {"{{$x := .Name}}{{$x}}{{$x = \"b\"}}{{$x}}", "/t1b"},
    {"{{$n := 0}}{{range .Config.Env}}{{$n = len .}}{{end}}{{$n}}", "7"},
    {"a {{- .Name -}} b", "a/t1b"},
    {"x {{/* said nothing */}}y{{- /* nor here */ -}} z", "x yz"},
};
const Case kFunctions[] = {
    {"{{json .Config.Cmd}} {{json .State.Running}} {{json .HostConfig.Binds}}",
     "[\"sleep\",\"1000\"] true null"},
    {"{{json .Config.Env}}", "[\"PATH=/bin\",\"A=<b>&c\"]"},
    {"{{json .HostConfig.LogConfig}}", "{\"Type\":\"json-file\",\"Config\":{}}"},
    {"{{index .Config.Labels \"a.b\"}}|{{index .Config.Labels \"nope\"}}|", "c||"},
    {"{{index .Config.Cmd 1}}", "1000"},
    {"{{join .Config.Cmd \",\"}} {{split \"a,b,c\" \",\"}}", "sleep,1000 [a b c]"},
    {"{{upper .Name}} {{lower \"ABC\"}} {{title \"hello world\"}}", "/T1 abc Hello World"},
    {"{{len .Config.Env}} {{len .Name}} {{len .NetworkSettings.Networks}}", "2 3 1"},
    {"{{slice .Id 0 12}} {{truncate .Id 3}}", "e04871a41f40 e04"},
    {"{{.State.StartedAt | printf \"%.10s\"}}", "2026-11-21"},
    {"{{.Config.Cmd | json | len}}", "16"},
    {"{{printf \"%s-%d-%v-%q\" .Name .State.Pid .State.Running .Name}}", "/t1-4711-true-\"/t1\""},
    {"{{printf \"%5s|%-5s|%05d|%x|%%\" \"ab\" \"ab\" 42 255}}", "   ab|ab   |00042|ff|%"},
    {"{{printf \"%d %s\" \"x\"}}", "%!d(string=x) %!s(MISSING)"},
    {"{{println \"a\" 1}}{{print \"a\" 1 2 \"b\"}}", "a 1\na1 2b"},
    {"{{and true \"\"}}|{{or .State.Paused \"x\"}}|{{not 0}}", "|x|true"},
    {"{{and false (index .Config.Cmd 9)}}", "false"},
    {"{{eq .State.Status \"a\" \"running\"}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge 3 "
     "3}}",
     "true true true true false true"},
    {"{{html \"<a>\"}} {{urlquery \"a b&c\"}} {{pad \"x\" 2 1}}|", "&lt;a&gt; a+b%26c   x |"},
    {"{{\"quoted \\\"x\\\" \\u00e9\"}} {{`raw \\n`}} {{1.5}} {{1e3}} {{0x10}} {{'a'}} {{-3}}",
     "quoted \"x\" é raw \\n 1.5 1000 16 97 -3"},
};
const Case kMistakes[] = {
    {"{{.Nmae}}", "template: 1:3: .Nmae: no field \"Nmae\"; did you mean .Name?"},
    {"{{.name}}", "template: 1:3: .name: no field \"name\"; did you mean .Name?"},
    {"{{.Config.Env", "parse template: 1:1: unclosed action: }} is missing"},
    {"\n {{foo .Id}}", "parse template: 2:4: function \"foo\" is not defined"},
    {"{{if .Id}}x", "parse template: 1:3: {{if}} has no {{end}}"},
    {"x{{end}}", "parse template: 1:4: unexpected {{end}}"},
    {"{{$x}}", "parse template: 1:3: undefined variable \"$x\""},
    {"{{}}", "parse template: 1:5: missing value in action"},
    {"{{.Name.Deep}}", "template: 1:3: .Name.Deep: can't take .Deep: not an object: /t1"},
    {"{{index .Config.Cmd 5}}", "template: 1:3: index: index out of range: 5"},
    {"{{range .Name}}{{end}}", "template: 1:9: range: can't iterate over /t1"},
    {"{{\"open}}", "parse template: 1:3: unterminated string"},
    {"{{.Id | truncate | printf}}",
     "template: 1:9: truncate: wrong number of arguments: want 2, got 1"},
    {"{{eq 1 \"1\"}}", "template: 1:3: eq: incompatible types for comparison: 1 and 1"},
};
INSTANTIATE_TEST_SUITE_P(Fields, TemplateLikeDocker, testing::ValuesIn(kFields));
INSTANTIATE_TEST_SUITE_P(Control, TemplateLikeDocker, testing::ValuesIn(kControl));
INSTANTIATE_TEST_SUITE_P(Functions, TemplateLikeDocker, testing::ValuesIn(kFunctions));

class TemplateMistake : public testing::TestWithParam<Case> {};
TEST_P(TemplateMistake, is_named_with_its_place) {
    EXPECT_EQ(on_container(GetParam().text), GetParam().shown);
}
INSTANTIATE_TEST_SUITE_P(All, TemplateMistake, testing::ValuesIn(kMistakes));

TEST(Json, of_a_row_is_sorted_and_escaped_as_docker_does) {
    const auto row = json::parse(R"({"Ports":"80->80/tcp","ID":"1"})", "row");
    const auto parsed = Template::parse("{{json .}} {{json .Ports}}");
    EXPECT_EQ(*parsed->execute(*row, Template::Mode::row),
              R"({"ID":"1","Ports":"80-\u003e80/tcp"} "80->80/tcp")");
}

TEST(Json, keeps_order_numbers_and_control_characters) {
    const std::string text =
        "{\"z\":1,\"a\":[1.5,-3,1e+21,0.1,true,null],\"s\":\"\\\"\\\\\\n\\u0001é/\"}";
    EXPECT_EQ(templates::to_json(*json::parse(text, "text")), text);
}

TEST(Json, is_indented_as_inspect_shows_it) {
    EXPECT_EQ(templates::to_json(*json::parse(R"({"a":[],"b":{},"c":[1,{"d":2}]})", "text"),
                                 {.indent = 4}),
              "{\n    \"a\": [],\n    \"b\": {},\n    \"c\": [\n        1,\n        {\n            "
              "\"d\": 2\n        }\n    ]\n}");
}

}  // namespace
}  // namespace davit::cli
