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
    "--world",
    default="published",
    help="True city means: published, null, shuffled, or a CSV file (code, mean).",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="creditcore-demo",
    help="The folder for records and rankings.",
)
def demo(records: int, seed: int, world: str, output: Path) -> None:
    """Rank a real credit file and a synthetic country, and say how to check both."""
    from creditcore.demo import UCI, UCI_DEFAULT
    from creditcore.demo.world import World, write_world
    from creditcore.ranking import rank

    print("1. A real file: default rates of 30,000 credit-card clients (UCI data set 350, bare-CR CSV, gzip)")
    bands = {"AGE": [30.0, 40.0, 50.0]}
    for weight in (None, "LIMIT_BAL"):
        ranked = rank(UCI, ["EDUCATION", "AGE"], UCI_DEFAULT, weight, regions="none", bands=bands)
        print_rankings(ranked, top=None)
    print(f"   check: creditcore rank {UCI} --by EDUCATION --score {UCI_DEFAULT} --regions none --show-sql")

    path, truth = write_world(output, World(records, seed, world))
    print(f"\n2. A synthetic country (world {world}, seed {seed}; no figure says anything about a real city)")
    print(f"   records: {path}; what only its maker knows: {truth}")
    by = ["city", "province", "nbs_region"]
    ranked = rank(path, by, "prior_points", unit="unit_id", kind="person")
    print_rankings(ranked, top=10)
    write_rankings(ranked, output / "rankings.csv", top=None, bom=False)
    print(f"   written: {output / 'rankings.csv'}")
    options = "--score prior_points --unit unit_id --kind person"
    print(f"   next: creditcore rank {path} --by city,province {options} --top 20")
    print(f"         creditcore rank {path} --by belts {options} --weight exposure")
    print(f"         creditcore rank {path} --by city {options} --show-sql")
