from itertools import pairwise

import processengine as pe
from processengine.runtime.drawing import draw_mermaid


def work() -> None: ...


def test_a_process_is_a_flowchart_with_shapes_by_kind_and_ports_as_labels() -> None:
    builder = pe.ProcessBuilder("order")
    reserve = builder.node("reserve", work)
    check = builder.switch("check", {"big": lambda total: total > 100}, default="small")
    approve = builder.wait("approve", "approval")
    pause = builder.delay("pause", 5)
    mail = builder.each("mail", work, over="people", join="any")
    end = builder.end("stop", terminate=True)
    reserve.then(check)
    check.on("big").then(approve).then(mail)
    check.on("small").then(pause).then(mail)
    mail.then(end)
    reserve.on("error").then(end)

    assert draw_mermaid(builder.build()).splitlines() == [
        "flowchart LR",
        '    n0["reserve<br/>work"]',
        '    n1{"check"}',
        '    n2[/"approve<br/>for signal approval"/]',
        '    n3(["pause<br/>for 5 s"])',
        '    n4[/"mail<br/>for each of people<br/>join: any"\\]',
        '    n5((("stop")))',
        "    start(( ))",
        "    start --> n0",
        "    n0 --> n1",
        '    n1 -->|"big"| n2',
        "    n2 --> n4",
        '    n1 -->|"small"| n3',
        "    n3 --> n4",
        "    n4 --> n5",
        '    n0 -.->|"error"| n5',
    ]


def test_words_cannot_break_out_of_their_quotes() -> None:
    builder = pe.ProcessBuilder("one")
    builder.node("work", work, description='say "hi" #1 <b>\n`x`')
    assert draw_mermaid(builder.build()).splitlines()[1] == (
        '    n0["work<br/>say #quot;hi#quot; #35;1 #lt;b#gt; #96;x#96;"]'
    )


def test_ten_thousand_nodes_are_ten_thousand_lines() -> None:
    builder = pe.ProcessBuilder("long")
    nodes = [builder.node(f"n{number}", work) for number in range(10_000)]
    for one, other in pairwise(nodes):
        one.then(other)
    assert len(draw_mermaid(builder.build()).splitlines()) == 1 + 10_000 + 2 + 9_999
