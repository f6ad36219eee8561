package dev.sluice.bench;

import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An API server that says the same again and again: a list of pods, page by page, and a watch of
 * MODIFIED events of them, as fast as it is read. Runs in a process of its own, so that what it
 * costs is nobody's.
 *
 * <p>The pods are of twenty shapes of workload, with random uids, digests, times, names and
 * addresses, about 4.6 KB each, a quarter of it managedFields.
 */
final class PodReplay implements AutoCloseable {
  private static final Pattern LIMIT = Pattern.compile("[?&]limit=(\\d+)");
  private static final Pattern CONTINUE = Pattern.compile("[?&]continue=(\\d+)");
  private static final long FIRST_VERSION = 2_000_000_000L;
  private static final byte[] HEAD =
      "{\"type\":\"MODIFIED\",\"object\":".getBytes(StandardCharsets.US_ASCII);

  private final ServerSocket socket;
  private final byte[][] pods;

  /** Where the ten digits of the version stand in each. */
  private final int[] versionAt;

  private final int events;

  PodReplay(int count, int events) throws IOException {
    this.events = events;
    this.pods = new byte[count][];
    this.versionAt = new int[count];
    SplittableRandom random = new SplittableRandom(4711);
    for (int i = 0; i < count; i++) {
      String pod = pod(i, random);
      pods[i] = pod.getBytes(StandardCharsets.UTF_8);
      versionAt[i] = pod.indexOf("\"resourceVersion\":\"") + "\"resourceVersion\":\"".length();
    }
    socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofPlatform().daemon().name("replay").start(this::accept);
  }

  int port() {
    return socket.getLocalPort();
  }

  /** Namespace and name of a pod. */
  static String name(int i) {
    return "workload-" + i % 20 + "-" + i;
  }

  static String namespace(int i) {
    return "team-" + i % 7;
  }

  /** The version of the last event, and the pod that it is of. */
  static String lastVersion(int events) {
    return Long.toString(FIRST_VERSION + events);
  }

  static int lastPod(int count, int events) {
    return podOf(count, events - 1);
  }

  private static int podOf(int count, int event) {
    return (int) ((event * 7919L) % count);
  }

  /** Pods, events: prints the port and serves until its input ends. */
  public static void main(String[] args) throws Exception {
    try (PodReplay replay = new PodReplay(Integer.parseInt(args[0]), Integer.parseInt(args[1]))) {
      System.out.println(replay.port());
      while (System.in.read() >= 0) {}
    }
  }

  private void accept() {
    while (true) {
      try {
        Socket client = socket.accept();
        client.setTcpNoDelay(true);
        Thread.ofPlatform().daemon().start(() -> serve(client));
      } catch (IOException e) {
        return;
      }
    }
  }

  private void serve(Socket client) {
    try (client;
        var in =
            new BufferedReader(
                new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII));
        var out = new BufferedOutputStream(client.getOutputStream(), 1 << 16)) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        String target = line.split(" ", -1)[1];
        while (!in.readLine().isEmpty()) {}
        if (target.contains("watch=true")) {
          watch(out);
        } else {
          list(out, target);
        }
      }
    } catch (IOException e) {
      // The client has gone.
    }
  }

  private void list(OutputStream out, String target) throws IOException {
    Matcher limit = LIMIT.matcher(target);
    Matcher from = CONTINUE.matcher(target);
    int start = from.find() ? Integer.parseInt(from.group(1)) : 0;
    int end =
        limit.find()
            ? Math.min(pods.length, start + Integer.parseInt(limit.group(1)))
            : pods.length;
    String next = end < pods.length ? ",\"continue\":\"" + end + "\"" : "";
    byte[] before =
        ("{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\""
                + FIRST_VERSION
                + "\""
                + next
                + "},\"items\":[")
            .getBytes(StandardCharsets.US_ASCII);
    long length = before.length + 2L + Math.max(0, end - start - 1);
    for (int i = start; i < end; i++) {
      length += pods[i].length;
    }
    out.write(
        ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                + length
                + "\r\n\r\n")
            .getBytes(StandardCharsets.US_ASCII));
    out.write(before);
    for (int i = start; i < end; i++) {
      if (i > start) {
        out.write(',');
      }
      out.write(pods[i]);
    }
    out.write(']');
    out.write('}');
    out.flush();
  }

  private void watch(OutputStream out) throws IOException {
    out.write(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            .getBytes(StandardCharsets.US_ASCII));
    byte[] digits = new byte[10];
    for (int event = 0; event < events; event++) {
      int i = podOf(pods.length, event);
      long version = FIRST_VERSION + event + 1;
      for (int d = 9; d >= 0; d--, version /= 10) {
        digits[d] = (byte) ('0' + version % 10);
      }
      byte[] pod = pods[i];
      int length = HEAD.length + pod.length + 2;
      out.write((Integer.toHexString(length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
      out.write(HEAD);
      out.write(pod, 0, versionAt[i]);
      out.write(digits);
      out.write(pod, versionAt[i] + 10, pod.length - versionAt[i] - 10);
      out.write('}');
      out.write('\n');
      out.write('\r');
      out.write('\n');
    }
    out.flush();
    try {
      Thread.sleep(Long.MAX_VALUE); // open and silent until the process ends
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static String pod(int i, SplittableRandom random) {
    int shape = i % 20;
    StringBuilder json = new StringBuilder(6000);
    json.append("{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"")
        .append(name(i))
        .append("\",\"generateName\":\"workload-")
        .append(shape)
        .append("-\",\"namespace\":\"")
        .append(namespace(i))
        .append("\",\"uid\":\"")
        .append(hex(random, 32))
        .append("\",\"resourceVersion\":\"")
        .append(FIRST_VERSION - 1 - i)
        .append("\",\"creationTimestamp\":\"2026-0")
        .append(1 + random.nextInt(9))
        .append("-11T08:00:00Z\",\"labels\":{\"app\":\"workload-")
        .append(shape)
        .append("\",\"pod-template-hash\":\"")
        .append(hex(random, 10))
        .append("\"},\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",")
        .append("\"name\":\"workload-")
        .append(shape)
        .append("\",\"uid\":\"")
        .append(hex(random, 32))
        .append("\",\"controller\":true}],\"managedFields\":[");
    for (int m = 0; m < 3; m++) {
      json.append(m == 0 ? "" : ",")
          .append("{\"manager\":\"kubelet-")
          .append(m)
          .append("\",\"operation\":\"Update\",\"apiVersion\":\"v1\",\"fieldsType\":\"FieldsV1\",")
          .append("\"fieldsV1\":{\"f:status\":{\"f:conditions\":{");
      for (int f = 0; f < 5; f++) {
        json.append(f == 0 ? "" : ",")
            .append("\"k:{\\\"type\\\":\\\"Condition")
            .append(f)
            .append("\\\"}\":{\".\":{},\"f:lastProbeTime\":{},\"f:status\":{}}");
      }
      json.append("}}}}");
    }
    json.append("]},\"spec\":{\"nodeName\":\"node-")
        .append(random.nextInt(200))
        .append("\",\"containers\":[");
    int containers = 1 + shape % 3;
    for (int c = 0; c < containers; c++) {
      json.append(c == 0 ? "" : ",")
          .append("{\"name\":\"c")
          .append(c)
          .append("\",\"image\":\"registry.example.com/team/workload-")
          .append(shape)
          .append("@sha256:")
          .append(hex(random, 64))
          .append("\",\"env\":[");
      int variables = 18 / containers + shape % 4;
      for (int e = 0; e < variables; e++) {
        json.append(e == 0 ? "" : ",")
            .append("{\"name\":\"SETTING_")
            .append(e)
            .append("\",\"value\":\"")
            .append(hex(random, 8))
            .append(".svc.cluster.local\"}");
      }
      json.append("],\"resources\":{\"limits\":{\"cpu\":\"500m\",\"memory\":\"512Mi\"}}}");
    }
    json.append("]},\"status\":{\"phase\":\"Running\",\"podIP\":\"10.")
        .append(random.nextInt(256))
        .append('.')
        .append(random.nextInt(256))
        .append(".7\",\"conditions\":[");
    for (int c = 0; c < 5; c++) {
      json.append(c == 0 ? "" : ",")
          .append("{\"type\":\"Condition")
          .append(c)
          .append("\",\"status\":\"True\",\"lastTransitionTime\":\"2026-11-1")
          .append(random.nextInt(10))
          .append("T10:")
          .append(10 + random.nextInt(50))
          .append(":00Z\"}");
    }
    return json.append("]}}").toString();
  }

  private static String hex(SplittableRandom random, int digits) {
    StringBuilder text = new StringBuilder(digits);
    for (int i = 0; i < digits; i++) {
      text.append(Character.forDigit(random.nextInt(16), 16));
    }
    return text.toString();
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
