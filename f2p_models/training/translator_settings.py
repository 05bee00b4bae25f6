"""How a translator is trained (Shi et al., TPAMI, sections 3.4.1 and 3.6)."""

from __future__ import annotations

from dataclasses import dataclass

from f2p_models.training.optimization import Optimizer
from f2p_models.training.settings import FitSettings, require_range


@dataclass(frozen=True, kw_only=True)
class TranslatorTraining(FitSettings):
    """The defaults are the paper's: Adam 1e-4, 20 epochs, lambda 0.01 / 1 / 1, lambda_2 = 0 every 4th step.

    lambda_parameter      weight of the parameter loss where the vector is known; the paper has none
    choice_weight         of the discrete choices within it: their entropy is several times the sliders' error
    full_set_period       every so many steps from all photos and without content loss (lambda_2 = 0)
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
    full_set_period: int = 4
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
        require_range("full_set_period", self.full_set_period, 2, 1_000_000)
        require_range("warmup_epochs", self.warmup_epochs, 0, 1_000_000)
        require_range("warmup_batch_size", self.warmup_batch_size, 1, 1_000_000)
        require_range("warmup_learning_rate", self.warmup_learning_rate, 0.0, 1e3, open_start=True)
        require_range("warmup_weight_decay", self.warmup_weight_decay, 0.0, 10.0)
        require_range("embedding_noise", self.embedding_noise, 0.0, 10.0)
        require_range("max_imitator_l1_ratio", self.max_imitator_l1_ratio, 0.0, 10.0, open_start=True)

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
