"""Options and groups that commands share: one word for each thing, wherever it occurs."""

from __future__ import annotations

import functools
import logging
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click_default_group import DefaultGroup

from kdsl.errors import KdslError

Command = Callable[..., Any]
FILE = click.Path(path_type=Path)

RENAMED = {
    "--input": "--data",
    "--gold": "--data",
    "--output": "--out",
    "--report": "--out",
    "--model": "--config",
}
"""Options of kdsl 0.1 -> what they are called now."""


SETTINGS = {"task_file": "the key 'tasks' of --config"}
"""Parameters that are an option of some commands, and a setting of the others."""


class HelpfulCommand(click.Command):
    """A command that says what an option of an earlier version is called now, and adds its flags to messages.

    The library names parameters: '`min_probability`' in a KdslError becomes `--min-probability` here, and 'as the
    text's column' `--text-column`.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.option_name in RENAMED:
                said = f"No such option: {error.option_name}. It is called {RENAMED[error.option_name]} now."
                raise click.UsageError(said, ctx) from error
            raise

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KdslError as error:
            error.args = (_of_stdin(ctx, self.with_flags(str(error))),)
            raise

    def with_flags(self, said: str) -> str:
        """A message of the library with this command's flags in place of the parameters that it names."""
        return re.sub(r"as the (\w+)'s column", self._column_flag, re.sub(r"`(\w+)`", self._flag, said))

    def _flag(self, found: re.Match[str]) -> str:
        flag, flags = "--" + found[1].replace("_", "-"), self._flags
        if flag in flags:
            return flag
        return SETTINGS.get(found[1], found[0]) if "--config" in flags else found[0]

    def _column_flag(self, found: re.Match[str]) -> str:
        flag = f"--{found[1]}-column"
        return f"by {flag}" if flag in self._flags else found[0]

    @property
    def _flags(self) -> set[str]:
        return {flag for option in self.params for flag in option.opts}


class NounGroup(DefaultGroup):
    """A group that is named by a noun; without a verb it does what `default` names."""

    command_class = HelpfulCommand


def noun(default: str | None = None, **attributes: Any) -> Callable[[Command], NounGroup]:
    """Make a function a group; `default` is the verb that may be left out."""
    return click.group(cls=NounGroup, default=default, default_if_no_args=default is not None, **attributes)


def data_option(
    what: str = "Labelled samples", *, multiple: bool = True, required: bool = True
) -> Callable[[Command], Command]:
    """--data: a file of samples, '-' for standard input."""
    again = "; may be given more than once" if multiple else ""
    return click.option(
        "--data",
        type=click.Path(path_type=Path, allow_dash=True),
        required=required,
        multiple=multiple,
        callback=_from_stdin,
        help=f"{what}: a file, a folder of pictures, or '-' for standard input{again}.",
    )


def out_option(what: str, **attributes: Any) -> Callable[[Command], Command]:
    """--out: where a command writes."""
    return click.option("--out", type=FILE, required=True, help=what, **attributes)


def bundle_option(what: str = "A bundle that `kdsl fit` made.", **attributes: Any) -> Callable[[Command], Command]:
    """--bundle: a bundle that is read."""
    return click.option("--bundle", type=FILE, help=what, **attributes)


images_option = click.option(
    "--images", type=FILE, default=".", show_default=True, help="Folder that all pictures lie below."
)
ocr_option = click.option("--ocr", type=FILE, help="OCR results that exist already, as JSON lines.")
set_option = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a setting, e.g. training.epochs=3."
)
config_option = click.option(
    "--config", default="configs/nano.yaml", show_default=True, help="Settings of the run, a YAML file."
)
tasks_option = click.option("--task", "tasks", multiple=True, help="Only this task; may be given more than once.")
task_option = click.option("--task", help="The task's name.")
own_tasks_option = click.option(
    "--task-file",
    "task_file",
    type=FILE,
    multiple=True,
    help="Task file; may be given more than once. Default: the tasks of --config, or one made of the data.",
)
pred_option = click.option("--pred", type=FILE, required=True, help="Predictions, one JSON line each.")
folds_option = click.option("--folds", type=FILE, required=True, help="JSON file: sample id -> fold.")
fold_option = click.option(
    "--fold", "only", type=int, multiple=True, help="Only this fold; may be given more than once."
)
seed_option = click.option("--seed", default=17, show_default=True, help="Fixes what is drawn at random.")
resume_option = click.option(
    "--resume/--no-resume", default=True, show_default=True, help="Continue an unfinished training, or discard it."
)


def task_files_option(default: str) -> Callable[[Command], Command]:
    """--task-file of a command without --config, which takes it as `task_files`."""
    return click.option(
        "--task-file",
        "task_files",
        type=FILE,
        multiple=True,
        help=f"Task file; may be given more than once. Default: {default}.",
    )


def columns_options(command: Command) -> Command:
    """--text-column, --label-column and --image-column, which the command takes as `columns`."""

    @functools.wraps(command)
    def with_columns(
        *args: Any, text_column: str | None, label_column: str | None, image_column: str | None, **others: Any
    ) -> Any:
        given = {"text": text_column, "label": label_column, "image": image_column}
        return command(*args, columns={part: name for part, name in given.items() if name is not None}, **others)

    wrapped: Command = with_columns
    for part in ("image", "label", "text"):
        what = f"Column or field of the data that holds the {part}, where its name is not known (docs/data.md)."
        wrapped = click.option(f"--{part}-column", metavar="NAME", help=what)(wrapped)
    return wrapped


def learning_options(command: Command, data: Callable[[Command], Command] | None = None) -> Command:
    """Options of a command that learns from labelled samples.

    Args:
        data: its option --data, where that is not required.
    """
    for option in reversed((data or data_option(), images_option, ocr_option, config_option, set_option)):
        command = option(command)
    return command


STDIN = "standard input"
"""What messages call it, and the name of the file that it is read into."""


def _of_stdin(context: click.Context, said: str) -> str:
    """A message that calls standard input so, and not by the file that it was read into."""
    return said.replace(context.meta[STDIN], STDIN) if STDIN in context.meta else said


def _from_stdin(context: click.Context, option: click.Parameter, value: Any) -> Any:
    """Paths as given; standard input is read into a file that goes with the command."""

    def rename(record: logging.LogRecord) -> bool:
        record.msg, record.args = _of_stdin(context, record.getMessage()), None
        return True

    def path(given: Path) -> Path:
        if str(given) != "-":
            return given
        folder = context.with_resource(tempfile.TemporaryDirectory(prefix="kdsl-"))
        file = Path(folder) / STDIN
        context.meta[STDIN] = str(file)
        for handler in logging.getLogger("kdsl").handlers:
            handler.addFilter(rename)
            context.call_on_close(functools.partial(handler.removeFilter, rename))
        with file.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)  # it may be larger than memory
        return file

    return tuple(path(one) for one in value) if isinstance(value, tuple) else value and path(value)
