"""``dagverify train``: train with a proof of every step's decrease, into a folder that survives kills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from verify.cli.output import json_option, print_json, progress, spec_argument, stderr_console
from verify.files.kinds import PICTURE
from verify.files.writing import Outputs
from verify.outcomes import InputError, Verdict

if TYPE_CHECKING:
    from verify.training.session import Session
    from verify.training.trajectory import StepRecord

RULES = ("certified", "guarded", "fixed", "restart", "clipped", "epoch")
"""`verify.training.train.RULES`, without importing it for ``--help``."""


@click.command("train")
@spec_argument
@click.option(
    "--steps", type=click.IntRange(0, 10**9), default=100, show_default=True, help="Budget in all; epochs for --guard."
)
@click.option("--rule", type=click.Choice(RULES), help="Default: certified; with --momentum: clipped.")
@click.option("--batch", type=click.IntRange(1, 10**9), help="Train on batches of so many samples, with --guard epoch.")
@click.option("--guard", type=click.Choice(["epoch"]), help="Prove that E falls over every epoch; needs --batch.")
@click.option(
    "--eta", "--lr", "eta", type=float, help="Learning rate of --rule fixed, restart, clipped and --guard epoch."
)
@click.option("--tau", type=float, help="Momentum size, for --rule fixed and restart.")
@click.option("--mu", "--momentum", "mu", type=float, help="Momentum of SGD, for --rule clipped and --guard epoch.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Of the order of batches; default 0.")
@click.option("--shrink", type=float, help="By which lr is multiplied after an epoch taken back; default 0.5.")
@click.option("--recover", type=click.IntRange(1), help="Accepted epochs in a row that undo one shrinking.")
@click.option("--norm", type=click.Choice(["global", "vertex"]), default="global", show_default=True)
@click.option("--gradient-tolerance", type=float, default=0.0, help="Stop when |grad E| is proved to be at most this.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the run.")
@click.option("--resume", is_flag=True, help="Go on with the run in --out from its last checkpoint.")
@click.option("--checkpoint-every", type=click.IntRange(1), default=25, show_default=True, help="Steps.")
@click.option(
    "--certificates",
    type=click.Choice(["steps", "horizon"]),
    help="Keep the weights of every step and a chain of certificates that `dagverify recheck RUN/` confirms.",
)
@click.option(
    "--certify-every", type=click.IntRange(1, 10**6), default=100, show_default=True, help="Steps of a certificate."
)
@click.option("--plot", is_flag=True, help="Write run.png into the folder.")
@click.option("--force", is_flag=True, help="Remove an older run and other files in the way.")
@json_option
def command(
    spec: Path,
    steps: int,
    rule: str | None,
    batch: int | None,
    guard: str | None,
    eta: float | None,
    tau: float | None,
    mu: float | None,
    seed: int | None,
    shrink: float | None,
    recover: int | None,
    norm: str,
    gradient_tolerance: float,
    out: Path,
    resume: bool,
    checkpoint_every: int,
    certificates: str | None,
    certify_every: int,
    plot: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Train the network of SPEC; every step's decrease is proved, or the run says which was not.

    \b
    certified   the step's length is proved before it is taken
    guarded     the decrease is proved after the fact, with backtracking
    fixed       the theorem's momentum with constant --eta and --tau; increases are recorded
    restart     the same without momentum where it points uphill: larger --tau are admissible
    clipped     SGD with --lr and --momentum, which is cut where theorem from_rest does not admit it
    epoch       what --guard epoch chooses

    With --batch 64 --guard epoch a step is a whole epoch of SGD on mini-batches, consecutive samples, in an order drawn
    from --seed and the epoch's number. An epoch after which the error of all data did not provably fall is taken back
    and tried again from rest with lr times --shrink. lr is --eta, or that of SPEC, and with --recover N it grows back
    by one shrinking after N accepted epochs in a row, never beyond. Single steps are not judged.

    With --certificates horizon the next steps of rules fixed and restart are certified before they are taken: they stay
    in a ball and the error falls. Steps that cannot be, and those of the other rules, are certified afterwards.

    With --resume the bounds of E are proved again from the stored weights, and the verdict is about the steps of this
    session and about E at both ends of the run. The steps of earlier sessions are recorded, not proved again:
    recorded_steps counts them, and `dagverify recheck RUN/` proves them where there are certificates.

    \b
    Examples:
      dagverify train examples/xor_skip.toml --steps 200 --out run/
      dagverify train examples/xor_skip.toml --steps 400 --out run/ --resume
      dagverify train examples/xor_skip.toml --lr 0.01 --momentum 0.9 --out momentum/
      dagverify train examples/xor_skip.toml --steps 200 --out proved/ --certificates steps
      dagverify train examples/xor_decay.toml --steps 20 --batch 2 --guard epoch --eta 0.5 --out epochs/
    """
    rule = rule or ("certified" if mu is None or guard else "clipped")
    with progress():
        from verify.cli.target import load

        specification = load(spec)
        problem = specification.problem
        from verify.plotting.library import require_matplotlib
        from verify.plotting.run import plot_run
        from verify.training.run_folder import RunFolder
        from verify.training.session import Session
        from verify.training.train import make_rule

        if plot:
            require_matplotlib()
            if out.exists():
                Outputs(force=force).add(out / "run.png", PICTURE)
        epochs = _epochs(rule, batch, guard, {"seed": seed, "shrink": shrink, "recover": recover})
        parts: Any = None
        if epochs is not None:
            from verify.cli.batches import parts_of, plain_setting

            rule, parts = "epoch", parts_of(specification, batch)
            eta, mu = plain_setting(specification, eta, mu)
        settings = {"rule": rule, "eta": eta, "tau": tau, "norm": norm, "gradient_tolerance": gradient_tolerance}
        settings |= {} if mu is None else {"mu": mu}
        settings |= {} if epochs is None else {"batch": batch, **epochs}
        chosen = make_rule(rule, eta, tau, norm, problem, mu=mu, batch=parts, epochs=epochs)
        session = Session(problem, chosen, gradient_tolerance=gradient_tolerance)
        folder = RunFolder(out, certificates, certify_every)
        if resume:
            folder.resume(session, settings)
        else:
            folder.start(session, settings, force=force, inputs=[spec, *specification.document.files])
    with _bar(session, steps) as show:
        result = folder.run(session, steps, show, checkpoint_every)
    answer = {"name": problem.name, "run": str(out), "rule": rule, **result}
    answer["recorded_steps"] = sum(folder.recorded.values())
    answer["verdict"] = _verdict(answer).value
    if plot:
        answer["plot"] = str(out / "run.png")
        plot_run(list(folder.read()), problem.region, out / "run.png", force=force)
    if as_json:
        print_json(answer)
    else:
        from verify.cli.tables import print_table

        print_table(f"{problem.name}: {_question(answer)}", answer["verdict"], _rows(answer, folder.recorded))
    return Verdict(answer["verdict"]).exit_code


def _epochs(rule: str, batch: int | None, guard: str | None, settings: dict[str, Any]) -> dict[str, Any] | None:
    """Return the settings of guarded epochs, or None where single steps are proved."""
    given = {name: value for name, value in settings.items() if value is not None}
    if guard is None and rule != "epoch":
        if batch is not None or given:
            found = {"batch": batch, **given}
            raise InputError("batches need --guard epoch", **found, remedy="add --guard epoch, or leave them out")
        return None
    if batch is None:
        raise InputError("--guard epoch needs --batch", batch=batch, remedy="add --batch 64")
    if rule not in (RULES[0], "epoch"):
        raise InputError("--guard epoch is a rule of its own", rule=rule, remedy="leave out --rule")
    return {"seed": 0, "shrink": 0.5, "recover": None, **given}


def _verdict(answer: dict[str, Any]) -> Verdict:
    """Return the verdict on the steps and, where earlier sessions took some, on E at both ends of the run."""
    found = Verdict(answer["verdict"])
    if answer["recorded_steps"] and not (answer["proved_decrease"] or 0.0) > 0.0:
        return Verdict.weakest([found, Verdict.UNDECIDED])
    return found


def _question(answer: dict[str, Any]) -> str:
    step = "epoch" if answer["rule"] == "epoch" else "step"
    if answer["recorded_steps"] == 0:
        return f"did every {step} decrease the error?"
    if answer["steps"] > answer["recorded_steps"]:
        return f"did every {step} of this session, and the run in all, decrease the error?"
    return "did the run in all decrease the error?"


def _rows(answer: dict[str, Any], recorded: dict[str, int]) -> list[Any]:
    from verify.arithmetic.decimals import at_least, at_most
    from verify.cli.tables import TableLine, number

    own = {name: count - recorded[name] for name, count in answer["verdicts"].items()}
    taken = [Verdict(name) for name, count in own.items() if count]
    steps = "epochs" if answer["rule"] == "epoch" else "steps"
    rows = [TableLine(steps, Verdict.weakest(taken or [Verdict.UNDECIDED]).value, _counts(own))]
    if answer["recorded_steps"]:
        rows = [TableLine(steps, rows[0].verdict if taken else "", f"in this session {_counts(own)}")]
        again = "not proved again: dagverify recheck proves them, if the run has --certificates"
        rows.append(TableLine("recorded", "", f"by earlier sessions {_counts(recorded)}; {again}"))
    return [
        *rows,
        TableLine("E", "", f"{number(answer['error'])}, proved at most {_text(at_least, answer['error_upper'])}"),
        TableLine("decrease", "", f"{_text(at_most, answer['proved_decrease'])} proved in all, from the first weights"),
        TableLine("stopped", "", answer["stopped"]),
        TableLine("run", "", answer["run"]),
    ]


def _counts(verdicts: dict[str, int]) -> str:
    shown = ", ".join(f"{count} {name}" for name, count in verdicts.items() if count)
    return f"{sum(verdicts.values())}: {shown or 'none'}"


def _text(shortened: Callable[[float], str], value: float | None) -> str:
    return "unbounded" if value is None else shortened(value)


@contextmanager
def _bar(session: Session, steps: int) -> Iterator[Callable[[Session, StepRecord], None]]:
    """Show steps, E, the proved decrease and the rate on stderr, when stderr is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = stderr_console()
    if not console.is_terminal:
        yield lambda session, record: None
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=steps, completed=session.index)

        def show(session: Session, record: StepRecord) -> None:
            speed = bar.tasks[0].speed
            rate = "" if speed is None else f", {speed:.3g} steps/s"
            text = f"E = {session.error:.6g}, proved decrease {record.decrease:.3g}{rate}"
            bar.update(task, completed=session.index, description=text)

        yield show
