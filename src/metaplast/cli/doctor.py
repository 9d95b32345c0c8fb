"""`metaplast doctor`."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Doctor:
    """Say what works here: versions, devices, memory, data, and what each optional extra needs.

    Examples:
      metaplast doctor
      metaplast doctor --json
    """

    json: bool = False
    """Print one JSON document on standard output."""

    def run(self) -> None:
        from metaplast import doctor

        facts = doctor.examine()
        if self.json:
            from metaplast.cli.output import document

            document(facts)
        else:
            print(doctor.text(facts))
