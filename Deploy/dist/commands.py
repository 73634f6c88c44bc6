#!/usr/bin/env python3
"""Makes the reference of the commands from what the program says of itself.

    Deploy/dist/commands.py PROGRAM --page docs/command-reference.md     writes the page; with --check, fails if it is another
    Deploy/dist/commands.py PROGRAM --man FOLDER                writes a manual page for each command

Both come from the JSON that ArgumentParser prints, so the page, the manual and --help have the same words."""

import argparse
import dataclasses
import json
import pathlib
import re
import subprocess
import sys
import textwrap

INTRODUCTION = """# All commands and options

What `impromptu help VERB` prints for each verb. The Debian package has the same as manual pages (`man impromptu-aggregate`), and
completes commands and options in bash, zsh and fish. `make commands` makes this page from the program.

"""


@dataclasses.dataclass
class Argument:
    names: list
    value: str
    meaning: str
    values: list
    default: str
    is_optional: bool
    is_repeating: bool

    @property
    def facts(self):
        """Its meaning, the values that it may have unless the meaning names them, and its default."""
        words = [self.meaning]
        if not all(re.search(rf"\b{re.escape(value)}\b", self.meaning) for value in self.values):
            words.append(f"Values: {', '.join(self.values)}.")
        if self.default:
            words.append(f"Default: {self.default}.")
        return " ".join(words)

    @property
    def synopsis(self):
        """A positional argument as in a command line."""
        repeated = self.value + ("..." if self.is_repeating else "")
        return f"[{repeated}]" if self.is_optional else repeated


@dataclasses.dataclass
class Command:
    words: list
    abstract: str
    discussion: str
    positional: list
    options: list
    commands: list

    @property
    def name(self):
        return " ".join(self.words)

    @property
    def synopsis(self):
        if self.commands:
            return f"{self.name} COMMAND"
        return " ".join([self.name, *(argument.synopsis for argument in self.positional), "[OPTION...]"])

    def all(self):
        yield self
        for command in self.commands:
            yield from command.all()


def read(program):
    dump = subprocess.run([program, "--experimental-dump-help"], check=True, capture_output=True, text=True).stdout
    return command_of(json.loads(dump)["command"], [])


def command_of(entry, above):
    words = [*above, entry["commandName"]]
    # Every command has --help and --version; the page of 'impromptu' itself is enough for them.
    arguments = [a for a in entry.get("arguments", []) if a.get("shouldDisplay", True)
                 and not (above and {name["name"] for name in a.get("names", [])} & {"help", "version"})]
    return Command(
        words=words, abstract=entry.get("abstract", ""), discussion=entry.get("discussion", ""),
        positional=[argument_of(a) for a in arguments if a["kind"] == "positional"],
        options=paired([argument_of(a) for a in arguments if a["kind"] != "positional"]),
        commands=[command_of(inner, words) for inner in entry.get("subcommands", [])
                  if inner.get("shouldDisplay", True) and inner["commandName"] != "help"])


def argument_of(entry):
    names = [("--" if name["kind"] == "long" else "-") + name["name"] for name in entry.get("names", [])]
    name = entry.get("valueName", "")
    meaning = entry.get("abstract", "")
    default = "" if entry["kind"] == "flag" else entry.get("defaultValue", "")
    if "default" in meaning:
        default = ""
    return Argument(
        names=sorted(names, key=len), value="" if entry["kind"] == "flag" else name.upper() if not names else name,
        meaning=meaning, values=entry.get("allValues", []), default=default, is_optional=entry["isOptional"],
        is_repeating=entry["isRepeating"])


def paired(options):
    """A flag and its --no-… in one entry."""
    opposites = {f"--no-{option.names[0].removeprefix('--')}": option for option in options}
    result = []
    for option in options:
        if option.names[0] in opposites:
            opposites[option.names[0]].names.append(option.names[0])
        else:
            result.append(option)
    return result


def blocks(text):
    """A discussion's paragraphs, each with whether it is an example whose lines and spaces count."""
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        if paragraph.strip():
            lines = paragraph.splitlines()
            is_example = any(re.search(r"^  |\S {3,}\S", line) for line in lines) or all(
                line.startswith("impromptu ") for line in lines)
            yield is_example, paragraph.rstrip()


# The page

def escaped(text):
    text = re.sub(r"([\\*<|`\[\]])", r"\\\1", text)
    return re.sub(r"(?<![\w-])--[a-z][a-z-]*[a-z]", r"`\g<0>`", text)


def prose(text):
    return textwrap.fill(escaped(text), 125, break_long_words=False, break_on_hyphens=False)


def table(title, arguments):
    if not arguments:
        return ""
    rows = [f"| {title} | meaning |", "|---|---|"]
    for argument in arguments:
        shown = ", ".join(f"`{name}`" for name in argument.names)
        if argument.value:
            shown = f"{shown} *{escaped(argument.value)}*".strip()
        rows.append(f"| {shown} | {escaped(argument.facts)} |")
    return "\n".join(rows) + "\n\n"


def section(command):
    depth = min(len(command.words), 4)
    text = f"{'#' * depth} {' '.join(command.words[1:])}\n\n" if depth > 1 else "## impromptu\n\n"
    text += f"{prose(command.abstract)}\n\n```\n{command.synopsis}\n```\n\n"
    for is_example, paragraph in blocks(command.discussion):
        text += f"```\n{paragraph}\n```\n\n" if is_example else prose(paragraph) + "\n\n"
    text += table("argument", command.positional) + table("option", command.options)
    return text


def page(root):
    return (INTRODUCTION + "".join(section(command) for command in root.all())).rstrip("\n") + "\n"


# The manual

def roff(text):
    """Text in which nothing is a request and every hyphen stays one."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in text.split("\n"))


def entries(title, arguments):
    text = f".SH {title}\n" if arguments else ""
    for argument in arguments:
        names = ", ".join(f"\\fB{roff(name)}\\fR" for name in argument.names)
        value = f"\\fI{roff(argument.value)}\\fR" if argument.value else ""
        text += f".TP\n{' '.join(filter(None, [names, value]))}\n{roff(argument.facts) or '.'}\n"
    return text


def manual(command, version):
    name = "-".join(command.words)
    text = f'.TH {name.upper()} 1 "" "impromptu {version}" "User Commands"\n'
    text += f".SH NAME\n{roff(name)} \\- {roff(command.abstract.rstrip('.'))}\n"
    text += f".SH SYNOPSIS\n\\fB{roff(command.name)}\\fR{roff(command.synopsis.removeprefix(command.name))}\n"
    for number, (is_example, paragraph) in enumerate(blocks(command.discussion)):
        text += ".SH DESCRIPTION\n" if number == 0 else ".PP\n"
        text += f".nf\n{roff(paragraph)}\n.fi\n" if is_example else roff(paragraph) + "\n"
    text += entries("ARGUMENTS", command.positional) + entries("OPTIONS", command.options)
    if command.commands:
        text += ".SH COMMANDS\n" + "".join(
            f".TP\n\\fB{roff(' '.join(inner.words[1:]))}\\fR\n{roff(inner.abstract)}\n" for inner in command.commands)
    above = "-".join(command.words[:-1])
    others = [above] if above else [f"{name}-{inner.words[-1]}" for inner in command.commands]
    return text + ".SH SEE ALSO\n" + ",\n".join(f"\\fB{roff(other)}\\fR(1)" for other in others) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", help="the built program")
    parser.add_argument("--page", type=pathlib.Path, help="the page to write")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page differs")
    parser.add_argument("--man", type=pathlib.Path, help="the folder of the manual pages")
    arguments = parser.parse_args()
    root = read(arguments.program)
    if arguments.man:
        version = subprocess.run(
            [arguments.program, "--version"], check=True, capture_output=True, text=True).stdout.strip()
        arguments.man.mkdir(parents=True, exist_ok=True)
        for command in root.all():
            (arguments.man / f"{'-'.join(command.words)}.1").write_text(manual(command, version))
    if arguments.page and arguments.check:
        if arguments.page.read_text() != page(root):
            print(f"commands: {arguments.page} is not what the program says; run 'make commands'", file=sys.stderr)
            return 1
        print(f"commands: {arguments.page} is what the program says of {len(list(root.all()))} commands")
    elif arguments.page:
        arguments.page.write_text(page(root))
    return 0


if __name__ == "__main__":
    sys.exit(main())
