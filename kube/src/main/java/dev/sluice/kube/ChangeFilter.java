package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.util.List;
import java.util.function.Function;

/**
 * Which changes of an object matter to a controller, judged by its metadata alone.
 *
 * <p>A filter says what of an object counts, not which pairs of an old and a new state do: a
 * controller compares what counted when it last took notice with what counts now. So it is right
 * also where several changes have become one.
 *
 * <p>Whatever the filter says, a controller takes notice when an object comes, when it goes, when
 * it is replaced by another of its name, when its deletion is asked for, and of every change from
 * then on (finalizers are removed then). What a filter throws counts as a change.
 */
@Experimental
public final class ChangeFilter {
  private static final ChangeFilter EVERYTHING =
      new ChangeFilter("everything", Resource::resourceVersion);
  private static final ChangeFilter GENERATION =
      new ChangeFilter(
          "generation",
          object ->
              object.generation() > 0 ? (Object) object.generation() : object.resourceVersion());

  private final String name;
  private final Function<? super Resource, ?> counts;

  private ChangeFilter(String name, Function<? super Resource, ?> counts) {
    this.name = name;
    this.counts = counts;
  }

  /** Every change. */
  public static ChangeFilter everything() {
    return EVERYTHING;
  }

  /**
   * Changes of {@code metadata.generation}: those of the spec, for a kind that has a status
   * subresource. Kinds without a generation (ConfigMaps, Secrets) exist: of theirs every change
   * counts.
   */
  public static ChangeFilter generation() {
    return GENERATION;
  }

  /** Changes of labels: of those named, or of all if none is. */
  public static ChangeFilter labels(String... names) {
    List<String> of = List.of(names);
    return new ChangeFilter(
        "labels" + (of.isEmpty() ? "" : of),
        object ->
            of.isEmpty()
                ? object.labels()
                : of.stream().map(name -> object.label(name).orElse("")).toList());
  }

  /** Changes of annotations: of those named, or of all if none is. */
  public static ChangeFilter annotations(String... names) {
    List<String> of = List.of(names);
    return new ChangeFilter(
        "annotations" + (of.isEmpty() ? "" : of),
        object ->
            of.isEmpty()
                ? object.annotations()
                : of.stream().map(name -> object.annotations().getOrDefault(name, "")).toList());
  }

  /**
   * Changes of whatever a function makes of an object.
   *
   * @param name for messages
   * @param counts gives a value with {@code equals}, small, as it is remembered for each object
   */
  public static ChangeFilter by(String name, Function<? super Resource, ?> counts) {
    return new ChangeFilter(name, counts);
  }

  /** Changes that this filter or the other has in view. */
  public ChangeFilter or(ChangeFilter other) {
    return new ChangeFilter(
        name + " or " + other.name,
        object -> List.of(counts.apply(object), other.counts.apply(object)));
  }

  /** What counts of an object: two states that give equal values are the same. */
  public Object counts(Resource object) {
    return counts.apply(object);
  }

  @Override
  public String toString() {
    return name;
  }
}
