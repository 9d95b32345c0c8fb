"""Names and paths as a user types them."""

from pathlib import Path

import numpy as np
import pytest

from metaplast.tasks import Clusters, Teacher, named
from metaplast.tasks.folder import find


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of data sets, named by the environment variable."""
    x, y = np.random.default_rng(0).uniform(size=(50, 4)), np.arange(50) % 2
    np.savez(tmp_path / "letters.npz", x_train=x, y_train=y, x_test=x[:10], y_test=y[:10])
    monkeypatch.setenv("METAPLAST_DATA", str(tmp_path))
    return tmp_path


def test_bundled_and_procedural_names():
    task = named("digits", 300, 100)
    assert (task.name, task.inputs, task.moments, task.held_out) == ("digits", 64, 300, 100)
    assert named("digits", split="search").name == "digits (search images)"
    assert named("mnist1d", moments=20).inputs == 40
    clusters, teacher = named("clusters", 20, 10), named("teacher", 30)
    assert isinstance(clusters, Clusters) and (clusters.moments, clusters.held_out) == (20, 10)
    assert isinstance(teacher, Teacher) and (teacher.moments, teacher.held_out) == (30, 200)


def test_a_life_longer_than_the_bench_pool_takes_all_images_and_says_so():
    assert named("digits", 800).name == "digits"
    longer = named("digits", 801)
    assert longer.name == "digits (all images)" and longer.x_train.shape[0] == 1597
    # A search never leaves its own pool, however long its lives.
    assert named("digits", 5000, split="search").x_train.shape[0] == 597


def test_a_bare_name_is_looked_up_in_the_folder(folder):
    assert named("letters", 20).name == "letters"
    assert named("letters", 31).name == "letters (all examples)"
    assert named(folder / "letters.npz", 20).held_out == 10


def test_a_name_with_a_separator_is_a_path_whatever_the_folder_of_data_sets_holds(
    folder, tmp_path_factory, monkeypatch
):
    here = tmp_path_factory.mktemp("here")
    (here / "letters").mkdir()
    monkeypatch.chdir(here)
    assert find("letters") == folder / "letters.npz"  # the control: a bare name
    for name in ("./letters", "letters/", f"../{here.name}/letters"):
        assert find(name).resolve() == here / "letters"
        with pytest.raises(ValueError, match="none for x_train"):  # an empty folder of IDX files
            named(name, 20)
    for name in ("./nowhere", "~", ".hidden"):
        assert str(find(name)) == str(Path(name))


def test_a_tilde_is_the_users_home(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("USERPROFILE", str(folder.parent))  # what Windows asks
    monkeypatch.setenv("METAPLAST_DATA", f"~/{folder.name}")
    assert named("letters", 20).name == "letters"
    monkeypatch.setenv("METAPLAST_DATA", f"~/{folder.name}x")  # control
    with pytest.raises(FileNotFoundError, match=r"METAPLAST_DATA = .*x' is no folder"):
        named("letters", 20)


def test_without_the_variable_a_name_says_so(monkeypatch, folder):
    named("letters", 20)
    monkeypatch.delenv("METAPLAST_DATA")
    with pytest.raises(FileNotFoundError, match="data = 'letters': METAPLAST_DATA is not set"):
        named("letters", 20)
    monkeypatch.setenv("METAPLAST_DATA", str(folder / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"METAPLAST_DATA = .*nowhere' is no folder"):
        named("letters", 20)
    with pytest.raises(FileNotFoundError, match=r"is no folder; give a known name") as bare:
        find("letters")  # which knows no name that needs no file
    with pytest.raises(FileNotFoundError, match=r"digits, .*; give a known name") as listed:
        named("zzzzz", 20)
    with pytest.raises(FileNotFoundError, match=r"mean digits\? Give a known name") as near:
        named("digit", 20)
    for fault in (bare, listed, near):
        said = str(fault.value)
        assert "  " not in said and "; G" not in said and "\n" not in said


@pytest.mark.parametrize(
    ("name", "near"), [("digit", "digits"), ("leters", "letters"), ("mnist", "mnist1d")]
)
def test_an_unknown_name_lists_the_near_misses(folder, name, near):
    with pytest.raises(FileNotFoundError, match=f"did you mean .*{near}") as fault:
        named(name)
    assert "\n" not in str(fault.value) and str(folder) in str(fault.value)


def test_a_name_unlike_any_lists_them_all(folder):
    with pytest.raises(FileNotFoundError, match=r"known names: digits, .*letters"):
        named("zzzzz")


def test_a_known_name_wins_over_a_folder_of_that_name(folder, monkeypatch):
    (folder / "digits").mkdir()
    monkeypatch.chdir(folder)
    assert named("digits").inputs == 64


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("digits", 0), "moments = 0: expected an integer of 1 or more"),
        (("digits", -5), "moments = -5"),
        (("digits", 300, 0), "held_out = 0"),
        (("digits", 300, 201), "held_out = 201: expected at most 200"),
        (("clusters", 300, 0), "held_out = 0"),
        (("digits", 300, 10, "test"), "split = 'test': give one of bench, search, all"),
    ],
)
def test_bad_arguments_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        named(*arguments)


def test_a_missing_path_is_named():
    with pytest.raises(FileNotFoundError, match=r"data = 'gone\.npz': no such file"):
        named("gone.npz")
    with pytest.raises(FileNotFoundError, match=r"no such file or folder"):
        named("nowhere/mnist")
