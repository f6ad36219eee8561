package dev.sluice.bench;

/** Pods over plain HTTP/1.1. */
@Work(
    name = "stream-cpu",
    title = "pods, HTTP/1.1: CPU an event",
    unit = Work.Unit.US_PER_OP,
    target = "at most 10 us and 3 x the floor",
    goals = {
      @Goal(of = "sluice", atMost = 10),
      @Goal(of = "sluice", aheadOf = "floor.*", times = 1.0 / 3)
    })
@Work(
    name = "stream-events",
    title = "pods, HTTP/1.1: events a second",
    unit = Work.Unit.OPS_PER_SECOND,
    target = "20 x fabric8's and 10 x client-go's with JSON",
    goals = {
      @Goal(of = "sluice", aheadOf = "fabric8", times = 20),
      @Goal(of = "sluice", aheadOf = "client-go, JSON", times = 10)
    })
@Work(
    name = "stream-allocation",
    title = "pods, HTTP/1.1: allocated an event",
    unit = Work.Unit.BYTES,
    target = "at most 1.5 x an object less its managedFields",
    goals =
        @Goal(of = "sluice", aheadOf = "floor: an object less its managedFields", times = 1 / 1.5))
@Work(
    name = "stream-list",
    title = "pods, HTTP/1.1: the list, from the start until the handlers have all of it",
    unit = Work.Unit.MILLISECONDS,
    target = "at most 300 ms for 10,000",
    goals = @Goal(of = "sluice", atMost = 300))
@Work(
    name = "stream-memory",
    title = "pods, at rest: memory an object",
    unit = Work.Unit.BYTES,
    target = "at most 1.2 KB",
    goals = @Goal(of = "sluice", atMost = 1_229))
@Work(
    name = "stream-rss",
    title = "pods, at rest: RSS of the whole process",
    unit = Work.Unit.BYTES)
@Work(
    name = "stream-lag",
    title = "pods, 2,000 events a second: from the socket to the handler",
    unit = Work.Unit.MILLISECONDS,
    target = "99th percentile at most 2 ms",
    goals = @Goal(of = "sluice, 99th percentile", atMost = 2))
@Work(name = "stream-size", title = "pods: what is told, an object", unit = Work.Unit.BYTES)
public final class StreamPods extends StreamSet {
  /** Its works. */
  public StreamPods() {
    super("stream", StreamLoad.PODS, false, 200_000, 20_000);
  }
}
