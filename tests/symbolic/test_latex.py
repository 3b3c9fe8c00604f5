"""The LaTeX document: balanced, escaped, complete, and compiled where LaTeX is installed."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

import verify
from verify import Architecture
from verify.calculus.symbolic import recursion_latex
from verify.calculus.symbolic.latex import latex_escape

HOSTILE = {
    "in_1": {"width": 2},
    "h.1:a-b": {"width": 2, "activation": {"expr": "x*tanh(log(1+exp(x)))"}, "inputs": ["in_1"]},
    "größe": {"width": 2, "activation": "tanh", "inputs": ["h.1:a-b", {"from": "h.1:a-b", "kind": "identity"}]},
    "層": {"width": 1, "activation": "sigmoid", "inputs": ["größe", "in_1", "h.1:a-b"]},
}


def braces_balance(text: str) -> bool:
    depth = 0
    for brace in re.findall(r"(?<!\\)(?:\\\\)*([{}])", text):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def environments_nest(text: str) -> bool:
    opened: list[str] = []
    for which, name in re.findall(r"\\(begin|end)\{(\w+\*?)\}", text):
        if which == "begin":
            opened.append(name)
        elif not opened or opened.pop() != name:
            return False
    return not opened


@pytest.mark.parametrize("text", ["{", "}{", "{{}", r"\\{"])
def test_the_balance_check_can_fail(text):
    assert not braces_balance(text)
    assert braces_balance(r"\{ {a} \\{}")
    assert not environments_nest(r"\begin{align*}\end{itemize}")


def test_document_is_balanced_and_ascii(any_network):
    document = recursion_latex(any_network)
    assert braces_balance(document) and environments_nest(document) and document.isascii()
    assert document.startswith(r"\documentclass") and document.endswith("\\end{document}\n")


def test_every_vertex_edge_and_parameter_occurs(any_network):
    document = recursion_latex(any_network)
    for name in any_network.order:
        assert rf"\bar z_{{\text{{{name}}}}} &=" in document
    assert document.count(r"\frac{\partial E}{\partial") == len(any_network.layout.slices)
    backward = document.split(r"\section*{Backpropagation}")[1].split(r"\section*{Gradient}")[0]
    for name in any_network.order:
        right_side = backward.split(rf"\bar h_{{\text{{{name}}}}} &=")[1].split(rf"\bar z_{{\text{{{name}}}}} &=")[0]
        assert right_side.count(r"\bar z_") == len(any_network.out_edges(name))


def test_hostile_names_are_escaped():
    document = recursion_latex(Architecture.from_data(HOSTILE, ["層"]))
    assert r"in\_1" in document and "in_1" not in document.replace(r"in\_1", "")
    assert r"gr\textless{}U+00F6\textgreater{}\textless{}U+00DF\textgreater{}e" in document
    assert document.isascii() and braces_balance(document)


def test_escape_leaves_no_active_character():
    escaped = latex_escape("".join(map(chr, range(128))))
    for command in (r"\textbackslash{}", r"\textasciicircum{}", r"\textasciitilde{}", r"\textquotedbl{}"):
        assert command in escaped
    stripped = re.sub(r"\\text[a-z]+\{\}|\\[{}_#$%&]", "", escaped)
    assert not set(stripped) & set("\\{}_^~#$%&\n\t")


def compiled(document: str, folder) -> None:
    (folder / "recursion.tex").write_text(document, encoding="ascii")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "recursion.tex"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout[-2000:]
    assert "undefined" not in run.stdout.lower()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_document_compiles(any_network, tmp_path):
    compiled(recursion_latex(any_network), tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_document_with_hostile_names_compiles(tmp_path):
    compiled(recursion_latex(Architecture.from_data(HOSTILE, ["層"])), tmp_path)


def test_the_rules_are_those_of_the_proof(any_network):
    """No rule that the proof does not use, none left out."""
    rules = recursion_latex(any_network).split(r"\section*{Rules}")[1]
    printed = re.findall(r"\\item \\emph\{(.*?):\}", rules)
    assert printed == [latex_escape(rule) for rule in verify.prove_gradients(any_network).numbers["rules"]]
