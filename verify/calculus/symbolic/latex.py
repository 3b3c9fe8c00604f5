"""The recursion of one graph as a LaTeX document."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from verify.calculus.symbolic.proof import bias_count, build_proof, rules_of
from verify.calculus.symbolic.rules import RULES

if TYPE_CHECKING:
    from verify.architecture import Architecture, Edge

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "#": r"\#",
    "$": r"\$",
    "%": r"\%",
    "&": r"\&",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
}

_PREAMBLE = r"""\documentclass[a4paper,11pt]{article}
\usepackage[T1]{fontenc}
\usepackage[margin=25mm]{geometry}
\usepackage{amsmath}
\allowdisplaybreaks
\setlength{\parindent}{0pt}
\begin{document}
"""

_NOTATION = r"""Every column of $h_v$, $z_v$, $\bar h_v = \partial E/\partial h_v$ and
$\bar z_v = \partial E/\partial z_v$ belongs to one sample; sums $\sum_s$ run over the samples,
$\odot$ is the componentwise product, $\sigma = 1$ for the sum over the samples and $\sigma = 1/N$ for their mean.
$W$ is the matrix of a dense edge, $K * h$ the convolution of the zero-padded $h$ with a kernel, $M$ the mean over
windows, $S$ the selection that puts $h$ at its place in a concatenation.
"""


def latex_escape(text: str) -> str:
    """Return text that LaTeX prints literally; characters outside ASCII appear as their code points.

    Examples
    --------
    >>> print(latex_escape("h_1 & 100%"))
    h\\_1 \\& 100\\%
    """
    return "".join(
        _ESCAPES.get(character, character)
        if character.isascii() and character.isprintable()
        else _code_point(character)
        for character in text
    )


def recursion_latex(architecture: Architecture) -> str:
    """Return a LaTeX document with the forward pass, the backpropagation recursion and the rules they rest on.

    Parameters
    ----------
    architecture : Architecture
        The network.

    Returns
    -------
    str
        A complete document for pdflatex.

    Examples
    --------
    >>> from verify.architecture import Architecture
    >>> nodes = {"x": {"width": 2}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    >>> print(recursion_latex(Architecture.from_data(nodes, "y")).splitlines()[0])
    \\documentclass[a4paper,11pt]{article}
    """
    sections = [
        ("Network", _network(architecture)),
        ("Forward pass", display(_forward(architecture, name) for name in architecture.order)),
        ("Error", display([_error(architecture)])),
        (
            "Backpropagation",
            _NOTATION
            + display(line for name in reversed(architecture.order) for line in _backward(architecture, name)),
        ),
        (
            "Gradient",
            display(line for name in architecture.order for line in _gradients(architecture, name))
            + "Weight decay adds $\\lambda w$ to the gradient in every trainable parameter $w$.\n",
        ),
        ("Rules", _rules(architecture)),
    ]
    return document(sections)


def document(sections: Iterable[tuple[str, str]]) -> str:
    """Return a LaTeX document of titled sections."""
    body = "".join(f"\\section*{{{title}}}\n{text}" for title, text in sections)
    return f"{_PREAMBLE}{body}\\end{{document}}\n"


def _code_point(character: str) -> str:
    return rf"\textless{{}}U+{ord(character):04X}\textgreater{{}}"


def _name(vertex: str) -> str:
    return rf"\text{{{latex_escape(vertex)}}}"


def _between(edge: Edge) -> str:
    return rf"{_name(edge.source)},\,{_name(edge.target)}"


def display(lines: Iterable[str]) -> str:
    """Return lines as one display of aligned equations."""
    joined = " \\\\\n".join(lines)
    return f"\\begin{{align*}}\n{joined}\n\\end{{align*}}\n" if joined else ""


def _network(architecture: Architecture) -> str:
    rows = []
    for name, vertex in architecture.vertices.items():
        kind = "input" if vertex.activation_spec is None else f"activation {latex_escape(str(vertex.activation_spec))}"
        size = str(vertex.width) if vertex.shape is None else "$" + r" \times ".join(map(str, vertex.shape)) + "$"
        bias = f", {bias_count(vertex)} biases per {vertex.bias}" if vertex.bias else ""
        output = ", output" if name in architecture.outputs else ""
        rows.append(rf"\item {latex_escape(name)}: width {size}, {kind}{bias}{output}")
    return f"{architecture.size} trainable parameters.\n\\begin{{itemize}}\n" + "\n".join(rows) + "\n\\end{itemize}\n"


_APPLIED: dict[str, Callable[[str, str], str]] = {
    "dense": lambda place, h: f"W_{{{place}}} {h}",
    "identity": lambda place, h: h,
    "flatten": lambda place, h: rf"\operatorname{{flatten}}({h})",
    "concat": lambda place, h: f"S_{{{place}}} {h}",
    "avgpool2d": lambda place, h: f"M_{{{place}}} {h}",
    "conv2d": lambda place, h: f"K_{{{place}}} * {h}",
}

_SENT_BACK: dict[str, Callable[[str, str], str]] = {
    "dense": lambda place, dz: f"W_{{{place}}}^T {dz}",
    "identity": lambda place, dz: dz,
    "flatten": lambda place, dz: rf"\operatorname{{flatten}}^T({dz})",
    "concat": lambda place, dz: f"S_{{{place}}}^T {dz}",
    "avgpool2d": lambda place, dz: f"M_{{{place}}}^T {dz}",
    "conv2d": lambda place, dz: f"K_{{{place}}} *^T {dz}",
}

_PARAMETER_GRADIENT: dict[str, Callable[[str, str, str], str]] = {
    "dense": lambda place, h, dz: rf"\frac{{\partial E}}{{\partial W_{{{place}}}}} &= \sum_s {dz} {h}^T",
    "conv2d": lambda place, h, dz: (
        rf"\frac{{\partial E}}{{\partial K_{{{place}}}}} &= \sum_s "
        rf"\Bigl(\frac{{\partial (K * {h})}}{{\partial K}}\Bigr)^T {dz}"
    ),
}


def _forward(architecture: Architecture, name: str) -> str:
    v = _name(name)
    terms = [_APPLIED[edge.kind](_between(edge), f"h_{{{_name(edge.source)}}}") for edge in architecture.in_edges(name)]
    if architecture.vertices[name].bias is not None:
        terms.insert(0, f"b_{{{v}}}")
    return _broken(f"z_{{{v}}} &= ", terms) + rf", & h_{{{v}}} &= g_{{{v}}}(z_{{{v}}})"


def _error(architecture: Architecture) -> str:
    squares = [rf"\bigl|h_{{{_name(name)}}} - y_{{{_name(name)}}}\bigr|^2" for name in architecture.outputs]
    inner = " + ".join(squares)
    return rf"E(w) &= \sigma \sum_s \tfrac12 \Bigl({inner}\Bigr) + \tfrac{{\lambda}}{{2}} |w|^2"


def _backward(architecture: Architecture, name: str) -> list[str]:
    v = _name(name)
    terms = [rf"\sigma (h_{{{v}}} - y_{{{v}}})"] if name in architecture.outputs else []
    terms += [
        _SENT_BACK[edge.kind](_between(edge), rf"\bar z_{{{_name(edge.target)}}}")
        for edge in architecture.out_edges(name)
    ]
    return [
        _broken(rf"\bar h_{{{v}}} &= ", terms),
        rf"\bar z_{{{v}}} &= g_{{{v}}}'(z_{{{v}}}) \odot \bar h_{{{v}}}",
    ]


def _gradients(architecture: Architecture, name: str) -> list[str]:
    v = _name(name)
    lines = [
        _PARAMETER_GRADIENT[edge.kind](_between(edge), f"h_{{{_name(edge.source)}}}", rf"\bar z_{{{v}}}")
        for edge in architecture.in_edges(name)
        if edge.map.parameter_shape
    ]
    bias = architecture.vertices[name].bias
    if bias is not None:
        positions = r" \sum_{\text{positions}}" if bias == "channel" else ""
        lines.append(rf"\frac{{\partial E}}{{\partial b_{{{v}}}}} &= \sum_s{positions} \bar z_{{{v}}}")
    return lines


def _broken(head: str, terms: list[str], per_line: int = 3) -> str:
    lines = [" + ".join(terms[start : start + per_line]) for start in range(0, len(terms), per_line)]
    return head + " \\\\\n&\\quad + ".join(lines)


def _rules(architecture: Architecture) -> str:
    items = "\n".join(
        rf"\item \emph{{{latex_escape(name)}:}} {latex_escape(RULES[name].statement)}"
        for name in rules_of(build_proof(architecture))
    )
    return (
        "Each rule is proved symbolically for all widths, any number of samples and any differentiable activation.\n"
        f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}\n"
    )
