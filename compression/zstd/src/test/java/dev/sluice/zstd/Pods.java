package dev.sluice.zstd;

import dev.sluice.kube.Transport;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An API server of pods, without a network: a list of so many, page by page, and a silent watch.
 *
 * <p>The pods are of 24 shapes of workload that have different containers, settings, volumes and
 * annotations; each has a uid, digests, times, names and addresses of its own. About 4.6 KB, a
 * fifth of it managedFields.
 */
final class Pods implements Transport {
  private static final int SHAPES = 24;
  private static final Pattern LIMIT = Pattern.compile("[?&]limit=(\\d+)");
  private static final Pattern CONTINUE = Pattern.compile("[?&]continue=(\\d+)");
  private static final String[] WORDS = {
    "ingest", "billing", "ledger", "search", "mailer", "catalog", "session", "gateway", "report",
    "render", "upload", "thumbnail", "audit", "quota", "tenant", "webhook", "crawler", "index",
    "export", "payment", "stream", "notify", "archive", "replica", "shard", "metrics", "proxy"
  };

  private final int count;
  private final String[] shapes = new String[SHAPES];
  private final CountDownLatch closed = new CountDownLatch(1);

  Pods(int count) {
    this.count = count;
    for (int shape = 0; shape < SHAPES; shape++) {
      shapes[shape] = shape(shape);
    }
  }

  /** A shape: what is its own, with a letter in braces for what is each pod's own. */
  private static String shape(int shape) {
    SplittableRandom random = new SplittableRandom(9000 + shape);
    String app = WORDS[shape % WORDS.length] + "-" + WORDS[random.nextInt(WORDS.length)];
    StringBuilder json = new StringBuilder(6000);
    json.append("{\"metadata\":{\"name\":\"")
        .append(app)
        .append("-{h}-{s}\",\"generateName\":\"")
        .append(app)
        .append("-{h}-\",\"namespace\":\"team-")
        .append(shape % 9)
        .append("\",\"uid\":\"{u}\",\"resourceVersion\":\"{v}\",\"creationTimestamp\":\"{t}\",")
        .append("\"labels\":{\"app.kubernetes.io/name\":\"")
        .append(app)
        .append("\",\"app.kubernetes.io/version\":\"1.")
        .append(random.nextInt(40))
        .append(".")
        .append(random.nextInt(9))
        .append("\",\"pod-template-hash\":\"{h}\"},\"annotations\":{");
    int annotations = 1 + random.nextInt(4);
    for (int a = 0; a < annotations; a++) {
      json.append(a == 0 ? "" : ",")
          .append("\"example.com/")
          .append(WORDS[random.nextInt(WORDS.length)])
          .append("-")
          .append(a)
          .append("\":\"")
          .append(a == 0 ? "{x}" : words(random, 6))
          .append("\"");
    }
    json.append("},\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",")
        .append("\"name\":\"")
        .append(app)
        .append("-{h}\",\"uid\":\"{o}\",\"controller\":true,\"blockOwnerDeletion\":true}],")
        .append("\"managedFields\":[");
    String[] managers = {"kube-controller-manager", "kubelet"};
    for (int m = 0; m < managers.length; m++) {
      json.append(m == 0 ? "" : ",")
          .append("{\"manager\":\"")
          .append(managers[m])
          .append("\",\"operation\":\"Update\",\"apiVersion\":\"v1\",\"time\":\"{t}\",")
          .append("\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:status\":{\"f:conditions\":{");
      for (String type : List.of("ContainersReady", "Initialized", "Ready")) {
        json.append(type.equals("ContainersReady") ? "" : ",")
            .append("\"k:{\\\"type\\\":\\\"")
            .append(type)
            .append("\\\"}\":{\".\":{},\"f:lastTransitionTime\":{},\"f:status\":{}}");
      }
      json.append("}}}}");
    }
    json.append("]},\"spec\":{\"nodeName\":\"{n}\",\"serviceAccountName\":\"")
        .append(app)
        .append("\",\"containers\":[");
    int containers = 1 + random.nextInt(3);
    for (int c = 0; c < containers; c++) {
      json.append(c == 0 ? "" : ",")
          .append("{\"name\":\"")
          .append(WORDS[random.nextInt(WORDS.length)])
          .append("\",\"image\":\"registry.example.com/")
          .append(app)
          .append("@sha256:{d}\",\"env\":[");
      int settings = (12 + random.nextInt(8)) / containers;
      for (int e = 0; e < settings; e++) {
        json.append(e == 0 ? "" : ",")
            .append("{\"name\":\"")
            .append(WORDS[random.nextInt(WORDS.length)].toUpperCase(java.util.Locale.ROOT))
            .append("_")
            .append(WORDS[random.nextInt(WORDS.length)].toUpperCase(java.util.Locale.ROOT))
            .append("\",\"value\":\"")
            .append(e % 4 == 0 ? "{x}" : words(random, 3))
            .append("\"}");
      }
      json.append("],\"resources\":{\"limits\":{\"cpu\":\"")
          .append(100 * (1 + random.nextInt(20)))
          .append("m\",\"memory\":\"")
          .append(128 << random.nextInt(5))
          .append("Mi\"}},\"volumeMounts\":[{\"name\":\"kube-api-access-{s}\",\"readOnly\":true,")
          .append("\"mountPath\":\"/var/run/secrets/kubernetes.io/serviceaccount\"}],")
          .append("\"imagePullPolicy\":\"IfNotPresent\"}");
    }
    json.append("],\"tolerations\":[{\"key\":\"node.kubernetes.io/not-ready\",\"operator\":")
        .append("\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":300}]},\"status\":{")
        .append("\"phase\":\"Running\",\"conditions\":[");
    for (String type : List.of("Initialized", "Ready", "ContainersReady", "PodScheduled")) {
      json.append(type.equals("Initialized") ? "" : ",")
          .append("{\"type\":\"")
          .append(type)
          .append("\",\"status\":\"True\",\"lastProbeTime\":null,\"lastTransitionTime\":\"{t}\"}");
    }
    json.append("],\"hostIP\":\"{i}\",\"podIP\":\"{i}\",\"startTime\":\"{t}\",")
        .append("\"containerStatuses\":[");
    for (int c = 0; c < containers; c++) {
      json.append(c == 0 ? "" : ",")
          .append("{\"name\":\"c")
          .append(c)
          .append("\",\"state\":{\"running\":{\"startedAt\":\"{t}\"}},\"ready\":true,")
          .append("\"restartCount\":0,\"imageID\":\"registry.example.com/")
          .append(app)
          .append("@sha256:{d}\",\"containerID\":\"containerd://{d}\",\"started\":true}");
    }
    return json.append("],\"qosClass\":\"Burstable\"}}").toString();
  }

  private static String words(SplittableRandom random, int count) {
    StringBuilder words = new StringBuilder();
    for (int i = 0; i < count; i++) {
      words.append(i == 0 ? "" : "-").append(WORDS[random.nextInt(WORDS.length)]);
    }
    return words.toString();
  }

  /** One pod. */
  byte[] pod(int i) {
    SplittableRandom random = new SplittableRandom(i);
    String shape = shapes[random.nextInt(SHAPES)];
    String hash = hex(random, 10);
    StringBuilder json = new StringBuilder(shape.length() + 1000);
    int from = 0;
    while (true) {
      int open = shape.indexOf('{', from);
      while (open >= 0
          && !(Character.isLetter(shape.charAt(open + 1)) && shape.charAt(open + 2) == '}')) {
        open = shape.indexOf('{', open + 1);
        if (open + 2 >= shape.length()) {
          open = -1;
        }
      }
      if (open < 0) {
        break;
      }
      json.append(shape, from, open);
      switch (shape.charAt(open + 1)) {
        case 'h' -> json.append(hash);
        case 's' -> json.append(Integer.toString(i + (36 * 36 * 36 * 36), 36));
        case 'u', 'o' -> json.append(new UUID(random.nextLong(), random.nextLong()));
        case 'v' -> json.append(1_000_000_000L + i);
        case 't' ->
            json.append("2026-")
                .append(10 + random.nextInt(3))
                .append('-')
                .append(10 + random.nextInt(18))
                .append('T')
                .append(10 + random.nextInt(14))
                .append(':')
                .append(10 + random.nextInt(50))
                .append(':')
                .append(10 + random.nextInt(50))
                .append('Z');
        case 'n' -> json.append("ip-10-").append(random.nextInt(9000)).append(".example.internal");
        case 'x' -> json.append(hex(random, 12));
        case 'd' -> json.append(hex(random, 64));
        default ->
            json.append("10.")
                .append(random.nextInt(256))
                .append('.')
                .append(random.nextInt(256))
                .append('.')
                .append(random.nextInt(256));
      }
      from = open + 3;
    }
    return json.append(shape, from, shape.length())
        .toString()
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  private static String hex(SplittableRandom random, int digits) {
    StringBuilder hex = new StringBuilder(digits);
    while (hex.length() < digits) {
      hex.append(Long.toHexString(random.nextLong() | Long.MIN_VALUE));
    }
    return hex.substring(0, digits);
  }

  @Override
  public Response send(Request request) {
    if (request.path().contains("watch=true")) {
      return new Answer(
          new InputStream() {
            @Override
            public int read() throws IOException {
              try {
                closed.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              throw new IOException("closed");
            }
          });
    }
    Matcher limit = LIMIT.matcher(request.path());
    Matcher start = CONTINUE.matcher(request.path());
    int first = start.find() ? Integer.parseInt(start.group(1)) : 0;
    int end = limit.find() ? Math.min(count, first + Integer.parseInt(limit.group(1))) : count;
    String head =
        "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"2000000000\""
            + (end < count ? ",\"continue\":\"" + end + "\"" : "")
            + "},\"items\":[";
    return new Answer(
        new SequenceInputStream(
            new Enumeration<InputStream>() {
              private int next = first - 1;

              @Override
              public boolean hasMoreElements() {
                return next <= end;
              }

              @Override
              public InputStream nextElement() {
                int now = next++;
                if (now < first) {
                  return bytes(head.getBytes(StandardCharsets.US_ASCII));
                }
                if (now == end) {
                  return bytes("]}".getBytes(StandardCharsets.US_ASCII));
                }
                InputStream pod = bytes(pod(now));
                return now == first ? pod : new SequenceInputStream(bytes(new byte[] {','}), pod);
              }
            }));
  }

  private static InputStream bytes(byte[] bytes) {
    return new ByteArrayInputStream(bytes);
  }

  private record Answer(InputStream body) implements Response {
    @Override
    public int status() {
      return 200;
    }

    @Override
    public Map<String, List<String>> headers() {
      return Collections.emptyMap();
    }

    @Override
    public void close() {}
  }

  @Override
  public void close() {
    closed.countDown();
  }
}
