package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import dev.sluice.kube.internal.json.JsonTree;
import dev.sluice.kube.internal.json.MalformedJsonException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Keeps an object from going before what belongs to it outside Kubernetes has been cleared away.
 *
 * <pre>{@code
 * .reconcile(Finalizer.named("example.com/dns-record").over(writer, kind)
 *     .around(this::reconcile, this::clearAway))
 * }</pre>
 *
 * <p>The finalizer stands on an object before it is reconciled for the first time. When its
 * deletion is asked for, it is no longer reconciled but cleared away, again and again until that
 * ends with {@link Outcome#done()}; then the finalizer is taken off, and the server lets the object
 * go. Each write is bound to the state that was read, is made again on the fresh one after a
 * conflict, and leads to no reconcile of its own. Finalizers of others stay where they are.
 *
 * <p>Safe for use by any number of threads.
 */
@Experimental
public final class Finalizer {
  private static final int ATTEMPTS = 5;
  private static final Pattern NAME =
      Pattern.compile("[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?");

  private final String name;
  private final Writer writer;
  private final ResourceKind kind;

  private Finalizer(String name, Writer writer, ResourceKind kind) {
    this.name = name;
    this.writer = writer;
    this.kind = kind;
  }

  /**
   * A finalizer.
   *
   * @param name a domain of yours, a slash and a word: {@code example.com/dns-record}
   * @throws IllegalArgumentException if it is not so
   */
  public static Named named(String name) {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "a finalizer's name is a domain, a slash and a word, as example.com/dns-record, not \""
              + name
              + "\"");
    }
    return new Named(name);
  }

  /** A finalizer with a name. */
  @Experimental
  public static final class Named {
    private final String name;

    private Named(String name) {
      this.name = name;
    }

    /** On which objects it stands, and what puts it there. */
    public Finalizer over(Writer writer, ResourceKind kind) {
      return new Finalizer(
          name, Objects.requireNonNull(writer, "writer"), Objects.requireNonNull(kind, "kind"));
    }
  }

  /**
   * A reconciler that sees to the finalizer.
   *
   * @param reconcile what is to be done for an object that is to stay, and for one that is gone
   * @param clearAway what is to be done for one whose deletion was asked for; may be called more
   *     than once
   */
  public <T> Reconciler<T> around(Reconciler<T> reconcile, Reconciler<T> clearAway) {
    return (key, context) -> {
      Resource object = context.resource().orElse(null);
      if (object == null) {
        return reconcile.reconcile(key, context);
      }
      boolean there = finalizers(object).contains(name);
      if (object.deleting()) {
        if (!there) {
          return Outcome.done();
        }
        Outcome outcome = clearAway.reconcile(key, context);
        return outcome instanceof Outcome.Done ? put(context, object, false).outcome() : outcome;
      }
      if (!there) {
        WriteResult added = put(context, object, true);
        if (!(added instanceof WriteResult.Written)) {
          return added.outcome();
        }
      }
      return reconcile.reconcile(key, context);
    };
  }

  private WriteResult put(Context<?> context, Resource seen, boolean there)
      throws IOException, InterruptedException {
    Resource present = seen;
    for (int attempt = 1; ; attempt++) {
      List<@Nullable Object> finalizers = new ArrayList<>(finalizers(present));
      boolean different = there ? !finalizers.contains(name) : finalizers.contains(name);
      if (!different) {
        return new WriteResult.Unchanged(present);
      }
      if (there) {
        finalizers.add(name);
      } else {
        finalizers.remove(name);
      }
      Map<String, @Nullable Object> metadata = Bound.metadata(present);
      metadata.put("finalizers", finalizers);
      WriteResult result =
          writer.patch(kind, seen.key(), Patch.MERGE, JsonTree.write(Map.of("metadata", metadata)));
      if (result instanceof WriteResult.Written written && present == seen) {
        context.ownWrite(written.resource());
      }
      // A finalizer is not put on what somebody changed meanwhile: that is reconciled anew anyway.
      if (!(result instanceof WriteResult.Conflict) || there || attempt == ATTEMPTS) {
        return result;
      }
      Resource fresh = writer.read(kind, seen.key()).orElse(null);
      if (fresh == null || !fresh.uid().equals(seen.uid())) {
        return new WriteResult.Gone("the object is gone");
      }
      present = fresh;
    }
  }

  private static List<@Nullable Object> finalizers(Resource object) {
    if (!object.projection().keeps("metadata.finalizers")) {
      throw new IllegalStateException(
          "the informer of " + object.key() + " does not keep metadata.finalizers: keep it");
    }
    try {
      return JsonTree.list(
          JsonTree.child(JsonTree.object(object.json()), "metadata"), "finalizers");
    } catch (MalformedJsonException e) {
      throw new IllegalStateException(object.key() + " is no object in JSON", e);
    }
  }
}
