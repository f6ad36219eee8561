package dev.sluice.bench;

/** Custom resources of the size of pods, with sorted keys and a large last-applied annotation. */
@Work(
    name = "stream-custom-cpu",
    title = "custom resources of the same size: CPU an event",
    unit = Work.Unit.US_PER_OP)
@Work(
    name = "stream-custom-events",
    title = "custom resources of the same size: events a second",
    unit = Work.Unit.OPS_PER_SECOND)
@Work(
    name = "stream-custom-memory",
    title = "custom resources of the same size, at rest: memory an object",
    unit = Work.Unit.BYTES)
@Work(
    name = "stream-custom-size",
    title = "custom resources of the same size: what is told, an object",
    unit = Work.Unit.BYTES)
public final class StreamCustom extends StreamSet {
  /** Its works. */
  public StreamCustom() {
    super("stream-custom", StreamLoad.CUSTOM, false, 50_000, 0);
  }
}
