r"""Works of the literature that studies and parts of a spec rest on, as BibTeX.

A field that isn't known for certain is left out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from core.latex import latex
from core.spec import ExperimentSpec

_VENUE = {"article": "journal", "book": "publisher", "inproceedings": "booktitle"}


@dataclass(frozen=True)
class Work:
    """A paper or a book.

    Attributes:
        key: Its key in BibTeX.
        kind: Its kind of entry.
        authors: The authors, given names first.
        title: The title.
        venue: The conference, the journal, or a book's publisher.
        year: The year of publication.
        volume: The journal's volume.
        pages: First and last page.
        edition: A book's edition, as a word.
        arxiv: The identifier on arXiv.
    """

    key: str
    kind: Literal["article", "book", "inproceedings"]
    authors: tuple[str, ...]
    title: str
    venue: str
    year: int
    volume: str = ""
    pages: tuple[int, int] | None = None
    edition: str = ""
    arxiv: str = ""

    @property
    def bibtex(self) -> str:
        r"""Its entry.

        Example:
            >>> print(ELMAN_1990.bibtex)
            @article{elman1990,
              author = {Jeffrey L. Elman},
              title = {{Finding Structure in Time}},
              journal = {Cognitive Science},
              year = {1990},
              volume = {14},
              pages = {179--211}
            }
        """
        fields = {
            "author": " and ".join(map(latex, self.authors)),
            "title": f"{{{latex(self.title)}}}",
            _VENUE[self.kind]: latex(self.venue),
            "year": str(self.year),
            "volume": self.volume,
            "pages": "--".join(map(str, self.pages or ())),
            "edition": self.edition,
            "note": f"arXiv:{self.arxiv}" if self.arxiv else "",
        }
        lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
        return f"@{self.kind}{{{self.key},\n" + ",\n".join(lines) + "\n}"

    @property
    def sentence(self) -> str:
        """Its authors, title, venue and year, as text.

        Example:
            >>> ELMAN_1990.sentence
            'Jeffrey L. Elman. Finding Structure in Time. Cognitive Science, 1990.'
        """
        authors = " and ".join(filter(None, [", ".join(self.authors[:-1]), self.authors[-1]]))
        return f"{authors.removesuffix('.')}. {self.title}. {self.venue}, {self.year}."


COHEN_KARLIK_2023 = Work(
    key="cohenkarlik2023",
    kind="inproceedings",
    authors=(
        "Edo Cohen-Karlik",
        "Itamar Menuhin-Gruman",
        "Raja Giryes",
        "Nadav Cohen",
        "Amir Globerson",
    ),
    title="Learning Low Dimensional State Spaces with Overparameterized Recurrent Neural Nets",
    venue="International Conference on Learning Representations",
    year=2023,
    arxiv="2210.14064",
)
COHEN_KARLIK_2022 = Work(
    key="cohenkarlik2022",
    kind="inproceedings",
    authors=("Edo Cohen-Karlik", "Avichai Ben David", "Nadav Cohen", "Amir Globerson"),
    title="On the Implicit Bias of Gradient Descent for Temporal Extrapolation",
    venue="International Conference on Artificial Intelligence and Statistics",
    year=2022,
    arxiv="2202.04302",
)
EMAMI_2021 = Work(
    key="emami2021",
    kind="inproceedings",
    authors=(
        "Melikasadat Emami",
        "Mojtaba Sahraee-Ardakan",
        "Parthe Pandit",
        "Sundeep Rangan",
        "Alyson K. Fletcher",
    ),
    title="Implicit Bias of Linear RNNs",
    venue="International Conference on Machine Learning",
    year=2021,
    arxiv="2101.07833",
)
SLUTZKY_2025 = Work(
    key="slutzky2025",
    kind="inproceedings",
    authors=("Yonatan Slutzky", "Yotam Alexander", "Noam Razin", "Nadav Cohen"),
    title="The Implicit Bias of Structured State Space Models Can Be Poisoned With Clean Labels",
    venue="Advances in Neural Information Processing Systems",
    year=2025,
    arxiv="2410.10473",
)
RAZIN_2022 = Work(
    key="razin2022",
    kind="inproceedings",
    authors=("Noam Razin", "Asaf Maman", "Nadav Cohen"),
    title="Implicit Regularization in Hierarchical Tensor Factorization and Deep Convolutional "
    "Neural Networks",
    venue="International Conference on Machine Learning",
    year=2022,
)
KINGMA_2015 = Work(
    key="kingma2015",
    kind="inproceedings",
    authors=("Diederik P. Kingma", "Jimmy Ba"),
    title="Adam: A Method for Stochastic Optimization",
    venue="International Conference on Learning Representations",
    year=2015,
)
PETZOLD_1983 = Work(
    key="petzold1983",
    kind="article",
    authors=("Linda Petzold",),
    title="Automatic Selection of Methods for Solving Stiff and Nonstiff Systems of Ordinary "
    "Differential Equations",
    venue="SIAM Journal on Scientific and Statistical Computing",
    year=1983,
    volume="4",
    pages=(136, 148),
)
ELMAN_1990 = Work(
    key="elman1990",
    kind="article",
    authors=("Jeffrey L. Elman",),
    title="Finding Structure in Time",
    venue="Cognitive Science",
    year=1990,
    volume="14",
    pages=(179, 211),
)
HOCHREITER_1997 = Work(
    key="hochreiter1997",
    kind="article",
    authors=("Sepp Hochreiter", "Jürgen Schmidhuber"),
    title="Long Short-Term Memory",
    venue="Neural Computation",
    year=1997,
    volume="9",
    pages=(1735, 1780),
)
CHO_2014 = Work(
    key="cho2014",
    kind="inproceedings",
    authors=(
        "Kyunghyun Cho",
        "Bart van Merriënboer",
        "Caglar Gulcehre",
        "Dzmitry Bahdanau",
        "Fethi Bougares",
        "Holger Schwenk",
        "Yoshua Bengio",
    ),
    title="Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine "
    "Translation",
    venue="Conference on Empirical Methods in Natural Language Processing",
    year=2014,
)
TALLEC_2018 = Work(
    key="tallec2018",
    kind="inproceedings",
    authors=("Corentin Tallec", "Yann Ollivier"),
    title="Can Recurrent Neural Networks Warp Time?",
    venue="International Conference on Learning Representations",
    year=2018,
)
HO_1966 = Work(
    key="ho1966",
    kind="article",
    authors=("B. L. Ho", "R. E. Kalman"),
    title="Effective Construction of Linear State-Variable Models from Input/Output Functions",
    venue="Regelungstechnik",
    year=1966,
    volume="14",
    pages=(545, 548),
)
JUANG_1985 = Work(
    key="juang1985",
    kind="article",
    authors=("Jer-Nan Juang", "Richard S. Pappa"),
    title="An Eigensystem Realization Algorithm for Modal Parameter Identification and Model "
    "Reduction",
    venue="Journal of Guidance, Control, and Dynamics",
    year=1985,
    volume="8",
    pages=(620, 627),
)
ANTOULAS_2005 = Work(
    key="antoulas2005",
    kind="book",
    authors=("Athanasios C. Antoulas",),
    title="Approximation of Large-Scale Dynamical Systems",
    venue="SIAM",
    year=2005,
)
MOORE_1981 = Work(
    key="moore1981",
    kind="article",
    authors=("Bruce C. Moore",),
    title="Principal Component Analysis in Linear Systems: Controllability, Observability, and "
    "Model Reduction",
    venue="IEEE Transactions on Automatic Control",
    year=1981,
    volume="26",
    pages=(17, 32),
)
VAN_OVERSCHEE_1994 = Work(
    key="vanoverschee1994",
    kind="article",
    authors=("Peter Van Overschee", "Bart De Moor"),
    title="N4SID: Subspace Algorithms for the Identification of Combined Deterministic-Stochastic "
    "Systems",
    venue="Automatica",
    year=1994,
    volume="30",
    pages=(75, 93),
)
LJUNG_1999 = Work(
    key="ljung1999",
    kind="book",
    authors=("Lennart Ljung",),
    title="System Identification: Theory for the User",
    venue="Prentice Hall",
    year=1999,
    edition="Second",
)
FAZEL_2013 = Work(
    key="fazel2013",
    kind="article",
    authors=("Maryam Fazel", "Ting Kei Pong", "Defeng Sun", "Paul Tseng"),
    title="Hankel Matrix Rank Minimization with Applications to System Identification and "
    "Realization",
    venue="SIAM Journal on Matrix Analysis and Applications",
    year=2013,
    volume="34",
    pages=(946, 977),
)
CHEN_2012 = Work(
    key="chen2012",
    kind="article",
    authors=("Tianshi Chen", "Henrik Ohlsson", "Lennart Ljung"),
    title="On the Estimation of Transfer Functions, Regularizations and Gaussian Processes—"
    "Revisited",
    venue="Automatica",
    year=2012,
    volume="48",
    pages=(1525, 1535),
)

SOFTWARE = """@misc{extrapolab,
  author = {{The Extrapolab contributors}},
  title = {{Extrapolab: a lab server for the extrapolation of recurrent networks}}
}"""
"""The entry of this software."""

OF_PARTS: Mapping[str, tuple[Work, ...]] = MappingProxyType(
    {
        "adam": (KINGMA_2015,),
        "adaptive_gd": (RAZIN_2022, SLUTZKY_2025),
        "gradient_flow": (PETZOLD_1983,),
        "tanh_rnn": (ELMAN_1990,),
        "lstm": (HOCHREITER_1997,),
        "gru": (CHO_2014,),
        "readout": (SLUTZKY_2025,),
        "warm": (SLUTZKY_2025,),
        "wide": (EMAMI_2021,),
        "counterexample": (COHEN_KARLIK_2023,),
        "era": (HO_1966, JUANG_1985),
        "balanced_truncation": (MOORE_1981, ANTOULAS_2005),
        "subspace": (VAN_OVERSCHEE_1994,),
        "least_squares": (LJUNG_1999,),
        "nuclear_norm": (FAZEL_2013,),
        "kernel": (CHEN_2012,),
    }
)
"""Works by the kind of an optimizer, network or start, by ``readout``, and by baseline."""


def of_specs(specs: Iterable[ExperimentSpec]) -> tuple[Work, ...]:
    """The works that the parts of these specs rest on, each once.

    Example:
        >>> spec = ExperimentSpec.model_validate({
        ...     "teacher": {"kind": "gru"},
        ...     "student": {"kind": "gru", "dim": 8},
        ...     "training": {"length": 6},
        ...     "optimizer": {"kind": "adam"},
        ... })
        >>> [work.key for work in of_specs([spec])]
        ['kingma2015', 'cho2014']
    """
    parts = dict.fromkeys(part for spec in specs for part in _parts(spec))
    return tuple(dict.fromkeys(work for part in parts for work in OF_PARTS.get(part, ())))


def _parts(spec: ExperimentSpec) -> tuple[str, ...]:
    student = spec.student
    readout = ("readout",) if getattr(student, "readout", None) is not None else ()
    kinds = spec.optimizer.kind, student.kind, spec.teacher.kind, student.start.kind
    return *kinds, *readout, *spec.evaluation.baselines
