from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

import processengine as pe
from processengine.runtime.drawing import draw_tree, draw_tree_svg

SVG = "{http://www.w3.org/2000/svg}"
LEAF = st.builds(
    pe.TreeNode,
    st.text("ab<&> ", min_size=1, max_size=5),
    st.sampled_from(["service", "execution"]),
    st.sampled_from(["running", "waiting", "idle", "queued"]),
    st.integers(0, 2),
)
TREES = st.recursive(
    LEAF,
    lambda children: st.builds(
        pe.TreeNode,
        st.just("s"),
        st.just("supervisor"),
        st.just("running"),
        st.just(0),
        st.just("one_for_all"),
        st.lists(children, max_size=3).map(tuple),
    ),
    max_leaves=12,
)
SHOP = pe.TreeNode(
    "shop", "supervisor", "running", 2, "rest_for_one",
    (
        pe.TreeNode("till", "supervisor", "running", 0, "one_for_one",
                    (pe.TreeNode("drawer", "service", "idle"),)),
        pe.TreeNode("door", "service", "waiting", 2),
    ),
)  # fmt: skip


def size(tree: pe.TreeNode) -> int:
    return 1 + sum(map(size, tree.children))


def test_a_tree_as_text() -> None:
    assert draw_tree(SHOP) == (
        "shop  supervisor, running, rest_for_one, restarts: 2\n"
        "├── till  supervisor, running, one_for_one\n"
        "│   └── drawer  service, idle\n"
        "└── door  service, waiting, restarts: 2\n"
    )


def test_twins_are_drawn_each_with_its_own_lines() -> None:
    twin = pe.TreeNode("twin", "service", "running")
    tree = pe.TreeNode("top", "supervisor", "running", 0, None, (twin, twin))
    assert [line[:4] for line in draw_tree(tree).splitlines()[1:]] == ["├── ", "└── "]


def test_trees_may_be_deep() -> None:
    tree = pe.TreeNode("n", "service", "running")
    for _ in range(5_000):
        tree = pe.TreeNode("n", "supervisor", "running", 0, None, (tree,))
    assert draw_tree(tree).count("\n") == 5_001
    assert draw_tree_svg(tree).count("<circle") == 5_001


@given(TREES)
def test_text_has_a_line_for_every_node(tree: pe.TreeNode) -> None:
    assert len(draw_tree(tree).splitlines()) == size(tree)


@given(TREES)
def test_a_drawing_is_one_document_with_a_row_for_every_node(tree: pe.TreeNode) -> None:
    root = ElementTree.fromstring(draw_tree_svg(tree))
    heights = [circle.get("cy") for circle in root.iter(f"{SVG}circle")]
    assert len(heights) == len(set(heights)) == size(tree)
    assert len(list(root.iter(f"{SVG}path"))) == size(tree) - 1


@given(TREES)
def test_children_stand_further_to_the_right_than_their_parent(tree: pe.TreeNode) -> None:
    root = ElementTree.fromstring(draw_tree_svg(tree))
    places = [float(circle.get("cx", 0)) for circle in root.iter(f"{SVG}circle")]
    assert all(place > places[0] for place in places[1:])


def test_states_have_colours() -> None:
    root = ElementTree.fromstring(draw_tree_svg(SHOP))
    colours = [circle.get("class") for circle in root.iter(f"{SVG}circle")]
    assert colours == ["dot busy", "dot busy", "dot other", "dot idle"]
