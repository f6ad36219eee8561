package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import dev.sluice.testkit.internal.json.Yaml;
import dev.sluice.testkit.internal.store.Store;
import dev.sluice.testkit.internal.store.Table;
import dev.sluice.testkit.internal.store.Version;
import dev.sluice.testkit.internal.types.GoCodec;
import dev.sluice.testkit.internal.types.Protobuf;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The API server without its sockets: takes a request apart, does what it asks, and words the
 * answer. Safe for any number of threads; blocks only where the real server would (a read of a
 * version that is still to come).
 */
public final class ApiService implements AutoCloseable {
  /** The real server reads no body above this. */
  private static final int MAX_BODY = 3 * 1024 * 1024;

  private static final List<String> CUSTOM_PATCHES =
      List.of("application/json-patch+json", "application/merge-patch+json");

  private final Settings settings;
  private final Store store;
  private final Registry registry;
  private final Decoder decoder;
  private final Lists lists;
  private final Housekeeping housekeeping;
  private final List<Resource> builtins;
  private final ReentrantLock catalogLock = new ReentrantLock();
  private volatile Catalog catalog;
  private volatile Map<String, Resource> storedForms = Map.of();
  private volatile String address = "127.0.0.1";

  /**
   * What can be set.
   *
   * @param clock where timestamps come from
   * @param random where generated names and time-outs come from
   * @param history how many events of each resource are remembered
   * @param bookmarkInterval between two bookmarks of a watch
   * @param minimumWatch a watch without a time-out of its own ends between this and twice this
   * @param access who may do what
   * @param collectGarbage whether what belongs to an object goes with it
   */
  public record Settings(
      InstantSource clock,
      RandomGenerator random,
      int history,
      Duration bookmarkInterval,
      Duration minimumWatch,
      Access access,
      boolean collectGarbage) {}

  public ApiService(Settings settings) {
    this.settings = settings;
    this.store = new Store(settings.history());
    this.builtins = Builtins.all();
    this.catalog = new Catalog(builtins);
    this.decoder = new Decoder((version, kind) -> catalog.ofKind(version, kind));
    this.lists = new Lists(store);
    this.housekeeping = new Housekeeping(this, settings.collectGarbage());
    this.registry = new Registry(store, settings.clock(), settings.random(), housekeeping);
    useCatalog(List.of());
    for (String namespace : List.of("default", "kube-node-lease", "kube-public", "kube-system")) {
      ObjectNode object = Json.object();
      object.put("kind", "Namespace");
      object.put("apiVersion", "v1");
      object.putObject("metadata").put("name", namespace);
      put(object);
    }
  }

  public Store store() {
    return store;
  }

  /** Says where the server is reached: {@code host:port}, for discovery. */
  public void reachedAt(String hostAndPort) {
    address = hostAndPort;
  }

  Registry registry() {
    return registry;
  }

  Catalog catalog() {
    return catalog;
  }

  Instant now() {
    return settings.clock().instant();
  }

  @Override
  public void close() {
    housekeeping.close();
  }

  // --- catalog -----------------------------------------------------------------------------------

  Resource definitions() {
    return Objects.requireNonNull(
        catalog.find("apiextensions.k8s.io", "v1", "customresourcedefinitions"));
  }

  Resource namespaces() {
    return Objects.requireNonNull(catalog.find("", "v1", "namespaces"));
  }

  /**
   * Works out anew what is served, from the definitions in the store.
   *
   * @param coming a definition that is about to be stored in this form; null for none
   */
  void refreshCatalog(@Nullable ObjectNode coming) {
    catalogLock.lock();
    try {
      List<ObjectNode> established = new ArrayList<>();
      for (Version version : store.table(definitions().storage()).all()) {
        ObjectNode definition = Json.parseOwn(version.json());
        if (coming != null && Meta.name(coming).equals(Meta.name(definition))) {
          definition = coming;
        }
        if (Definitions.isEstablished(definition)) {
          established.add(definition);
        }
      }
      useCatalog(established);
    } finally {
      catalogLock.unlock();
    }
  }

  private void useCatalog(List<ObjectNode> established) {
    List<Resource> all = new ArrayList<>(builtins);
    Map<String, Resource> forms = new java.util.HashMap<>();
    for (Resource resource : builtins) {
      if (resource.isStored()) {
        forms.put(resource.storage(), resource);
      }
    }
    for (ObjectNode definition : established) {
      all.addAll(Definitions.resources(definition));
      for (Resource resource : Definitions.resources(definition, true)) {
        if (resource.isStored()) {
          forms.put(resource.storage(), resource);
        }
      }
    }
    // A table is there from when its kind is: watches from then on can be resumed.
    forms.keySet().forEach(store::table);
    storedForms = Map.copyOf(forms);
    catalog = new Catalog(all);
  }

  /** The resource in whose form a table is kept; null if there is no such table. */
  @Nullable Resource storedForm(String storage) {
    return storedForms.get(storage);
  }

  Resource storedForm(Resource resource) {
    return storedForms.getOrDefault(resource.storage(), resource);
  }

  // --- the door ----------------------------------------------------------------------------------

  /** Answers a request. What goes wrong is an answer, too. */
  public Reply handle(ApiRequest request, View view) {
    try {
      return route(request, view);
    } catch (StatusException refusal) {
      return failure(refusal, request);
    } catch (IOException e) {
      return failure(
          StatusException.badRequest(
              "the body of the request could not be read: " + e.getMessage()),
          request);
    } catch (RuntimeException e) {
      System.getLogger(ApiService.class.getName())
          .log(
              System.Logger.Level.ERROR,
              () -> "The embedded API server failed at " + request.method() + " " + request.path(),
              e);
      return failure(StatusException.internal(String.valueOf(e)), request);
    }
  }

  private Reply route(ApiRequest request, View view) throws IOException {
    settings.access().authorize(request);
    ApiRequest.Target target = request.target();
    if (!target.isResource()) {
      return documents(request);
    }
    Catalog present = catalog;
    if (!present.hasGroup(target.group())) {
      return plainText(404, "404 page not found\n");
    }
    Resource resource = present.find(target.group(), target.version(), target.resource());
    boolean custom = present.of(target.group()).stream().allMatch(Resource::custom);
    String verb = target.verb();
    boolean clusterPath = target.namespace().isEmpty();
    // What custom kinds do not have falls through to the end of the server's chain.
    boolean exists =
        resource != null
            && (resource.namespaced()
                ? !clusterPath
                    || (target.name().isEmpty()
                        && (!resource.custom() || verb.equals("list") || verb.equals("watch")))
                : clusterPath);
    if (!exists) {
      if (custom) {
        return plainText(404, "404 page not found\n");
      }
      throw StatusException.noSuchResource();
    }
    Objects.requireNonNull(resource);
    if (!target.subresource().isEmpty()
        && !Discovery.subresources(resource).contains(target.subresource())) {
      throw custom
          ? StatusException.notFound(resource.group(), resource.plural(), target.name())
          : StatusException.noSuchResource();
    }
    if (request.method().equals("HEAD") && !custom) {
      throw StatusException.methodNotRegistered();
    }
    if (!target.subresource().isEmpty()) {
      return subresource(resource, request, view);
    }
    boolean allowed =
        switch (verb) {
          case "list", "watch" -> resource.supports(verb);
          case "deletecollection" ->
              resource.supports(verb) && (!resource.namespaced() || !clusterPath);
          // For custom kinds the body's name counts, wherever it is sent.
          case "create" ->
              custom || (target.name().isEmpty() && (!resource.namespaced() || !clusterPath));
          case "update", "patch" -> {
            if (custom && target.name().isEmpty()) {
              throw StatusException.badRequest("name must be provided");
            }
            yield !target.name().isEmpty();
          }
          case "get", "delete" -> !target.name().isEmpty();
          default -> false;
        };
    if (!allowed) {
      throw StatusException.methodNotRegistered();
    }
    return switch (verb) {
      case "get" -> get(resource, request, view);
      case "list" -> list(resource, request, view);
      case "watch" -> watch(resource, request, view);
      case "create" -> create(resource, request);
      case "update" -> update(resource, request, false);
      case "patch" -> patch(resource, request, false);
      case "delete" -> delete(resource, request);
      default -> deleteCollection(resource, request);
    };
  }

  private Reply subresource(Resource resource, ApiRequest request, View view) throws IOException {
    String subresource = request.target().subresource();
    String verb = request.target().verb();
    if (subresource.equals("finalize")) {
      if (!verb.equals("update")) {
        throw StatusException.methodNotRegistered();
      }
      return finalizeNamespace(resource, request);
    }
    boolean status = subresource.equals("status");
    return switch (verb) {
      case "get" -> status ? get(resource, request, view) : getScale(resource, request);
      case "update" -> status ? update(resource, request, true) : updateScale(resource, request);
      case "patch" -> status ? patch(resource, request, true) : patchScale(resource, request);
      default -> throw StatusException.methodNotRegistered();
    };
  }

  // --- beside the resources ----------------------------------------------------------------------

  private Reply documents(ApiRequest request) {
    String path = request.path();
    String trimmed =
        path.length() > 1 && path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
    boolean reads = request.method().equals("GET") || request.method().equals("HEAD");
    ApiRequest.Target target = request.target();
    Catalog present = catalog;
    switch (trimmed) {
      case "/healthz", "/livez", "/readyz" -> {
        return plainText(
            200,
            request.has("verbose")
                ? "[+]ping ok\n" + trimmed.substring(1) + " check passed\n"
                : "ok");
      }
      case "/version" -> {
        return pretty(200, version());
      }
      case "/", "" -> {
        return pretty(200, index(present));
      }
      case "/openapi/v3" -> {
        return json(200, OpenApi.index(present));
      }
      case "/api" -> {
        return Accept.wantsAggregatedDiscovery(request.accept())
            ? aggregated(present, true)
            : encoded(200, Discovery.coreVersions(address), request);
      }
      case "/apis" -> {
        return Accept.wantsAggregatedDiscovery(request.accept())
            ? aggregated(present, false)
            : encoded(200, Discovery.groups(present), request);
      }
      default -> {}
    }
    if (path.startsWith("/openapi/v3/api")) {
      String[] parts = path.substring("/openapi/v3/".length()).split("/");
      String group = parts[0].equals("api") ? "" : parts.length > 1 ? parts[1] : "";
      String version = parts[parts.length - 1];
      if (!present.of(group, version).isEmpty()) {
        return json(200, OpenApi.document(present, group, version));
      }
    }
    boolean api = path.startsWith("/api/") || path.startsWith("/apis/");
    if (api && present.hasGroup(target.group())) {
      if (!reads) {
        throw StatusException.methodNotRegistered();
      }
      if (target.version().isEmpty()) {
        return encoded(200, Discovery.group(present, target.group()), request);
      }
      if (!present.versions(target.group()).contains(target.version())) {
        throw StatusException.noSuchResource();
      }
      return encoded(200, Discovery.resources(present, target.group(), target.version()), request);
    }
    return plainText(404, "404 page not found\n");
  }

  private static ObjectNode version() {
    ObjectNode node = Json.object();
    node.put("major", Versions.MAJOR);
    node.put("minor", Versions.MINOR);
    node.put("gitVersion", Versions.GIT_VERSION);
    node.put("gitCommit", "");
    node.put("gitTreeState", "clean");
    node.put("buildDate", "1970-01-01T00:00:00Z");
    node.put("goVersion", "");
    node.put("compiler", "");
    node.put("platform", "jvm/" + System.getProperty("java.specification.version"));
    return node;
  }

  private static ObjectNode index(Catalog catalog) {
    ObjectNode node = Json.object();
    ArrayNode paths = node.putArray("paths");
    paths.add("/api");
    paths.add("/api/v1");
    paths.add("/apis");
    for (String group : catalog.groups().stream().sorted().toList()) {
      paths.add("/apis/" + group);
      catalog.versions(group).forEach(version -> paths.add("/apis/" + group + "/" + version));
    }
    List.of("/healthz", "/livez", "/openapi/v3", "/readyz", "/version").forEach(paths::add);
    return node;
  }

  private static Reply aggregated(Catalog catalog, boolean core) {
    return new Reply.Full(
        200,
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        line(Json.encode(Discovery.aggregated(catalog, core))),
        List.of());
  }

  // --- reading -----------------------------------------------------------------------------------

  private Reply get(Resource resource, ApiRequest request, View view) {
    ApiRequest.Target target = request.target();
    Accept accept = Accept.of(request, resource.custom(), false);
    if (accept.form() == Accept.Form.PARTIAL_LIST) {
      throw StatusException.notAcceptable(
          "you requested PartialObjectMetadataList, but the requested object is not a list (*%s)"
              .formatted(resource.goName()));
    }
    String asked = request.parameter("resourceVersion");
    Version version;
    if (asked.isEmpty()) {
      version = registry.get(resource, target.namespace(), target.name());
    } else {
      long wanted;
      try {
        wanted = Long.parseUnsignedLong(asked);
      } catch (NumberFormatException e) {
        throw StatusException.badRequest(
            "invalid resource version: " + ListOptions.notANumber(asked));
      }
      if (wanted > 0 && !view.await(wanted, Lists.PATIENCE)) {
        throw StatusException.tooLargeResourceVersion(wanted, view.visible());
      }
      Table table = registry.table(resource);
      Version cached =
          table.get(
              resource.key(target.namespace(), target.name()),
              Math.max(view.visible(), table.floor()));
      if (cached == null) {
        throw StatusException.notFound(resource.group(), resource.plural(), target.name());
      }
      version = cached;
    }
    return stored(200, resource, version, accept, request);
  }

  /** A stored state as a response, without decoding it when its bytes are what is asked for. */
  private Reply stored(
      int status, Resource resource, Version version, Accept accept, ApiRequest request) {
    if (accept.form() == Accept.Form.WHOLE && !accept.yaml() && !wantsPretty(request)) {
      return new Reply.Full(
          status, "application/json", line(whole(resource, version)), headers(request));
    }
    return object(status, resource, registry.read(resource, version), accept, request);
  }

  /** The bytes of a stored state in a resource's version; worked out once if they differ. */
  private byte[] whole(Resource resource, Version version) {
    return resource.isStored()
        ? version.json()
        : version.rendering(
            resource, json -> resource.encode(resource.fromStorage(Json.parseOwn(json))));
  }

  private Reply list(Resource resource, ApiRequest request, View view) {
    Accept accept = Accept.of(request, resource.custom(), false);
    if (accept.form() == Accept.Form.PARTIAL) {
      throw StatusException.notAcceptable(
          "you requested PartialObjectMetadata, but the requested object is a list (*%sList)"
              .formatted(resource.goName()));
    }
    ListOptions options = ListOptions.of(request, resource, false);
    Lists.Page page = lists.list(resource, request.target().namespace(), options, view);
    return page(resource, page, accept, request);
  }

  private Reply page(Resource resource, Lists.Page page, Accept accept, ApiRequest request) {
    switch (accept.form()) {
      case TABLE -> {
        ObjectNode table = Tables.table(page.metadata());
        Tables.putColumns(table, resource.strategy().table());
        ArrayNode rows = table.putArray("rows");
        for (Version version : page.items()) {
          rows.add(row(resource, registry.read(resource, version), request));
        }
        return encoded(200, table, request, accept);
      }
      case PARTIAL_LIST, PARTIAL -> {
        ObjectNode list = Json.object();
        list.put("kind", "PartialObjectMetadataList");
        list.put("apiVersion", "meta.k8s.io/v1");
        list.set("metadata", page.metadata());
        ArrayNode items = list.putArray("items");
        for (Version version : page.items()) {
          items.add(Tables.partial(registry.read(resource, version)));
        }
        return encoded(200, list, request, accept);
      }
      default -> {}
    }
    if (accept.yaml() || wantsPretty(request)) {
      try {
        return encoded(200, Json.parse(listBytes(resource, page)).node(), request, accept);
      } catch (Json.MalformedException e) {
        throw new IllegalStateException(e);
      }
    }
    return new Reply.Full(200, "application/json", listBytes(resource, page), headers(request));
  }

  private ObjectNode row(Resource resource, ObjectNode object, ApiRequest request) {
    Tables.Include include =
        switch (request.parameter("includeObject")) {
          case "None" -> Tables.Include.NONE;
          case "Object" -> Tables.Include.OBJECT;
          default -> Tables.Include.METADATA;
        };
    return Tables.row(resource.strategy().table(), object, include, now());
  }

  /** A list put together from the stored bytes of its items. */
  private byte[] listBytes(Resource resource, Lists.Page page) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(1024 + page.items().size() * 512);
    boolean custom = resource.custom();
    ObjectNode head = Json.object();
    if (custom) {
      write(out, "{\"apiVersion\":" + Go.quote(resource.apiVersion()) + ",\"items\":[");
    } else {
      head.put("kind", resource.listKind());
      head.put("apiVersion", resource.apiVersion());
      head.set("metadata", page.metadata());
      byte[] bytes = Json.encode(head);
      out.write(bytes, 0, bytes.length - 1);
      write(out, ",\"items\":[");
    }
    // Items of typed lists do not say what they are.
    int skip =
        custom
            ? 0
            : ("{\"kind\":\""
                    + resource.kind()
                    + "\",\"apiVersion\":\""
                    + resource.apiVersion()
                    + "\",")
                .length();
    boolean first = true;
    for (Version version : page.items()) {
      if (!first) {
        out.write(',');
      }
      first = false;
      byte[] item = whole(resource, version);
      if (!custom) {
        out.write('{');
      }
      out.write(item, skip, item.length - skip);
    }
    if (custom) {
      write(out, "],\"kind\":" + Go.quote(resource.listKind()) + ",\"metadata\":");
      ObjectNode meta = page.metadata();
      if (!meta.has("continue")) {
        meta.put("continue", "");
      }
      out.writeBytes(Json.encodeSorted(meta));
      write(out, "}\n");
    } else {
      write(out, "]}\n");
    }
    return out.toByteArray();
  }

  private static void write(ByteArrayOutputStream out, String text) {
    out.writeBytes(text.getBytes(StandardCharsets.UTF_8));
  }

  private Reply watch(Resource resource, ApiRequest request, View view) {
    Accept accept = Accept.of(request, resource.custom(), true);
    ApiRequest.Target target = request.target();
    ListOptions options = ListOptions.of(request, resource, true);
    if (!target.name().isEmpty()) {
      // The old /watch/ paths: one object by its name.
      options =
          new ListOptions(
              true,
              options.resourceVersion(),
              options.match(),
              options.continueToken(),
              options.limit(),
              options.timeoutSeconds(),
              options.bookmarks(),
              options.sendInitialEvents(),
              options.labels(),
              new Selectors.Fields(
                  List.of(new Selectors.FieldRequirement("metadata.name", true, target.name()))));
    }
    Long seconds = options.timeoutSeconds();
    Duration timeout =
        seconds != null && seconds > 0
            ? Duration.ofSeconds(Math.min(seconds, 365L * 24 * 3600))
            : settings
                .minimumWatch()
                .plusMillis(
                    settings.random().nextLong(Math.max(1, settings.minimumWatch().toMillis())));
    WatchSource.Rendering rendering =
        switch (accept.form()) {
          case TABLE -> tableFrames(resource, request);
          case PARTIAL -> partialFrames(resource);
          case PARTIAL_LIST -> noFrames();
          default -> wholeFrames(resource);
        };
    WatchSource source =
        WatchSource.open(
            store,
            resource,
            target.namespace(),
            options,
            view,
            rendering,
            new WatchSource.Timing(settings.bookmarkInterval().toNanos(), timeout.toNanos()));
    return new Reply.Watching(source, "application/json", headers(request));
  }

  private ObjectNode progress(Resource resource, long revision, boolean initialEventsEnd) {
    ObjectNode object = resource.blank();
    ObjectNode meta = Meta.of(object);
    meta.put("resourceVersion", Long.toString(revision));
    if (initialEventsEnd) {
      meta.putObject("annotations").put("k8s.io/initial-events-end", "true");
    }
    return resource.type() == null ? object : GoCodec.canonical(object, resource.type());
  }

  private WatchSource.Rendering wholeFrames(Resource resource) {
    return new WatchSource.Rendering() {
      @Override
      public byte[] render(Version version, boolean first) {
        return whole(resource, version);
      }

      @Override
      public byte[] bookmark(long revision, boolean initialEventsEnd) {
        return resource.encode(progress(resource, revision, initialEventsEnd));
      }
    };
  }

  private WatchSource.Rendering partialFrames(Resource resource) {
    return new WatchSource.Rendering() {
      @Override
      public byte[] render(Version version, boolean first) {
        return version.rendering(
            Accept.Form.PARTIAL, json -> Json.encode(Tables.partial(Json.parseOwn(json))));
      }

      @Override
      public byte[] bookmark(long revision, boolean initialEventsEnd) {
        return Json.encode(Tables.partial(progress(resource, revision, initialEventsEnd)));
      }
    };
  }

  /** An event is no list: the stream ends where the first one would have been. */
  private static WatchSource.Rendering noFrames() {
    return new WatchSource.Rendering() {
      @Override
      public byte[] render(Version version, boolean first) {
        return new byte[0];
      }

      @Override
      public byte[] bookmark(long revision, boolean initialEventsEnd) {
        return new byte[0];
      }
    };
  }

  private WatchSource.Rendering tableFrames(Resource resource, ApiRequest request) {
    return new WatchSource.Rendering() {
      private byte[] frame(ObjectNode object, boolean first) {
        ObjectNode meta = Json.object();
        meta.put("resourceVersion", Meta.resourceVersion(object));
        ObjectNode table = Tables.table(meta);
        // Only the first frame says what the columns are.
        if (first) {
          Tables.putColumns(table, resource.strategy().table());
        } else {
          table.putNull("columnDefinitions");
        }
        table.putArray("rows").add(row(resource, object, request));
        return Json.encode(table);
      }

      @Override
      public byte[] render(Version version, boolean first) {
        return frame(registry.read(resource, version), first);
      }

      @Override
      public byte[] bookmark(long revision, boolean initialEventsEnd) {
        return frame(progress(resource, revision, initialEventsEnd), true);
      }
    };
  }

  // --- writing -----------------------------------------------------------------------------------

  private byte[] read(ApiRequest request) throws IOException {
    byte[] body = request.body(MAX_BODY + 1);
    if (body.length > MAX_BODY) {
      throw StatusException.entityTooLarge("limit is " + MAX_BODY);
    }
    return body;
  }

  private static boolean dryRun(ApiRequest request, String options) {
    FieldErrors errors = new FieldErrors();
    List<String> values = request.parameters("dryRun");
    boolean dry = false;
    for (String value : values) {
      if (!value.equals("All")) {
        ArrayNode shown = Json.array();
        values.forEach(shown::add);
        errors.notSupported("dryRun", shown, List.of("All"));
        break;
      }
      dry = true;
    }
    String validation = request.parameter("fieldValidation");
    if (!List.of("", "Ignore", "Warn", "Strict").contains(validation)) {
      errors.notSupported("fieldValidation", validation, List.of("", "Ignore", "Strict", "Warn"));
    }
    String manager = request.parameter("fieldManager");
    if (manager.length() > 128) {
      errors.tooLong("fieldManager", 128);
    }
    if (!errors.isEmpty()) {
      throw StatusException.invalid("meta.k8s.io", options, "", errors);
    }
    return dry;
  }

  private Reply create(Resource resource, ApiRequest request) throws IOException {
    Accept accept = Accept.of(request, resource.custom(), false);
    Decoder.Format.of(request, !resource.custom());
    byte[] body = read(request);
    boolean dryRun = dryRun(request, "CreateOptions");
    ObjectNode object = decoder.body(resource, body, request);
    dropDuplicateOwners(object, request);
    Registry.Outcome outcome =
        registry.create(resource, request.target().namespace(), object, dryRun);
    resource.strategy().warnings(outcome.object()).forEach(request::warn);
    return object(201, resource, outcome.object(), accept, request);
  }

  private static void dropDuplicateOwners(ObjectNode object, ApiRequest request) {
    List<String> dropped = MetadataRules.dropDuplicateOwners(object);
    if (!dropped.isEmpty()) {
      request.warn(
          ".metadata.ownerReferences contains duplicate entries; API server dedups owner references"
              + " in 1.20+, and may reject such requests as early as 1.24; please fix your"
              + " requests; duplicate UID(s) observed: "
              + String.join(", ", dropped));
    }
  }

  private Reply update(Resource resource, ApiRequest request, boolean status) throws IOException {
    ApiRequest.Target target = request.target();
    Accept accept = Accept.of(request, resource.custom(), false);
    byte[] body = read(request);
    boolean dryRun = dryRun(request, "UpdateOptions");
    Decoder.Format.of(request, !resource.custom());
    ObjectNode object = decoder.body(resource, body, request);
    Registry.matchNamespace(resource, target.namespace(), object);
    Registry.checkName(target.name(), object);
    dropDuplicateOwners(object, request);
    Registry.Outcome outcome =
        registry.update(
            resource,
            target.namespace(),
            target.name(),
            present -> object.deepCopy(),
            new Registry.UpdateOptions(status, false, dryRun, Meta.uid(object), false));
    resource.strategy().warnings(outcome.object()).forEach(request::warn);
    return object(outcome.created() ? 201 : 200, resource, outcome.object(), accept, request);
  }

  private Reply patch(Resource resource, ApiRequest request, boolean status) throws IOException {
    ApiRequest.Target target = request.target();
    String type = request.mediaType();
    checkPatchType(resource, type);
    Accept accept = Accept.of(request, resource.custom(), false);
    byte[] body = read(request);
    boolean dryRun = dryRun(request, "PatchOptions");
    if (request.has("force")) {
      FieldErrors errors = new FieldErrors();
      errors.forbidden("force", "may not be specified for non-apply patch");
      throw StatusException.invalid("meta.k8s.io", "PatchOptions", "", errors);
    }
    PatchBody patch = PatchBody.read(type, body, request);
    // Only a PUT creates what is missing.
    registry.get(resource, target.namespace(), target.name());
    Registry.Outcome outcome =
        registry.update(
            resource,
            target.namespace(),
            target.name(),
            present -> patched(resource, patch, present, request),
            new Registry.UpdateOptions(status, false, dryRun, null, false));
    resource.strategy().warnings(outcome.object()).forEach(request::warn);
    return object(outcome.created() ? 201 : 200, resource, outcome.object(), accept, request);
  }

  private static void checkPatchType(Resource resource, String type) {
    if (type.equals("application/apply-patch+yaml")) {
      throw new StatusException(
          415,
          "UnsupportedMediaType",
          "server-side apply (application/apply-patch+yaml) is not supported by the embedded API"
              + " server; use application/merge-patch+json, application/json-patch+json or, for"
              + " built-in kinds, application/strategic-merge-patch+json",
          null);
    }
    boolean known =
        CUSTOM_PATCHES.contains(type)
            || (!resource.custom() && type.equals("application/strategic-merge-patch+json"));
    if (known) {
      return;
    }
    if (resource.custom()) {
      throw StatusException.unsupportedMediaType(
          List.of(
              "application/json-patch+json",
              "application/merge-patch+json",
              "application/apply-patch+yaml"));
    }
    throw new StatusException(
        415,
        "UnsupportedMediaType",
        "415: Unsupported Media Type",
        new StatusException.Details("", "", "", "", null, 0));
  }

  private ObjectNode patched(
      Resource resource, PatchBody patch, ObjectNode present, ApiRequest request) {
    JsonNode result = patch.apply(present, resource);
    List<String> faults = new ArrayList<>(patch.faults());
    ObjectNode decoded;
    if (!(result instanceof ObjectNode object)) {
      throw invalidPatch(
          resource, result, "json: cannot unmarshal " + Decoder.goKind(result) + " into Go value");
    }
    JsonNode before = patch.shown(object.deepCopy());
    try {
      decoder.keepsItsKind(resource, object, faults);
      decoded = decoder.decodeOrThrow(resource, object, faults);
    } catch (GoCodec.TypeException e) {
      throw invalidPatch(resource, before, String.valueOf(e.getMessage()));
    }
    resource.strategy().defaults(decoded);
    if (!faults.isEmpty()) {
      switch (Decoder.Directive.of(request)) {
        case STRICT ->
            throw invalidPatch(
                resource, before, "strict decoding error: " + String.join(", ", faults));
        case WARN -> faults.forEach(request::warn);
        case IGNORE -> {}
      }
    }
    dropDuplicateOwners(decoded, request);
    return decoded;
  }

  private static StatusException invalidPatch(Resource resource, JsonNode result, String why) {
    FieldErrors errors = new FieldErrors();
    byte[] shown = resource.custom() ? Json.encodeSorted(result) : Json.encode(result);
    errors.invalid(
        "patch",
        result.isString() ? result.stringValue() : new String(shown, StandardCharsets.UTF_8),
        why);
    return StatusException.invalid("", "", "", errors);
  }

  private Reply delete(Resource resource, ApiRequest request) throws IOException {
    ApiRequest.Target target = request.target();
    Accept accept = Accept.of(request, resource.custom(), false);
    Registry.DeleteOptions options = DeleteBody.read(request, read(request));
    Registry.Outcome outcome =
        registry.delete(resource, target.namespace(), target.name(), options);
    if (!outcome.deleted() || resource.strategy().returnsDeleted()) {
      return object(200, resource, outcome.object(), accept, request);
    }
    ObjectNode status = Json.object();
    status.put("kind", "Status");
    status.put("apiVersion", "v1");
    status.putObject("metadata");
    status.put("status", "Success");
    ObjectNode details = status.putObject("details");
    details.put("name", target.name());
    if (!resource.group().isEmpty()) {
      details.put("group", resource.group());
    }
    details.put("kind", resource.plural());
    details.put("uid", Meta.uid(outcome.object()));
    return encoded(200, status, request, accept);
  }

  private Reply deleteCollection(Resource resource, ApiRequest request) throws IOException {
    ApiRequest.Target target = request.target();
    Accept accept = Accept.of(request, resource.custom(), false);
    ListOptions options = ListOptions.of(request, resource, false);
    Registry.DeleteOptions how = DeleteBody.read(request, read(request));
    Lists.Page page = lists.list(resource, target.namespace(), options, View.upToDate(store));
    for (Version version : page.items()) {
      try {
        registry.delete(resource, version.facts().namespace(), version.facts().name(), how);
      } catch (StatusException e) {
        if (e.code() != 404) {
          throw e;
        }
      }
    }
    return page(resource, page, accept, request);
  }

  private Reply finalizeNamespace(Resource resource, ApiRequest request) throws IOException {
    ApiRequest.Target target = request.target();
    Accept accept = Accept.of(request, false, false);
    Decoder.Format.of(request, !resource.custom());
    boolean dryRun = dryRun(request, "UpdateOptions");
    ObjectNode object = decoder.body(resource, read(request), request);
    Registry.checkName(target.name(), object);
    Registry.Outcome outcome = housekeeping.finalizeNamespace(object, dryRun);
    return object(200, resource, outcome.object(), accept, request);
  }

  // --- scale -------------------------------------------------------------------------------------

  private Reply getScale(Resource resource, ApiRequest request) {
    Version version = registry.get(resource, request.target().namespace(), request.target().name());
    return encoded(200, Scales.of(resource, registry.read(resource, version)), request);
  }

  private Reply updateScale(Resource resource, ApiRequest request) throws IOException {
    boolean dryRun = dryRun(request, "UpdateOptions");
    ObjectNode scale = scaleBody(read(request));
    return writeScale(resource, request, dryRun, present -> scale);
  }

  private Reply patchScale(Resource resource, ApiRequest request) throws IOException {
    String type = request.mediaType();
    checkPatchType(resource, type);
    boolean dryRun = dryRun(request, "PatchOptions");
    PatchBody patch = PatchBody.read(type, read(request), request);
    return writeScale(
        resource,
        request,
        dryRun,
        present -> (ObjectNode) patch.apply(scaleOrBlank(resource, present), null));
  }

  private static ObjectNode scaleOrBlank(Resource resource, ObjectNode present) {
    ObjectNode filled = present.deepCopy();
    if (Scales.find(filled, Objects.requireNonNull(resource.scale()).specReplicas()).value()
        == null) {
      Scales.apply(resource, filled, Json.object());
    }
    return Scales.of(resource, filled);
  }

  private static ObjectNode scaleBody(byte[] body) {
    try {
      if (Json.parse(body).node() instanceof ObjectNode object) {
        return object;
      }
      throw StatusException.badRequest(
          "the object provided is unrecognized (must be of type Scale): it is no JSON object");
    } catch (Json.MalformedException e) {
      throw StatusException.badRequest(
          "the object provided is unrecognized (must be of type Scale): couldn't get version/kind;"
              + " json parse error: "
              + e.getMessage());
    }
  }

  private Reply writeScale(
      Resource resource, ApiRequest request, boolean dryRun, Registry.Change scale) {
    ApiRequest.Target target = request.target();
    Registry.Outcome outcome =
        registry.update(
            resource,
            target.namespace(),
            target.name(),
            present -> {
              ObjectNode wanted = scale.apply(present);
              Scales.apply(resource, present, wanted);
              return present;
            },
            new Registry.UpdateOptions(false, false, dryRun, null, false));
    return encoded(200, Scales.of(resource, outcome.object()), request);
  }

  // --- wording -----------------------------------------------------------------------------------

  private Reply object(
      int status, Resource resource, ObjectNode object, Accept accept, ApiRequest request) {
    return switch (accept.form()) {
      case TABLE -> {
        ObjectNode meta = Json.object();
        meta.put("resourceVersion", Meta.resourceVersion(object));
        ObjectNode table = Tables.table(meta);
        Tables.putColumns(table, resource.strategy().table());
        table.putArray("rows").add(row(resource, object, request));
        yield encoded(status, table, request, accept);
      }
      case PARTIAL, PARTIAL_LIST -> encoded(status, Tables.partial(object), request, accept);
      default -> {
        if (accept.yaml() || wantsPretty(request)) {
          ObjectNode ordered =
              resource.type() == null ? object : GoCodec.canonical(object, resource.type());
          yield encoded(status, ordered, request, accept);
        }
        yield new Reply.Full(
            status, "application/json", line(resource.encode(object)), headers(request));
      }
    };
  }

  private static boolean wantsPretty(ApiRequest request) {
    Boolean asked = request.flag("pretty");
    if (asked != null) {
      return asked;
    }
    String agent = request.userAgent();
    return agent.startsWith("curl") || agent.startsWith("Wget") || agent.startsWith("Mozilla/5.0");
  }

  private static Reply encoded(int status, JsonNode node, ApiRequest request) {
    return encoded(status, node, request, Accept.JSON);
  }

  private static Reply encoded(int status, JsonNode node, ApiRequest request, Accept accept) {
    if (accept.yaml()) {
      return new Reply.Full(
          status,
          "application/yaml",
          Yaml.write(node).getBytes(StandardCharsets.UTF_8),
          headers(request));
    }
    byte[] bytes = wantsPretty(request) ? Json.pretty(node) : line(Json.encode(node));
    return new Reply.Full(status, "application/json", bytes, headers(request));
  }

  private static Reply json(int status, JsonNode node) {
    return new Reply.Full(status, "application/json", Json.encode(node), List.of());
  }

  private static Reply pretty(int status, JsonNode node) {
    return new Reply.Full(status, "application/json", Json.pretty(node), List.of());
  }

  private static Reply plainText(int status, String text) {
    return new Reply.Full(
        status,
        "text/plain; charset=utf-8",
        text.getBytes(StandardCharsets.UTF_8),
        List.of(Map.entry("X-Content-Type-Options", "nosniff")));
  }

  private static byte[] line(byte[] json) {
    byte[] line = java.util.Arrays.copyOf(json, json.length + 1);
    line[json.length] = '\n';
    return line;
  }

  private static List<Map.Entry<String, String>> headers(ApiRequest request) {
    List<Map.Entry<String, String>> headers = new ArrayList<>();
    headers.add(Map.entry("Cache-Control", "no-cache, private"));
    for (String warning : request.warnings()) {
      headers.add(
          Map.entry(
              "Warning", "299 - \"" + warning.replace("\\", "\\\\").replace("\"", "\\\"") + "\""));
    }
    return headers;
  }

  /** A refusal as a response. */
  public static Reply failure(StatusException refusal, ApiRequest request) {
    List<Map.Entry<String, String>> headers = headers(request);
    if (refusal.retryAfterSeconds() > 0) {
      headers.add(Map.entry("Retry-After", Integer.toString(refusal.retryAfterSeconds())));
    }
    ObjectNode status = refusal.status();
    if (refusal.code() == 406 && Accept.isProtobufOnly(request.accept())) {
      return new Reply.Full(
          406, "application/vnd.kubernetes.protobuf", Protobuf.encodeStatus(status), headers);
    }
    if (refusal.code() == 406) {
      return request.accept().contains("yaml")
          ? new Reply.Full(
              406, "application/yaml", Yaml.write(status).getBytes(StandardCharsets.UTF_8), headers)
          : new Reply.Full(406, "application/json", Json.pretty(status), headers);
    }
    byte[] bytes = wantsPretty(request) ? Json.pretty(status) : line(Json.encode(status));
    return new Reply.Full(refusal.code(), "application/json", bytes, headers);
  }

  // --- for the owner of the server ---------------------------------------------------------------

  /** Creates an object, or replaces the one of its name; through the same rules as a request. */
  public void put(ObjectNode object) {
    String apiVersion = Json.textAt(object, "apiVersion");
    String kind = Json.textAt(object, "kind");
    Resource resource = catalog.ofKind(apiVersion, kind);
    if (resource == null) {
      throw new StatusException(
          404,
          "NotFound",
          "no matches for kind %s in version %s".formatted(Go.quote(kind), Go.quote(apiVersion)),
          null);
    }
    List<String> faults = new ArrayList<>();
    ObjectNode decoded = decoder.decode(resource, object.deepCopy(), faults);
    String namespace = Meta.namespace(decoded);
    if (resource.namespaced() && namespace.isEmpty()) {
      namespace = "default";
    }
    String name = Meta.name(decoded);
    Version present =
        name.isEmpty() ? null : registry.table(resource).get(resource.key(namespace, name));
    JsonNode status = object.get("status");
    if (present == null) {
      Meta.of(decoded).remove("resourceVersion");
      Registry.Outcome outcome = registry.create(resource, namespace, decoded, false);
      name = Meta.name(outcome.object());
    } else {
      ObjectNode wanted = decoded;
      registry.update(
          resource,
          namespace,
          name,
          old -> {
            ObjectNode copy = wanted.deepCopy();
            Meta.of(copy).put("resourceVersion", Meta.resourceVersion(old));
            Meta.of(copy).remove("uid");
            return copy;
          },
          Registry.UpdateOptions.PLAIN);
    }
    if (status != null && resource.hasStatus() && !Kinds.isDefinition(resource)) {
      registry.update(
          resource,
          namespace,
          name,
          old -> {
            old.set("status", status.deepCopy());
            return old;
          },
          new Registry.UpdateOptions(true, false, false, null, false));
    }
  }

  /**
   * The table of a resource named {@code plural} or {@code plural.group}; null if there is none.
   */
  public @Nullable Table table(String name) {
    for (Resource resource : catalog.all()) {
      if (resource.qualified().equals(name)) {
        return store.table(resource.storage());
      }
    }
    return null;
  }

  /** Puts everything back to a snapshot. */
  public void restore(Store.Snapshot snapshot, boolean rewind) {
    housekeeping.pauseWhile(() -> {
      store.restore(snapshot, rewind);
      refreshCatalog(null);
    });
  }

  /** Waits until the server's own work in the background is done. */
  public boolean awaitQuiet(Duration atMost) throws InterruptedException {
    return housekeeping.awaitQuiet(atMost);
  }
}
