#!/usr/bin/env python3
"""A zone of a million delegations: replies a second. Loading takes longer than
asking, so all servers are started once and stand idle but for the one that is
asked. Called by bench/run, which see."""
import common
import load
import made
import zone_row


@common.guarded
def main():
    parser = common.parser("delegations", seconds=3,
                           names=common.SERVERS + (common.LIMIT,))
    parser.add_argument("--delegations", type=int, default=1000000)
    options = parser.parse_args()
    common.start(options)
    zone_row.run(options,
                 f"Queries over {options.delegations:,} delegations",
                 {".": load.make_zone(options.delegations, False)},
                 made.query_list("delegations",
                                 made.in_registry(options.delegations)),
                 "Four of five queries are for a delegated name or one below, "
                 "the rest NXDOMAIN; unsigned.", restart=False)


if __name__ == "__main__":
    main()
