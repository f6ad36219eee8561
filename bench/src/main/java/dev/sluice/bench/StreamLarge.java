package dev.sluice.bench;

/** 200 custom resources of 1 MB. */
@Work(
    name = "stream-large-cpu",
    title = "200 custom resources of 1 MB: CPU an event",
    unit = Work.Unit.US_PER_OP)
@Work(
    name = "stream-large-events",
    title = "200 custom resources of 1 MB: events a second",
    unit = Work.Unit.OPS_PER_SECOND)
@Work(
    name = "stream-large-memory",
    title = "200 custom resources of 1 MB, at rest: memory an object",
    unit = Work.Unit.BYTES)
@Work(
    name = "stream-large-size",
    title = "200 custom resources of 1 MB: what is told, an object",
    unit = Work.Unit.BYTES)
public final class StreamLarge extends StreamSet {
  /** Its works. */
  public StreamLarge() {
    super("stream-large", StreamLoad.LARGE, false, 200, 0);
  }
}
