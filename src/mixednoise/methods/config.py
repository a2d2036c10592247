"""Options of a training run: plain types, validated, an unknown name is an error."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from mixednoise.data.augment import ViewSettings
from mixednoise.errors import ConfigError
from mixednoise.models.backbones import Stem, check_backbone

ModelT = TypeVar("ModelT", bound=BaseModel)

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]


class LearningConfig(BaseModel):
    """Options of whatever is trained here: optimiser, schedule, machine, chance."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    epochs: Annotated[int, Field(ge=1)] = Field(30, description="passes over the training set")
    batch_size: Annotated[int, Field(ge=2)] = Field(32, description="images per step and process")
    lr: Positive = Field(1e-3, description="highest learning rate")
    optimizer: Literal["adamw", "sgd"] = Field(
        "adamw", description="adamw, or sgd with momentum 0.9"
    )
    nesterov: bool = Field(True, description="sgd looks ahead (Nesterov's momentum)")
    weight_decay: NonNegative = Field(0.01, description="decoupled for adamw, L2 for sgd")
    decay_all: bool = Field(False, description="weight decay also on biases and batch norms")
    schedule: Literal["cosine", "constant", "halving_cosine"] = Field(
        "cosine",
        description="learning rate after one epoch of linear rise: falling to 0, or held; "
        "halving_cosine = SSCL's: no rise, one rate per epoch, falling, and halved after every "
        "fifth of the training",
    )
    gradient_clip: NonNegative = Field(5.0, description="largest gradient norm; 0 = no limit")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps")
    precision: Literal["auto", "32", "bf16"] = Field(
        "auto",
        description="auto = bf16 where the processor computes in it, else 32; always 32 for "
        "volumes (spatial_dims=3) on a CPU",
    )
    threads: Annotated[int, Field(ge=1)] | None = Field(
        None, description="CPU threads of the networks; none = torch's choice"
    )
    seed: Annotated[int, Field(ge=0)] = Field(0, description="one seed, one result, on one machine")

    @field_validator("precision", mode="before")
    @classmethod
    def _may_be_a_number(cls, value: object) -> object:
        # Matrix files, --set and Python callers write 32 as what it is.
        return str(value) if isinstance(value, int) else value

    @property
    def of_volumes(self) -> bool:
        """Whether networks convolve in three dimensions."""
        return False

    @classmethod
    def preset_names(cls) -> tuple[str, ...]:
        """Names that :meth:`from_options` takes as ``preset``."""
        return ("default",)

    @classmethod
    def preset_options(cls, preset: str) -> dict[str, Any]:
        """Options that a preset changes."""
        return {}

    @classmethod
    def from_options(cls, preset: str = "default", **options: Any) -> Self:
        """Preset first, then the options given.

        Raises:
            ConfigError: unknown preset or option, value out of range.
        """
        if preset not in cls.preset_names():
            raise ConfigError(
                f"there is no preset {preset!r}",
                expected=", ".join(cls.preset_names()),
                found=preset,
                fix="choose one of these, or leave --preset away",
            )
        of_preset = dict(cls.preset_options(preset))
        if "epochs" in options and "warmup_epochs" not in options:
            # A short training has a short warm-up, whatever the preset's long one has.
            of_preset = shorter_warmup(of_preset, options["epochs"])
        return validated(cls, merged(of_preset, options))

    @classmethod
    def from_record(cls, options: Mapping[str, Any]) -> Self:
        """Options as a trained model's file holds them, be it of an earlier or a later version.

        Names that this version does not have are left out: they said how it was trained, and the
        model is used all the same.
        """
        return cls.from_options(**_known(cls, options))


class TrainingConfig(LearningConfig):
    """Options that every method for classification has.

    ``auto`` is resolved before training and written down.
    """

    backbone: str = Field(
        "auto",
        description="resnet18, resnet34, resnet50, densenet121, efficientnet_b0, resnet18_slim, "
        "resnet10_tiny or timm:NAME; auto = resnet18 on an accelerator, resnet18_slim (a quarter "
        "of the arithmetic) on a CPU",
    )
    image_size: Annotated[int, Field(ge=16, le=2048)] | Literal["auto"] = Field(
        "auto",
        description="side of the square training images in pixels; auto = the images' own size, at "
        "most 224 on an accelerator and 64 on a CPU",
    )
    crop: Literal["none", "field_of_view"] = Field(
        "none", description="field_of_view cuts the black border of fundus images away"
    )
    fit: Literal["pad", "crop"] = Field(
        "pad", description="how an oblong image becomes square: black bars, or its centre"
    )
    stem: Stem = Field(
        "auto",
        description="start of the network: standard (7x7, stride 2, pooling), small (3x3, stride "
        "1, pooling), full (3x3, stride 1, no pooling: ResNets only, 15 times the cost); auto = "
        "small up to 40 px, else standard, or that of the weights",
    )
    pretrained: bool = Field(False, description="start from published ImageNet weights (download)")
    weights: Path | None = Field(None, description="start from the weights in this file")
    views: ViewSettings = Field(
        default_factory=lambda: ViewSettings(),
        description="weak and strong views: knobs that are not given follow the image size",
    )
    select_by: Literal["auto", "macro_f1", "balanced_accuracy", "accuracy", "qwk", "macro_auc"] = (
        Field(
            "auto",
            description="validation metric that chooses the best epoch; auto = qwk for "
            "grades, else macro_f1",
        )
    )

    @field_validator("backbone")
    @classmethod
    def _backbone_exists(cls, name: str) -> str:
        if name != "auto":
            check_backbone(name)
        return name


class AveragedConfig(TrainingConfig):
    """Options of methods whose networks may be followed by averages of their weights."""

    ema_decay: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0,
        description="share of itself that a running average of the weights keeps per step; the "
        "average is what is judged, kept and predicted with; 0 = off: the weights themselves",
    )


class _WithWarmup(Protocol):
    @property
    def epochs(self) -> int: ...
    @property
    def warmup_epochs(self) -> int: ...
    @property
    def model_fields_set(self) -> set[str]: ...


WarmupT = TypeVar("WarmupT", bound=_WithWarmup)


def shorter_warmup(options: dict[str, Any], epochs: Any) -> dict[str, Any]:
    """The options of a preset with a warm-up of at most half of ``epochs``, where it has one."""
    if "warmup_epochs" not in options or not isinstance(epochs, int) or epochs < 1:
        return options
    return options | {"warmup_epochs": _at_most_half(options["warmup_epochs"], epochs)}


def fit_warmup(config: WarmupT) -> WarmupT:
    """Shorten a warm-up that nobody asked for to half of a short training.

    Raises:
        ConfigError: one that was asked for is longer than the training.
    """
    if "warmup_epochs" not in config.model_fields_set:
        shorter = _at_most_half(config.warmup_epochs, config.epochs)
        # The only way to settle a default of a frozen model that depends on another option.
        object.__setattr__(config, "warmup_epochs", shorter)
    elif config.warmup_epochs > config.epochs:
        raise ConfigError(
            "the warm-up is longer than the training",
            expected=f"--warmup-epochs at most {config.epochs}",
            found=str(config.warmup_epochs),
            fix="train longer (--epochs) or warm up less (--warmup-epochs)",
        )
    return config


def _at_most_half(warmup_epochs: int, epochs: int) -> int:
    return min(warmup_epochs, max(1, epochs // 2))


def _known(model: type[BaseModel], options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``options`` that ``model`` has, in groups of options too."""
    kept = {}
    for name, value in options.items():
        if (field := model.model_fields.get(name)) is None:
            continue
        group = field.annotation
        if isinstance(value, Mapping) and isinstance(group, type) and issubclass(group, BaseModel):
            value = _known(group, value)
        kept[name] = value
    return kept


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes``; groups of options (mappings) are merged, not replaced."""
    result = dict(base)
    for key, value in changes.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = merged(old, value) if both else value  # type: ignore[arg-type]
    return result


def validated(model: type[ModelT], options: Mapping[str, Any]) -> ModelT:
    """Build a pydantic model and turn its complaints into one :class:`ConfigError`.

    ``"none"`` is None where an option may be none: TOML has no other word for it.
    """
    given = dict(options)
    for name, field in model.model_fields.items():
        if given.get(name) == "none" and type(None) in get_args(field.annotation):
            given[name] = None
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _readable(model, error) from None


def signature_of(config: type[BaseModel]) -> inspect.Signature:
    """The signature ``(*, preset, ...options)``: shows the options in ``help()`` and in editors."""
    options = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=f.annotation
        )
        for name, f in config.model_fields.items()
    ]
    preset = inspect.Parameter("preset", inspect.Parameter.KEYWORD_ONLY, default="default")
    return inspect.Signature([preset, *options])


def changed_options(config: BaseModel) -> str:
    """``name=value, ...`` of the options that are not at their defaults."""
    changed = config.model_dump(exclude_defaults=True)
    return ", ".join(f"{name}={value!r}" for name, value in changed.items())


def _readable(model: type[BaseModel], error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    own = first.get("ctx", {}).get("error")
    if isinstance(own, ConfigError):
        return own
    # pydantic adds the member of a union that it tried, such as "constrained-int".
    where = ".".join(str(part) for part in first["loc"] if str(part).isidentifier())
    if first["type"] == "extra_forbidden":
        names = _names_beside(model, first["loc"])
        near = difflib.get_close_matches(str(first["loc"][-1]), names, n=3, cutoff=0.5)
        return ConfigError(
            f"there is no option {where!r}",
            expected="did you mean " + " or ".join(near) + "?" if near else ", ".join(names),
            found=f"{where}={first['input']!r}",
            fix="see --help, or docs/options.md for all options",
        )
    return ConfigError(
        f"option {where!r} can't have this value",
        expected=first["msg"],
        found=repr(first["input"]),
        fix="see --help, or docs/options.md for its range",
    )


def _names_beside(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Option names at the level where an unknown one was found."""
    fields = model.model_fields
    for part in location[:-1]:
        annotation = fields[str(part)].annotation if str(part) in fields else None
        options = [annotation, *getattr(annotation, "__args__", ())]
        inner = next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)
        if inner is None:
            return []
        fields = inner.model_fields
    return sorted(fields)
