"""Which tests go to one process together, and which are quick."""

import pytest

# What takes minutes to have: the whole site, a browser, a graded class.
DEAR = {"site", "site_url", "browser"}


def pytest_addoption(parser):
    """`--quick`, as `nox -s quick` runs the tests."""
    parser.addoption("--quick", action="store_true", help="leave out what needs the site, a browser or a graded class")


def shares(item):
    """Whether other tests of its file have something of it: a fixture made once for the file, or a cached function."""
    fixtures = (found[-1] for found in item._fixtureinfo.name2fixturedefs.values() if found)
    own = (value for value in vars(item.module).values() if getattr(value, "__module__", "") == item.module.__name__)
    return any(f.scope in ("module", "class", "package") for f in fixtures) or any(
        hasattr(value, "cache_info") for value in own
    )


def is_quick(item):
    """Whether a test is for the loop of an author."""
    slow = any(item.iter_markers("slow")) or any(item.iter_markers("browser"))
    return not slow and not DEAR & set(item.fixturenames) and "grading" not in item.path.parts


def pytest_collection_modifyitems(config, items):
    """Give tests of one file to one process where they share something, else to whoever is free."""
    if config.getoption("quick"):
        config.hook.pytest_deselected(items=[item for item in items if not is_quick(item)])
        items[:] = filter(is_quick, items)
    for item in items:
        if not any(item.iter_markers("xdist_group")) and shares(item):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.split("::")[0]))
