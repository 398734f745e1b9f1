#!/usr/bin/env python3
"""Positive answers: A, AAAA and TXT of 10,000 hosts in a signed zone, DO set:
the records with their signatures. Called by bench/run, which see."""
import common
import made
import zone_row


@common.guarded
def main():
    options = common.parser(
        "positive", seconds=3,
        names=common.SERVERS + (common.LIMIT,)).parse_args()
    common.start(options)
    zone_row.run(options, "Positive answers, signed zone",
                 made.signed_zone(),
                 made.query_list("positive", made.existing_signed),
                 f"{made.SIGNED_HOSTS:,} hosts, each with A, AAAA and TXT, "
                 "ECDSA P-256; the queries have DO set.")


if __name__ == "__main__":
    main()
