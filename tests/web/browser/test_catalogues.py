"""Every text of the page is in both catalogues, and every text there is used."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import han2x.web
from han2x.model.diagnosis import Verdict
from han2x.settings import consistency, outside, permission
from han2x.settings.schema import SECTIONS, rules
from han2x.tariff.standing import TEXTS
from han2x.vendors import teaching
from han2x.web.live_shapes import KINDS

from .conftest import Open, Start, go

STATIC = Path(han2x.web.__file__).parent / "static"
SCRIPTS = [path.read_text("utf-8") for path in sorted(STATIC.glob("js/**/*.js"))]
CALL = re.compile(r"\b(?:t|tOr|plural)\(\s*(\"[^\"]+\"|`[^`]+`)")
ENGLISH_IN_THE_SCHEMA = re.compile(r"setting\..+\.doc|(must|part|said)\..+")
"""What English has from the program itself, so that nothing is written twice."""

SPEAKING = ("intake", "runtime/tty.py", "runtime/broker_errors.py")
"""Modules whose sentences stand on the page: why a source or a broker is not there."""


def patterns() -> list[re.Pattern[str]]:
    """What the scripts ask for; what is filled in when they run can be anything."""
    asked = {name.strip('"`') for script in SCRIPTS for name in CALL.findall(script)}
    return [re.compile(_pattern(name)) for name in asked]


def _pattern(name: str) -> str:
    parts = re.split(r"\$\{[^}]*\}", name)
    return ".+".join(map(re.escape, parts)) + r"(\.one|\.other)?"


def test_both_languages_have_the_same_texts(texts: dict[str, dict[str, str]]) -> None:
    """What one catalogue has, the other has, but for what English has from the schema."""
    english, norwegian = set(texts["en"]), set(texts["nb"])
    assert english - norwegian == set()
    assert {key for key in norwegian - english if not ENGLISH_IN_THE_SCHEMA.fullmatch(key)} == set()


def test_every_key_in_the_scripts_has_its_text(texts: dict[str, dict[str, str]]) -> None:
    """A key that a script names in full is in the catalogues."""
    named = {name[1:-1] for script in SCRIPTS for name in CALL.findall(script) if name.startswith('"')}
    plurals = {name for name in named if f"{name}.other" in texts["nb"]}
    assert named - plurals - set(texts["nb"]) == set()
    assert len(named) > 200


def test_no_text_is_there_for_nothing(texts: dict[str, dict[str, str]]) -> None:
    """A text that no script can ask for is a text to delete."""
    asked = patterns()
    assert [key for key in texts["nb"] if not any(one.fullmatch(key) for one in asked)] == []


@pytest.mark.parametrize("language", ["nb", "en"])
def test_placeholders_are_those_of_the_other_language(
    language: str, texts: dict[str, dict[str, str]]
) -> None:
    """A translation loses no value, and none is empty."""
    for key, text in texts[language].items():
        other = texts["en" if language == "nb" else "nb"].get(key, text)
        if key.startswith("verdict.no-source") or key in ("error.toml", "error.source"):
            continue  # English has the gateway's own sentence
        assert text, key
        assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", other)), key


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_has_its_texts(section: str, texts: dict[str, dict[str, str]]) -> None:
    """Each section, setting and choice of the schema has its name, and its meaning in Norwegian."""
    for language in texts.values():
        assert f"section.{section}" in language
        assert f"section.{section}.doc" in language
    for key, rule in rules(SECTIONS[section]).items():
        if rule.made_once:
            continue  # no form has it
        assert f"setting.{section}.{key}.label" in texts["en"]
        assert {f"setting.{section}.{key}.label", f"setting.{section}.{key}.doc"} <= set(texts["nb"])
        if rule.kind not in ("integer", "boolean", "choice"):
            assert f"must.{rule.must}" in texts["nb"] or rule.secret, rule.must


def test_every_word_to_choose_has_its_text(texts: dict[str, dict[str, str]]) -> None:
    """Each word that a setting may have is said in both languages; numbers are as they are."""
    words = {
        word
        for section in SECTIONS.values()
        for rule in rules(section).values()
        for word in rule.choices
        if isinstance(word, str)
    }
    for language in texts.values():
        assert {f"choice.{word or 'empty'}" for word in words} - set(language) == set()


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_its_texts(verdict: Verdict, texts: dict[str, dict[str, str]]) -> None:
    """Each verdict says what is the matter and what to do, in both languages."""
    for language in texts.values():
        assert language[f"verdict.{verdict}.text"]
        assert language[f"verdict.{verdict}.next"]


def test_every_error_has_its_text(texts: dict[str, dict[str, str]]) -> None:
    """Each code that the API refuses with has its sentence in both languages."""
    sources = [path.read_text("utf-8") for path in STATIC.parent.glob("*.py")]
    codes = {code for source in sources for code in re.findall(r"Refusal\(\s*\d{3},\s*\"([a-z_]+)\"", source)}
    assert len(codes) > 15
    for language in texts.values():
        assert {f"error.{code}" for code in codes} - set(language) == set()


def test_every_complaint_has_its_text(texts: dict[str, dict[str, str]]) -> None:
    """Each code that settings are refused with has its sentence, where the rule itself has none."""
    source = "".join(path.read_text("utf-8") for path in STATIC.parents[1].glob("*/*.py"))
    codes = set(re.findall(r"Complaint\([^\n]*, \"([a-z_]+)\"\)", source)) | {"integer", "choice", "boolean"}
    assert "unknown" in codes
    texts_of_codes = consistency.TEXTS | outside.TEXTS | permission.TEXTS | teaching.TEXTS_OF_COMPLAINTS
    for code, text in texts_of_codes.items():
        named = set(re.findall(r"{(\w+)}", text))
        assert all(set(re.findall(r"{(\w+)}", one[f"complaint.{code}"])) <= named for one in texts.values())
    codes |= set(texts_of_codes)
    for language in texts.values():
        assert {f"complaint.{code}" for code in codes} - set(language) == set()


def test_every_meaning_and_kind_of_a_taught_list_has_its_text(texts: dict[str, dict[str, str]]) -> None:
    """What a value may be called is Norwegian on the Norwegian page; English has the model's own labels."""
    assert {f"part.{one.label}" for one in teaching.meanings()} - set(texts["nb"]) == set()
    for language in texts.values():
        assert {f"teach.kind.{kind}" for kind in KINDS.values()} - set(language) == set()


def sentences(path: Path) -> Iterator[str]:
    """What a module says of trouble, with a value in each place for one."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id="Trouble"), args=[said]):
                yield from spoken(said)
            case ast.Return(value=ast.JoinedStr() as said) if path.name == "broker_errors.py":
                yield from spoken(said)
            case ast.Assign(targets=[ast.Name(id="_REFUSALS" | "_LOSSES")], value=ast.Dict(values=values)):
                yield from (text.format("10.0.0.7:1883") for one in values for text in spoken(one))


def spoken(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)) if " " in text:
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else "10.0.0.7" for one in parts)


def test_every_trouble_of_a_source_or_broker_has_its_sentence(texts: dict[str, dict[str, str]]) -> None:
    """Norwegian says why a source or a broker is not there, with every value that English has."""
    known = [key.removeprefix("said.") for key in texts["nb"] if key.startswith("said.")]
    patterns = [re.compile(re.sub(r"\\{\w+\\}", ".+?", re.escape(one))) for one in known]
    folder = STATIC.parents[1]
    files = [path for name in SPEAKING for path in sorted((folder / name).glob("*.py")) or [folder / name]]
    said = {text for path in files for text in sentences(path)}
    assert len(said) > 30
    assert [text for text in said if not any(one.fullmatch(text) for one in patterns)] == []
    for one in known:
        assert set(re.findall(r"{\w+}", texts["nb"][f"said.{one}"])) == set(re.findall(r"{\w+}", one)), one


SAID = {
    "1.2.3.4:1 refuses: is the bridge's serial port served on this port?": "1.2.3.4:1: tilkoblingen ble",
    "1.2.3.4:1 cannot be reached: No route to host": "1.2.3.4:1 kan ikke nås: ingen rute til adressen",
    "The machine's clock is wrong: it is 316 days 16 h ahead of the meter's · hours are dated by the meter's "
    "clock meanwhile · set the machine's, or let it reach a time server": "den er 316 dager 16 timer foran",
    "listening on 127.0.0.1:502": "lytter på 127.0.0.1:502",
    "meter prices": "måler prices",
    "meter web: no serial adapter found: plug one in, or set the meter's source": "måler web: Fant ingen",
    "mqtt: 1.2.3.4 is busy now (trying again)": "mqtt: 1.2.3.4 er opptatt nå (prøver igjen)",
    "listening on [::]:502 · nobody translated this": "lytter på [::]:502 · nobody translated this",
}


def test_sentences_of_the_gateway_are_norwegian_on_the_page(start: Start, browse: Open) -> None:
    """On Signal and System, of a source that is not there; values stay, reasons in them are translated."""
    running = start(main="tcp:127.0.0.1:1")
    page = browse(running, language="nb-NO")
    for text, wanted in SAID.items():
        assert wanted in page.evaluate("async text => (await import('/js/i18n.js')).said(text)", text)
    go(page, "signal")
    page.wait_for_selector("#next-step:has-text('127.0.0.1:1: tilkoblingen ble avvist')")
    go(page, "system")
    page.get_by_role("cell", name="måler main", exact=True).wait_for()
    page.locator("td:has-text('127.0.0.1:1: tilkoblingen ble avvist')").wait_for()
    page.locator(".log li:has-text('måler main: 127.0.0.1:1: tilkoblingen ble avvist')").first.wait_for()


def test_page_is_small() -> None:
    """All of it, compressed, is well under 200 kB; what one browser loads has one of the two catalogues."""
    import gzip

    sizes = {
        path: len(gzip.compress(path.read_bytes(), 9))
        for path in STATIC.rglob("*")
        if path.suffix != ".gz" and path.is_file()
    }
    catalogues = [size for path, size in sizes.items() if path.parent.name == "locales"]
    largest = sorted((size, path.name) for path, size in sizes.items())[-5:]
    assert sum(sizes.values()) < 155_000, largest
    assert sum(sizes.values()) - min(catalogues) < 141_000, largest


def test_page_names_no_other_host() -> None:
    """No file of ours loads anything from elsewhere; namespaces are names, not addresses."""
    ours = [
        path
        for path in STATIC.rglob("*")
        if path.suffix in (".html", ".css", ".js") and "vendor" not in path.parts
    ]
    for path in ours:
        found = set(re.findall(r"https?://[^\s\"'`]+", path.read_text("utf-8"))) - {
            "http://www.w3.org/2000/svg"
        }
        assert found == set(), path


def test_every_notice_of_price_lists_is_norwegian(texts: dict[str, dict[str, str]]) -> None:
    """Health tells them in a sentence, Cost by their codes: both have them."""
    for notice, text in TEXTS.items():
        assert f"said.{text}" in texts["nb"]
        assert f"notice.{notice}" in texts["nb"]
