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
- Weight transport in the *digits of one message*: a cell that packs a sign for each listener into
  one number, which all hear, and of which each takes the digit that it was born with. So does one
  that offers its weights as a field, if every feedback synapse reads all of them a little: only
  what the listening *cells* hear so is measured.
- An error vector, or several earlier moments, packed into the *digits of one value*, broadcast or
  kept: only the bits that are seen can be counted, and they are reported.
- A *brain within a cell*: a cell (an output cell, say) whose own fields are a whole network, which
  it trains within itself.
- *Constants in the code* that serve as weights in both directions; `genome_bottleneck` sees them
  where they tell cells apart.
- Code that looks at *how it is traced*: at the size of an axis (`custom_vmap`), or at a counter of
  Python's that goes up at every trace. The audit sees the program that it is given, and no other.
- Synapses tied to each other *up to noise*.
- What a synapse delivers *beyond the sixteenth value* of a cell in one field, in more than 64
  combinations of such fields, or only at births and moments that were not sampled
  (`audit/delivered.py` says which are).
- Delivery in more than one moment, by way of what a synapse remembers, and messages that no field
  of a cell holds: what such synapses deliver cannot be told from what their weights say.
- Feedback that goes round: over two bundles of synapses, by way of a population that is written
  before the one that it is for, or over wires that are not from every cell to its own one. Each
  bundle is compared with the way forward between its own ends (or their partners), and the product
  of several is not.
- Weight transport that anatomy hides: a wire `a=>b` declared by the user is believed, and so is
  the claim that a population is a population. Nobody can prove from code that such an
  interneuron or such a wire exists in a brain.
- What a *random key* carries: noise that is the same in all cells is a broadcast, a seed that
  is chosen for its stream is learned, and a key that is carried on can count moments.
- *Several values of one cell that many hear over wires* (`output=>hub`, `hub=>hidden`): the width
  of a message is bounded for spikes alone, and such a cell is taken for anatomy, not a broadcast.
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
    dale_offset,
    finite_difference,
    found_by_gradient,
    hidden_phase,
    label_by_broadcast,
    label_in_hidden,
    layer_norm,
    learned_weights,
    look_ahead,
    low_bits,
    masked_feedback,
    needs_precision,
    negative_messages,
    noise_fragile,
    random_phase,
    replay_buffer,
    replay_slots,
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
    "dale_offset",
    "finite_difference",
    "found_by_gradient",
    "hidden_phase",
    "label_by_broadcast",
    "label_in_hidden",
    "layer_norm",
    "learned_weights",
    "look_ahead",
    "low_bits",
    "masked_feedback",
    "needs_precision",
    "negative_messages",
    "noise_fragile",
    "random_phase",
    "replay_buffer",
    "replay_slots",
    "shared_weights",
    "sign_flips",
    "softmax",
    "tape",
    "transposed_feedback",
    "wide_modulator",
]
KEEPERS = {"base": base, "spiking": spiking}
"""The honest learners that the cheats are made of."""
