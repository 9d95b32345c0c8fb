"""Where memory is short, fewer lives are lived at once; what they come to is the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from metaplast import memory, program
from metaplast.fingerprint import source_hash
from metaplast.fitting import fitting
from metaplast.memory import Unfit
from metaplast.shelf import Shelf
from metaplast.spread import AT_ONCE, chunked, most_at_once, spread

ITEMS = jnp.arange(1.0, 4 * AT_ONCE + 1)


def life(x):
    """Something that takes memory: ten thousand moments, all of them kept."""
    _, kept = jax.lax.scan(lambda c, _: (0.9 * c + x, c), x, None, 10_000)
    return jnp.sort(kept)[5000]


def trace(shelf, at_once=None):
    def lived(items):
        return spread(life, items, at_once)

    return program.traced(lived, (ITEMS,), 0, shelf, (most_at_once(), at_once))


def needed(most: int | None) -> int:
    """Bytes of the program that lives so many at once."""
    with chunked(most):
        return memory.used(trace(None).build())


@pytest.fixture(scope="module")
def sizes() -> dict[int, int]:
    return {most: needed(most) for most in (1, 2, AT_ONCE)}


@pytest.fixture
def free(monkeypatch):
    return lambda count: monkeypatch.setattr(memory, "free", lambda: count)


def test_a_program_that_fits_lives_as_many_at_once_as_ever(free, sizes):
    free(sizes[AT_ONCE])
    whole = fitting(trace)
    assert whole.at_once == AT_ONCE
    assert np.all(np.asarray(whole.compiled()(ITEMS)) > 0)


@pytest.mark.parametrize("kept", [False, True])
def test_lives_at_once_are_halved_until_they_fit(free, sizes, tmp_path, kept):
    assert sizes[2] < sizes[AT_ONCE] / 2
    want = np.asarray(trace(None).compiled()(ITEMS))
    shelf = Shelf(tmp_path, source_hash()) if kept else None
    whole = fitting(trace, shelf)
    if kept:  # read and not traced: nobody knows how many there are
        whole = fitting(trace, shelf)
        assert whole.at_once == 0
    free(sizes[2])
    with pytest.raises(Unfit):
        whole.program.compiled()
    assert np.all(want > 0)
    np.testing.assert_array_equal(np.asarray(whole.compiled()(ITEMS)), want)


def test_what_fits_in_no_way_is_refused_in_one_line(free, sizes):
    free(sizes[1] // 2)
    with pytest.raises(
        Unfit, match=r"the compiled program: needs .* GiB .* give fewer lives"
    ) as no:
        fitting(trace).compiled()
    assert "\n" not in str(no.value)


def test_items_that_stand_for_several_lives_are_not_divided(free, sizes):
    def pairs(shelf):
        return program.traced(lambda items: spread(life, items, lives=2), (ITEMS,), 0, shelf)

    whole = fitting(pairs)
    assert whole.at_once == AT_ONCE
    fewest = whole.halved().halved()
    assert fewest.at_once == 2 and fewest.halved() is None
    free(sizes[1] // 2)
    with pytest.raises(Unfit):
        whole.compiled()


def test_a_width_that_somebody_chose_stays(free, sizes):
    free(sizes[2])
    chosen = fitting(lambda shelf: trace(shelf, AT_ONCE))
    with pytest.raises(Unfit):
        chosen.compiled()


def test_a_limit_ends_with_its_block():
    with chunked(3):
        assert most_at_once() == 3
    assert most_at_once() is None
