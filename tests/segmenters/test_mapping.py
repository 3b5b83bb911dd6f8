import pytest

from ccfpse.classfiles import load_class_table
from ccfpse.errors import SettingsError
from ccfpse.labelspace import ClassTable, LabelClass
from ccfpse.segmenters.mapping import map_classes


def table_of(*names: str, dont_care: bool = True, left_out: tuple[str, ...] = ()) -> ClassTable:
    classes = tuple(
        LabelClass(name, (0, 0, 0), i, False, name not in left_out) for i, name in enumerate(names)
    )
    return ClassTable("toy", classes, dont_care, (255,) if dont_care else (), ())


def test_names_agree_but_for_case_blanks_hyphens_and_underscores() -> None:
    table = table_of("traffic light", "wall-brick", "Sky")
    mapping = map_classes(["sky", "Traffic_Light", " wall  brick "], table)
    assert mapping.lookup.tolist() == [2, 0, 1]
    assert mapping.unmapped_outputs == mapping.unmapped_classes == ()


@pytest.mark.parametrize(("dont_care", "other"), [(True, 3), (False, 2)])
def test_outputs_without_a_counterpart_are_other(dont_care: bool, other: int) -> None:
    mapping = map_classes(["dog", "tree", "cat"], table_of("tree", "house", dont_care=dont_care))
    assert mapping.lookup.tolist() == [other, 0, other]
    assert mapping.unmapped_outputs == ("dog", "cat")
    assert mapping.unmapped_classes == ("house",)


def test_classes_that_do_not_count_are_not_missed() -> None:
    mapping = map_classes(
        ["road", "ground"], table_of("road", "ground", "static", left_out=("ground", "static"))
    )
    assert mapping.lookup.tolist() == [0, 1]
    assert mapping.unmapped_classes == ()


def test_synonyms_match_on_either_side() -> None:
    assert map_classes(["couch"], table_of("sofa, couch, lounge")).lookup.tolist() == [0]
    assert map_classes(["sofa; couch; lounge"], table_of("chair", "couch")).lookup.tolist() == [1]
    assert map_classes(["sofa, settee"], table_of("sofa, couch")).lookup.tolist() == [0]


def test_whole_and_main_names_come_before_synonyms() -> None:
    table = table_of("screen door, screen", "blind, screen", "screen, projection screen")
    names = ["screen", "blind", "screen door", "blind, screen"]
    assert map_classes(names, table).lookup.tolist() == [2, 1, 0, 1]


def test_a_synonym_of_several_classes_is_none_of_them() -> None:
    mapping = map_classes(["screen", "door"], table_of("screen door, screen", "blind, screen", "door"))
    assert mapping.lookup.tolist() == [4, 2]
    assert mapping.unmapped_outputs == ("screen",)


def test_a_class_with_an_output_of_its_own_takes_no_side_meaning_of_another() -> None:
    outputs = ["toilet, can, pot, potty", "pot, flowerpot"]
    assert map_classes(outputs, table_of("pot", "tree")).lookup.tolist() == [3, 0]
    assert map_classes(outputs[:1], table_of("pot", "tree")).lookup.tolist() == [0]


def test_several_outputs_may_be_one_class() -> None:
    assert map_classes(["rock", "stone", "rock"], table_of("rock, stone")).lookup.tolist() == [0, 0, 0]


def test_the_order_of_outputs_does_not_matter() -> None:
    table = load_class_table("ade20k")
    names = [c.name.split(",")[0] for c in table.classes]
    forward = map_classes(names, table).lookup
    backward = map_classes(names[::-1], table).lookup[::-1]
    assert forward.tolist() == backward.tolist() == list(range(150))


def test_short_names_as_hugging_face_gives_them_find_ade20ks_classes() -> None:
    found = map_classes(["bed ", "television receiver", "CRT screen", "screen"], load_class_table("ade20k"))
    assert found.lookup.tolist() == [7, 89, 141, 130]


def test_two_classes_of_one_name_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"'Tree' and 'tree' of toy have the same name.*rename one"):
        map_classes(["tree"], table_of("Tree", "sky", "tree"))


def test_no_common_class_at_all_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"none of the segmenter's 2 classes .*LABEL_0, LABEL_1.* of toy"):
        map_classes(["LABEL_0", "LABEL_1"], table_of("tree", "sky"))
