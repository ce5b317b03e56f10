from xml.etree import ElementTree

import processengine as pe
from processengine.runtime.drawing import draw_svg

SVG = "{http://www.w3.org/2000/svg}"


def work() -> None: ...


def order() -> pe.ProcessDefinition:
    builder = pe.ProcessBuilder("order", version=3)
    reserve = builder.node("reserve", work)
    check = builder.switch("check", {"big": lambda total: total > 100}, default="small")
    approve = builder.wait("approve", within=60)
    charge = builder.node("charge", work)
    pause = builder.delay("pause", 5)
    mail = builder.each("mail", work, over="people")
    ship = builder.process("ship", child())
    done, stop = builder.end("done"), builder.end("stop", terminate=True)
    builder.start(reserve)
    reserve.then(check)
    check.on("big").then(approve).then(charge)
    check.on("small").then(charge)
    approve.on("timeout").then(stop)
    charge.on("error").then(pause).then(reserve)
    charge.then(mail)
    mail.then(ship).then(done)
    return builder.build()


def child() -> pe.ProcessDefinition:
    builder = pe.ProcessBuilder("shipping")
    builder.node("pack", work)
    return builder.build()


def one_node(name: str = "work", description: str = "") -> pe.ProcessDefinition:
    builder = pe.ProcessBuilder("one")
    builder.node(name, work, description=description)
    return builder.build()


def parsed(definition: pe.ProcessDefinition) -> ElementTree.Element:
    return ElementTree.fromstring(draw_svg(definition))


def words(definition: pe.ProcessDefinition) -> list[str]:
    return [element.text or "" for element in parsed(definition).iter(f"{SVG}text")]


def test_a_drawing_is_one_self_contained_document() -> None:
    svg = draw_svg(order())
    assert ElementTree.fromstring(svg).tag == f"{SVG}svg"
    assert "href" not in svg
    assert "@import" not in svg


def test_every_node_is_named() -> None:
    definition = order()
    assert {node.name for node in definition.nodes} <= set(words(definition))


def test_every_connection_has_a_line() -> None:
    lines = [path for path in parsed(order()).iter(f"{SVG}path") if "line" in path.get("class", "")]
    assert len(lines) == len(order().connections) + len(order().start)


def test_ports_other_than_out_are_named_once() -> None:
    assert sorted(set(words(order())) & {"out", "big", "small", "error", "timeout"}) == [
        "big", "error", "small", "timeout",
    ]  # fmt: skip


def test_each_kind_of_node_has_a_class_of_its_own() -> None:
    classes = {group.get("class") for group in parsed(order()).iter(f"{SVG}g")}
    assert classes == {"function", "switch", "wait", "delay", "each", "process", "end"}


def test_a_line_back_is_marked_as_such() -> None:
    returns = [
        path for path in parsed(order()).iter(f"{SVG}path") if path.get("class") == "line return"
    ]
    assert len(returns) == 1


def test_a_node_may_lead_to_itself() -> None:
    builder = pe.ProcessBuilder("poll")
    poll = builder.node("poll", work, ports=["again"])
    builder.start(poll)
    poll.on("again").then(poll)
    assert "line return" in draw_svg(builder.build())


def test_words_that_look_like_markup_stay_words() -> None:
    assert 'a <b> & "c"' in words(one_node(description='a <b> & "c"'))


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    assert "bell \ufffd" in words(one_node(description="bell \x07"))


def test_long_names_are_cut_and_given_in_full_to_who_points_at_them() -> None:
    name = "a" * 30 + "b" * 30
    titles = [title.text or "" for title in parsed(one_node(name)).iter(f"{SVG}title")]
    assert name not in words(one_node(name))
    assert any(name in title for title in titles)


def test_there_are_colours_for_light_and_dark_surroundings() -> None:
    assert "prefers-color-scheme:dark" in draw_svg(order())
