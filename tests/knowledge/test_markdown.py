"""Markdown is cut at its headings."""

from __future__ import annotations

import pytest

from kdsl.errors import InputError
from kdsl.knowledge.markdown import Section, sections

TEXT = """---
task: intent
title: Our shop
---
We ship from *Hangzhou*.

# Kettle

## Does it rust?

No: **304** steel. See [the card](https://example.com).
- dry it
- `vinegar` helps

## 怎么清洗

| part | how |
|---|---|
| lid | by hand |

Other heading
-------------

```sh
# not a heading
```
<p>and <b>so</b> on</p>
"""


def test_headings_become_titles_below_those_that_they_are_under() -> None:
    rust = "No: 304 steel. See the card.\ndry it\nvinegar helps"
    assert sections(TEXT, "faq") == [
        Section(5, {"task": "intent", "title": "Our shop", "text": "We ship from Hangzhou."}),
        Section(9, {"task": "intent", "title": "Kettle\nDoes it rust?", "text": rust}),
        Section(15, {"task": "intent", "title": "Kettle\n怎么清洗", "text": "part\nhow\nlid\nby hand"}),
        Section(21, {"task": "intent", "title": "Kettle\nOther heading", "text": "# not a heading\nand so on"}),
    ]


def test_a_heading_without_text_lacks_it_unless_others_are_below_it() -> None:
    found = sections("# a\n## b\n## c\ntext\n# d\n", "faq")
    assert [section.values for section in found] == [
        {"title": "a\nb"},
        {"title": "a\nc", "text": "text"},
        {"title": "d"},
    ]


def test_a_text_without_headings_is_titled_by_its_file() -> None:
    assert sections("\r\nFree returns.\r\n", "returns") == [Section(1, {"title": "returns", "text": "Free returns."})]
    assert sections("", "returns") == []


@pytest.mark.parametrize(
    ("front", "fault"),
    [("a: [", "cannot be read as YAML"), ("- a", "should be names"), ("a: 1\na: 2", "'a' stands here")],
)
def test_front_matter_that_is_none_is_an_error(front: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        sections(f"---\n{front}\n---\n# a\nb\n", "faq")


def test_a_line_across_the_page_is_no_front_matter() -> None:
    (section,) = sections("# a\nb\n\n---\n\nc\n", "faq")
    assert section.values == {"title": "a", "text": "b\nc"}
