"""The switch between XLA's program and the kernel, and what the doctor says of it."""

from __future__ import annotations

import pytest

from metaplast import doctor, fingerprint, kernel


@pytest.mark.parametrize("said", [None, "", "plain", "pallas", " Pallas "])
def test_plain_unless_asked(said):
    meant = (said or "").strip().lower() or "plain"
    assert kernel.wanted({} if said is None else {kernel.SWITCH: said}) == meant


def test_anything_else_is_refused_in_one_line(monkeypatch):
    expected = "METAPLAST_KERNEL = 'triton': expected plain or pallas"
    with pytest.raises(ValueError) as fault:
        kernel.wanted({kernel.SWITCH: "triton"})
    assert str(fault.value) == expected
    monkeypatch.setenv(kernel.SWITCH, "triton")
    assert doctor._kernel()["said"] == expected


def test_the_doctor_says_which_one_is_in_use(monkeypatch):
    monkeypatch.delenv(kernel.SWITCH, raising=False)
    assert doctor._kernel()["used"] == "plain"
    monkeypatch.setenv(kernel.SWITCH, "pallas")
    here = doctor._kernel()
    assert (here["wanted"], here["used"]) == ("pallas", "plain") and "no NVIDIA GPU" in here["said"]
    monkeypatch.setattr(doctor, "_devices", lambda: ["gpu:0 (NVIDIA H100 80GB HBM3)"])
    assert doctor._kernel()["used"] == "pallas"


def test_a_program_of_the_one_is_never_taken_for_that_of_the_other(monkeypatch):
    monkeypatch.delenv(kernel.SWITCH, raising=False)
    plain = fingerprint.fingerprint("source", 1)
    assert plain == fingerprint.fingerprint("source", 1)
    monkeypatch.setenv(kernel.SWITCH, "pallas")
    assert fingerprint.fingerprint("source", 1) != plain
