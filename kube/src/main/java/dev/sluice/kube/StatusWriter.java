package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import dev.sluice.kube.internal.json.JsonTree;
import dev.sluice.kube.internal.json.MalformedJsonException;
import java.io.IOException;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Writes the status of objects by Kubernetes' conventions, from reconciles.
 *
 * <pre>{@code
 * StatusWriter status = StatusWriter.over(writer, kind);
 * ...
 * return status.write(context, draft -> draft
 *     .set("secretName", name)
 *     .condition("Ready", Truth.TRUE, "Issued", "valid until " + notAfter)).outcome();
 * }</pre>
 *
 * <ul>
 *   <li>{@code status.observedGeneration}, and each condition's, is the generation that the
 *       reconcile has seen.
 *   <li>A condition's {@code lastTransitionTime} moves only when its status does. Conditions that
 *       others keep stay as they are.
 *   <li>What would change nothing is not sent.
 *   <li>A write is bound to the uid and the version that the reconcile has read. If somebody else
 *       wrote meanwhile, the draft is made again on the fresh state.
 *   <li>The write leads to no further reconcile; the change of somebody else that came in between
 *       does.
 * </ul>
 *
 * <p>Goes through {@code /status}; the kind must have that subresource. Safe for use by any number
 * of threads.
 */
@Experimental
public final class StatusWriter {
  private static final int ATTEMPTS = 5;
  private static final Pattern TYPE = Pattern.compile("([a-z0-9.-]+/)?[A-Za-z0-9][A-Za-z0-9_.-]*");
  private static final Pattern REASON = Pattern.compile("[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?");
  private static final int LONGEST_MESSAGE = 32768;

  /** Whether a condition holds. */
  @Experimental
  public enum Truth {
    /** It does. */
    TRUE("True"),
    /** It does not. */
    FALSE("False"),
    /** That cannot be told. */
    UNKNOWN("Unknown");

    private final String text;

    Truth(String text) {
      this.text = text;
    }

    /** {@link #TRUE} or {@link #FALSE}. */
    public static Truth of(boolean holds) {
      return holds ? TRUE : FALSE;
    }
  }

  private final Writer writer;
  private final ResourceKind kind;
  private final InstantSource clock;

  private StatusWriter(Writer writer, ResourceKind kind, InstantSource clock) {
    this.writer = writer;
    this.kind = kind;
    this.clock = clock;
  }

  /** A status writer for the objects of a kind. */
  public static StatusWriter over(Writer writer, ResourceKind kind) {
    return new StatusWriter(
        Objects.requireNonNull(writer, "writer"),
        Objects.requireNonNull(kind, "kind"),
        InstantSource.system());
  }

  /** The same with another wall clock, for the times of transitions. */
  public StatusWriter clock(InstantSource other) {
    return new StatusWriter(writer, kind, Objects.requireNonNull(other, "clock"));
  }

  /**
   * Writes the status of a reconcile's object.
   *
   * @param fill says what the status is to be; called again if somebody else wrote meanwhile
   * @return {@link WriteResult.Unchanged} if it is so already, {@link WriteResult.Gone} if the
   *     object is gone
   * @throws IOException if the server could not be reached, or broke off
   * @throws IllegalArgumentException if a condition does not keep to the conventions
   * @throws IllegalStateException if the informer does not keep the object's status
   */
  public WriteResult write(Context<?> context, Consumer<Draft> fill)
      throws IOException, InterruptedException {
    Resource seen = context.resource().orElse(null);
    if (seen == null) {
      return new WriteResult.Gone("the object is gone");
    }
    if (!seen.projection().keeps("status")) {
      throw new IllegalStateException(
          "the informer of "
              + kind
              + " does not keep the status, which is to be compared: keep it");
    }
    Resource present = seen;
    for (int attempt = 1; ; attempt++) {
      Map<String, @Nullable Object> before = status(present);
      Draft draft = new Draft(before, seen.generation(), clock);
      fill.accept(draft);
      Map<String, @Nullable Object> difference = draft.difference();
      if (difference.isEmpty()) {
        writer.suppressed();
        return new WriteResult.Unchanged(present);
      }
      WriteResult result =
          writer.patchStatus(
              kind, seen.key(), JsonTree.write(Bound.to(present, "status", difference)));
      if (result instanceof WriteResult.Written written && present == seen) {
        context.ownWrite(written.resource());
      }
      if (!(result instanceof WriteResult.Conflict) || attempt == ATTEMPTS) {
        return result;
      }
      Resource fresh = writer.read(kind, seen.key()).orElse(null);
      if (fresh == null || !fresh.uid().equals(seen.uid())) {
        return new WriteResult.Gone("the object is gone");
      }
      present = fresh;
    }
  }

  private static Map<String, @Nullable Object> status(Resource object) {
    try {
      return JsonTree.child(JsonTree.object(object.json()), "status");
    } catch (MalformedJsonException e) {
      throw new IllegalStateException(object.key() + " is no object in JSON", e);
    }
  }

  /** What a status is to be. Valid during the call. */
  @Experimental
  public static final class Draft {
    private final Map<String, @Nullable Object> before;
    private final Map<String, @Nullable Object> wanted = new LinkedHashMap<>();
    private final long generation;
    private final InstantSource clock;
    private @Nullable List<@Nullable Object> conditions;

    private Draft(Map<String, @Nullable Object> before, long generation, InstantSource clock) {
      this.before = before;
      this.generation = generation;
      this.clock = clock;
      if (generation > 0) {
        wanted.put("observedGeneration", new JsonTree.Number(Long.toString(generation)));
      }
    }

    /**
     * Sets a field.
     *
     * @param value a String, a Boolean, an Integer, a Long, or a List or Map of such; null takes
     *     the field away
     */
    public Draft set(String field, @Nullable Object value) {
      wanted.put(field, plain(value));
      return this;
    }

    /**
     * Sets all fields of a JSON object, as a codec makes it of a class.
     *
     * @throws IllegalArgumentException if it is no object in JSON
     */
    public Draft fields(byte[] json) {
      try {
        wanted.putAll(JsonTree.object(json));
        return this;
      } catch (MalformedJsonException e) {
        throw new IllegalArgumentException("no object in JSON: " + e.getMessage(), e);
      }
    }

    /**
     * Sets a condition; what others there are stays.
     *
     * @param type in CamelCase: {@code Ready}
     * @param reason one word in CamelCase, for programs: {@code Issued}
     * @param message for people; 32768 characters at most, cut if it is longer
     * @throws IllegalArgumentException if type or reason is not so
     */
    public Draft condition(String type, Truth status, String reason, String message) {
      if (!TYPE.matcher(type).matches()) {
        throw new IllegalArgumentException(
            "a condition's type is a word such as Ready, not \"" + type + "\"");
      }
      if (!REASON.matcher(reason).matches() || reason.length() > 1024) {
        throw new IllegalArgumentException(
            "the reason of condition "
                + type
                + " is one word in CamelCase, not \""
                + reason
                + "\"");
      }
      Map<String, @Nullable Object> condition = new LinkedHashMap<>();
      condition.put("type", type);
      condition.put("status", status.text);
      if (generation > 0) {
        condition.put("observedGeneration", new JsonTree.Number(Long.toString(generation)));
      }
      List<@Nullable Object> all = conditions();
      int place = place(all, type);
      Object since = null;
      if (place >= 0
          && all.get(place) instanceof Map<?, ?> old
          && status.text.equals(old.get("status"))) {
        since = old.get("lastTransitionTime");
      }
      condition.put(
          "lastTransitionTime",
          since == null ? clock.instant().truncatedTo(ChronoUnit.SECONDS).toString() : since);
      condition.put("reason", reason);
      condition.put(
          "message",
          message.length() <= LONGEST_MESSAGE ? message : message.substring(0, LONGEST_MESSAGE));
      if (place < 0) {
        all.add(condition);
      } else if (!condition.equals(all.get(place))) {
        all.set(place, condition);
      }
      return this;
    }

    /** Takes a condition away, if it is there. */
    public Draft without(String type) {
      List<@Nullable Object> all = conditions();
      int place = place(all, type);
      if (place >= 0) {
        all.remove(place);
      }
      return this;
    }

    private List<@Nullable Object> conditions() {
      if (conditions == null) {
        conditions = new ArrayList<>(JsonTree.list(before, "conditions"));
      }
      return conditions;
    }

    private static int place(List<@Nullable Object> conditions, String type) {
      for (int i = 0; i < conditions.size(); i++) {
        if (conditions.get(i) instanceof Map<?, ?> condition
            && type.equals(condition.get("type"))) {
          return i;
        }
      }
      return -1;
    }

    /** What has to be merged into the status. */
    private Map<String, @Nullable Object> difference() {
      if (conditions != null) {
        wanted.put("conditions", conditions);
      }
      Map<String, @Nullable Object> difference = new LinkedHashMap<>();
      wanted.forEach((field, value) -> {
        Object old = before.get(field);
        if (!Objects.equals(old, value)) {
          difference.put(field, merging(old, value));
        }
      });
      return difference;
    }

    /** A merge patch that makes the new value of the old one, in which what is not told stays. */
    private static @Nullable Object merging(@Nullable Object old, @Nullable Object value) {
      if (!(old instanceof Map<?, ?> before) || !(value instanceof Map<?, ?> after)) {
        return value;
      }
      Map<String, @Nullable Object> merging = new LinkedHashMap<>();
      before
          .keySet()
          .forEach(name -> {
            if (!after.containsKey(name)) {
              merging.put((String) name, null);
            }
          });
      after.forEach((name, member) -> {
        if (!Objects.equals(before.get(name), member)) {
          merging.put((String) name, merging(before.get(name), member));
        }
      });
      return merging;
    }

    private static @Nullable Object plain(@Nullable Object value) {
      return switch (value) {
        case Integer number -> new JsonTree.Number(number.toString());
        case Long number -> new JsonTree.Number(number.toString());
        case Map<?, ?> map -> {
          Map<String, @Nullable Object> members = new LinkedHashMap<>();
          map.forEach((name, member) -> members.put(String.valueOf(name), plain(member)));
          yield members;
        }
        case List<?> list -> {
          List<@Nullable Object> elements = new ArrayList<>();
          list.forEach(element -> elements.add(plain(element)));
          yield elements;
        }
        case null -> null;
        case String text -> text;
        case Boolean flag -> flag;
        default ->
            throw new IllegalArgumentException(
                "a status holds text, whole numbers, true and false, lists and maps, not "
                    + value.getClass().getName()
                    + "; for a class of your own use fields(byte[])");
      };
    }
  }
}
