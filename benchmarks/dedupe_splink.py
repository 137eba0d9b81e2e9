"""Splink on the reports of one file, for ``dedupe.py``: runs in an environment of its own, in which splink is installed.

    python benchmarks/dedupe_splink.py FILE TRUTH_COLUMN unsupervised|labels

Prints one JSON line: seconds, pairs with their match weight, and clusters at every threshold tried. Blocking and comparisons are what a
careful analyst would write for these columns; the best threshold is chosen by looking at the labels, which favours Splink.
"""

import json
import sys
import time

import pandas as pd
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on


def frame(path: str, truth: str) -> pd.DataFrame:
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table = table.sort_values("received_at").drop_duplicates(["agency", "agency_record_no"], keep="last")
    made = pd.DataFrame({"unique_id": table["agency"] + "-" + table["agency_record_no"], "agency": table["agency"]})
    at = pd.to_datetime(table["event_time"], utc=True)
    made["minute"] = (at - pd.Timestamp("2000-01-01", tz="UTC")).dt.total_seconds() / 60
    made["day"], made["hour"] = (made["minute"] // 1440).astype(int), (made["minute"] // 60).astype(int)
    made["next_hour"], made["half_day"] = made["hour"] + 1, (made["minute"] // 720).astype(int)
    for column in ("cad_no", "sex", "race", "outcome", "hospital", "drug", "zip", "naloxone", "disposition"):
        made[column] = table[column].where(table[column] != "", None)
    for column in ("lat", "lon", "age"):
        made[column] = pd.to_numeric(table[column], errors="coerce")
    exact = table["geo_precision"].isin(["address", "block", "intersection", "place"])
    made["cell"] = (
        (made["lat"] / 0.005).round().astype("Int64").astype(str) + ":" + (made["lon"] / 0.006).round().astype("Int64").astype(str)
    ).where(exact, None)
    made["lat"], made["lon"] = made["lat"].where(exact), made["lon"].where(exact)
    made["age_rough"] = table["age_approx"].eq("1").astype(int)
    made["cluster"] = table[truth]
    return made


def minutes(low: float, high: float) -> cll.CustomLevel:
    # Signed by the kind of agency would need a comparison a pair of kinds, which Splink's single m and u a level cannot hold.
    return cll.CustomLevel(f"abs(minute_l - minute_r) BETWEEN {low} AND {high}", label_for_charts=f"{low} to {high} minutes")


def ages(years: int, rough: int) -> cll.CustomLevel:
    return cll.CustomLevel(
        f"abs(age_l - age_r) <= {years} AND age_rough_l + age_rough_r <= {rough}", label_for_charts=f"{years} years, {rough}"
    )


def settings() -> SettingsCreator:
    null_age = cll.CustomLevel("age_l IS NULL OR age_r IS NULL", label_for_charts="null").configure(is_null_level=True)
    return SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=[
            block_on("cad_no", "half_day"),
            block_on("cell", "half_day"),
            block_on("hospital", "hour"),
            "l.hospital = r.hospital AND l.hour = r.next_hour",
            "l.hospital = r.hospital AND r.hour = l.next_hour",
            block_on("age", "sex", "day"),
        ],
        comparisons=[
            {
                "output_column_name": "minute",
                "comparison_levels": [
                    minutes(0, 5),
                    minutes(5, 15),
                    minutes(15, 30),
                    minutes(30, 60),
                    minutes(60, 120),
                    minutes(120, 360),
                    cll.ElseLevel(),
                ],
            },
            cl.DistanceInKMAtThresholds("lat", "lon", [0.03, 0.06, 0.1, 0.25, 0.6, 2]),
            {
                "output_column_name": "age",
                "comparison_levels": [null_age, ages(0, 0), ages(1, 0), ages(2, 0), ages(5, 2), ages(10, 2), ages(20, 2), cll.ElseLevel()],
            },
            cl.ExactMatch("sex"),
            cl.ExactMatch("race"),
            cl.ExactMatch("cad_no"),
            cl.ExactMatch("hospital"),
            cl.ExactMatch("drug"),
            cl.ExactMatch("zip"),
            cl.ExactMatch("outcome"),
            cl.ExactMatch("naloxone"),
            {
                "output_column_name": "agency",
                "comparison_levels": [
                    cll.CustomLevel("agency_l = agency_r AND agency_l = 'EMS'", label_for_charts="two ambulances"),
                    cll.CustomLevel("agency_l = agency_r", label_for_charts="same kind"),
                    cll.ElseLevel(),
                ],
            },
        ],
        retain_intermediate_calculation_columns=False,
    )


def main() -> None:
    path, truth, how = sys.argv[1:]
    table = frame(path, truth)
    began, cpu = time.perf_counter(), time.process_time()
    api = DuckDBAPI()
    linker = Linker(
        api.register(table) if hasattr(api, "register") else table, settings(), **({} if hasattr(api, "register") else {"db_api": api})
    )
    linker.training.estimate_probability_two_random_records_match([block_on("cad_no", "half_day")], recall=0.4)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    if how == "labels":
        linker.training.estimate_m_from_label_column("cluster")
    else:
        for rule in (block_on("cad_no", "half_day"), block_on("cell", "half_day"), block_on("age", "sex", "day")):
            linker.training.estimate_parameters_using_expectation_maximisation(rule)
    scored = linker.inference.predict(threshold_match_weight=-10)
    pairs = scored.as_pandas_dataframe()[["unique_id_l", "unique_id_r", "match_weight"]]
    spent, used = time.perf_counter() - began, time.process_time() - cpu
    clusters = {}
    for threshold in (-4, -2, 0, 2, 4, 6, 8, 10, 12, 15):
        found = linker.clustering.cluster_pairwise_predictions_at_threshold(scored, threshold_match_weight=threshold).as_pandas_dataframe()
        clusters[threshold] = dict(zip(found["unique_id"], found["cluster_id"], strict=True))
    print(json.dumps({"seconds": spent, "cpu": used, "pairs": pairs.to_numpy().tolist(), "clusters": clusters}))


if __name__ == "__main__":
    main()
