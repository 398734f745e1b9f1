#!/usr/bin/env python3
"""NXDOMAIN in an NSEC3 zone: random names that are not there, DO set: SOA, up
to three NSEC3 records, their signatures. Called by bench/run, which see."""
import common
import made
import zone_row


@common.guarded
def main():
    options = common.parser(
        "nsec3", seconds=3,
        names=common.SERVERS + (common.LIMIT,)).parse_args()
    common.start(options)
    zone_row.run(options, "NXDOMAIN in an NSEC3 zone", made.signed_zone(),
                 made.query_list("nsec3", made.missing_signed),
                 f"{made.SIGNED_HOSTS:,} hosts, signed at the start of the run "
                 "by ldns-signzone: NSEC3 without salt and extra iterations "
                 "(RFC 9276), ECDSA P-256. Every query has another name.")


if __name__ == "__main__":
    main()
