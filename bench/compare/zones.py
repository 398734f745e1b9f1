#!/usr/bin/env python3
"""1,000 zones: queries at random over all of them. Called by bench/run, which
see."""
import common
import made
import zone_row


@common.guarded
def main():
    parser = common.parser("zones", seconds=3,
                           names=common.SERVERS + (common.LIMIT,))
    parser.add_argument("--zones", type=int, default=1000)
    options = parser.parse_args()
    common.start(options)
    zone_row.run(options, f"{options.zones:,} zones",
                 made.many_zones(options.zones),
                 made.query_list("zones", made.in_many(options.zones)),
                 "Nine records a zone; three of four queries are for names "
                 "that exist; unsigned.")


if __name__ == "__main__":
    main()
