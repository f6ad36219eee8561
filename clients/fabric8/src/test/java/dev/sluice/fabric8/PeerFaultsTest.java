package dev.sluice.fabric8;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kube.Controller;
import dev.sluice.kube.Informer;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Outcome;
import dev.sluice.kube.Resource;
import dev.sluice.kube.StopCause;
import dev.sluice.testkit.ApiServer;
import dev.sluice.testkit.Fault;
import dev.sluice.testkit.Faults;
import dev.sluice.testkit.Injection;
import dev.sluice.testkit.RequestMatch;
import dev.sluice.testkit.SeenRequest;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Where other clients were seen to break, or read to, on the embedded API server: by the client
 * that broke. Their other faults are elsewhere, because they need more than a server: a queue
 * without a bound in {@code InformerTest} (300,000 events of one object), a backoff that overflows
 * in kube's {@code StreamFaultsTest}, a write that is repeated in {@link Fabric8TransportTest}, an
 * event that bypasses a backoff in {@code ControllerTest}.
 */
@Tag("R1.3")
@Tag("R4.1")
@Tag("R4.2")
class PeerFaultsTest {
  private static final RequestMatch LIST = RequestMatch.list("configmaps");
  private static final RequestMatch WATCH = RequestMatch.watch("configmaps");
  private static final int OBJECTS = 20;

  private static final ApiServer server =
      ApiServer.builder().bookmarkInterval(Duration.ofMillis(200)).start();

  private final Faults faults = server.faults();

  @AfterAll
  static void stop() {
    server.close();
  }

  @AfterEach
  void reset() {
    faults.clear();
    server.reset();
    server.requests().clear();
  }

  private static Line open(UnaryOperator<Informer.Builder<Resource>> settings) {
    StringBuilder yaml = new StringBuilder();
    for (int i = 0; i < OBJECTS; i++) {
      yaml.append("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: default, name: c")
          .append(i)
          .append("}\ndata: {value: x}\n");
    }
    server.load(yaml.toString());
    // Whoever asks for the truth meets the faults as well, and may try again.
    Config asking =
        new ConfigBuilder(Config.empty()).withMasterUrl(server.url().toString()).build();
    Config config = new ConfigBuilder(asking).withRequestRetryBackoffLimit(0).build();
    Line line = new Line(asking, SluiceFabric8.transport(config), Line.CONFIG_MAPS, settings);
    line.flows();
    return line;
  }

  private static Line open() {
    return open(informer -> informer);
  }

  private static String event(String type, String name, String uid, long version) {
    return "{\"type\":\""
        + type
        + "\",\"object\":{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{"
        + (name.isEmpty() ? "" : "\"name\":\"" + name + "\",")
        + "\"namespace\":\"default\",\"uid\":\""
        + uid
        + "\",\"resourceVersion\":\""
        + version
        + "\"},\"data\":{\"value\":\"old\"}}}";
  }

  @Nested
  class Fabric8 {
    @Test
    void stopsAtTextOutsideAscii() {
      try (Line line = open()) {
        line.client()
            .resource(
                new ConfigMapBuilder()
                    .withNewMetadata()
                    .withNamespace("default")
                    .withName("text")
                    .addToAnnotations("note", "Grüße, 你好, \uD83D\uDEA2 \"\\\u2028 and \u0001")
                    .endMetadata()
                    .addToData("key", "Ελληνικά \uD83D\uDEA2")
                    .build())
            .create();
        line.agrees();
        Resource text =
            line.informer().store().resource(ObjectKey.of("default", "text")).orElseThrow();
        assertThat(text.annotations())
            .containsValue("Grüße, 你好, \uD83D\uDEA2 \"\\\u2028 and \u0001");
        assertThat(new String(text.json(), StandardCharsets.UTF_8))
            .contains("Ελληνικά \uD83D\uDEA2");
        line.put("c1", "changed");
        line.agrees();
        assertThat(line.informer().status().recentStops()).isEmpty();
      }
    }

    @Test
    void keepsAnObjectThatWasDeletedWhileAStreamingListWasCut() {
      try (Line line = open(informer -> informer.streamingList(true))) {
        faults.strike(WATCH, Fault.stallAfter(0));
        line.delete("c2");
        faults.compact();
        // The watch from the anchor, which is refused, and then the list on a watch, which is cut.
        Injection cut = faults.inject(WATCH.times(2), Fault.cutAfter(700));
        faults.dropConnections();

        line.agrees();
        assertThat(line.stops(StopCause.EXPIRED)).isEqualTo(1);
        assertThat(cut.hits()).isEqualTo(2);
        assertThat(line.informer().status().counts().inferredDeletions()).isEqualTo(1);
        assertThat(line.told()).isEqualTo(OBJECTS + 1);
      }
    }

    /** kube-rs as well. */
    @Test
    void asksForTheSameVersionForEverWhenAWatchIsRefusedWith410() {
      try (Line line = open()) {
        Injection refusal = faults.inject(WATCH.times(1), Fault.refuse(410, "Expired", "too old"));
        faults.endWatches();
        line.put("c1", "changed");

        line.agrees();
        assertThat(refusal.hits()).isEqualTo(1);
        assertThat(line.stops(StopCause.EXPIRED)).isEqualTo(1);
        assertThat(line.informer().status().counts().lists()).isEqualTo(2);
        assertThat(line.told()).isEqualTo(OBJECTS + 1);
      }
    }
  }

  @Nested
  class Official {
    @Test
    void listsEverythingAgainAfterEachIoError() {
      try (Line line = open()) {
        for (int i = 0; i < 5; i++) {
          faults.dropConnections();
          line.put("c" + i, "changed");
          line.agrees();
        }
        assertThat(line.informer().status().counts().lists()).isEqualTo(1);
        assertThat(line.told()).isEqualTo(OBJECTS + 5);
      }
    }

    @Test
    void neverAsksForBookmarks() {
      try (Line line = open()) {
        Line.until(() -> assertThat(line.informer().status().counts().bookmarks()).isPositive());
        server.load("{apiVersion: v1, kind: Secret, metadata: {namespace: default, name: other}}");
        // What happens to other kinds moves the anchor, so that it does not grow too old.
        Line.until(
            () -> assertThat(line.informer().status().anchor()).hasValue(server.resourceVersion()));
      }
    }

    @Test
    void losesWhatItsQueueRefuses() {
      Set<ObjectKey> seen = ConcurrentHashMap.newKeySet();
      try (Line line = open();
          Controller<Resource> controller =
              Controller.named("all")
                  .watching(line.informer())
                  .unlimited()
                  .capacity(2)
                  .workers(1)
                  .reconcile((key, context) -> {
                    seen.add(key);
                    return Outcome.done();
                  })
                  .start()) {
        StringBuilder yaml = new StringBuilder();
        for (int i = 0; i < 1000; i++) {
          yaml.append(
                  "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: default, name: m")
              .append(i)
              .append("}\n");
        }
        server.load(yaml.toString());
        Line.until(() -> assertThat(seen).hasSize(OBJECTS + 1000));
        assertThat(controller.status().counts().failed()).isZero();
      }
    }
  }

  @Nested
  class ClientGo {
    /** What it answers with a whole LIST; 401 once, the others for a while. */
    private enum Trouble {
      UNAUTHORIZED_ONCE(1, Fault.refuse(401, "Unauthorized", "made up")),
      FORBIDDEN_FOR_A_WHILE(5, Fault.refuse(403, "Forbidden", "made up")),
      NOT_FOUND_FOR_A_WHILE(5, Fault.refuse(404, "NotFound", "made up")),
      FAILING_FOR_A_WHILE(5, Fault.unavailable(Duration.ZERO)),
      BAD_GATEWAY_FOR_A_WHILE(5, Fault.refuse(502, "", "made up")),
      CUT_BEFORE_THE_HEADERS(5, Fault.hangUp()),
      CUT_AFTER_THE_HEADERS(5, Fault.cutAfter(0)),
      ENDED_AT_ONCE(5, Fault.endAfter(0)),
      AN_ERROR_EVENT(1, Fault.errorEventAfter(0, 500, "InternalError", "made up", 0));

      private final int times;
      private final Fault fault;

      Trouble(int times, Fault fault) {
        this.times = times;
        this.fault = fault;
      }
    }

    @ParameterizedTest
    @EnumSource
    void listsEverythingWhenAWatchIsRefusedForAnyReason(Trouble trouble) {
      try (Line line = open()) {
        Injection injection = faults.inject(WATCH.times(trouble.times), trouble.fault);
        faults.endWatches();
        Line.until(() -> assertThat(injection.hits()).isEqualTo(trouble.times));
        line.put("c1", "changed");
        line.delete("c2");

        line.agrees();
        assertThat(line.informer().status().counts().lists()).isEqualTo(1);
        assertThat(line.told()).isEqualTo(OBJECTS + 2);
      }
    }

    @Test
    void ignoresTheRetryAfterOfAnErrorEvent() {
      try (Line line = open()) {
        faults.strike(WATCH, Fault.errorEventAfter(0, 429, "TooManyRequests", "made up", 1));
        line.put("c1", "changed");
        Line.until(() -> assertThat(line.stops(StopCause.THROTTLED)).isEqualTo(1));
        line.agrees();

        List<SeenRequest> watches = server.requests().list(WATCH);
        assertThat(line.informer().status().recentStops().get(0).next())
            .matches("probe, then resume after \\d+ in 1\\d\\d\\d ms");
        assertThat(watches).hasSize(2);
      }
    }

    @Test
    void believesAnOlderVersionOfAnObject() {
      try (Line line = open()) {
        Resource now =
            line.informer().store().resource(ObjectKey.of("default", "c1")).orElseThrow();
        faults.strike(
            WATCH,
            Fault.garbageAfter(
                0, event("MODIFIED", "c1", now.uid(), Long.parseLong(now.resourceVersion()) - 1)));
        line.put("c2", "changed");
        Line.until(() -> assertThat(line.stops(StopCause.VERSION_REGRESSED)).isEqualTo(1));

        line.agrees();
        assertThat(line.told()).isEqualTo(OBJECTS + 1);
      }
    }

    @Test
    void storesAnObjectWithoutAName() {
      try (Line line = open()) {
        faults.strike(WATCH, Fault.garbageAfter(0, event("ADDED", "", "u", 999_999_999)));
        line.put("c1", "changed");

        line.agrees();
        assertThat(line.informer().store().size()).isEqualTo(OBJECTS);
        assertThat(line.informer().status().undecodable().get(0).reason())
            .isEqualTo("an object without a metadata.name");
        assertThat(line.told()).isEqualTo(OBJECTS + 1);
      }
    }

    @Test
    void neverNoticesAStreamThatIsDead() {
      try (Line line = open(informer -> informer.silenceDeadline(Duration.ofMillis(500)))) {
        faults.strike(WATCH, Fault.stallAfter(0));
        line.put("c1", "changed");

        line.agrees();
        assertThat(line.stops(StopCause.IDLE)).isPositive();
      }
    }
  }

  @Nested
  class Josdk {
    @Test
    void saysHealthyOfAWatchThatIsDead() {
      try (Line line = open()) {
        assertThat(line.informer().status().healthy()).isTrue();
        Injection gone = faults.inject(WATCH, Fault.refuse(403, "Forbidden", "made up"));
        faults.endWatches();
        Line.until(() -> assertThat(line.informer().status().healthy()).isFalse());
        assertThat(line.informer().explain()).contains("forbidden: 403 Forbidden: made up");
        gone.remove();
        Line.until(() -> assertThat(line.informer().status().healthy()).isTrue());
      }
    }
  }

  @Test
  void listsThatAreRefusedAreAskedForAgainAndNotTheWorld() {
    try (Line line = open(informer -> informer.pageSize(5))) {
      long before = server.requests().count("list", "configmaps");
      Injection refusal = faults.inject(LIST.nth(2), Fault.unavailable(Duration.ZERO));
      faults.strike(WATCH, Fault.expired());
      line.put("c1", "changed");
      Line.until(() -> assertThat(refusal.hits()).isEqualTo(1));

      line.agrees();
      Line.until(() -> assertThat(line.informer().status().counts().lists()).isEqualTo(2));
      // Four pages, one of them twice; the line's own look at the truth is a list as well.
      assertThat(server.requests().count("list", "configmaps") - before).isBetween(5L, 8L);
    }
  }
}
