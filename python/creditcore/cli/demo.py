"""`creditcore demo`: a real credit file and a synthetic country, ranked."""

from __future__ import annotations

from pathlib import Path

import click

from creditcore.cli.output import print_rankings, write_rankings


@click.command
@click.option(
    "--records", type=click.IntRange(min=1), default=200_000, help="Records of the synthetic country."
)
@click.option("--seed", type=click.IntRange(min=0), default=1, help="Of every random number.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="creditcore-demo",
    help="The folder for records and rankings.",
)
def demo(records: int, seed: int, output: Path) -> None:
    """Rank a real credit file and a synthetic country, and say how to check both."""
    from creditcore.demo import UCI, UCI_DEFAULT
    from creditcore.demo.world import write_records
    from creditcore.ranking import rank

    print("1. A real file: default rates of 30,000 credit-card clients (UCI data set 350, bare-CR CSV, gzip)")
    bands = {"AGE": [30.0, 40.0, 50.0]}
    for weight in (None, "LIMIT_BAL"):
        ranked = rank(UCI, ["EDUCATION", "AGE"], UCI_DEFAULT, weight, regions="none", bands=bands)
        print_rankings(ranked, top=None)
    print(f"   check: creditcore rank {UCI} --by EDUCATION --score {UCI_DEFAULT} --regions none --show-sql")

    output.mkdir(parents=True, exist_ok=True)
    path = output / "records.parquet"
    write_records(path, records, seed)
    print(f"\n2. A synthetic country (seed {seed}; no figure says anything about a real city): {path}")
    ranked = rank(path, ["city", "province", "nbs_region"])
    print_rankings(ranked, top=10)
    write_rankings(ranked, output / "rankings.csv", top=None, bom=False)
    print(f"   written: {output / 'rankings.csv'}")
    print(f"   next: creditcore rank {path} --by city,province --top 20")
    print(f"         creditcore rank {path} --by belts --weight exposure")
    print(f"         creditcore rank {path} --by city --show-sql")
