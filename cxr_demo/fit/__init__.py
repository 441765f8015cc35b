"""Will it fit? What each model needs of a GPU, counted or measured, against what is free. No torch.

    shapes -> estimate --\
                          answers(gpu) -> Answer per model and precision -> advice
    measured figures ----/
"""

from cxr_demo.fit.advice import Advice, Quality, advice, precision_words
from cxr_demo.fit.answers import (
    CLASSES,
    Answer,
    Basis,
    Verdict,
    answer,
    answers,
    basis_words,
    judge,
    times_elsewhere,
    verdict_word,
)
from cxr_demo.fit.batches import batch
from cxr_demo.fit.beside import beside
from cxr_demo.fit.calibrated import need
from cxr_demo.fit.estimate import Need, Work
from cxr_demo.fit.faults import (
    CardNotUnderstood,
    MeasuringStopped,
    NoGpu,
    NotDescribed,
    NothingFits,
)
from cxr_demo.fit.machine import Gpu, Machine, machine, typed
from cxr_demo.fit.measured import Measured
from cxr_demo.fit.offers import offer
from cxr_demo.fit.qualities import qualities
from cxr_demo.fit.study import beside_study
from cxr_demo.fit.words import Sentence

__all__ = [
    "CLASSES",
    "Advice",
    "Answer",
    "Basis",
    "CardNotUnderstood",
    "Gpu",
    "Machine",
    "Measured",
    "MeasuringStopped",
    "Need",
    "NoGpu",
    "NotDescribed",
    "NothingFits",
    "Quality",
    "Sentence",
    "Verdict",
    "Work",
    "advice",
    "answer",
    "answers",
    "basis_words",
    "batch",
    "beside",
    "beside_study",
    "judge",
    "machine",
    "need",
    "offer",
    "precision_words",
    "qualities",
    "times_elsewhere",
    "typed",
    "verdict_word",
]
