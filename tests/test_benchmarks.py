from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.parametrize("section", ["a heat map", "a heat map on a GPU"])
def test_a_result_is_printed_whether_the_page_has_its_section_or_not(section, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import harness

    page = tmp_path / "performance.md"
    before = "<!-- a heat map -->\nold\n<!-- end -->\n"
    page.write_text(before)
    monkeypatch.setattr(harness, "PAGE", page)
    harness.publish(section, [harness.row("a map", 1.5, 3, "s")])
    printed = capsys.readouterr().out
    assert "| a map  | 1.5 s  | 3 s        | 0.5     |" in printed
    is_there = section == "a heat map"
    assert (f"has not one section <!-- {section} -->" in printed) is not is_there
    assert ("| a map" in page.read_text()) is is_there
    assert (page.read_text() == before) is not is_there
