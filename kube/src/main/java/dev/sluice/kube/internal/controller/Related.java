package dev.sluice.kube.internal.controller;

import dev.sluice.kube.Change;
import dev.sluice.kube.ChangeFilter;
import dev.sluice.kube.ChangeHandler;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.internal.json.JsonTree;
import dev.sluice.kube.internal.json.MalformedJsonException;
import dev.sluice.kube.internal.store.Fields;
import dev.sluice.kube.internal.store.Versions;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Hears the changes of another kind, and names the objects that are to be reconciled because of
 * them: those that the changed object maps to, and those that it mapped to before.
 *
 * @param <S> what the other informer's codec makes
 */
public final class Related<S> implements ChangeHandler<S> {

  /** Where keys go. */
  @FunctionalInterface
  public interface Target {
    /**
     * Has an object reconciled. May block.
     *
     * @param news whether it is known to be more than what was there at the start
     */
    void trigger(ObjectKey key, boolean news) throws InterruptedException;
  }

  private static final Fields.Tree OWNERS = new Fields.Tree();

  static {
    OWNERS.add(Fields.path("metadata.ownerReferences"));
  }

  private final Function<? super Change.Put<S>, ? extends Collection<ObjectKey>> mapping;
  private final Notice notice;
  private final Supplier<Optional<String>> firstList;
  private final Target target;
  private final Map<ObjectKey, List<ObjectKey>> mapped = new HashMap<>();
  private final LongAdder triggered = new LongAdder();
  private final LongAdder filtered = new LongAdder();

  /**
   * A relation.
   *
   * @param mapping which objects a state of the other kind concerns
   * @param filter which changes of the other kind matter
   * @param firstList the version of the other informer's first list, once that has been read
   */
  public Related(
      Function<? super Change.Put<S>, ? extends Collection<ObjectKey>> mapping,
      ChangeFilter filter,
      Supplier<Optional<String>> firstList,
      Target target) {
    this.mapping = mapping;
    this.notice = new Notice(filter);
    this.firstList = firstList;
    this.target = target;
  }

  /** The objects of a kind that own an object: those that control it, or all. */
  public static List<ObjectKey> owners(ResourceKind kind, Resource object, boolean all) {
    if (!object.projection().keeps("metadata.ownerReferences")) {
      throw new IllegalStateException(
          "the informer of "
              + object.key()
              + " does not keep metadata.ownerReferences, by which its owner is found: keep it");
    }
    Map<String, ?> metadata;
    try {
      metadata =
          JsonTree.child(JsonTree.object(Fields.cut(object.json(), OWNERS, true)), "metadata");
    } catch (MalformedJsonException e) {
      throw new IllegalStateException(object.key() + " is stored, but no JSON", e);
    }
    List<ObjectKey> owners = new ArrayList<>();
    if (metadata.get("ownerReferences") instanceof List<?> references) {
      for (Object reference : references) {
        if (reference instanceof Map<?, ?> owner
            && kind.kind().equals(owner.get("kind"))
            && kind.group().equals(group(owner.get("apiVersion")))
            && (all || Boolean.TRUE.equals(owner.get("controller")))
            && owner.get("name") instanceof String name
            && !name.isEmpty()) {
          owners.add(new ObjectKey(kind.namespaced() ? object.key().namespace() : "", name));
        }
      }
    }
    return owners;
  }

  /** An owner stays one when its kind moves on to another version. */
  private static String group(@Nullable Object apiVersion) {
    String text = String.valueOf(apiVersion);
    int slash = text.indexOf('/');
    return slash < 0 ? "" : text.substring(0, slash);
  }

  @Override
  public void on(Change<S> change) throws InterruptedException {
    switch (change) {
      case Change.Put<S> put -> put(put);
      case Change.Deleted<S> deleted -> {
        var unused = notice.isDue(deleted.key(), null);
        List<ObjectKey> before = mapped.remove(deleted.key());
        for (ObjectKey key : before == null ? List.<ObjectKey>of() : before) {
          trigger(key, true);
        }
      }
    }
  }

  private void put(Change.Put<S> put) throws InterruptedException {
    if (!notice.isDue(put.key(), put.resource())) {
      filtered.increment();
      return;
    }
    List<ObjectKey> before = mapped.getOrDefault(put.key(), List.of());
    Set<ObjectKey> keys = new LinkedHashSet<>(before);
    boolean news = !put.first() || isNews(put.resource());
    RuntimeException defect = null;
    try {
      List<ObjectKey> now = List.copyOf(mapping.apply(put));
      keys.addAll(now);
      if (now.isEmpty()) {
        mapped.remove(put.key());
      } else {
        mapped.put(put.key(), now);
      }
    } catch (RuntimeException e) {
      // Those that it was known to concern are reconciled all the same.
      defect = e;
    }
    for (ObjectKey key : keys) {
      trigger(key, news);
    }
    if (defect != null) {
      throw defect;
    }
  }

  private boolean isNews(Resource object) {
    Optional<String> list = firstList.get();
    return list.isPresent() && Versions.older(list.get(), object.resourceVersion());
  }

  private void trigger(ObjectKey key, boolean news) throws InterruptedException {
    triggered.increment();
    target.trigger(key, news);
  }

  /** How many keys it has named. */
  public long triggered() {
    return triggered.sum();
  }

  /** How many changes its filter has left out. */
  public long filtered() {
    return filtered.sum();
  }
}
