#!/usr/bin/env python3
"""Tests of the Git hooks: the rules for messages, and the hooks themselves in a repository."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import message

ROOT = Path(__file__).resolve().parent.parent.parent

GOOD = (
    "Add a hook",
    "Re-export the planner",
    "Pass the deadline on",
    "Feed frames to the worker pool",
    "Bring the queue to a stop",
    "Alias the old name",
    "Read `parameters.sigma` once",
    "Set the limit to 10: more does not fit",
    "A" + "b" * 71,
    "Add a hook\n\nIt keeps the rules.",
    "Add a hook\n\nhttps://example.org/" + "a" * 100,
    "Add a hook\n\n    " + "output " * 20,
    "Merge branch 'h/hooks' into main, which is a line that Git writes and may be as long as it gets",
    "Merge 1234567 into 89abcde",
    'Revert "Add a hook that nobody wanted, and whose subject alone is 72 characters long"',
    "fixup! add a hook.",
    "squash! Added",
    "Add a hook\n\nWhy.\n# ------------------------ >8 ------------------------\n" + "d" * 200,
    "# The rules\n\nAdd a hook\n# " + "c" * 200,
)
BAD = (
    ("Added a hook", "imperative"),
    ("Adds a hook", "imperative"),
    ("Adding a hook", "imperative"),
    ("Wrote a hook", "imperative"),
    ("The hooks run", "imperative"),
    ("One table from luma to grey", "imperative"),
    ("AVX2 stays in registers", "imperative"),
    ("AUTO chooses", "imperative"),
    ("Delivery, in three lanes", "imperative"),
    ("Pad: a frame of one colour", "area"),
    ("Kernel benchmark: rows that are close", "area"),
    ("add a hook", "capital"),
    ("A" + "b" * 72, "length"),
    ("Add a hook.", "full stop"),
    ("Rebuild.", "full stop"),
    ("Add a hook\nIt keeps the rules.", "blank line"),
    ("Add a hook\n\n" + "a " * 50 + "a", "body"),
)


class Rules(unittest.TestCase):
    def test_good_messages_break_none(self):
        for text in GOOD:
            with self.subTest(text):
                self.assertEqual(message.faults(message.kept_lines(text, "#")), [])

    def test_bad_messages_break_the_rule_that_they_should(self):
        for text, rule in BAD:
            with self.subTest(text):
                broken = [each for each, _ in message.broken_rules(text.split("\n"))]
                self.assertEqual(broken, [rule])

    def test_a_message_of_comments_is_empty(self):
        kept = message.kept_lines("# a\n\n# b\n", "#")
        self.assertEqual(message.faults(kept), ["the commit message is empty"])

    def test_the_text_quotes_the_rule_and_the_subject(self):
        (fault,) = message.faults(["Add a hook.", "", "Why."])
        self.assertIn("ends without a full stop", fault)
        self.assertIn("subject: Add a hook.", fault)


class Repository(unittest.TestCase):
    """A clone with the hooks and the Makefile, but without crates."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name).resolve() / "clone"
        shutil.copytree(ROOT / ".ci", self.top / ".ci", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "Makefile", self.top)
        # Neither the repository that this runs in, nor the user's settings.
        self.env = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
        self.env.update(
            HOME=folder.name, GIT_CONFIG_NOSYSTEM="1", XDG_CONFIG_HOME=folder.name, MAKEFLAGS=""
        )
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Tester")
        self.git("config", "user.email", "tester@example.org")

    def run_in(self, *command, at=None, **more_env):
        return subprocess.run(
            command, cwd=at or self.top, env={**self.env, **more_env}, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )

    def git(self, *arguments, at=None):
        done = self.run_in("git", *arguments, at=at)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.strip()

    def make(self, target):
        done = self.run_in("make", target)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def fake_make(self):
        """A folder for PATH with a make that says what it was asked for, and the PATH."""
        fake = self.top.parent / "bin"
        fake.mkdir()
        (fake / "make").write_text('#!/bin/sh\necho "made: $*"\n', encoding="utf-8")
        (fake / "make").chmod(0o755)
        return f"{fake}:{self.env['PATH']}"

    def test_make_hooks_installs_once_and_hooks_remove_undoes_it(self):
        self.assertIn("installed: Git runs", self.make("hooks"))
        self.assertIn("already installed", self.make("hooks"))
        self.assertEqual(self.git("config", "core.hooksPath"), ".ci/hooks")
        self.assertIn("removed", self.make("hooks-remove"))
        self.assertIn("not installed", self.make("hooks-remove"))
        self.assertNotEqual(self.run_in("git", "config", "core.hooksPath").returncode, 0)

    def test_hooks_of_others_are_kept_or_named(self):
        theirs = self.top / ".git" / "hooks" / "post-checkout"
        theirs.parent.mkdir(exist_ok=True)
        theirs.write_text("#!/bin/sh\n", encoding="utf-8")
        theirs.chmod(0o755)
        self.assertIn("post-checkout does not run any more", self.make("hooks"))
        self.git("config", "core.hooksPath", "elsewhere")
        refused = self.run_in("make", "hooks")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("already 'elsewhere'", refused.stdout)
        self.assertEqual(self.git("config", "core.hooksPath"), "elsewhere")

    def test_commits_pass_the_hooks_in_the_clone_and_in_a_worktree(self):
        self.make("hooks")
        self.git("add", ".")
        done = self.run_in("git", "commit", "-m", "Add hooks", PATH=self.fake_make())
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("made: --no-print-directory lint-tree", done.stdout)
        other = self.top.parent / "other"
        self.git("worktree", "add", "--quiet", str(other))
        for at in (self.top, other):
            refused = self.run_in("git", "commit", "--allow-empty", "-m", "Added more", at=at)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("subject: Added more", refused.stdout)
            self.git("commit", "--allow-empty", "-m", "Add more", at=at)
            self.assertEqual(self.git("log", "-1", "--format=%s", at=at), "Add more")

    def test_pre_commit_runs_the_checks_of_the_staged_layers(self):
        fake = self.fake_make()
        hook = str(self.top / ".ci" / "hooks" / "pre-commit")
        self.git("add", "--force", ".ci", "Makefile")
        self.git("commit", "--quiet", "-m", "Begin")
        for name, targets in (
            ("README.md", "lint-tree"),
            ("kernels/src/lib.rs", "lint-tree lint-rustfmt lint-clippy"),
            ("Cargo.lock", "lint-tree lint-rustfmt lint-clippy"),
            ("messages/proto/a.proto", "lint-tree lint-proto"),
            (".ci/run", "lint-tree lint-shell"),
            (".ci/new-check", "lint-tree lint-shell"),
            (".ci/check_tree.py", "lint-tree"),
            (".ci/hooks/message.py", "lint-tree lint-shell lint-hooks"),
        ):
            with self.subTest(name):
                path = self.top / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("a", encoding="utf-8") as file:
                    file.write("# more\n")
                self.git("add", name)
                done = self.run_in(hook, PATH=fake)
                self.assertEqual(done.returncode, 0, done.stdout)
                self.assertIn(f"made: --no-print-directory {targets}\n", done.stdout)
                self.assertNotIn("differ", done.stdout)
                self.git("commit", "--quiet", "-m", "Add more")

    def test_pre_push_refuses_what_the_checks_would_not_see(self):
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", "Begin")
        begin = self.git("rev-parse", "HEAD")
        (self.top / ".ci" / "run").write_text("#!/bin/sh\necho all of CI\n", encoding="utf-8")
        self.git("commit", "--quiet", "--all", "-m", "Go on")
        head = self.git("rev-parse", "HEAD")
        nothing = "0" * 40

        def push(commit):
            return subprocess.run(
                [".ci/hooks/pre-push", "origin", "url"], cwd=self.top, env=self.env, text=True,
                input=f"refs/heads/main {commit} refs/heads/main {nothing}\n", check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )

        deleted = push(nothing)
        self.assertEqual((deleted.returncode, deleted.stdout), (0, ""))
        other = push(begin)
        self.assertEqual(other.returncode, 1)
        self.assertIn("check it out first", other.stdout)
        clean = push(head)
        self.assertEqual(clean.returncode, 0, clean.stdout)
        self.assertIn("all of CI", clean.stdout)
        (self.top / "Makefile").write_text("", encoding="utf-8")
        dirty = push(head)
        self.assertEqual(dirty.returncode, 1)
        self.assertIn("commit or stash them", dirty.stdout)

    def test_an_editor_gets_the_rules_as_a_comment_and_they_are_not_recorded(self):
        shown = self.top.parent / "shown"
        editor = self.top.parent / "editor"
        editor.write_text(
            f'#!/bin/sh\ncp "$1" {shown}\nsed -i "1s/.*/Add a hook/" "$1"\n', encoding="utf-8"
        )
        editor.chmod(0o755)
        self.make("hooks")
        self.git("-c", f"core.editor={editor}", "commit", "--allow-empty")
        self.assertIn(f"# - {message.RULES['length']}", shown.read_text(encoding="utf-8"))
        self.assertEqual(self.git("log", "-1", "--format=%B"), "Add a hook")


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main(verbosity=0)
