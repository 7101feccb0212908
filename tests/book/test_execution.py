"""The cache of executed chapters, and the record of a build."""

import os

import pytest
from course_site import execution, result


@pytest.fixture
def tree(tmp_path):
    """A project with a package, a book and a configuration."""
    for name in ("course_pkg/cells.py", "course_pkg/widgets/explorer.js", "course_pkg/grading/intake.py", "book/01.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("one\n")
    (tmp_path / "_config.yml").write_text("title: one\n")
    return tmp_path


@pytest.mark.parametrize("changed", ["course_pkg/cells.py", "course_pkg/widgets/explorer.js", "course_pkg/new.py"])
def test_chapters_run_again_when_the_package_changes(tree, changed):
    """Pages must not keep the numbers of an older package."""
    before = execution.cache_path(tree / "_build", tree)
    assert before.parent == tree / "_build" / ".jupyter_cache"
    (tree / changed).write_text("two\n")
    assert execution.cache_path(tree / "_build", tree) != before


@pytest.mark.parametrize("changed", ["course_pkg/grading/intake.py", "book/01.md", "_config.yml"])
def test_chapters_do_not_run_again_for_what_they_do_not_import(tree, changed):
    """Grading is no part of the book, and the cache itself looks at a chapter's cells."""
    before = execution.cache_path(tree / "_build", tree)
    (tree / changed).write_text("two\n")
    assert execution.cache_path(tree / "_build", tree) == before


def test_a_moved_line_changes_the_cache(tree):
    """Two files whose contents run together the same way must still be told apart."""
    (tree / "course_pkg/a.py").write_text("x")
    (tree / "course_pkg/b.py").write_text("y")
    before = execution.cache_path(tree / "_build", tree)
    (tree / "course_pkg/a.py").write_text("")
    (tree / "course_pkg/b.py").write_text("xy")
    assert execution.cache_path(tree / "_build", tree) != before


def test_old_caches_are_removed_and_the_one_in_use_never(tree):
    """The folder must not grow with every change of the package."""
    caches = [tree / "_build" / ".jupyter_cache" / name for name in "abcde"]
    for age, cache in enumerate(reversed(caches)):
        cache.mkdir(parents=True)
        (cache / "global.db").write_text("")
        os.utime(cache, (1_000_000 - age, 1_000_000 - age))
    execution.prune(caches[0])
    left = {cache.name for cache in caches if cache.exists()}
    assert left == {"a", "d", "e"}


@pytest.mark.parametrize("changed", ["course_pkg/cells.py", "book/01.md", "_config.yml", "book/02.md"])
def test_a_site_older_than_its_sources_is_noticed(tree, changed):
    """The tests must never pass on yesterday's site."""
    before = execution.fingerprint(result.site_sources(tree), tree)
    (tree / changed).write_text("two\n")
    assert execution.fingerprint(result.site_sources(tree), tree) != before


def test_a_build_that_broke_leaves_no_result(tmp_path):
    """A missing record must not be taken for a clean build."""
    assert result.read_result(tmp_path) == {}
