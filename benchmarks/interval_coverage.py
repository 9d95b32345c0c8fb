"""How often a 95 % bootstrap interval over few lives holds the true mean: a table in Markdown.

python benchmarks/interval_coverage.py
"""

from metaplast.coverage import simulated

LIVES = (*range(2, 17), 32, 64)

print("| lives | " + " | ".join(map(str, LIVES)) + " |")
print("|---" * (len(LIVES) + 1) + "|")
print("| coverage | " + " | ".join(f"{simulated(lives):.2f}" for lives in LIVES) + " |")
