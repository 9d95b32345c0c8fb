"""Learners that cheat, one file each: what the audit has to catch.

Every module says what it does and how it hides; `subject()` is the cheat, `BREAKS` names the
constraints that must come out violated, and `KEEPER` the honest learner that differs from it in
the cheat alone (`base` where it is missing) and does not violate them.

**What no check here can catch:**

- Information in *timing*: how long a step takes, or how often a `while` loop goes round where the
  number itself is used by nobody.
- A fixed number of *shared clock ticks* that stands for activity: a field that counts spikes is
  a cell's own trace, and nothing tells it from a clock if every cell fires at every moment.
- Constants that were *tuned on the test set*, or by a person who looked at it: a number does not
  say where it comes from.
- A small replay buffer that is spread over cells of its own, and is of the same size in every
  life: a delay line is anatomy. What one cell or synapse holds is counted, and reported.
- Weight transport that anatomy hides: a wire `a=>b` declared by the user is believed, and so is
  the claim that a population is a population. Nobody can prove from code that such an
  interneuron or such a wire exists in a brain.
- What a *random key* carries: noise that is the same in all cells is a broadcast, and a seed that
  is chosen for its stream is learned.
- A cheat that waits longer than the sampled lives, for those constraints that are only tested on
  lives (Dale's law, spikes, signs of messages). What is proven holds at any moment.
"""

from metaplast.audit.cheats import (
    almost_binary,
    backprop_in_disguise,
    base,
    batch_statistics,
    born_aligned,
    cheats_after_fifty,
    copied_every_hundredth,
    finite_difference,
    found_by_gradient,
    hidden_phase,
    label_in_hidden,
    layer_norm,
    learned_weights,
    look_ahead,
    low_bits,
    needs_precision,
    negative_messages,
    noise_fragile,
    replay_buffer,
    shared_weights,
    sign_flips,
    softmax,
    spiking,
    tape,
    transposed_feedback,
    wide_modulator,
)

__all__ = [
    "almost_binary",
    "backprop_in_disguise",
    "batch_statistics",
    "born_aligned",
    "cheats_after_fifty",
    "copied_every_hundredth",
    "finite_difference",
    "found_by_gradient",
    "hidden_phase",
    "label_in_hidden",
    "layer_norm",
    "learned_weights",
    "look_ahead",
    "low_bits",
    "needs_precision",
    "negative_messages",
    "noise_fragile",
    "replay_buffer",
    "shared_weights",
    "sign_flips",
    "softmax",
    "tape",
    "transposed_feedback",
    "wide_modulator",
]
KEEPERS = {"base": base, "spiking": spiking}
"""The honest learners that the cheats are made of."""
