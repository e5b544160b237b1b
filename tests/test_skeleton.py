from camfuse import skeleton


def test_mirroring_twice_changes_nothing() -> None:
    assert [skeleton.MIRROR[partner] for partner in skeleton.MIRROR] == list(range(133))


def test_sixty_one_pairs_and_eleven_in_the_middle() -> None:
    fixed = [k for k, partner in enumerate(skeleton.MIRROR) if k == partner]
    assert len(skeleton.MIRROR_PAIRS) == 61
    assert fixed == [0, 31, 50, 51, 52, 53, 56, 74, 80, 85, 89]


def test_names_swap_their_sides() -> None:
    for left, right in skeleton.MIRROR_PAIRS:
        name = skeleton.KEYPOINT_NAMES[left]
        if not name.startswith("face"):
            assert skeleton.KEYPOINT_NAMES[right] == name.replace("left", "right")


def test_groups_cover_every_keypoint_once() -> None:
    groups = (skeleton.BODY, skeleton.FEET, skeleton.FACE, skeleton.LEFT_HAND, skeleton.RIGHT_HAND)
    assert sorted(k for group in groups for k in group) == list(range(133))
    assert len(set(skeleton.KEYPOINT_NAMES)) == 133


def test_lower_body_is_hips_to_feet() -> None:
    assert [skeleton.KEYPOINT_NAMES[k] for k in skeleton.LOWER_BODY][:2] == ["left_hip", "right_hip"]
    assert all("hip" in n or "knee" in n or "ankle" in n or "toe" in n or "heel" in n
               for n in (skeleton.KEYPOINT_NAMES[k] for k in skeleton.LOWER_BODY))  # fmt: skip


def test_each_finger_is_a_chain_from_the_root() -> None:
    assert len(skeleton.BONES["left_hand"]) == 20
    assert (91, 92) in skeleton.BONES["left_hand"]
    assert (112, 129) in skeleton.BONES["right_hand"]
