package dev.sluice.bench;

/** 50,000 custom resources of 1 KB. */
@Work(
    name = "stream-small-cpu",
    title = "50,000 custom resources of 1 KB: CPU an event",
    unit = Work.Unit.US_PER_OP)
@Work(
    name = "stream-small-list",
    title = "50,000 custom resources of 1 KB: the list",
    unit = Work.Unit.MILLISECONDS)
@Work(
    name = "stream-small-memory",
    title = "50,000 custom resources of 1 KB, at rest: memory an object",
    unit = Work.Unit.BYTES)
@Work(
    name = "stream-small-size",
    title = "50,000 custom resources of 1 KB: what is told, an object",
    unit = Work.Unit.BYTES)
public final class StreamSmall extends StreamSet {
  /** Its works. */
  public StreamSmall() {
    super("stream-small", StreamLoad.SMALL, false, 100_000, 0);
  }
}
