#!/usr/bin/env python3
"""Checks commit messages, and writes the comment that the commit template starts with.

usage: message.py check FILE       the message that Git is about to record
       message.py range A..B       the messages of all commits in a range
       message.py template         the rules, as a text for the editor
"""

import re
import subprocess
import sys
from pathlib import Path

SUBJECT_LENGTH = 72
BODY_LENGTH = 100

RULES = {
    "imperative": "the subject starts with a verb in the imperative: 'Add', not 'Added', 'Adds', "
    "'Adding' or a noun",
    "area": "the subject is a sentence, without an area and a colon before it",
    "capital": "the subject starts with a capital letter",
    "length": f"the subject has at most {SUBJECT_LENGTH} characters",
    "full stop": "the subject ends without a full stop",
    "blank line": "the line after the subject is blank",
    "body": f"lines of the body have at most {BODY_LENGTH} characters, except those that hold a URL "
    "and those indented by four spaces",
}

# Git writes these subjects itself; `git rebase --autosquash` later removes fixups and squashes.
WRITTEN_BY_GIT = re.compile(
    r"Merge (branch|branches|pull request|remote-tracking branch|tag|commit) |"
    r"Merge [0-9a-f]{7,64} into |"
    r'(Revert|Reapply) "|'
    r"(fixup|squash|amend)! "
)
AREA = re.compile(r"\S+( \S+)?: ")
SCISSORS = re.compile(r"^. -+ >8 -+$")

# Verbs in the imperative that look like another form.
ENDS_IN_ED = set("bleed breed embed exceed feed heed need proceed seed shed speed succeed".split())
ENDS_IN_ING = set("bring cling fling ping ring sing sling spring sting string swing wring".split())
ENDS_IN_S = set("alias bias canvas focus".split())
# Past forms that no ending gives away. "Cut", "put", "read", "set" and "split" are also imperatives.
PAST = set(
    "began begun broke broken brought built came caught chose chosen did done drew drawn fell fallen "
    "found gave given went gone got gotten grew grown had held hid hidden kept knew known laid led "
    "left lost made meant met paid ran rewrote rewritten said sent shown sold spent stood stuck "
    "taken taught thought threw thrown told took was went were withdrew won wrote written".split()
)
NO_VERBS = set(
    "a all also although always an and another any are as at because before better both but by can "
    "during each every few fewer first for from here how i if in initial into is it its last latest "
    "less many misc more most much my new no not now of off on one only or other our over same "
    "several should so some still such than that the their them then there these they this those "
    "three to too two under various we what when where which while who why wip will with within "
    "without your".split()
)


def is_imperative(word):
    """Says no only where the form of the word gives it away: nouns cannot be told from verbs."""
    if not re.fullmatch(r"[A-Za-z]+(-[A-Za-z]+)*", word):
        return False
    if word[1:] != word[1:].lower():
        return False
    word = word.lower().rsplit("-", maxsplit=1)[-1]
    if word in PAST or word in NO_VERBS:
        return False
    if word.endswith("ed"):
        return word in ENDS_IN_ED
    if word.endswith("ing"):
        return word in ENDS_IN_ING
    if word.endswith("s") and not word.endswith("ss"):
        return word in ENDS_IN_S
    return True


def kept_lines(text, comment):
    """The lines that Git records: without comments and without the diff that `-v` shows."""
    kept = []
    for line in text.splitlines():
        if SCISSORS.match(line) and line.startswith(comment):
            break
        if not line.startswith(comment):
            kept.append(line.rstrip())
    while kept and not kept[0]:
        kept.pop(0)
    return kept


def broken_rules(lines):
    """The names of the rules that a message breaks, each with the line that breaks it."""
    subject = lines[0]
    if WRITTEN_BY_GIT.match(subject):
        return
    if not subject[0].isupper():
        yield "capital", subject
    if AREA.match(subject):
        yield "area", subject
    elif not is_imperative(subject.split()[0].removesuffix(".")):
        yield "imperative", subject
    if len(subject) > SUBJECT_LENGTH:
        yield "length", subject
    if subject.endswith("."):
        yield "full stop", subject
    if len(lines) > 1 and lines[1]:
        yield "blank line", lines[1]
    for line in lines[1:]:
        if len(line) > BODY_LENGTH and "://" not in line and not line.startswith("    "):
            yield "body", line


def faults(lines):
    """One text for each rule that the message breaks."""
    if not lines:
        return ["the commit message is empty"]
    subject = lines[0]
    found = []
    for rule, line in broken_rules(lines):
        size = f" ({len(line)} characters)" if rule in ("length", "body") else ""
        where = "" if line == subject else f"\n  line:    {line}{size}"
        size = size if line == subject else ""
        found.append(f"{RULES[rule]}\n  subject: {subject}{size}{where}")
    return found


def git(*arguments):
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"commit message: git {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout


def comment_start():
    done = subprocess.run(
        ["git", "config", "core.commentChar"], capture_output=True, text=True, check=False
    )
    configured = done.stdout.strip()
    return "#" if configured in ("", "auto") else configured


def check_file(path):
    found = faults(kept_lines(Path(path).read_text(encoding="utf-8"), comment_start()))
    for fault in found:
        print(f"commit message: {fault}", file=sys.stderr)
    if found:
        print(
            "commit message: the text is kept in .git/COMMIT_EDITMSG; edit it and commit again with "
            'git commit -e -F "$(git rev-parse --git-path COMMIT_EDITMSG)"',
            file=sys.stderr,
        )
    return 1 if found else 0


def check_range(commits):
    names = git("rev-list", "--reverse", commits).split()
    failed = 0
    for name in names:
        # Recorded messages hold no comments any more: a line that starts with # is text.
        lines = git("show", "-s", "--format=%B", name).rstrip().splitlines()
        for fault in faults(lines):
            failed += 1
            print(f"commit {name[:12]}: {fault}", file=sys.stderr)
    print(f"{len(names)} commit messages checked in {commits}, {failed} faults")
    return 1 if failed else 0


def template():
    start = comment_start()
    lines = ["Describe one change. What Git records must keep these rules:"]
    lines += [f"- {rule};" for rule in RULES.values()]
    lines += ["- the body says why the change is needed and what else was considered."]
    print("\n".join(["", *(f"{start} {line}" for line in lines), start]))
    return 0


def main(arguments):
    commands = {"check": (check_file, 1), "range": (check_range, 1), "template": (template, 0)}
    command, count = commands.get(arguments[0] if arguments else "", (None, 0))
    if command is None or len(arguments) != count + 1:
        sys.exit(__doc__.strip())
    return command(*arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
