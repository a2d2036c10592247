"""The documentation says what the code does: links lead somewhere, options are complete."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} points to {target}"


def test_options_page_is_up_to_date():
    from mixednoise.jobs.options_page import options_page

    assert (ROOT / "docs" / "options.md").read_text() == options_page(), (
        "run: python -m mixednoise.jobs.options_page > docs/options.md"
    )


def test_every_option_says_what_it_is():
    from mixednoise.estimators import ESTIMATORS

    page = (ROOT / "docs" / "options.md").read_text()
    assert not re.search(r"\|\s*\|\n", page), "an option without a meaning"
    for estimator in ESTIMATORS.values():
        for name, field in estimator.method.Config.model_fields.items():
            assert field.description, f"{estimator.method.name}: {name} has no description"


def test_commands_in_the_readme_exist():
    from typer.testing import CliRunner

    from mixednoise.cli.app import app

    commands = set(re.findall(r"^mixednoise (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert commands
    for command in commands:
        assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0
