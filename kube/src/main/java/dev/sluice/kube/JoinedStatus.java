package dev.sluice.kube;

import dev.sluice.kube.StreamStatus.Audit;
import dev.sluice.kube.StreamStatus.Consumer;
import dev.sluice.kube.StreamStatus.Counts;
import dev.sluice.kube.StreamStatus.Periodic;
import dev.sluice.kube.StreamStatus.Phase;
import dev.sluice.kube.StreamStatus.Undecodable;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;

/** How several streams are doing together. */
final class JoinedStatus {
  private static final int STOPS_KEPT = 32;
  private static final int UNDECODABLE_KEPT = 8;

  /** What is told of all if one of them is doing it: the first of these. */
  private static final List<Phase> WORST_FIRST =
      List.of(
          Phase.BACKING_OFF,
          Phase.HELD,
          Phase.PROBING,
          Phase.LISTING,
          Phase.HANDING_OVER,
          Phase.NEW,
          Phase.WATCHING,
          Phase.CLOSED);

  private JoinedStatus() {}

  static StreamStatus of(
      String name, boolean synced, List<StreamStatus> each, List<Consumer> consumers) {
    StreamStatus worst =
        each.stream()
            .min(
                Comparator.comparingInt(
                    (StreamStatus status) -> WORST_FIRST.indexOf(status.phase())))
            .orElseThrow();
    Map<StopCause, Long> stops = new EnumMap<>(StopCause.class);
    Map<String, Long> transitions = new TreeMap<>();
    for (StreamStatus status : each) {
      status.stops().forEach((cause, count) -> stops.merge(cause, count, Long::sum));
      status.transitions().forEach((what, count) -> transitions.merge(what, count, Long::sum));
    }
    return new StreamStatus(
        name,
        worst.phase(),
        worst.since(),
        synced,
        Optional.empty(),
        each.stream().flatMap(status -> status.lastFrame().stream()).max(Comparator.naturalOrder()),
        each.stream().mapToInt(StreamStatus::objects).sum(),
        counts(each),
        Map.copyOf(stops),
        transitions,
        latest(each, StreamStatus::recentStops, StreamStop::at, STOPS_KEPT),
        latest(each, StreamStatus::undecodable, Undecodable::at, UNDECODABLE_KEPT),
        List.copyOf(consumers),
        audit(each),
        List.copyOf(each),
        each.stream().allMatch(StreamStatus::fresh),
        Optional.empty(),
        each.stream().allMatch(StreamStatus::healthy));
  }

  private static <E> List<E> latest(
      List<StreamStatus> each,
      Function<StreamStatus, List<E>> part,
      Function<E, Instant> at,
      int kept) {
    return each.stream()
        .flatMap(status -> part.apply(status).stream())
        .sorted(Comparator.comparing(at).reversed())
        .limit(kept)
        .toList();
  }

  private static Counts counts(List<StreamStatus> each) {
    return new Counts(
        sum(each, Counts::lists),
        sum(each, Counts::watches),
        sum(each, Counts::added),
        sum(each, Counts::modified),
        sum(each, Counts::deleted),
        sum(each, Counts::inferredDeletions),
        sum(each, Counts::doubtful),
        sum(each, Counts::bookmarks),
        sum(each, Counts::repeated),
        sum(each, Counts::stale),
        sum(each, Counts::undecodable),
        sum(each, Counts::retryAfterCapped),
        sum(each, Counts::bytes));
  }

  private static long sum(List<StreamStatus> each, ToLongFunction<Counts> count) {
    return each.stream().map(StreamStatus::counts).mapToLong(count).sum();
  }

  /** The audits together: as many as the namespace with the fewest, as late as the latest. */
  private static Optional<Audit> audit(List<StreamStatus> each) {
    List<Audit> audits = each.stream().flatMap(status -> status.audit().stream()).toList();
    if (audits.isEmpty()) {
      return Optional.empty();
    }
    Audit latest =
        audits.stream()
            .max(Comparator.comparing(audit -> audit.times().last().orElse(Instant.MIN)))
            .orElseThrow();
    Stream<Periodic> times = audits.stream().map(Audit::times);
    return Optional.of(
        new Audit(
            new Periodic(
                latest.times().every(),
                audits.stream().mapToLong(audit -> audit.times().runs()).min().orElse(0),
                latest.times().last(),
                times.map(Periodic::lateness).max(Duration::compareTo).orElse(Duration.ZERO)),
            audits.stream().mapToLong(Audit::diverged).sum(),
            latest.result()));
  }
}
