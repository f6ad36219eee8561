package dev.sluice.bench;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.UUID;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the streams are made of: objects of twenty shapes of workload, with random uids, digests,
 * times, names and addresses, each the same in every run. Built-in kinds have their fields in the
 * order in which the API server writes them, custom resources sorted ones.
 */
enum StreamLoad {
  /** Pods of some 4.6 KB, a quarter of it managedFields. */
  PODS("", "v1", "pods", "Pod", 10_000),

  /** As much as custom resources; their spec stands in last-applied once more. */
  CUSTOM("bench.sluice.dev", "v1", "workloads", "Workload", 10_000),

  /** Custom resources of 1 KB. */
  SMALL("bench.sluice.dev", "v1", "settings", "Setting", 50_000),

  /** Custom resources of 1 MB. */
  LARGE("bench.sluice.dev", "v1", "bundles", "Bundle", 200);

  static final int SHAPES = 20;

  /**
   * Versions have 19 digits, in objects, lists and events, so that one can take another's place;
   * those of the list are below this, those of events above.
   */
  static final long VERSION = 2_000_000_000_000_000_000L;

  private static final long LISTED = 1_000_000_000_000_000_000L;
  private static final ObjectMapper JSON = JsonMapper.builder().build();

  final String group;
  final String version;
  final String plural;
  final String kind;

  /** How many objects there are in a full run. */
  final int count;

  StreamLoad(String group, String version, String plural, String kind, int count) {
    this.group = group;
    this.version = version;
    this.plural = plural;
    this.kind = kind;
    this.count = count;
  }

  String apiVersion() {
    return group.isEmpty() ? version : group + "/" + version;
  }

  String path() {
    return (group.isEmpty() ? "/api/" : "/apis/" + group + "/") + version + "/" + plural;
  }

  static String namespace(int i) {
    return "team-" + i % 7;
  }

  static String name(int i) {
    SplittableRandom random = new SplittableRandom(i);
    return shapeName(i % SHAPES) + "-" + hex(random, 10) + "-" + hex(random, 5);
  }

  private static String shapeName(int shape) {
    String[] names = {
      "web",
      "checkout",
      "ledger",
      "search",
      "mailer",
      "indexer",
      "gateway",
      "reports",
      "billing",
      "sessions",
      "feed",
      "thumbnails",
      "ingest",
      "metrics",
      "scheduler",
      "audit",
      "catalog",
      "pricing",
      "stock",
      "notifier"
    };
    return names[shape] + "-v" + shape % 4;
  }

  /** Which object an event is of: each in its turn, but not in the order of the list. */
  static int objectOf(int count, long event) {
    return (int) (event * 7919 % count);
  }

  /** The version that an object has in the list. */
  static long listed(int i) {
    return LISTED + i + 1;
  }

  /** An object as it stands in an event. */
  byte[] object(int i) {
    return JSON.writeValueAsString(tree(i)).getBytes(StandardCharsets.UTF_8);
  }

  /** What is left of it in a cache that does not keep managedFields. */
  byte[] withoutManagedFields(int i) {
    Map<String, Object> tree = tree(i);
    ((Map<?, ?>) Objects.requireNonNull(tree.get("metadata"))).remove("managedFields");
    return JSON.writeValueAsString(tree).getBytes(StandardCharsets.UTF_8);
  }

  /** A pod as one may be created: without what the server gives, and what would have to exist. */
  @SuppressWarnings("unchecked")
  static byte[] creatable(int i) {
    Map<String, Object> pod = PODS.tree(i);
    Map<String, Object> metadata =
        (Map<String, Object>) Objects.requireNonNull(pod.get("metadata"));
    for (String given :
        List.of(
            "uid", "resourceVersion", "creationTimestamp", "managedFields", "ownerReferences")) {
      metadata.remove(given);
    }
    Map<String, Object> spec = (Map<String, Object>) Objects.requireNonNull(pod.get("spec"));
    spec.remove("priority");
    for (Object container : (List<?>) Objects.requireNonNull(spec.get("containers"))) {
      ((Map<?, ?>) container).remove("volumeMounts");
    }
    pod.remove("status");
    return JSON.writeValueAsString(pod).getBytes(StandardCharsets.UTF_8);
  }

  private Map<String, Object> tree(int i) {
    SplittableRandom random = new SplittableRandom(4711L * (i + 1) + ordinal());
    Map<String, Object> object =
        switch (this) {
          case PODS -> pod(i, random);
          case CUSTOM -> custom(i, random, podSpec(i, random, true), podStatus(i, random));
          case SMALL -> custom(i, random, settings(i, random), map("ready", true));
          case LARGE -> custom(i, random, bundle(random), map("ready", true));
        };
    return this == PODS ? object : sorted(object);
  }

  /**
   * After how many bytes an object goes on as an item of a list, behind its brace: those of
   * built-in kinds do not say there what they are.
   */
  int itemFrom() {
    return this == PODS ? "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",".length() : 1;
  }

  // --- shapes ------------------------------------------------------------------------------------

  private Map<String, Object> pod(int i, SplittableRandom random) {
    Map<String, Object> pod = map("kind", kind, "apiVersion", apiVersion());
    int shape = i % SHAPES;
    String name = name(i);
    pod.put(
        "metadata",
        map(
            "name",
            name,
            "generateName",
            name.substring(0, name.lastIndexOf('-') + 1),
            "namespace",
            namespace(i),
            "uid",
            uid(random),
            "resourceVersion",
            Long.toString(listed(i)),
            "creationTimestamp",
            time(random),
            "labels",
            labels(shape, random),
            "annotations",
            map("checksum/config", hex(random, 64)),
            "ownerReferences",
            List.of(
                map(
                    "apiVersion",
                    "apps/v1",
                    "kind",
                    "ReplicaSet",
                    "name",
                    name.substring(0, name.lastIndexOf('-')),
                    "uid",
                    uid(random),
                    "controller",
                    true,
                    "blockOwnerDeletion",
                    true)),
            "managedFields",
            managedFields(shape, random, "kube-controller-manager", "kubelet")));
    pod.put("spec", podSpec(i, random, false));
    pod.put("status", podStatus(i, random));
    return pod;
  }

  private Map<String, Object> custom(
      int i, SplittableRandom random, Map<String, Object> spec, Map<String, Object> status) {
    Map<String, Object> metadata =
        map(
            "name",
            name(i),
            "namespace",
            namespace(i),
            "uid",
            uid(random),
            "resourceVersion",
            Long.toString(listed(i)),
            "generation",
            1 + random.nextInt(20),
            "creationTimestamp",
            time(random),
            "labels",
            labels(i % SHAPES, random));
    if (this != LARGE) {
      metadata.put(
          "annotations",
          map(
              "kubectl.kubernetes.io/last-applied-configuration",
              JSON.writeValueAsString(
                      sorted(map("apiVersion", apiVersion(), "kind", kind, "spec", spec)))
                  + "\n"));
    }
    if (this == CUSTOM) {
      metadata.put("managedFields", managedFields(i % SHAPES, random, "kubectl-client-side-apply"));
    }
    return map(
        "apiVersion",
        apiVersion(),
        "kind",
        kind,
        "metadata",
        metadata,
        "spec",
        spec,
        "status",
        status);
  }

  private static Map<String, Object> settings(int i, SplittableRandom random) {
    return map(
        "endpoint",
        "https://" + shapeName(i % SHAPES) + "." + namespace(i) + ".svc.cluster.local:8443",
        "replicas",
        1 + random.nextInt(9),
        "secret",
        hex(random, 40),
        "description",
        "How " + shapeName(i % SHAPES) + " reaches what it needs in " + namespace(i),
        "weights",
        List.of(random.nextInt(100), random.nextInt(100), random.nextInt(100)));
  }

  private static Map<String, Object> bundle(SplittableRandom random) {
    Map<String, Object> files = map();
    for (int f = 0; f < 288; f++) {
      StringBuilder text = new StringBuilder(4_000);
      for (int line = 0; line < 40; line++) {
        text.append("server-")
            .append(random.nextInt(1_000))
            .append(".example.com: {address: 10.")
            .append(random.nextInt(256))
            .append('.')
            .append(random.nextInt(256))
            .append(".1, digest: ")
            .append(hex(random, 32))
            .append("}\n");
      }
      files.put("conf.d/" + f + ".yaml", text.toString());
    }
    return map("files", files);
  }

  private static int containers(int shape) {
    return shape % 5 == 0 ? 2 : 1;
  }

  private static Map<String, Object> labels(int shape, SplittableRandom random) {
    return map(
        "app.kubernetes.io/name",
        shapeName(shape),
        "app.kubernetes.io/part-of",
        "shop",
        "pod-template-hash",
        hex(random, 10));
  }

  private static List<Object> managedFields(
      int shape, SplittableRandom random, String... managers) {
    List<Object> all = new ArrayList<>();
    for (String manager : managers) {
      Map<String, Object> conditions = map();
      for (String type : List.of("Initialized", "Ready", "ContainersReady", "PodScheduled")) {
        conditions.put(
            "k:{\"type\":\"" + type + "\"}",
            map(
                ".",
                map(),
                "f:lastProbeTime",
                map(),
                "f:lastTransitionTime",
                map(),
                "f:status",
                map(),
                "f:type",
                map()));
      }
      all.add(
          map(
              "manager",
              manager,
              "operation",
              "Update",
              "apiVersion",
              "v1",
              "time",
              time(random),
              "fieldsType",
              "FieldsV1",
              "fieldsV1",
              map(
                  "f:metadata",
                  map("f:labels", map(".", map(), "f:shape-" + shape, map())),
                  "f:status",
                  map("f:conditions", conditions, "f:phase", map(), "f:podIP", map()))));
    }
    return all;
  }

  private static Map<String, Object> podSpec(int i, SplittableRandom random, boolean brief) {
    int shape = i % SHAPES;
    int containers = containers(shape);
    List<Object> all = new ArrayList<>();
    for (int c = 0; c < containers; c++) {
      List<Object> variables = new ArrayList<>();
      for (int e = 0; e < (brief ? 1 : 7) / containers + shape % 4; e++) {
        variables.add(
            switch ((e + shape) % 4) {
              case 0 -> map("name", "TOKEN_" + e, "value", hex(random, 24));
              case 1 ->
                  map(
                      "name",
                      "UPSTREAM_" + e,
                      "value",
                      shapeName((shape + e) % SHAPES) + ".svc.cluster.local:" + (8000 + e));
              case 2 ->
                  map(
                      "name",
                      "NODE_IP_" + e,
                      "valueFrom",
                      map("fieldRef", map("apiVersion", "v1", "fieldPath", "status.hostIP")));
              default ->
                  map("name", "LIMIT_" + e, "value", Integer.toString(random.nextInt(100_000)));
            });
      }
      all.add(
          map(
              "name",
              c == 0 ? shapeName(shape) : "sidecar-" + c,
              "image",
              "registry.example.com/shop/" + shapeName(shape) + "@sha256:" + hex(random, 64),
              "ports",
              List.of(map("name", "http", "containerPort", 8080 + c, "protocol", "TCP")),
              "env",
              variables,
              "resources",
              map(
                  "limits",
                  map("cpu", 100 * (1 + shape % 5) + "m", "memory", 128 * (1 + shape % 7) + "Mi"),
                  "requests",
                  map("cpu", "50m", "memory", "64Mi")),
              "volumeMounts",
              List.of(
                  map(
                      "name",
                      "kube-api-access-" + hex(random, 5),
                      "readOnly",
                      true,
                      "mountPath",
                      "/var/run/secrets/kubernetes.io/serviceaccount")),
              "livenessProbe",
              map(
                  "httpGet",
                  map("path", "/healthz/" + shape, "port", 8080 + c, "scheme", "HTTP"),
                  "periodSeconds",
                  10 + shape,
                  "failureThreshold",
                  3),
              "terminationMessagePath",
              "/dev/termination-log",
              "imagePullPolicy",
              "IfNotPresent"));
    }
    return map(
        "containers",
        all,
        "restartPolicy",
        "Always",
        "terminationGracePeriodSeconds",
        30,
        "dnsPolicy",
        "ClusterFirst",
        "serviceAccountName",
        shapeName(shape),
        "nodeName",
        "node-" + random.nextInt(200) + ".zone-" + random.nextInt(3) + ".example.com",
        "schedulerName",
        "default-scheduler",
        "tolerations",
        List.of(
            map(
                "key",
                "node.kubernetes.io/not-ready",
                "operator",
                "Exists",
                "effect",
                "NoExecute",
                "tolerationSeconds",
                300)),
        "priority",
        shape * 100);
  }

  private static Map<String, Object> podStatus(int i, SplittableRandom random) {
    List<Object> conditions = new ArrayList<>();
    for (String type : List.of("Initialized", "Ready", "ContainersReady", "PodScheduled")) {
      conditions.add(map("type", type, "status", "True", "lastTransitionTime", time(random)));
    }
    String address = "10." + random.nextInt(256) + "." + random.nextInt(256) + "." + i % 256;
    List<Object> containers = new ArrayList<>();
    for (int c = 0; c < containers(i % SHAPES); c++) {
      containers.add(
          map(
              "name",
              c == 0 ? shapeName(i % SHAPES) : "sidecar-" + c,
              "state",
              map("running", map("startedAt", time(random))),
              "ready",
              true,
              "restartCount",
              random.nextInt(5),
              "image",
              "registry.example.com/shop/" + shapeName(i % SHAPES),
              "imageID",
              "sha256:" + hex(random, 64),
              "containerID",
              "containerd://" + hex(random, 64)));
    }
    return map(
        "phase",
        "Running",
        "conditions",
        conditions,
        "hostIP",
        "192.168." + random.nextInt(4) + "." + random.nextInt(256),
        "podIP",
        address,
        "podIPs",
        List.of(map("ip", address)),
        "startTime",
        time(random),
        "containerStatuses",
        containers,
        "qosClass",
        "Burstable");
  }

  // --- parts -------------------------------------------------------------------------------------

  private static Map<String, Object> map(Object... keysAndValues) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      map.put((String) keysAndValues[i], keysAndValues[i + 1]);
    }
    return map;
  }

  private static Map<String, Object> sorted(Map<?, ?> map) {
    Map<String, Object> sorted = new TreeMap<>();
    map.forEach((key, value) -> sorted.put((String) key, sortedValue(value)));
    return sorted;
  }

  private static Object sortedValue(Object value) {
    return switch (value) {
      case Map<?, ?> map -> sorted(map);
      case List<?> list -> list.stream().map(StreamLoad::sortedValue).toList();
      default -> value;
    };
  }

  private static String uid(SplittableRandom random) {
    long most = random.nextLong() & ~0xf000L | 0x4000L;
    long least = random.nextLong() >>> 2 | Long.MIN_VALUE;
    return new UUID(most, least).toString();
  }

  private static String time(SplittableRandom random) {
    return String.format(
        Locale.ROOT,
        "2026-%02d-%02dT%02d:%02d:%02dZ",
        1 + random.nextInt(12),
        1 + random.nextInt(28),
        random.nextInt(24),
        random.nextInt(60),
        random.nextInt(60));
  }

  private static String hex(SplittableRandom random, int digits) {
    StringBuilder text = new StringBuilder(digits);
    for (int i = 0; i < digits; i++) {
      text.append(Character.forDigit(random.nextInt(16), 16));
    }
    return text.toString();
  }
}
