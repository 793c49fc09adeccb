"""The plot and the HTML of the matrix: right numbers, and hostile names that stay text."""

import io
import warnings
from collections.abc import Iterator
from html.parser import HTMLParser

import matplotlib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_report_matrix import UNNAMED, transactions

from egresslog.report.html import headline, matrix_html
from egresslog.report.matrix import matrix
from egresslog.report.plot import plot_matrix
from egresslog.report.rows import rows

matplotlib.use("Agg")
HOSTILE = ("$x^{y$", "${{{{", "\x1b[31mred", "a\u202eb", "h" * 300 + ".vendor.example", "<script>")


@pytest.fixture(autouse=True)
def closed_figures() -> Iterator[None]:
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


def test_plot_shows_tunnels_per_client_and_host_most_first() -> None:
    records = transactions({"host": "b.example"}, {}, {}, {"status": 503, "host": "c.example"}, UNNAMED)
    ax = plot_matrix(matrix(records))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["api.example:443", "b.example:443"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["west/shop/basket", "10.0.0.1"]
    assert [text.get_text() for text in ax.texts] == ["2", "1", "1", ""]
    assert ax.get_title(loc="left") == "Tunnels: 2 of 2 clients, 2 of 2 hosts"


def test_plot_is_cut_to_the_top_and_says_so() -> None:
    records = transactions(*({"host": f"h{i}.example"} for i in range(30)), {"host": "h7.example"})
    ax = plot_matrix(matrix(records).to_pandas(), top=3)
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels == ["h7.example:443", "h0.example:443", "h1.example:443"]
    assert ax.get_title(loc="left") == "Tunnels: 1 of 1 client, 3 of 30 hosts"


def test_plot_draws_into_the_axes_it_is_given() -> None:
    import matplotlib.pyplot as plt

    ax = plt.subplots()[1]
    assert plot_matrix(matrix(transactions({})), ax) is ax


@pytest.mark.parametrize("changes", [[], [{"status": 403}]])
def test_plot_without_tunnels_says_so(changes: list[dict[str, object]]) -> None:
    ax = plot_matrix(matrix(transactions(*changes)))
    assert [text.get_text() for text in ax.texts] == ["no tunnels"]


def test_plot_of_hostile_names_can_be_drawn() -> None:
    ax = plot_matrix(matrix(transactions(*({"host": name, "workload": name} for name in HOSTILE))))
    labels = [label.get_text() for label in (*ax.get_xticklabels(), *ax.get_yticklabels())]
    assert max(map(len, labels)) <= 40
    assert not [label for label in labels if not label.isprintable()]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax.get_figure().savefig(io.BytesIO(), format="png")  # type: ignore[union-attr]


class Outline(HTMLParser):
    """Tags with attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[object] = []
        self.cells: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data.rstrip("\n")


PLAIN_TAGS = {"p", "table", "thead", "tbody", "tr", "th", "td"}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_html_holds_no_markup_of_a_log(text: str) -> None:
    html = matrix_html(matrix(transactions({"host": text, "workload": text})))
    page = Outline(html)
    assert page.tags == PLAIN_TAGS and not page.attributes
    assert len(page.cells) == 13
    assert not {sign for sign in html if sign < " " or "\x7f" <= sign <= "\x9f"} - {"\n"}


def test_html_cells() -> None:
    records = transactions({"host": "<b>&amp;"}, {"host": "<b>&amp;", "bytes_up": None})
    page = Outline(matrix_html(matrix(records)))
    assert page.cells[:3] == ["west/shop/basket", "<b>&amp;:443", "2"]
    assert page.cells[-5:] == ["10 B", "1/2", "200 B", "2024-05-01 12:00:00", "2024-05-01 12:00:00"]


def test_html_is_cut_to_a_limit_and_says_so() -> None:
    html = matrix_html(matrix(transactions(*({"host": f"h{i}.example"} for i in range(5)))), limit=2)
    assert html.count("<tr>") == 3
    assert "and 3 more rows" in html


def test_headline() -> None:
    records = transactions({}, {"bytes_up": None}, {"status": 403, "host": "b.example"}, {"status": 503})
    assert headline(rows(matrix(records))) == (
        "1 client, 2 hosts, 2 tunnels, 1 denied, 1 failed; 30 B up (known for 3/4), 400 B down"
    )
    assert headline([]) == "0 clients, 0 hosts, 0 tunnels, 0 denied, 0 failed; ? up (known for 0/0), ? down"
