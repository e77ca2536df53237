"""Rows of cells: on one line in text, a table where they form one."""

from __future__ import annotations

import io

import numpy as np
import pytest

from shizi.formats import FormatName, write
from shizi.formats.parts import Table, parts
from shizi.layout import arrange
from shizi.page import Line, Page, Quad


def page(*rows: tuple[tuple[str, float], ...], turn: float = 0.0) -> Page:
    """A page of rows of cells, each a text and where it begins, laid out."""
    placed = [(text, x, 40 * i) for i, row in enumerate(rows) for text, x in row]
    sine, cosine = np.sin(np.radians(turn)), np.cos(np.radians(turn))
    quads = []
    for text, x, y in placed:
        wide = x + 20 * len(text)
        corners = np.array([[x, y], [wide, y], [wide, y + 20], [x, y + 20]])
        quads.append(corners @ np.array([[cosine, sine], [-sine, cosine]]) + 200)
    texts = [text for text, _, _ in placed]
    lines = tuple(
        Line(
            Quad.from_array(quads[p.index]),
            texts[p.index],
            0.9,
            (),
            p.block,
            p.paragraph,
            row=p.row,
        )
        for p in arrange(np.array(quads, np.float32), texts)
    )
    return Page("x", 900, 900, lines=lines)


RECEIPT = page(
    (("小店", 0),),
    (("品名", 0), ("金额", 200)),
    (("牛奶", 0), ("15.80", 190)),
    (("鸡蛋十个", 0), ("9.90", 200)),
    (("欢迎再来", 0),),
)


def written(kind: FormatName, given: Page) -> str:
    out = io.BytesIO()
    write(given, out, kind)
    return out.getvalue().decode()


def test_cells_of_a_row_stand_on_one_line() -> None:
    rows = [row for row in RECEIPT.text.splitlines() if row]
    assert rows == ["小店", "品名\t金额", "牛奶\t15.80", "鸡蛋十个\t9.90", "欢迎再来"]
    assert written("text", RECEIPT).splitlines() == RECEIPT.text.splitlines()
    assert Page.from_dict(RECEIPT.to_dict()).text == RECEIPT.text


def test_lines_that_nobody_put_into_rows_stay_apart() -> None:
    quad = Quad.from_array([[0, 0], [9, 0], [9, 9], [0, 9]])
    assert Page("x", 9, 9, lines=(Line(quad, "a", 0.9), Line(quad, "b", 0.9))).text == "a\nb"


def test_two_columns_of_text_are_no_rows() -> None:
    rows = [(("这一栏文字很长很长很长", 0), ("另一栏文字也很长很长", 260)) for _ in range(6)]
    assert all(line.row is None for line in page(*rows).lines)


@pytest.mark.parametrize("turn", [0, 8, -8])
def test_rows_whose_cells_form_columns_are_a_table(turn: float) -> None:
    given = page(
        (("甲", 0), ("乙", 100), ("丙", 200)),
        (("一", 0), ("三", 200)),
        (("四四", 0), ("五五", 90), ("六", 210)),
        turn=turn,
    )
    table: Table = [["甲", "乙", "丙"], ["一", "", "三"], ["四四", "五五", "六"]]
    assert list(parts(given)) == [table]


def test_a_table_stands_among_paragraphs() -> None:
    table: Table = [["品名", "金额"], ["牛奶", "15.80"], ["鸡蛋十个", "9.90"]]
    assert list(parts(RECEIPT)) == ["小店", table, "欢迎再来"]


def test_a_cell_alone_in_its_row_may_stand_within_a_table() -> None:
    given = page(
        (("牛奶", 0), ("15.80", 190)),
        (("　（会员价）", 0),),
        (("鸡蛋", 0), ("9.90", 200)),
        (("面包", 0), ("7.00", 200)),
    )
    (table,) = parts(given)
    assert isinstance(table, list)
    assert [row[1] for row in table] == ["15.80", "", "9.90", "7.00"]


def test_cells_without_columns_are_no_table() -> None:
    given = page((("姓名", 0), ("张三", 60)), (("日期二〇二六年", 0), ("地点", 160)))
    assert list(parts(given)) == ["姓名\t张三", "日期二〇二六年\t地点"]


def test_a_label_stays_with_its_value() -> None:
    given = page((("姓名", 0), ("张三", 100)))
    assert given.text == "姓名\t张三"
    assert list(parts(given)) == ["姓名\t张三"]


def test_markdown_and_html_have_tables() -> None:
    assert "小店\n\n| 品名 | 金额 |\n| --- | --- |\n| 牛奶 | 15.80 |\n" in written(
        "markdown", RECEIPT
    )
    assert "<tr><td>牛奶</td><td>15.80</td></tr>" in written("html", RECEIPT)
    odd = page((("a|b", 0), ("<c>", 200)), (("d", 0), ("e", 200)), (("f", 0), ("g", 200)))
    assert r"| a\|b | \<c> |" in written("markdown", odd)
    assert "<td>&lt;c&gt;</td>" in written("html", odd)
