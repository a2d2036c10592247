import pytest

from mixednoise.errors import ConfigError
from mixednoise.methods.assignments import chosen_options, parse_assignments, setting_words
from mixednoise.methods.config import TrainingConfig
from mixednoise.methods.qmix_config import QMixConfig
from mixednoise.methods.sscl_config import SSCLConfig
from mixednoise.segmentation.config import SegmentationConfig


def test_assignments_are_read_as_yaml_and_dots_reach_into_groups():
    assert parse_assignments(
        ["lambda_c=0.3", "views.vertical_flip=false", "views.weak_shift=0"]
    ) == {
        "lambda_c": 0.3,
        "views": {"vertical_flip": False, "weak_shift": 0},
    }


def test_scientific_notation_is_a_number():
    assert parse_assignments(["lr=1e-3"]) == {"lr": 0.001}


def test_text_in_quotes_stays_text():
    assert parse_assignments(['precision="32"', "name='1e-3'"]) == {
        "precision": "32",
        "name": "1e-3",
    }


@pytest.mark.parametrize("preset", ["default", "paper"])
@pytest.mark.parametrize("kind", [QMixConfig, SSCLConfig, SegmentationConfig])
def test_nothing_need_be_said_of_what_a_preset_does(kind, preset):
    config = kind.from_options(preset, device="cpu", epochs=4)
    if kind is not SegmentationConfig:
        views = config.views.fitted_to(28)
        config = config.model_copy(update={"views": views, "image_size": 28})
    told = chosen_options(config, preset)
    assert set(told) - {"image_size"} == {"epochs"}


def test_what_was_chosen_is_said_so_that_it_is_read_back():
    chosen = {"lr": 1e-5, "precision": "32", "seed": 3, "separation_epochs": None}
    groups = {"views": {"weak_shift": 0.0}, "separation": {"memory": 0.5}}
    config = QMixConfig.from_options(**chosen, **groups, epochs=9, backbone="resnet10_tiny")
    told = chosen_options(config)
    words = setting_words(told)
    assert words[::2] == ["--set"] * len(told)
    read = parse_assignments(words[1::2])
    assert read == chosen | groups | {"epochs": 9, "backbone": "resnet10_tiny"}
    assert QMixConfig.from_options(**read) == config


@pytest.mark.parametrize("written", [32, "32"])
def test_precision_is_a_name_or_a_number(written):
    assert TrainingConfig.from_options(precision=written).precision == "32"


def test_a_precision_that_there_is_not_is_refused():
    with pytest.raises(ConfigError, match="precision"):
        TrainingConfig.from_options(precision=16)


def test_an_assignment_without_equals_is_refused():
    with pytest.raises(ConfigError, match="KEY=VALUE"):
        parse_assignments(["lambda_c"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epoch": 3}, "epochs"),
        ({"epochs": 0}, "greater than or equal to 1"),
        ({"epochs": "many"}, "epochs"),
        ({"views": {"weak_rotaton": 3}}, "weak_rotation"),
        ({"optimizer": "adam"}, "adamw"),
        ({"lr": -1}, "greater than 0"),
    ],
)
def test_bad_options_say_what_would_be_right(options, words):
    with pytest.raises(ConfigError, match=words):
        TrainingConfig.from_options(**options)


def test_unknown_preset():
    with pytest.raises(ConfigError, match="no preset"):
        TrainingConfig.from_options("fast")


def test_options_of_a_group_are_merged_with_a_preset_not_replaced():

    paper = QMixConfig.from_options("paper")
    changed = QMixConfig.from_options("paper", separation={"memory": 0.5})
    assert changed.separation.memory == 0.5
    assert changed.separation.axes == paper.separation.axes


def test_none_can_be_written_where_an_option_may_be_none():
    """TOML has no null."""
    assert QMixConfig.from_options(separation_epochs="none").separation_epochs is None
    with pytest.raises(ConfigError, match="warmup_epochs"):
        QMixConfig.from_options(warmup_epochs="none")


def test_a_model_of_another_version_is_read_without_the_options_that_are_not_known():
    known = QMixConfig.from_options(lambda_c=0.3, separation={"memory": 0.5}).model_dump()
    separation = known["separation"] | {"gone": 1}
    record = known | {"of_tomorrow": {"a": 2}, "separation": separation}
    assert QMixConfig.from_record(record) == QMixConfig.from_options(**known)


def test_what_a_model_file_says_must_have_a_value_all_the_same():
    with pytest.raises(ConfigError, match="lambda_c"):
        QMixConfig.from_record({"lambda_c": -1})
