package dev.sluice.cli.demo;

import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.kube.StopCause;
import java.time.Duration;
import java.util.List;

/** The server asks to be left alone for a while: 429 with {@code Retry-After}, for everything. */
final class ThrottleIncident implements Incident {
  private static final int PER_SECOND = 100;

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
  public Verdict run(Scene scene) throws Exception {
    Duration retryAfter = scene.settings().retryAfter();
    Proxy proxy = scene.stage().proxy();
    int objects = scene.settings().objects();
    long throttled = scene.stops(StopCause.THROTTLED);
    Load.Job changes =
        scene
            .load()
            .change(
                PER_SECOND * 3,
                i -> i * 13 % objects,
                RateLimiter.tokenBucket(Rate.perSecond(PER_SECOND), 1));
    scene.await(Duration.ofSeconds(2), () -> changes.done() > PER_SECOND / 2);
    long start = System.nanoTime();
    proxy.throttle(retryAfter, retryAfter.multipliedBy(3).dividedBy(4));
    scene.await(
        retryAfter.dividedBy(2),
        () -> proxy.calls().count(start, call -> call.isWrite() && call.throttled()) > 0);
    proxy.cutStreams();
    boolean all = changes.await(scene.left());
    boolean settled = scene.awaitSettled(Duration.ofSeconds(30));
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
