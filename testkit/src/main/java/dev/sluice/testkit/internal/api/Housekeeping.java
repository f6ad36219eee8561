package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import dev.sluice.testkit.internal.store.Version;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What happens after a write: definitions are accepted, namespaces that end are emptied, what
 * belonged to an object goes with it.
 *
 * <p>On the real cluster controllers do this. Here a definition is accepted before the request that
 * wrote it is answered; everything else happens on one thread, in the order in which it fell due.
 */
final class Housekeeping implements Registry.Hooks, AutoCloseable {
  private final ApiService api;
  private final boolean collects;
  private final ExecutorService worker;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition quiet = lock.newCondition();

  /** Held by everything that runs in the background, and by who wants none of it. */
  private final ReentrantLock turn = new ReentrantLock();

  private final ReentrantLock definitionsLock = new ReentrantLock();
  private final Map<String, String> knownDefinitions = new HashMap<>();
  private final Owners owners = new Owners();
  private int pending;
  private volatile long generation;

  Housekeeping(ApiService api, boolean collects) {
    this.api = api;
    this.collects = collects;
    this.worker =
        Executors.newSingleThreadExecutor(
            Thread.ofVirtual().name("apiserver-housekeeping").factory());
  }

  @Override
  public void close() {
    worker.shutdownNow();
  }

  private void submit(Runnable task) {
    lock.lock();
    try {
      pending++;
    } finally {
      lock.unlock();
    }
    long asked = generation;
    try {
      worker.execute(() -> {
        turn.lock();
        try {
          if (asked == generation) {
            task.run();
          }
        } catch (StatusException e) {
          // Somebody else was quicker; what is left to do has been submitted again.
        } finally {
          turn.unlock();
          finished();
        }
      });
    } catch (RejectedExecutionException e) {
      finished();
    }
  }

  private void finished() {
    lock.lock();
    try {
      if (--pending == 0) {
        quiet.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  boolean awaitQuiet(Duration atMost) throws InterruptedException {
    long nanos = atMost.toNanos();
    lock.lock();
    try {
      while (pending > 0) {
        if (nanos <= 0) {
          return false;
        }
        nanos = quiet.awaitNanos(nanos);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Runs {@code change} while nothing runs in the background, and drops what was still to do. */
  void pauseWhile(Runnable change) {
    turn.lock();
    try {
      generation++;
      change.run();
      rebuild();
    } finally {
      turn.unlock();
    }
  }

  private void rebuild() {
    definitionsLock.lock();
    try {
      knownDefinitions.clear();
      for (Version version : api.registry().table(api.definitions()).all()) {
        knownDefinitions.put(version.key(), fingerprint(Json.parseOwn(version.json())));
      }
    } finally {
      definitionsLock.unlock();
    }
    owners.clear();
    if (collects) {
      for (Resource resource : api.catalog().tables()) {
        for (Version version : api.registry().table(resource).all()) {
          owners.put(resource.storage(), version.facts());
        }
      }
    }
  }

  // --- hooks -------------------------------------------------------------------------------------

  @Override
  public Resource storedForm(Resource resource) {
    return api.storedForm(resource);
  }

  @Override
  public void admitCreate(Resource resource, ObjectNode object) {
    String name = Meta.name(object);
    if (resource.namespaced()) {
      String namespace = Meta.namespace(object);
      Version version = api.registry().table(api.namespaces()).get(namespace);
      if (version == null) {
        throw StatusException.notFound("", "namespaces", namespace);
      }
      if (version.facts().fields().getOrDefault("status.phase", "").equals("Terminating")) {
        throw StatusException.forbidden(
            resource.group(),
            resource.plural(),
            name,
            "unable to create new content in namespace "
                + namespace
                + " because it is being terminated",
            new StatusException.Cause(
                "NamespaceTerminating",
                "namespace " + namespace + " is being terminated",
                "metadata.namespace"));
      }
    }
    if (resource.custom()) {
      Version version = api.registry().table(api.definitions()).get(resource.qualified());
      if (version != null && version.facts().finalizers().contains(Kinds.CLEANUP)) {
        throw StatusException.forbidden(
            resource.group(),
            resource.plural(),
            name,
            "create not allowed while custom resource definition is terminating");
      }
    }
  }

  @Override
  public void written(Resource resource, Version.Facts facts, @Nullable Version version) {
    if (Kinds.isDefinition(resource)) {
      if (version == null) {
        definitionGone(facts.name());
      } else {
        definitionWritten(version);
      }
    }
    if (Kinds.isNamespace(resource)) {
      if (version != null
          && version.facts().fields().getOrDefault("status.phase", "").equals("Terminating")) {
        submit(() -> emptyNamespace(facts.name()));
      }
    } else if (version == null && resource.namespaced()) {
      Version namespace = api.registry().table(api.namespaces()).get(facts.namespace());
      if (namespace != null
          && namespace.facts().fields().getOrDefault("status.phase", "").equals("Terminating")) {
        submit(() -> emptyNamespace(facts.namespace()));
      }
    }
    if (version == null && resource.custom()) {
      Version definition = api.registry().table(api.definitions()).get(resource.qualified());
      if (definition != null && definition.facts().finalizers().contains(Kinds.CLEANUP)) {
        submit(() -> cleanUpDefinition(definition.facts().name()));
      }
    }
    if (collects) {
      collect(resource, facts, version);
    }
  }

  // --- definitions -------------------------------------------------------------------------------

  private static String fingerprint(ObjectNode definition) {
    JsonNode spec = definition.get("spec");
    JsonNode names = Registry.at(definition, "status", "acceptedNames");
    return (spec == null ? "" : Json.text(spec)) + (names == null ? "" : Json.text(names));
  }

  private void definitionWritten(Version version) {
    definitionsLock.lock();
    try {
      ObjectNode definition = Json.parseOwn(version.json());
      String name = Meta.name(definition);
      if (Meta.isDeleting(definition)) {
        api.refreshCatalog(null);
        if (Meta.finalizers(definition).contains(Kinds.CLEANUP)) {
          submit(() -> cleanUpDefinition(name));
        }
        return;
      }
      List<ObjectNode> others = new ArrayList<>();
      String group = Json.textAt(Json.ensureObject(definition, "spec"), "group");
      for (Version other : api.registry().table(api.definitions()).all()) {
        ObjectNode one = Json.parseOwn(other.json());
        if (!Meta.name(one).equals(name)
            && Json.textAt(Json.ensureObject(one, "spec"), "group").equals(group)) {
          others.add(one);
        }
      }
      if (Definitions.accept(definition, others, api.registry().now())) {
        // Served first, announced then: who sees the condition finds the resource.
        api.refreshCatalog(definition);
        JsonNode status = definition.get("status");
        try {
          api.registry()
              .update(
                  api.definitions(),
                  "",
                  name,
                  present -> {
                    present.set("status", status.deepCopy());
                    return present;
                  },
                  new Registry.UpdateOptions(true, false, false, null, false));
        } catch (StatusException e) {
          // It was deleted meanwhile.
          api.refreshCatalog(null);
        }
        return;
      }
      String now = fingerprint(definition);
      String before = knownDefinitions.put(name, now);
      api.refreshCatalog(null);
      if (before != null && !before.equals(now)) {
        // Another schema: watches end, history is empty.
        String storage = Definitions.storage(definition);
        Resource form = api.storedForm(storage);
        api.store().renew(storage, json -> form == null ? json : form.reread(json));
      }
    } finally {
      definitionsLock.unlock();
    }
  }

  private void definitionGone(String name) {
    definitionsLock.lock();
    try {
      knownDefinitions.remove(name);
      api.refreshCatalog(null);
      api.store().drop(name);
    } finally {
      definitionsLock.unlock();
    }
  }

  private void cleanUpDefinition(String name) {
    Version version = api.registry().table(api.definitions()).get(name);
    if (version == null) {
      return;
    }
    ObjectNode definition = Json.parseOwn(version.json());
    if (!Meta.isDeleting(definition)) {
      return;
    }
    if (Definitions.isEstablished(definition)) {
      setTerminating(
          name, "True", "InstanceDeletionInProgress", "CustomResource deletion is in progress");
      List<Resource> resources = Definitions.resources(definition, true);
      Resource resource = resources.get(0);
      for (Resource one : resources) {
        if (one.isStored()) {
          resource = one;
        }
      }
      int left = 0;
      for (Version object : api.registry().table(resource).all()) {
        try {
          Registry.Outcome outcome =
              api.registry()
                  .delete(
                      resource,
                      object.facts().namespace(),
                      object.facts().name(),
                      Registry.DeleteOptions.PLAIN);
          left += outcome.deleted() ? 0 : 1;
        } catch (StatusException e) {
          // Gone by itself.
        }
      }
      if (left > 0) {
        // Their finalizers hold it up; the last one that goes brings us back here.
        return;
      }
      setTerminating(name, "False", "InstanceDeletionCompleted", "removed all instances");
    }
    api.registry()
        .update(
            api.definitions(),
            "",
            name,
            present -> {
              List<String> finalizers = new ArrayList<>(Meta.finalizers(present));
              finalizers.remove(Kinds.CLEANUP);
              Meta.setFinalizers(present, finalizers);
              return present;
            },
            Registry.UpdateOptions.INTERNAL);
  }

  private void setTerminating(String name, String status, String reason, String message) {
    api.registry()
        .update(
            api.definitions(),
            "",
            name,
            present -> {
              Definitions.setCondition(
                  present, "Terminating", status, reason, message, api.registry().now());
              return present;
            },
            Registry.UpdateOptions.INTERNAL);
  }

  // --- namespaces --------------------------------------------------------------------------------

  private void emptyNamespace(String name) {
    Version version = api.registry().table(api.namespaces()).get(name);
    if (version == null) {
      return;
    }
    ObjectNode namespace = Json.parseOwn(version.json());
    if (!Meta.isDeleting(namespace)
        || !Kinds.namespaceFinalizers(namespace).contains("kubernetes")) {
      return;
    }
    Map<String, Integer> left = new TreeMap<>();
    Map<String, Integer> finalizers = new TreeMap<>();
    for (Resource resource : api.catalog().tables()) {
      if (!resource.namespaced()) {
        continue;
      }
      List<Version> content = new ArrayList<>();
      api.registry()
          .table(resource)
          .scan(
              name + "/",
              name + "/",
              Long.MAX_VALUE,
              object -> {
                content.add(object);
                return true;
              });
      for (Version object : content) {
        try {
          Registry.Outcome outcome =
              api.registry()
                  .delete(resource, name, object.facts().name(), Registry.DeleteOptions.PLAIN);
          if (!outcome.deleted()) {
            left.merge(resource.qualified(), 1, Integer::sum);
            for (String finalizer : Meta.finalizers(outcome.object())) {
              finalizers.merge(finalizer, 1, Integer::sum);
            }
          }
        } catch (StatusException e) {
          // Gone by itself.
        }
      }
    }
    if (!left.isEmpty()) {
      remaining(name, left, finalizers);
      return;
    }
    namespace.put("kind", "Namespace");
    ArrayNode kept = Json.array();
    for (String finalizer : Kinds.namespaceFinalizers(namespace)) {
      if (!finalizer.equals("kubernetes")) {
        kept.add(finalizer);
      }
    }
    api.registry()
        .update(
            api.namespaces(),
            "",
            name,
            present -> {
              Json.ensureObject(present, "spec").set("finalizers", kept.deepCopy());
              return present;
            },
            Registry.UpdateOptions.INTERNAL);
  }

  private void remaining(String name, Map<String, Integer> left, Map<String, Integer> finalizers) {
    List<String> resources = new ArrayList<>();
    left.forEach((resource, count) ->
        resources.add(
            (resource.indexOf('.') < 0 ? resource + "." : resource)
                + " has "
                + count
                + " resource instances"));
    List<String> holders = new ArrayList<>();
    finalizers.forEach(
        (finalizer, count) -> holders.add(finalizer + " in " + count + " resource instances"));
    String now = api.registry().now();
    api.registry()
        .update(
            api.namespaces(),
            "",
            name,
            present -> {
              Definitions.setCondition(
                  present,
                  "NamespaceContentRemaining",
                  "True",
                  "SomeResourcesRemain",
                  "Some resources are remaining: " + String.join(", ", resources),
                  now);
              if (!holders.isEmpty()) {
                Definitions.setCondition(
                    present,
                    "NamespaceFinalizersRemaining",
                    "True",
                    "SomeFinalizersRemain",
                    "Some content in the namespace has finalizers remaining: "
                        + String.join(", ", holders),
                    now);
              }
              return present;
            },
            Registry.UpdateOptions.INTERNAL);
  }

  /** {@code PUT .../finalize}: what a namespace waits for is written as it is given. */
  Registry.Outcome finalizeNamespace(ObjectNode wanted, boolean dryRun) {
    List<String> finalizers = Kinds.namespaceFinalizers(wanted);
    return api.registry()
        .update(
            api.namespaces(),
            "",
            Meta.name(wanted),
            present -> {
              ArrayNode array = Json.ensureObject(present, "spec").putArray("finalizers");
              finalizers.forEach(array::add);
              String version = Meta.resourceVersion(wanted);
              if (!version.isEmpty()) {
                Meta.of(present).put("resourceVersion", version);
              }
              return present;
            },
            new Registry.UpdateOptions(false, false, dryRun, null, true));
  }

  // --- garbage -----------------------------------------------------------------------------------

  private void collect(Resource resource, Version.Facts facts, @Nullable Version version) {
    String storage = resource.storage();
    if (version == null) {
      owners.remove(storage, facts);
      if (!owners.dependents(facts.uid()).isEmpty()) {
        submit(() -> ownerGone(facts.uid()));
      }
      for (String owner : facts.owners()) {
        submit(() -> ownerInForeground(owner));
      }
      return;
    }
    owners.put(storage, version.facts());
    for (String owner : version.facts().owners()) {
      if (!owners.isLive(owner)) {
        submit(() -> ownerGone(owner));
      }
    }
    List<String> finalizers = version.facts().finalizers();
    if (finalizers.contains(MetadataRules.FOREGROUND)) {
      submit(() -> ownerInForeground(facts.uid()));
    } else if (finalizers.contains(MetadataRules.ORPHAN)) {
      submit(() -> orphan(facts.uid()));
    }
  }

  /** Deletes what belonged to nobody but an object that is gone. */
  private void ownerGone(String uid) {
    if (owners.isLive(uid)) {
      return;
    }
    for (Owners.Place place : owners.dependents(uid)) {
      Resource resource = resource(place.storage());
      if (resource == null) {
        continue;
      }
      Version version =
          api.registry().table(resource).get(resource.key(place.namespace(), place.name()));
      if (version == null) {
        continue;
      }
      boolean othersLive = false;
      for (String owner : version.facts().owners()) {
        othersLive |= owners.isLive(owner);
      }
      if (othersLive) {
        dropOwner(resource, place, uid);
      } else {
        tryDelete(
            resource,
            place,
            new Registry.DeleteOptions(null, "Background", version.facts().uid(), null, false));
      }
    }
  }

  private void ownerInForeground(String uid) {
    Owners.Place owner = owners.place(uid);
    Resource resource = owner == null ? null : resource(owner.storage());
    if (owner == null || resource == null) {
      return;
    }
    Version version =
        api.registry().table(resource).get(resource.key(owner.namespace(), owner.name()));
    if (version == null || !version.facts().finalizers().contains(MetadataRules.FOREGROUND)) {
      return;
    }
    boolean blocked = false;
    for (Owners.Place place : owners.dependents(uid)) {
      Resource dependent = resource(place.storage());
      if (dependent == null) {
        continue;
      }
      blocked |=
          tryDelete(
              dependent, place, new Registry.DeleteOptions(null, "Foreground", null, null, false));
    }
    if (!blocked && owners.dependents(uid).isEmpty()) {
      dropFinalizer(resource, owner, MetadataRules.FOREGROUND);
    }
  }

  private void orphan(String uid) {
    Owners.Place owner = owners.place(uid);
    Resource resource = owner == null ? null : resource(owner.storage());
    if (owner == null || resource == null) {
      return;
    }
    for (Owners.Place place : owners.dependents(uid)) {
      Resource dependent = resource(place.storage());
      if (dependent != null) {
        dropOwner(dependent, place, uid);
      }
    }
    dropFinalizer(resource, owner, MetadataRules.ORPHAN);
  }

  /** Deletes an object if it is there. Gives whether it is still there. */
  private boolean tryDelete(Resource resource, Owners.Place place, Registry.DeleteOptions options) {
    try {
      return !api.registry().delete(resource, place.namespace(), place.name(), options).deleted();
    } catch (StatusException e) {
      return false;
    }
  }

  private void dropOwner(Resource resource, Owners.Place place, String uid) {
    change(
        resource,
        place,
        object -> {
          ArrayNode kept = Json.array();
          for (JsonNode owner : PodSpecs.elements(Meta.of(object), "ownerReferences")) {
            if (!Json.textAt(owner, "uid").equals(uid)) {
              kept.add(owner);
            }
          }
          if (kept.isEmpty()) {
            Meta.of(object).remove("ownerReferences");
          } else {
            Meta.of(object).set("ownerReferences", kept);
          }
          return object;
        });
  }

  private void dropFinalizer(Resource resource, Owners.Place place, String finalizer) {
    change(
        resource,
        place,
        object -> {
          List<String> finalizers = new ArrayList<>(Meta.finalizers(object));
          finalizers.remove(finalizer);
          Meta.setFinalizers(object, finalizers);
          return object;
        });
  }

  private void change(Resource resource, Owners.Place place, Registry.Change change) {
    try {
      api.registry()
          .update(
              resource, place.namespace(), place.name(), change, Registry.UpdateOptions.INTERNAL);
    } catch (StatusException e) {
      // Gone by itself.
    }
  }

  private @Nullable Resource resource(String storage) {
    return api.storedForm(storage);
  }

  /** Who belongs to whom, by uid. Safe for any thread. */
  private static final class Owners {
    /** Where an object is. */
    record Place(String storage, String namespace, String name) {
      // A record's own ones are made by the JVM when they are first called, which a start waits
      // for.
      @Override
      public int hashCode() {
        return (storage.hashCode() * 31 + namespace.hashCode()) * 31 + name.hashCode();
      }

      @Override
      public boolean equals(@Nullable Object other) {
        return other instanceof Place place
            && name.equals(place.name)
            && namespace.equals(place.namespace)
            && storage.equals(place.storage);
      }
    }

    private final Map<String, Place> live = new HashMap<>();
    private final Map<String, Set<Place>> dependents = new HashMap<>();
    private final Map<Place, List<String>> ownersOf = new HashMap<>();
    private final ReentrantLock lock = new ReentrantLock();

    void clear() {
      lock.lock();
      try {
        live.clear();
        dependents.clear();
        ownersOf.clear();
      } finally {
        lock.unlock();
      }
    }

    void put(String storage, Version.Facts facts) {
      Place place = new Place(storage, facts.namespace(), facts.name());
      lock.lock();
      try {
        live.put(facts.uid(), place);
        unlink(place);
        if (!facts.owners().isEmpty()) {
          ownersOf.put(place, facts.owners());
          for (String owner : facts.owners()) {
            dependents.computeIfAbsent(owner, ignored -> new HashSet<>()).add(place);
          }
        }
      } finally {
        lock.unlock();
      }
    }

    void remove(String storage, Version.Facts facts) {
      lock.lock();
      try {
        live.remove(facts.uid());
        unlink(new Place(storage, facts.namespace(), facts.name()));
      } finally {
        lock.unlock();
      }
    }

    private void unlink(Place place) {
      List<String> before = ownersOf.remove(place);
      if (before == null) {
        return;
      }
      for (String owner : before) {
        Set<Place> places = dependents.get(owner);
        if (places != null) {
          places.remove(place);
          if (places.isEmpty()) {
            dependents.remove(owner);
          }
        }
      }
    }

    boolean isLive(String uid) {
      return place(uid) != null;
    }

    @Nullable Place place(String uid) {
      lock.lock();
      try {
        return live.get(uid);
      } finally {
        lock.unlock();
      }
    }

    List<Place> dependents(String uid) {
      lock.lock();
      try {
        return List.copyOf(dependents.getOrDefault(uid, Set.of()));
      } finally {
        lock.unlock();
      }
    }
  }
}
