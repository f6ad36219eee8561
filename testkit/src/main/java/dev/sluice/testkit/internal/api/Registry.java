package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import dev.sluice.testkit.internal.store.Store;
import dev.sluice.testkit.internal.store.Table;
import dev.sluice.testkit.internal.store.Version;
import dev.sluice.testkit.internal.types.GoCodec;
import dev.sluice.testkit.internal.types.GoTime;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Creates, updates and deletes objects: the generic registry of the real server, step by step.
 *
 * <p>Every write is optimistic: it looks at a version, works out the next one, and stores it only
 * if nobody came first; otherwise it begins again. Safe for any thread.
 */
final class Registry {
  /** etcd refuses a request above this. */
  private static final int MAX_STORED = 3 * 512 * 1024;

  private static final String NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789";

  private final Store store;
  private final InstantSource clock;
  private final RandomGenerator random;
  private final Hooks hooks;

  /** What the registry tells others, and asks of them. */
  interface Hooks {
    /** May refuse what is to be created in a namespace. */
    void admitCreate(Resource resource, ObjectNode object);

    /** The version of the same kind in whose form it is stored. */
    Resource storedForm(Resource resource);

    /**
     * Something was written.
     *
     * @param facts of the new state, or of the last one
     * @param version the new state; null if the object is gone
     */
    void written(Resource resource, Version.Facts facts, @Nullable Version version);
  }

  /**
   * What came of a write.
   *
   * @param object the object in the version of the request
   * @param created whether it is new
   * @param deleted whether it is gone
   */
  record Outcome(ObjectNode object, boolean created, boolean deleted) {}

  /** Works out the new state of an object; the argument is a copy that may be changed. */
  interface Change {
    ObjectNode apply(ObjectNode present);
  }

  Registry(Store store, InstantSource clock, RandomGenerator random, Hooks hooks) {
    this.store = store;
    this.clock = clock;
    this.random = random;
    this.hooks = hooks;
  }

  Table table(Resource resource) {
    return store.table(resource.storage());
  }

  /** The newest state of an object. */
  Version get(Resource resource, String namespace, String name) {
    Version version = table(resource).get(resource.key(namespace, name));
    if (version == null) {
      throw StatusException.notFound(resource.group(), resource.plural(), name);
    }
    return version;
  }

  /** A stored state as an object of the resource's version. */
  ObjectNode read(Resource resource, Version version) {
    return resource.fromStorage(Json.parseOwn(version.json()));
  }

  String now() {
    return GoTime.seconds(clock.instant());
  }

  // --- create ------------------------------------------------------------------------------------

  Outcome create(Resource resource, String namespace, ObjectNode object, boolean dryRun) {
    ObjectNode meta = Meta.of(object);
    for (String field :
        List.of("creationTimestamp", "uid", "deletionTimestamp", "deletionGracePeriodSeconds")) {
      meta.remove(field);
    }
    matchNamespace(resource, namespace, object);
    fillSystemFields(object);
    boolean generated = false;
    if (Json.textAt(meta, "name").isEmpty() && !Json.textAt(meta, "generateName").isEmpty()) {
      meta.put("name", generateName(Json.textAt(meta, "generateName")));
      generated = true;
    }
    hooks.admitCreate(resource, object);
    String name = prepareCreation(resource, object);
    if (!Json.textAt(meta, "resourceVersion").isEmpty()) {
      throw StatusException.bare500("resourceVersion should not be set on objects to be created");
    }
    String key = resource.key(Meta.namespace(object), name);
    Table table = table(resource);
    Version present = table.get(key);
    if (dryRun && present == null) {
      meta.remove("resourceVersion");
      return new Outcome(canonical(resource, object), true, false);
    }
    Version written = present != null ? null : write(resource, key, null, object);
    if (written == null) {
      Version other = table(resource).get(key);
      if (other != null && Meta.isDeleting(Json.parseOwn(other.json()))) {
        throw StatusException.beingDeleted(resource.group(), resource.plural(), name);
      }
      if (generated) {
        throw new StatusException(
            409,
            "AlreadyExists",
            "%s %s already exists, the server was not able to generate a unique name for the object"
                .formatted(resource.qualified(), Go.quote(name)),
            new StatusException.Details(name, resource.group(), resource.plural(), "", null, 1));
      }
      throw StatusException.alreadyExists(resource.group(), resource.plural(), name);
    }
    hooks.written(resource, written.facts(), written);
    return new Outcome(read(resource, written), true, false);
  }

  private String prepareCreation(Resource resource, ObjectNode object) {
    Strategy strategy = resource.strategy();
    strategy.prepareForCreate(object);
    FieldErrors errors = new FieldErrors();
    strategy.validateType(object, errors);
    refuseIfInvalid(resource, object, errors);
    Names.Rule rule = strategy.nameRule();
    FieldErrors metadata = MetadataRules.onCreate(resource, object, rule);
    errors.addAll(metadata);
    strategy.validate(object, errors);
    refuseIfInvalid(resource, object, errors);
    return Meta.name(object);
  }

  private void fillSystemFields(ObjectNode object) {
    ObjectNode meta = Meta.of(object);
    meta.put("uid", UUID.randomUUID().toString());
    meta.put("creationTimestamp", now());
  }

  private String generateName(String base) {
    StringBuilder name = new StringBuilder(base.length() > 58 ? base.substring(0, 58) : base);
    for (int i = 0; i < 5; i++) {
      name.append(NAME_LETTERS.charAt(random.nextInt(NAME_LETTERS.length())));
    }
    return name.toString();
  }

  /** Fills in the namespace of the request, or refuses another one. */
  static void matchNamespace(Resource resource, String namespace, ObjectNode object) {
    String expected = resource.namespaced() ? namespace : "";
    String actual = Meta.namespace(object);
    if (actual.equals(expected)) {
      return;
    }
    if (actual.isEmpty()) {
      Meta.of(object).put("namespace", expected);
    } else if (expected.isEmpty()) {
      Meta.of(object).remove("namespace");
    } else {
      throw StatusException.badRequest(
          "the namespace of the provided object does not match the namespace sent on the request");
    }
  }

  // --- update ------------------------------------------------------------------------------------

  /**
   * What is to be done with an update.
   *
   * @param status whether it goes through {@code /status}
   * @param createIfMissing whether a missing object is created, whatever its kind says
   * @param uid the uid it must have; null for any
   * @param internal whether the server itself changes what clients may not
   */
  record UpdateOptions(
      boolean status,
      boolean createIfMissing,
      boolean dryRun,
      @Nullable String uid,
      boolean internal) {
    static final UpdateOptions PLAIN = new UpdateOptions(false, false, false, null, false);
    static final UpdateOptions INTERNAL = new UpdateOptions(false, false, false, null, true);
  }

  Outcome update(
      Resource resource, String namespace, String name, Change change, UpdateOptions options) {
    Strategy strategy = resource.strategy();
    String key = resource.key(namespace, name);
    while (true) {
      Version present = table(resource).get(key);
      if (present == null) {
        if (!strategy.createsOnUpdate() && !options.createIfMissing()) {
          throw StatusException.notFound(resource.group(), resource.plural(), name);
        }
        ObjectNode object = change.apply(resource.blank());
        if (!Meta.uid(object).isEmpty()) {
          throw StatusException.conflict(
              resource.group(),
              resource.plural(),
              name,
              "Precondition failed: UID in precondition: "
                  + Meta.uid(object)
                  + ", UID in object meta: ");
        }
        Meta.of(object).remove("resourceVersion");
        return create(resource, namespace, object, options.dryRun());
      }
      ObjectNode old = read(resource, present);
      ObjectNode object = change.apply(old.deepCopy());
      matchNamespace(resource, namespace, object);
      checkName(name, object);
      String uid = options.uid();
      if (uid != null && !uid.isEmpty() && !uid.equals(Meta.uid(old))) {
        throw StatusException.conflict(
            resource.group(),
            resource.plural(),
            name,
            "StorageError: invalid object, Code: 4, Key: /registry/%s/%s, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: %s, UID in object meta: %s"
                .formatted(resource.registryPath(), key, uid, Meta.uid(old)));
      }
      checkVersion(resource, name, object, old);
      prepareUpdate(resource, object, old, options);
      if (Meta.finalizers(object).isEmpty() && Meta.isDeleting(old) && Meta.gracePeriod(old) == 0) {
        if (holds(resource, object)) {
          // Something else than finalizers keeps it: a namespace's own, for instance.
          Outcome outcome = store(resource, key, present, object, options.dryRun());
          if (outcome != null) {
            return outcome;
          }
          continue;
        }
        if (options.dryRun() || remove(resource, key, present)) {
          return new Outcome(canonical(resource, object), false, true);
        }
        continue;
      }
      Outcome outcome = store(resource, key, present, object, options.dryRun());
      if (outcome != null) {
        return outcome;
      }
    }
  }

  /** Whether an object without finalizers is kept all the same. */
  private static boolean holds(Resource resource, ObjectNode object) {
    return resource.group().isEmpty()
        && resource.plural().equals("namespaces")
        && !Kinds.namespaceFinalizers(object).isEmpty();
  }

  private @Nullable Outcome store(
      Resource resource, String key, Version present, ObjectNode object, boolean dryRun) {
    if (dryRun) {
      return new Outcome(canonical(resource, object), false, false);
    }
    ObjectNode same = stored(resource, object, Long.toString(present.revision()));
    if (Arrays.equals(encodeStored(hooks.storedForm(resource), same), present.json())) {
      // A write that changes nothing keeps the version and makes no event.
      return new Outcome(read(resource, present), false, false);
    }
    Version written = write(resource, key, present, object);
    if (written == null) {
      return null;
    }
    hooks.written(resource, written.facts(), written);
    return new Outcome(read(resource, written), false, false);
  }

  /** Refuses an object whose name is not the one in the path. */
  static void checkName(String name, ObjectNode object) {
    String actual = Meta.name(object);
    if (actual.isEmpty()) {
      throw StatusException.badRequest(
          "the name of the object (%s based on URL) was undeterminable: name must be provided"
              .formatted(name));
    }
    if (!actual.equals(name)) {
      throw StatusException.badRequest(
          "the name of the object (%s) does not match the name on the URL (%s)"
              .formatted(actual, name));
    }
  }

  private static void checkVersion(
      Resource resource, String name, ObjectNode object, ObjectNode old) {
    String asked = Meta.resourceVersion(object);
    String present = Meta.resourceVersion(old);
    long version;
    try {
      version = asked.isEmpty() ? 0 : Long.parseUnsignedLong(asked);
    } catch (NumberFormatException e) {
      throw StatusException.bare500(
          "strconv.ParseUint: parsing %s: invalid syntax".formatted(Go.quote(asked)));
    }
    if (version == 0) {
      if (resource.strategy().updatesUnconditionally()) {
        Meta.of(object).put("resourceVersion", present);
        return;
      }
      FieldErrors errors = new FieldErrors();
      errors.invalidRaw("metadata.resourceVersion", "0", "must be specified for an update");
      throw StatusException.invalid(resource.group(), resource.plural(), name, errors);
    }
    if (!asked.equals(present)) {
      throw StatusException.staleVersion(resource.group(), resource.plural(), name);
    }
  }

  private static void prepareUpdate(
      Resource resource, ObjectNode object, ObjectNode old, UpdateOptions options) {
    if (options.internal()) {
      return;
    }
    boolean status = options.status();
    Strategy strategy = resource.strategy();
    Meta.setGeneration(object, Meta.generation(old));
    if (status) {
      strategy.prepareForStatusUpdate(object, old);
    } else {
      strategy.prepareForUpdate(object, old);
    }
    ObjectNode meta = Meta.of(object);
    ObjectNode oldMeta = Meta.of(old);
    if (Json.textAt(meta, "uid").isEmpty()) {
      Meta.copy(old, object, "uid");
    }
    Meta.copy(old, object, "creationTimestamp");
    if (Meta.isDeleting(old)) {
      Meta.copy(old, object, "deletionTimestamp");
    }
    if (oldMeta.has("deletionGracePeriodSeconds") && !meta.has("deletionGracePeriodSeconds")) {
      Meta.copy(old, object, "deletionGracePeriodSeconds");
    }
    FieldErrors errors = new FieldErrors();
    strategy.validateType(object, errors);
    refuseIfInvalid(resource, object, errors);
    FieldErrors metadata = MetadataRules.onCreate(resource, object, Names::pathSegment);
    errors.addAll(metadata);
    errors.addAll(MetadataRules.onUpdate(object, old));
    if (status) {
      strategy.validateStatusUpdate(object, old, errors);
    } else {
      strategy.validateUpdate(object, old, errors);
    }
    refuseIfInvalid(resource, object, errors);
  }

  private static void refuseIfInvalid(Resource resource, ObjectNode object, FieldErrors errors) {
    if (!errors.isEmpty()) {
      String kind = Json.textAt(object, "kind");
      // Events are validated as those of the core group, whichever way they come.
      String group = resource.group().equals("events.k8s.io") ? "" : resource.group();
      throw StatusException.invalid(
          group, kind.isEmpty() ? resource.kind() : kind, Meta.name(object), errors);
    }
  }

  // --- delete ------------------------------------------------------------------------------------

  /**
   * How to delete.
   *
   * @param gracePeriodSeconds null for the kind's own
   * @param policy {@code Foreground}, {@code Background}, {@code Orphan}; empty for the kind's own
   * @param uid the uid it must have; null for any
   * @param resourceVersion the version it must have; null for any
   */
  record DeleteOptions(
      @Nullable Long gracePeriodSeconds,
      String policy,
      @Nullable String uid,
      @Nullable String resourceVersion,
      boolean dryRun) {
    static final DeleteOptions PLAIN = new DeleteOptions(null, "", null, null, false);
    static final DeleteOptions AT_ONCE = new DeleteOptions(0L, "", null, null, false);
  }

  /** Deletes an object, or marks it as to be deleted. */
  Outcome delete(Resource resource, String namespace, String name, DeleteOptions options) {
    String key = resource.key(namespace, name);
    Strategy strategy = resource.strategy();
    while (true) {
      Version present = table(resource).get(key);
      if (present == null) {
        throw StatusException.notFound(resource.group(), resource.plural(), name);
      }
      ObjectNode object = read(resource, present);
      strategy.refuseDeletion(object);
      checkPreconditions(resource, name, object, options);
      boolean deleting = Meta.isDeleting(object);
      List<String> finalizers = Meta.finalizers(object);
      List<String> wanted = new ArrayList<>(finalizers);
      wanted.removeAll(List.of(MetadataRules.ORPHAN, MetadataRules.FOREGROUND));
      String policy = options.policy();
      if (policy.equals("Orphan")
          || (policy.isEmpty() && finalizers.contains(MetadataRules.ORPHAN))) {
        wanted.add(MetadataRules.ORPHAN);
      }
      if (policy.equals("Foreground")
          || (policy.isEmpty() && finalizers.contains(MetadataRules.FOREGROUND))) {
        wanted.add(MetadataRules.FOREGROUND);
      }
      Long grace = strategy.gracePeriod(object, options.gracePeriodSeconds());
      ObjectNode meta = Meta.of(object);
      if (deleting && Meta.gracePeriod(object) > 0 && grace != null) {
        Long asked = options.gracePeriodSeconds();
        if (asked == null || asked >= Meta.gracePeriod(object)) {
          return new Outcome(object, false, false);
        }
        if (asked > 0) {
          meta.put("deletionGracePeriodSeconds", asked);
          meta.put("deletionTimestamp", GoTime.seconds(clock.instant().plusSeconds(asked)));
          Outcome outcome = store(resource, key, present, object, options.dryRun());
          if (outcome != null) {
            return outcome;
          }
          continue;
        }
      }
      long period = grace == null || deleting ? 0 : grace;
      boolean graceful = period > 0;
      if (graceful || !wanted.isEmpty() || Kinds.keepsItself(resource, object)) {
        if (!deleting) {
          if (Meta.generation(object) > 0) {
            Meta.setGeneration(object, Meta.generation(object) + 1);
          }
          Instant when = clock.instant().plusSeconds(period);
          meta.put("deletionTimestamp", GoTime.seconds(when));
          meta.put("deletionGracePeriodSeconds", period);
          Kinds.markTerminating(resource, object, now());
          Meta.setFinalizers(object, new ArrayList<>(wanted));
          Kinds.addOwnFinalizer(resource, object);
        } else if (Meta.gracePeriod(object) > 0) {
          meta.put("deletionGracePeriodSeconds", 0);
          meta.put("deletionTimestamp", now());
        }
        Outcome outcome = store(resource, key, present, object, options.dryRun());
        if (outcome != null) {
          return outcome;
        }
        continue;
      }
      if (options.dryRun() || remove(resource, key, present)) {
        return new Outcome(object, false, true);
      }
    }
  }

  private static void checkPreconditions(
      Resource resource, String name, ObjectNode object, DeleteOptions options) {
    String uid = options.uid();
    if (uid != null && !uid.equals(Meta.uid(object))) {
      throw StatusException.conflict(
          resource.group(),
          resource.kind(),
          name,
          "the UID in the precondition (%s) does not match the UID in record (%s). The object might have been deleted and then recreated"
              .formatted(uid, Meta.uid(object)));
    }
    String version = options.resourceVersion();
    if (version != null && !version.equals(Meta.resourceVersion(object))) {
      throw StatusException.conflict(
          resource.group(),
          resource.kind(),
          name,
          "the ResourceVersion in the precondition (%s) does not match the ResourceVersion in record (%s). The object might have been modified"
              .formatted(version, Meta.resourceVersion(object)));
    }
  }

  /** Takes an object out of the store, whatever its finalizers say. */
  private boolean remove(Resource resource, String key, Version present) {
    ObjectNode last = Json.parseOwn(present.json());
    Version tombstone =
        store.delete(
            table(resource),
            key,
            present,
            revision -> {
              Meta.of(last).put("resourceVersion", Long.toString(revision));
              return encodeStored(hooks.storedForm(resource), last);
            });
    if (tombstone == null) {
      return false;
    }
    hooks.written(resource, present.facts(), null);
    return true;
  }

  // --- storing -----------------------------------------------------------------------------------

  private static ObjectNode canonical(Resource resource, ObjectNode object) {
    return resource.type() == null ? object : GoCodec.canonical(object, resource.type());
  }

  private static byte[] encodeStored(Resource resource, ObjectNode stored) {
    return resource.custom() ? Json.encodeSorted(stored) : Json.encode(stored);
  }

  /** The stored form of an object, as a copy in canonical order. */
  private ObjectNode stored(Resource resource, ObjectNode object, String resourceVersion) {
    Meta.of(object).put("resourceVersion", resourceVersion);
    return canonical(
        hooks.storedForm(resource), resource.toStorage(canonical(resource, object).deepCopy()));
  }

  /** Writes a new state; null if another writer came first. */
  private @Nullable Version write(
      Resource resource, String key, @Nullable Version present, ObjectNode object) {
    Resource kept = hooks.storedForm(resource);
    // The revision is not known yet; its place in the order of the keys must be.
    ObjectNode stored = stored(resource, object, "0");
    ObjectNode meta = Meta.of(stored);
    int size = encodeStored(kept, stored).length;
    if (size > MAX_STORED) {
      throw StatusException.bare500("etcdserver: request is too large");
    }
    Version.Facts facts = facts(kept, stored);
    return store.put(
        table(resource),
        key,
        present,
        facts,
        revision -> {
          meta.put("resourceVersion", Long.toString(revision));
          return encodeStored(kept, stored);
        });
  }

  private static Version.Facts facts(Resource resource, ObjectNode object) {
    Map<String, String> fields = new HashMap<>(resource.strategy().fields(object));
    fields.put("metadata.name", Meta.name(object));
    fields.put("metadata.namespace", Meta.namespace(object));
    return new Version.Facts(
        Meta.uid(object),
        Meta.name(object),
        Meta.namespace(object),
        Meta.labels(object),
        Map.copyOf(fields),
        Meta.owners(object),
        Meta.finalizers(object));
  }

  static @Nullable JsonNode at(ObjectNode object, String... path) {
    JsonNode at = object;
    for (String step : path) {
      at = at == null ? null : at.get(step);
    }
    return at;
  }
}
