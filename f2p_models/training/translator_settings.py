"""How a translator is trained (Shi et al., TPAMI, sections 3.4.1 and 3.6)."""

from __future__ import annotations

from dataclasses import dataclass

from engine_bridge.errors import InputError
from f2p_models.training.optimization import Optimizer
from f2p_models.training.settings import FitSettings, require_range


@dataclass(frozen=True, kw_only=True)
class TranslatorTraining(FitSettings):
    """The defaults are the paper's: Adam 1e-4, 20 epochs, lambda 0.01 / 1 / 1, lambda_2 = 0 every 4th step.

    lambda_1, _2, _3      of identity, content and loopback loss; with 0 one is left out and not computed
    lambda_parameter      weight of the parameter loss on renders, whose vectors are known; the paper has none
    choice_weight         of the discrete choices within it: their entropy is several times the sliders' error
    labelled_batch_size   renders that each step learns from beside its photos, where lambda_parameter is positive
    close_domain_gap      renders' embeddings are moved to where photos' lie, see ``domain_gap``
    full_set_period       every so many steps from all photos and without content loss (lambda_2 = 0); 0 is never
    batches_per_epoch     at most: each epoch then sees other photos; 0 is all frontal ones once
    content_memory_mb     photos' content maps are kept in up to so many megabytes, instead of computed in every epoch
    warmup_*              epochs of T alone on known vectors, before; with its own rate, batch and decay
    embedding_noise       noise on the warm-up's embeddings, in units of their own deviation, against learning by heart
    max_imitator_l1_ratio held-out L1, as a share of the best constant picture's, above which an imitator is refused
    """

    epochs: int = 20
    batch_size: int = 16
    optimizer: Optimizer = "adam"
    learning_rate: float = 1e-4
    lambda_1: float = 0.01
    lambda_2: float = 1.0
    lambda_3: float = 1.0
    lambda_parameter: float = 0.0
    choice_weight: float = 0.05
    labelled_batch_size: int = 64
    close_domain_gap: bool = False
    full_set_period: int = 4
    batches_per_epoch: int = 0
    content_memory_mb: int = 2048
    warmup_epochs: int = 0
    warmup_batch_size: int = 128
    warmup_learning_rate: float = 1e-3
    warmup_weight_decay: float = 1e-2
    embedding_noise: float = 0.0
    max_imitator_l1_ratio: float = 0.7

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("lambda_1", "lambda_2", "lambda_3", "lambda_parameter", "choice_weight"):
            require_range(name, getattr(self, name), 0.0, 1e6)
        require_range("labelled_batch_size", self.labelled_batch_size, 1, 65_536)
        require_range("full_set_period", self.full_set_period, 0, 1_000_000)
        require_range("batches_per_epoch", self.batches_per_epoch, 0, 2**31)
        require_range("content_memory_mb", self.content_memory_mb, 0, 1_000_000)
        self._check_weights()
        require_range("warmup_epochs", self.warmup_epochs, 0, 1_000_000)
        require_range("warmup_batch_size", self.warmup_batch_size, 1, 1_000_000)
        require_range("warmup_learning_rate", self.warmup_learning_rate, 0.0, 1e3, open_start=True)
        require_range("warmup_weight_decay", self.warmup_weight_decay, 0.0, 10.0)
        require_range("embedding_noise", self.embedding_noise, 0.0, 10.0)
        require_range("max_imitator_l1_ratio", self.max_imitator_l1_ratio, 0.0, 10.0, open_start=True)

    def _check_weights(self) -> None:
        if self.full_set_period == 1:
            raise InputError("full_set_period: 1 leaves no step for the content loss; set lambda_2 to 0 instead")
        if self.lambda_1 + self.lambda_2 + self.lambda_parameter == 0.0:
            raise InputError(
                "lambda_1, lambda_2, lambda_parameter: all are 0, so nothing ties a character to its photo; raise one"
            )
        only_content = self.lambda_1 + self.lambda_3 + self.lambda_parameter == 0.0
        if only_content and self.full_set_period:
            raise InputError(
                f"full_set_period: with lambda_2 alone, every {self.full_set_period}th step would learn nothing; "
                "set it to 0"
            )

    @property
    def warmup(self) -> FitSettings:
        """The warm-up's own settings: AdamW on one cycle, judged at its end only."""
        return FitSettings(
            epochs=self.warmup_epochs,
            batch_size=self.warmup_batch_size,
            learning_rate=self.warmup_learning_rate,
            weight_decay=self.warmup_weight_decay,
            schedule="one_cycle",
            seed=self.seed,
            evaluate_every_epochs=self.warmup_epochs,
        )
