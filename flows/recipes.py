"""Recipes: how much to render, what to train and for how long. Named functions; a test builds every one.

smoke     seconds, learns nothing: for tests, with the character ``tiny``
quick     minutes on two cores: a creator that works, at 128 pixels
small     within two hours on two cores: the best creator without a GPU, at 256 pixels, for real photos
nightly   about two hours on one GPU: a good creator at 256 pixels
paper     Shi et al. (TPAMI) to the letter, where the paper says
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from engine_bridge.errors import InputError
from engine_bridge.schema import ParameterSchema
from f2p_models.creation import IterativeConfig, Mode
from f2p_models.imitator import ImitatorConfig
from f2p_models.priors import PriorsConfig
from f2p_models.segmenter import SegmenterConfig, Trunk
from f2p_models.training import ImitatorTraining, SegmenterTraining, TranslatorTraining
from f2p_models.training.settings import FitSettings
from f2p_models.trunks import find_packaged_weights
from flows.gates.limits import GateLimits
from flows.settings import IMAGENET_VARIABLE, LIGHTCNN_VARIABLE, TRAIN_PROCESSES_VARIABLE, Settings

NETWORKS: Final = ("imitator", "segmenter", "translator")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what a run makes, besides character, engine and seed.

    num_pairs         studio renders for the imitator, a fifth of them held out
    num_photo_like    photo-like renders for segmenter and translator, a fifth of them held out
    resolution        of every picture, pixels squared
    imitator_width, segmenter_width    factors on the papers' channels
    attention         whether the translator has its gates (ablation of 002, Table 8)
    num_heldout_photos    further photo-like renders, for nothing but the evaluation: it creates characters from them
    evaluated_modes   how it creates them; the last one decides about the version
    photo_resolution  photo-like renders are rendered and aligned at this size, then reduced: faces must be found
    prior_energy, prior_components    how much of created faces' variety the facial priors keep: a share of each group's
                      variance, or a number of components of each group; both None for a creator without priors
    num_prior_faces   front views that the priors are fitted on
    segmenter_trunk   ``resnet50`` is the paper's; ImageNet's weights for ``efficientnet_lite0`` come with a package
    pretrained_trunk  whether the segmenter starts from ImageNet's weights (paper, section 3.6)
    gates             what its data and its networks must be like before anything is built on them
    """

    name: str
    num_pairs: int
    num_photo_like: int
    resolution: int
    shard_size: int
    imitator: ImitatorTraining
    segmenter: SegmenterTraining
    translator: TranslatorTraining
    search: IterativeConfig
    num_heldout_photos: int = 56  # 50, and some in which no face may be found
    evaluated_modes: tuple[Mode, ...] = ("one-shot",)
    prior_energy: float | None = 0.95
    prior_components: int | None = None
    num_prior_faces: int = 500
    photo_resolution: int = 512
    sampler: str = "uniform"
    imitator_width: float = 1.0
    segmenter_width: float = 1.0
    attention: bool = True
    segmenter_px: int = 256
    segmenter_trunk: Trunk = "resnet50"
    pretrained_trunk: bool = False
    embedder: str = "dlib"
    gates: GateLimits = field(default_factory=GateLimits)

    def __post_init__(self) -> None:
        if min(self.num_pairs, self.num_photo_like) < 10:
            raise InputError("num_pairs, num_photo_like: at least 10 each, so that one in five can be held out")
        if self.num_heldout_photos < 5:
            raise InputError(
                f"num_heldout_photos: {self.num_heldout_photos} people are too few to be told apart; give 5 or more"
            )
        if self.num_prior_faces < 2:
            raise InputError(f"num_prior_faces: {self.num_prior_faces}; give 2 at least, hundreds for good priors")
        _ = self.priors  # refuses a bad number of components
        if self.photo_resolution < self.resolution:
            raise InputError(f"photo_resolution: {self.photo_resolution} is below the resolution {self.resolution}")
        if self.pretrained_trunk and self.segmenter_width != 1.0:
            raise InputError(f"pretrained_trunk: ImageNet's weights fit segmenter_width 1, not {self.segmenter_width}")

    @property
    def priors(self) -> PriorsConfig | None:
        """How the facial priors are fitted; None for none."""
        if self.prior_energy is None and self.prior_components is None:
            return None
        return PriorsConfig(components=self.prior_components, energy=self.prior_energy)

    def imitator_config(self, schema: ParameterSchema) -> ImitatorConfig:
        """The architecture for a character."""
        return ImitatorConfig(vector_size=schema.vector_size, resolution=self.resolution, width=self.imitator_width)

    def segmenter_config(self) -> SegmenterConfig:
        """The architecture; parts are the same for every character."""
        return SegmenterConfig(trunk=self.segmenter_trunk, width=self.segmenter_width, input_px=self.segmenter_px)

    def check_weights(self, settings: Settings) -> None:
        """Raise InputError when weights that the recipe needs are not there: before hours of rendering, not after."""
        if self.embedder == "lightcnn" and not (settings.lightcnn_weights and settings.lightcnn_weights.is_file()):
            raise InputError(
                f"recipe: {self.name!r} embeds with LightCNN-29v2; download its authors' checkpoint and set "
                f"{LIGHTCNN_VARIABLE} to the file"
            )
        if self.pretrained_trunk and self.segmenter_trunk == "efficientnet_lite0":
            find_packaged_weights()
        elif self.pretrained_trunk and not (settings.imagenet_weights and settings.imagenet_weights.is_file()):
            raise InputError(
                f"recipe: {self.name!r} starts the segmenter from ImageNet's weights; download torchvision's resnet50 "
                f"and set {IMAGENET_VARIABLE} to the file"
            )

    def check_processes(self, settings: Settings, networks: Collection[str] = NETWORKS) -> None:
        """Raise InputError when ``F2P_TRAIN_PROCESSES`` cannot part the batches of these networks evenly.

        As with weights: before hours of rendering, not after. A segmenter that goes on with photos is trained by one
        process, whatever the variable says.
        """
        count = settings.train_processes
        batches = dict(found for network in networks for found in self._batches(network))
        uneven = [learner for learner, rows in batches.items() if rows % count]
        if uneven:
            shared = math.gcd(*batches.values())
            fewer = max(number for number in range(1, count) if shared % number == 0)
            raise InputError(
                f"recipe: {self.name!r} trains the {uneven[0]} in batches of {batches[uneven[0]]}, which cannot be "
                f"parted evenly among {count} processes; set {TRAIN_PROCESSES_VARIABLE} to {fewer}"
            )

    def _batches(self, network: str) -> Iterator[tuple[str, int]]:
        """Who learns in batches of how many rows. Where few vectors are known, their batch is made to part evenly."""
        training: FitSettings = getattr(self, network)
        yield network, training.batch_size
        if network == "translator":
            known = self.num_photo_like - self.num_photo_like // 5
            if self.translator.warmup_epochs and self.translator.warmup_batch_size <= known:
                yield "translator's warm-up", self.translator.warmup_batch_size
            if self.translator.lambda_parameter and self.translator.labelled_batch_size <= known:
                yield "translator's parameter loss", self.translator.labelled_batch_size


#: How imitator and segmenter are trained outside of the paper: faster optimisers, half the memory traffic.
_FAST: Final[dict[str, Any]] = {
    "optimizer": "adam",
    "schedule": "one_cycle",
    "precision": "bf16",
    "channels_last": True,
}


def smoke() -> Recipe:
    """The smallest run that touches everything. What it publishes looks like nothing."""
    return Recipe(
        name="smoke",
        num_pairs=20,
        num_photo_like=10,
        resolution=64,
        shard_size=5,
        imitator_width=0.05,
        segmenter_width=0.05,
        segmenter_px=64,
        imitator=ImitatorTraining(epochs=2, batch_size=8, optimizer="adam", learning_rate=2e-3),
        segmenter=SegmenterTraining(epochs=1, batch_size=8, optimizer="adam", learning_rate=1e-3),
        translator=TranslatorTraining(epochs=1, batch_size=4, warmup_epochs=2, max_imitator_l1_ratio=10.0),
        search=IterativeConfig(steps=2, optimizer="adam", learning_rate=0.04, decay=0.3, decay_every=5),
        num_heldout_photos=5,
        photo_resolution=256,
        gates=GateLimits.structural(),
    )


def quick() -> Recipe:
    """The default: narrow networks at 128 pixels, trained with Adam in minutes on two cores."""
    return Recipe(
        name="quick",
        num_pairs=3_000,
        num_photo_like=3_000,
        resolution=128,
        shard_size=250,
        imitator_width=0.25,
        segmenter_trunk="efficientnet_lite0",
        pretrained_trunk=True,
        segmenter_px=128,
        imitator=ImitatorTraining(
            epochs=12,
            batch_size=16,
            learning_rate=4e-3,
            evaluate_every_epochs=4,
            **_FAST,
        ),
        segmenter=SegmenterTraining(
            epochs=1,
            batch_size=16,
            learning_rate=1e-3,
            class_weighting="sqrt",
            **_FAST,
        ),
        translator=TranslatorTraining(
            epochs=1,
            batch_size=16,
            lambda_1=0.1,
            lambda_3=0.1,
            lambda_parameter=10.0,
            warmup_epochs=12,
            warmup_learning_rate=5e-4,
            embedding_noise=0.4,
        ),
        search=IterativeConfig.quick(),
        evaluated_modes=("one-shot", "hybrid"),
        photo_resolution=256,
    )


def small() -> Recipe:
    """Everything end to end on two cores within two hours, at 256 pixels; give it photos.

    However many photos there are, the translator's epochs are of the same length.
    """
    return Recipe(
        name="small",
        num_pairs=6_000,
        num_photo_like=4_000,
        resolution=256,
        shard_size=250,
        imitator_width=0.25,
        segmenter_trunk="efficientnet_lite0",
        pretrained_trunk=True,
        segmenter_px=160,
        imitator=ImitatorTraining(
            epochs=16,
            batch_size=16,
            learning_rate=4e-3,
            evaluate_every_epochs=4,
            **_FAST,
        ),
        segmenter=SegmenterTraining(
            epochs=2,
            batch_size=16,
            learning_rate=1e-3,
            class_weighting="sqrt",
            **_FAST,
        ),
        translator=TranslatorTraining(
            epochs=4,
            batch_size=16,
            learning_rate=2e-4,
            schedule="one_cycle",
            lambda_1=1.0,
            lambda_3=0.1,
            lambda_parameter=10.0,
            warmup_epochs=12,
            warmup_learning_rate=5e-4,
            embedding_noise=0.4,
            close_domain_gap=True,
            batches_per_epoch=200,
        ),
        search=IterativeConfig.quick(),
        evaluated_modes=("one-shot", "hybrid"),
    )


def nightly() -> Recipe:
    """For an unattended night on one GPU: the paper's widths at 256 pixels, with faster optimisers."""
    return Recipe(
        name="nightly",
        num_pairs=10_000,
        num_photo_like=5_000,
        resolution=256,
        shard_size=500,
        segmenter_width=0.5,
        imitator=ImitatorTraining(
            epochs=60,
            batch_size=32,
            learning_rate=2e-3,
            compile=True,
            **_FAST,
        ),
        segmenter=SegmenterTraining(
            epochs=15,
            batch_size=32,
            learning_rate=1e-3,
            class_weighting="sqrt",
            compile=True,
            **_FAST,
        ),
        translator=TranslatorTraining(
            epochs=20,
            batch_size=32,
            lambda_1=0.1,
            lambda_3=0.1,
            lambda_parameter=10.0,
            warmup_epochs=20,
            warmup_learning_rate=5e-4,
            embedding_noise=0.4,
        ),
        search=IterativeConfig.quick(),
        evaluated_modes=("one-shot", "hybrid"),
    )


def paper() -> Recipe:
    """Shi et al., section 3.6: 20,000 pairs at 512 pixels, SGD, and the translator's Adam. Days of a large GPU.

    The trainings' own defaults are the paper's. Needs LightCNN's weights, and ImageNet's for the segmenter's trunk.
    Photos are photo-like renders unless the user brings CelebA.
    """
    return Recipe(
        name="paper",
        num_pairs=20_000,
        num_photo_like=20_000,
        resolution=512,
        shard_size=500,
        imitator=ImitatorTraining(),
        segmenter=SegmenterTraining(),
        translator=TranslatorTraining(),
        search=IterativeConfig.paper(),
        evaluated_modes=("one-shot", "iterative"),
        pretrained_trunk=True,
        embedder="lightcnn",
    )


RECIPES: Final[dict[str, Callable[[], Recipe]]] = {
    "smoke": smoke,
    "quick": quick,
    "small": small,
    "nightly": nightly,
    "paper": paper,
}


def find_recipe(name: str, *, num_pairs: int | None = None) -> Recipe:
    """The recipe of that name, with another number of studio pairs if given. Raises InputError for an unknown one."""
    if name not in RECIPES:
        raise InputError(f"recipe: {name!r} is unknown; choose one of {', '.join(RECIPES)}")
    recipe = RECIPES[name]()
    return replace(recipe, num_pairs=num_pairs) if num_pairs else recipe
