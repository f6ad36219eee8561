package dev.sluice.bench;

/** Pods over TLS, in HTTP/2 where the client speaks it. */
@Work(
    name = "stream-tls-cpu",
    title = "pods, TLS: CPU an event",
    unit = Work.Unit.US_PER_OP,
    target = "at most 3 x the floor",
    goals = @Goal(aheadOf = "floor.*", times = 1.0 / 3))
@Work(
    name = "stream-tls-events",
    title = "pods, TLS: events a second",
    unit = Work.Unit.OPS_PER_SECOND)
public final class StreamTls extends StreamSet {
  /** Its works. */
  public StreamTls() {
    super("stream-tls", StreamLoad.PODS, true, 200_000, 0);
  }
}
