"""The hub of data sets, through its own library: pictures of a local folder in the hub's form, and
what the library says without a network."""

import shutil
import sys

import numpy as np
import pytest
from PIL import Image

from metaplast.tasks import hub
from tasks import small_files
from tasks.hub_library import NO_HUB

pytest.importorskip("datasets", reason=NO_HUB)


@pytest.fixture(scope="module")
def shades(tmp_path_factory) -> str:
    return str(small_files.hub_folder(tmp_path_factory.mktemp("hub")))


def test_the_hub_gives_pictures_and_labels(shades):
    task = hub(shades, size=4, moments=5, split="all")
    assert task.x_train.shape == (45, 16) and task.x_test.shape == (10, 16) and task.classes == 3
    for x, y in ((task.x_train, task.y_train), (task.x_test, task.y_test)):
        assert len(np.unique(y)) == 3
        shade = 255 * np.asarray(x).mean(axis=1)
        np.testing.assert_allclose(shade, 60 * np.asarray(y) + 50, atol=9)
    known = [
        np.asarray(Image.fromarray(a).resize((4, 4), Image.Resampling.BILINEAR)).reshape(-1)
        for a in small_files.shades(10, (6, 5))[0]
    ]
    np.testing.assert_allclose(task.x_test, np.array(known) / 255, rtol=1e-6)
    few = hub(shades, size=4, moments=5, split="all", most=10)
    assert few.x_train.shape == (10, 16) and few.checksum != task.checksum
    search = hub(shades, size=4, moments=5, split="search")
    seen = {x.tobytes() for x in np.concatenate([search.x_train, search.x_test])}
    lived = {x.tobytes() for x in np.asarray(hub(shades, size=4, moments=5, most=20).x_train)}
    assert (len(seen), len(lived)) == (18, 12) and not seen & lived  # however many either reads
    colored = hub(shades, size=4, color=True, moments=5, split="all")
    np.testing.assert_array_equal(colored.x_test.reshape(10, 16, 3)[..., 1], task.x_test)


def test_other_pictures_than_were_expected_are_refused(shades):
    found = hub(shades, size=4).checksum
    assert len(found) == 64 and hub(shades, size=4, sha256=found).checksum == found
    assert hub(shades, size=4, sha256=found[:16].upper()).checksum == found
    with pytest.raises(ValueError, match=rf"sha256 = '1{found}': .* has {found[:16]}"):
        hub(shades, size=4, sha256=f"1{found}")


def refused(says, name, **options):
    with pytest.raises(ValueError, match=says) as fault:
        hub(name, size=4, **options)
    assert "\n" not in str(fault.value)


def test_a_name_without_a_network_is_one_line(shades):
    assert hub(shades, size=4).classes == 3
    refused(r"name = 'someone/shades': train .*Couldn't reach .*'someone/shades'", "someone/shades")


def test_wrong_columns_are_named(shades):
    assert hub(shades, size=4, image="image", label="label").classes == 3
    refused("image = 'picture': .* has image, label, note; give one", shades, image="picture")
    refused("image = 'note': .* holds str, expected pictures; give", shades, image="note")
    refused("label = 'note': .* holds str, expected the numbers of classes", shades, label="note")


def test_damaged_and_missing_files_are_one_line(shades, tmp_path):
    path = tmp_path / "shades"
    shutil.copytree(shades, path)
    test = path / "data" / "test-00000-of-00001.parquet"
    assert hub(str(path), size=4).x_test.shape == (10, 16)
    test.write_bytes(test.read_bytes()[:200])
    refused(r"name = '.*shades': train could not be loaded", str(path))
    test.unlink()
    refused(r"name = '.*shades': test could not be loaded .*Unknown split", str(path))


def test_a_missing_library_is_named(shades, monkeypatch):
    assert hub(shades, size=4).classes == 3
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ImportError, match=r"needs the library `datasets`.*metaplast\[hub\]"):
        hub(shades)
