"""A row that asks one set of zones for one list of queries, at full load: what
positive, nsec3, delegations and zones share."""
import common

PROBE_S = 0.3


def run(options, title, zones, queries, note, restart=True):
    """Measure, print, write. The reflector replies with as many octets as
    Rootcast has been seen to."""
    octets = common.MIX_OCTETS
    if common.LIMIT in options.names:
        octets = mean_octets(zones, queries, options)
    samples = common.Samples()
    figures = common.measure_full(options.names, zones, queries, options,
                                  samples, restart=restart, octets=octets)
    common.finish(
        options, title,
        [common.table(options.row, figures),
         "\n".join(samples.lines() + common.sender_lines(figures) +
                   [common.how_long(options), note])],
        figures, window=options.window, samples=samples.compare())


def mean_octets(zones, queries, options):
    server = common.Server("rootcast", zones)
    server.wait_ready(queries)
    server.wait_zones(common.zones_of(zones))
    full = server.ask(queries, "--window", str(options.window), "--duration",
                      str(PROBE_S), "--loss-is-fine")
    server.stop()
    return full["octets_per_reply"]
