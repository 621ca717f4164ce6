// SPDX-License-Identifier: Apache-2.0
#include "cli/flags.hpp"

#include "cli/commands.hpp"
#include "cli/nearest.hpp"

#include <gtest/gtest.h>

namespace davit::cli {
namespace {

struct Parsed {
    bool tty = false, interactive = false;
    Strings publish, env;
    std::string name;
    std::optional<std::int64_t> memory, tail;

    Flags flags;
    Parsed() {
        flags.toggle(tty, "t,tty", "");
        flags.toggle(interactive, "i,interactive", "");
        flags.list(publish, "p,publish", "PORT", "");
        flags.list(env, "e,env", "KEY", "");
        flags.text(name, "name", "NAME", "");
        flags.bytes(memory, "m,memory", "");
        flags.number(tail, "n,tail", "N", "");
        flags.alias("called", "name");
    }
    Result<Strings> operator()(const Strings& arguments,
                               Flags::Order order = Flags::Order::before_operands) {
        return flags.parse(arguments, order);
    }
};

TEST(Flags, letters_may_stand_together_and_carry_a_value) {
    Parsed parsed;
    const auto operands = parsed({"-it", "-p80:80", "-p", "81:81", "-e=A=b", "-m64m", "image"});
    ASSERT_TRUE(operands) << operands.error().what;
    EXPECT_TRUE(parsed.tty && parsed.interactive);
    EXPECT_EQ(parsed.publish, (Strings{"80:80", "81:81"}));
    EXPECT_EQ(parsed.env, Strings{"A=b"});
    EXPECT_EQ(parsed.memory, 64 << 20);
    EXPECT_EQ(*operands, Strings{"image"});
}

TEST(Flags, behind_the_first_operand_belong_to_the_containers_command) {
    Parsed parsed;
    EXPECT_EQ(*parsed({"--name", "x", "image", "ls", "-t", "--name", "y"}),
              (Strings{"image", "ls", "-t", "--name", "y"}));
    EXPECT_FALSE(parsed.tty);
    EXPECT_EQ(parsed.name, "x");
}

TEST(Flags, may_stand_anywhere_when_operands_are_names) {
    Parsed parsed;
    EXPECT_EQ(*parsed({"web", "-t", "db", "--", "-i"}, Flags::Order::anywhere),
              (Strings{"web", "db", "-i"}));
    EXPECT_TRUE(parsed.tty);
    EXPECT_FALSE(parsed.interactive);
}

TEST(Flags, a_switch_takes_a_value_only_with_an_equals_sign) {
    Parsed parsed;
    EXPECT_EQ(*parsed({"--tty=false", "-i=true", "true"}), Strings{"true"});
    EXPECT_FALSE(parsed.tty);
    EXPECT_TRUE(parsed.interactive);
}

TEST(Flags, an_unknown_one_names_what_was_meant) {
    EXPECT_EQ(Parsed()({"--nmae", "x"}).error().what, "unknown flag: --nmae; did you mean --name?");
    EXPECT_EQ(Parsed()({"--inter"}).error().what,
              "unknown flag: --inter; did you mean --interactive?");
    EXPECT_EQ(Parsed()({"--zzzzzz"}).error().what, "unknown flag: --zzzzzz");
    EXPECT_EQ(Parsed()({"-tx"}).error().what, "unknown flag: -x in -tx");
}

TEST(Flags, a_value_that_does_not_fit_is_named_with_its_flag) {
    EXPECT_EQ(Parsed()({"-m", "lots"}).error().what,
              "invalid argument \"lots\" for -m, --memory: invalid size: 'lots'");
    EXPECT_EQ(Parsed()({"-n", "3x"}).error().what,
              "invalid argument \"3x\" for -n, --tail: expected a whole number");
    EXPECT_EQ(Parsed()({"--name"}).error().what, "flag needs a value: --name NAME");
}

TEST(Flags, an_alias_sets_the_same_target) {
    Parsed parsed;
    EXPECT_TRUE(parsed({"--called=x"}));
    EXPECT_EQ(parsed.name, "x");
}

TEST(Flags, help_is_noticed_but_h_may_be_taken) {
    Parsed parsed;
    EXPECT_TRUE(parsed({"--help"}));
    EXPECT_TRUE(parsed.flags.help_asked());
    std::string host;
    Flags other;
    other.text(host, "h,hostname", "NAME", "");
    EXPECT_TRUE(other.parse({"-h", "box"}, Flags::Order::anywhere));
    EXPECT_EQ(host, "box");
}

TEST(Commands, are_found_by_every_name_that_docker_gives_them) {
    const std::pair<Strings, std::string_view> cases[] = {{{"ps"}, "ps"},
                                                          {{"container", "ls"}, "ps"},
                                                          {{"container", "list", "-a"}, "ps"},
                                                          {{"image", "rm", "x"}, "rmi"},
                                                          {{"system", "info"}, "info"},
                                                          {{"container", "run", "x"}, "run"},
                                                          {{"jobs"}, "jobs ls"},
                                                          {{"image", "inspect"}, "image inspect"}};
    for (const auto& [words, name] : cases) {
        std::size_t used = 0;
        const auto* entry = find_command(words, used);
        ASSERT_NE(entry, nullptr) << words[0];
        EXPECT_EQ(names_of(*entry)[0], name);
    }
    std::size_t used = 0;
    EXPECT_EQ(find_command({"container"}, used), nullptr);
    EXPECT_TRUE(is_group("container"));
    EXPECT_FALSE(is_group("run"));
}

TEST(Commands, declare_no_flag_twice) {
    for (const auto& entry : all_commands()) {
        Flags flags;
        const auto command = entry.make();
        command->declare(flags);
        std::vector<std::string_view> names;
        std::string letters;
        for (const auto& flag : flags.all()) {
            EXPECT_EQ(std::count(names.begin(), names.end(), flag.name), 0)
                << entry.names << " --" << flag.name;
            const bool taken = flag.letter != 0 && letters.find(flag.letter) != std::string::npos;
            EXPECT_FALSE(taken) << entry.names << " -" << flag.letter;
            names.push_back(flag.name);
            letters += flag.letter;
        }
    }
}

TEST(Nearest, is_found_for_slips_and_beginnings_and_not_for_other_words) {
    EXPECT_EQ(nearest("imgaes", {"images", "inspect", "info"}), "images");
    EXPECT_EQ(nearest("insp", {"images", "inspect", "info"}), "inspect");
    EXPECT_EQ(nearest("build", {"images", "inspect", "info"}), "");
}

}  // namespace
}  // namespace davit::cli
