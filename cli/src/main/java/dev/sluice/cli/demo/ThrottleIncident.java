package dev.sluice.cli.demo;

import dev.sluice.kube.StopCause;
import java.time.Duration;
import java.util.List;

/** The server asks to be left alone for a while: 429 with {@code Retry-After}, for everything. */
final class ThrottleIncident implements Incident {
  private static final int PER_SECOND = 60;

  @Override
  public String name() {
    return "429";
  }

  @Override
  public String story(Settings settings) {
    return "the proxy answers 429 with Retry-After: "
        + settings.retryAfter().toSeconds()
        + " to writes and to a stream that was cut";
  }

  @Override
  public Duration needs(Settings settings) {
    return settings.retryAfter().multipliedBy(2).plusSeconds(1);
  }

  @Override
  public Verdict run(Scene scene) throws Exception {
    Duration retryAfter = scene.settings().retryAfter();
    Proxy proxy = scene.stage().proxy();
    int objects = scene.settings().objects();
    long throttled = scene.stops(StopCause.THROTTLED);
    Load.Job changes = scene.load().changeAt(PER_SECOND, i -> i * 13 % objects);
    long began = System.nanoTime();
    scene.await(Scene.PATIENCE, () -> proxy.calls().count(began, Call::isWrite) > 0);
    long start = System.nanoTime();
    proxy.throttle(retryAfter);
    scene.await(
        Scene.PATIENCE,
        () -> proxy.calls().count(start, call -> call.isWrite() && call.throttled()) > 0);
    proxy.cutStreams();
    scene.await(Scene.PATIENCE, () -> scene.stops(StopCause.THROTTLED) > throttled);
    proxy.relent();
    boolean all = changes.end(scene.left());
    boolean settled = scene.awaitSettled();
    List<Call> refused =
        proxy.calls().all().stream()
            .filter(call -> call.nanos() - start >= 0 && call.throttled())
            .toList();
    // Whoever was on the way already may still arrive; each of them once.
    int onTheWay = scene.settings().workers() + 1;
    long firstWrite =
        refused.stream().filter(Call::isWrite).mapToLong(Call::nanos).findFirst().orElse(start);
    long tooEarly =
        proxy.calls().all().stream()
            .filter(Call::isWrite)
            .filter(call -> call.nanos() - firstWrite > 0)
            .filter(call -> call.nanos() - firstWrite < retryAfter.toNanos())
            .count();
    return Verdict.heldBy(
            "Retry-After is obeyed by the writer for all its writes, and by the stream")
        .check(all && settled, "not every change was made and answered in time")
        .check(
            tooEarly < onTheWay,
            "%d writes came within the %d s asked for, more than were on the way",
            tooEarly,
            retryAfter.toSeconds())
        .shown(refused.stream().anyMatch(Call::isWrite), "no write was refused")
        .shown(scene.stops(StopCause.THROTTLED) > throttled, "the stream was not refused")
        .figure("%d requests refused", refused.size())
        .figure(
            "%d more writes, on the way already, in the %d s after the first refusal",
            tooEarly, retryAfter.toSeconds())
        .figure("%d stops `throttled`", scene.stops(StopCause.THROTTLED) - throttled)
        .build();
  }
}
