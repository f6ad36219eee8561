package dev.sluice.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every fault of a request, a stream or a connection, as a client sees it over the wire. */
@EmbeddedApiServer(load = "settings.yaml")
class FaultsTest {
  private static final String CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
  private static final String SETTINGS = CONFIG_MAPS + "/settings";
  private static final String WATCH = CONFIG_MAPS + "?watch=true";

  private static Http http(ApiServer server, Version protocol) {
    return new Http(server.url(), server.adminToken(), protocol);
  }

  private static Http.Answer create(Http http, String name) {
    return http.post(CONFIG_MAPS, "{\"metadata\":{\"name\":\"" + name + "\"}}");
  }

  private static boolean exists(Http http, String name) {
    return http.get(CONFIG_MAPS + "/" + name).status() == 200;
  }

  /** A watch of other things, from now on. */
  private static Http.Stream watchSecrets(Http http) throws Exception {
    return http.watch(
        "/api/v1/secrets?watch=true&resourceVersion="
            + http.get("/api/v1/secrets").at("/metadata/resourceVersion"));
  }

  /** A watch of what happens from now on. */
  private static Http.Stream watch(Http http) throws Exception {
    return http.watch(
        WATCH + "&resourceVersion=" + http.get(CONFIG_MAPS).at("/metadata/resourceVersion"));
  }

  private static HttpResponse<InputStream> open(HttpClient client, Http http, String path)
      throws Exception {
    return client.send(http.request(path).GET().build(), BodyHandlers.ofInputStream());
  }

  private static HttpClient client(Version protocol) {
    return HttpClient.newBuilder().version(protocol).build();
  }

  // --- answers that are late, or other ones ------------------------------------------------------

  @Test
  void aDelayedAnswerComesNoSooner(ApiServer server) {
    try (Http http = new Http(server)) {
      http.get(SETTINGS);
      server.faults().inject(RequestMatch.verb("get"), Fault.delay(Duration.ofMillis(60)));
      long start = System.nanoTime();
      assertThat(http.get(SETTINGS).status()).isEqualTo(200);
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(59));
    }
  }

  @Test
  void nothingIsDoneBeforeTheDelayIsOver(ApiServer server) throws Exception {
    try (Http http = new Http(server)) {
      Injection hour =
          server.faults().inject(RequestMatch.verb("create"), Fault.delay(Duration.ofHours(1)));
      CompletableFuture<Http.Answer> answer =
          CompletableFuture.supplyAsync(() -> create(http, "a"));
      Await.until("the request has come", () -> hour.hits() == 1);
      assertThat(exists(http, "a")).isFalse();
      assertThat(answer).isNotDone();
      hour.remove();
      assertThat(answer.get().status()).isEqualTo(201);
    }
  }

  @Test
  void aRefusalIsAStatusWithItsCodeReasonAndMessage(ApiServer server) {
    try (Http http = new Http(server)) {
      server.faults().inject(RequestMatch.any(), Fault.refuse(500, "InternalError", "no disk"));
      Http.Answer answer = create(http, "a");
      assertThat(answer.status()).isEqualTo(500);
      assertThat(answer.at("/kind")).isEqualTo("Status");
      assertThat(answer.at("/reason")).isEqualTo("InternalError");
      assertThat(answer.at("/message")).isEqualTo("no disk");
      server.faults().clear();
      assertThat(exists(http, "a")).isFalse();
    }
  }

  @Test
  void tooManyRequestsIsPlainTextWithSecondsToWait(ApiServer server) {
    try (Http http = new Http(server)) {
      server.faults().inject(RequestMatch.any(), Fault.tooManyRequests(Duration.ofMillis(7_900)));
      Http.Answer answer = http.get(SETTINGS);
      assertThat(answer.status()).isEqualTo(429);
      assertThat(answer.headers().firstValue("Retry-After")).contains("7");
      assertThat(answer.headers().firstValue("Content-Type").orElse("")).startsWith("text/plain");
      assertThat(answer.text()).isEqualTo("Too many requests, please try again later.\n");
    }
  }

  @Test
  void tooManyRequestsMayNameADate(ApiServer server) {
    try (Http http = new Http(server)) {
      server
          .faults()
          .inject(RequestMatch.any(), Fault.tooManyRequests(Instant.parse("2030-01-02T03:04:05Z")));
      Http.Answer answer = http.get(SETTINGS);
      assertThat(answer.status()).isEqualTo(429);
      assertThat(answer.headers().firstValue("Retry-After"))
          .hasValueSatisfying(date -> assertThat(date).matches("Wed, 0?2 Jan 2030 03:04:05 GMT"));
    }
  }

  @Test
  void unavailableIsAStatusWithSecondsToWait(ApiServer server) {
    try (Http http = new Http(server)) {
      server.faults().inject(RequestMatch.any(), Fault.unavailable(Duration.ofSeconds(3)));
      Http.Answer answer = http.get(SETTINGS);
      assertThat(answer.status()).isEqualTo(503);
      assertThat(answer.headers().firstValue("Retry-After")).contains("3");
      assertThat(answer.at("/reason")).isEqualTo("ServiceUnavailable");
      assertThat(answer.at("/details/retryAfterSeconds")).isEqualTo("3");
    }
  }

  @Test
  void unavailableMayNameADate(ApiServer server) {
    try (Http http = new Http(server)) {
      server
          .faults()
          .inject(RequestMatch.any(), Fault.unavailable(Instant.parse("2030-11-12T03:04:05Z")));
      Http.Answer answer = http.get(SETTINGS);
      assertThat(answer.status()).isEqualTo(503);
      assertThat(answer.headers().firstValue("Retry-After"))
          .contains("Tue, 12 Nov 2030 03:04:05 GMT");
    }
  }

  // --- answers that do not come, or not whole ----------------------------------------------------

  @ParameterizedTest
  @EnumSource(Version.class)
  void aHangUpAnswersNothingAndDoesNothing(Version protocol, ApiServer server) {
    try (Http http = http(server, protocol)) {
      server.faults().inject(RequestMatch.verb("create"), Fault.hangUp());
      assertThatThrownBy(() -> create(http, "a")).isInstanceOf(UncheckedIOException.class);
      assertThat(exists(http, "a")).isFalse();
    }
  }

  @ParameterizedTest
  @EnumSource(Version.class)
  void aHangUpAfterwardsAnswersNothingButHasDoneIt(Version protocol, ApiServer server) {
    try (Http http = http(server, protocol)) {
      server.faults().inject(RequestMatch.verb("create"), Fault.hangUpAfterwards());
      assertThatThrownBy(() -> create(http, "a")).isInstanceOf(UncheckedIOException.class);
      assertThat(exists(http, "a")).isTrue();
    }
  }

  @Test
  void aCutComesAtItsByte(ApiServer server) throws Exception {
    server.faults().inject(RequestMatch.list("configmaps"), Fault.cutAfter(25));
    try (Socket socket = new Socket("127.0.0.1", server.url().getPort())) {
      socket
          .getOutputStream()
          .write(
              ("GET " + CONFIG_MAPS + " HTTP/1.1\r\nHost: x\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      assertThat(answer.substring(answer.indexOf("\r\n\r\n") + 4)).hasSize(25);
    }
  }

  @ParameterizedTest
  @EnumSource(Version.class)
  void aCutIsAFailureForTheClient(Version protocol, ApiServer server) throws Exception {
    try (Http http = http(server, protocol)) {
      server.faults().inject(RequestMatch.list("configmaps"), Fault.cutAfter(25));
      assertThatThrownBy(() -> http.get(CONFIG_MAPS)).isInstanceOf(UncheckedIOException.class);
    }
  }

  @ParameterizedTest
  @EnumSource(Version.class)
  void aCutAtZeroComesAfterTheHeaders(Version protocol, ApiServer server) throws Exception {
    try (Http http = http(server, protocol);
        HttpClient client = client(protocol)) {
      server.faults().inject(RequestMatch.list("configmaps"), Fault.cutAfter(0));
      assertThatThrownBy(
              () -> {
                HttpResponse<InputStream> response = open(client, http, CONFIG_MAPS);
                assertThat(response.statusCode()).isEqualTo(200);
                response.body().read();
              })
          .isInstanceOf(IOException.class);
    }
  }

  @ParameterizedTest
  @EnumSource(Version.class)
  void aStalledBodyComesToItsByteAndGoesOnWhenItIsLetGo(Version protocol, ApiServer server)
      throws Exception {
    try (Http http = http(server, protocol);
        HttpClient client = client(protocol)) {
      String whole = http.get(CONFIG_MAPS).text();
      Injection stall =
          server.faults().inject(RequestMatch.list("configmaps"), Fault.stallAfter(10));
      InputStream body = open(client, http, CONFIG_MAPS).body();
      String begun = new String(body.readNBytes(10), StandardCharsets.UTF_8);
      assertThat(body.available()).isZero();
      // Others are not stalled, not even on the same connection.
      assertThat(http.get(SETTINGS).status()).isEqualTo(200);
      assertThat(body.available()).isZero();
      stall.remove();
      String rest = new String(body.readAllBytes(), StandardCharsets.UTF_8);
      assertThat(begun + rest).isEqualTo(whole);
    }
  }

  @Test
  void aHalfOpenConnectionAnswersNothingAnyMoreAndAnotherOneWorks(ApiServer server)
      throws Exception {
    try (Http http = http(server, Version.HTTP_2);
        Http other = http(server, Version.HTTP_2)) {
      http.get(SETTINGS);
      server.faults().inject(RequestMatch.list("configmaps"), Fault.halfOpenAfter(10));
      CompletableFuture<Http.Answer> dead =
          CompletableFuture.supplyAsync(() -> http.get(CONFIG_MAPS));
      Await.until("the request has come", () -> server.requests().count("list", "configmaps") == 1);
      // On the same connection, which is dead from now on or soon.
      CompletableFuture<Http.Answer> next =
          CompletableFuture.supplyAsync(() -> http.get("/api/v1/namespaces/default/secrets"));
      assertThat(other.get(SETTINGS).status()).isEqualTo(200);
      assertThat(dead).isNotDone();
      // It is reset when faults are cleared, instead of hanging for ever.
      server.faults().clear();
      assertThat(dead).failsWithin(Duration.ofSeconds(20));
      next.exceptionally(e -> null).get();
    }
  }

  @Test
  void aSlowBodyTakesItsTime(ApiServer server) {
    try (Http http = new Http(server)) {
      int length = http.get(CONFIG_MAPS).text().length();
      server.faults().inject(RequestMatch.list("configmaps"), Fault.slowBody(length * 10L));
      long start = System.nanoTime();
      assertThat(http.get(CONFIG_MAPS).text()).hasSize(length);
      // A tenth of a second, less the granularity of the clock.
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(90));
    }
  }

  // --- watches -----------------------------------------------------------------------------------

  @ParameterizedTest
  @EnumSource(Version.class)
  void garbageStandsBetweenTwoEvents(Version protocol, ApiServer server) throws Exception {
    server.faults().inject(RequestMatch.watch("configmaps"), Fault.garbageAfter(1, "{\"type\":"));
    try (Http http = http(server, protocol);
        Http.Stream watch = watch(http)) {
      create(http, "a");
      create(http, "b");
      assertThat(watch.event()).isEqualTo("ADDED a");
      assertThat(watch.line()).isEqualTo("{\"type\":");
      assertThat(watch.event()).isEqualTo("ADDED b");
    }
  }

  @Test
  void anErrorEventEndsTheStream(ApiServer server) throws Exception {
    server
        .faults()
        .inject(
            RequestMatch.watch("configmaps"),
            Fault.errorEventAfter(1, 500, "InternalError", "etcd is gone", 5));
    try (Http http = new Http(server);
        Http.Stream watch = watch(http)) {
      create(http, "a");
      assertThat(watch.event()).isEqualTo("ADDED a");
      var error = watch.next();
      assertThat(error.at("/type").asString()).isEqualTo("ERROR");
      assertThat(error.at("/object/code").asInt()).isEqualTo(500);
      assertThat(error.at("/object/reason").asString()).isEqualTo("InternalError");
      assertThat(error.at("/object/message").asString()).isEqualTo("etcd is gone");
      assertThat(error.at("/object/details/retryAfterSeconds").asInt()).isEqualTo(5);
      assertThat(watch.line()).isNull();
    }
  }

  @Test
  void expiredIsAnErrorEventAtOnce(ApiServer server) throws Exception {
    server.faults().inject(RequestMatch.watch("configmaps"), Fault.expired());
    try (Http http = new Http(server);
        Http.Stream watch = watch(http)) {
      var error = watch.next();
      assertThat(error.at("/object/code").asInt()).isEqualTo(410);
      assertThat(error.at("/object/reason").asString()).isEqualTo("Expired");
      assertThat(watch.line()).isNull();
    }
  }

  @ParameterizedTest
  @EnumSource(Version.class)
  void aWatchMayEndInGoodOrderAfterSomeEvents(Version protocol, ApiServer server) throws Exception {
    server.faults().inject(RequestMatch.watch("configmaps"), Fault.endAfter(1));
    try (Http http = http(server, protocol);
        Http.Stream watch = watch(http)) {
      create(http, "a");
      create(http, "b");
      assertThat(watch.event()).isEqualTo("ADDED a");
      assertThat(watch.line()).isNull();
    }
  }

  @Test
  void allWatchesEndInGoodOrderOnRequest(ApiServer server) throws Exception {
    try (Http http = new Http(server);
        Http.Stream one = watch(http);
        Http.Stream other = watchSecrets(http)) {
      server.faults().endWatches();
      assertThat(one.rest()).isEmpty();
      assertThat(other.rest()).isEmpty();
    }
  }

  // --- watches that are open already -------------------------------------------------------------

  @ParameterizedTest
  @EnumSource(Version.class)
  void aStrikeCutsAWatchThatIsOpen(Version protocol, ApiServer server) throws Exception {
    try (Http http = http(server, protocol);
        Http.Stream watch = watch(http);
        Http.Stream spared = watchSecrets(http)) {
      assertThat(server.faults().strike(RequestMatch.watch("configmaps"), Fault.cutAfter(0)))
          .isEqualTo(1);
      assertThatThrownBy(watch::line).isInstanceOf(IOException.class);
      assertThat(server.requests().openWatches()).isEqualTo(1);
      server.faults().endWatches();
      assertThat(spared.line()).isNull();
    }
  }

  @ParameterizedTest
  @EnumSource(Version.class)
  void aStrikeStallsAWatchUntilFaultsAreCleared(Version protocol, ApiServer server)
      throws Exception {
    try (Http http = http(server, protocol);
        Http.Stream stalled = watch(http)) {
      assertThat(server.faults().strike(RequestMatch.watch("configmaps"), Fault.stallAfter(0)))
          .isEqualTo(1);
      try (Http.Stream spared = watch(http)) {
        create(http, "a");
        assertThat(spared.event()).isEqualTo("ADDED a");
        assertThat(stalled.ready()).isFalse();
        server.faults().clear();
        assertThat(stalled.event()).isEqualTo("ADDED a");
      }
    }
  }

  @Test
  void aStrikeEndsExpiresAndSpoilsWatchesThatAreOpen(ApiServer server) throws Exception {
    try (Http http = new Http(server);
        Http.Stream watch = watch(http)) {
      Faults faults = server.faults();
      faults.strike(RequestMatch.any(), Fault.garbageAfter(0, "?"));
      assertThat(watch.line()).isEqualTo("?");
      create(http, "a");
      assertThat(watch.event()).isEqualTo("ADDED a");
      faults.strike(RequestMatch.any(), Fault.endAfter(1));
      create(http, "b");
      assertThat(watch.event()).isEqualTo("ADDED b");
      assertThat(watch.line()).isNull();
      try (Http.Stream next = watch(http)) {
        faults.strike(RequestMatch.any(), Fault.expired());
        assertThat(next.next().at("/object/code").asInt()).isEqualTo(410);
      }
    }
  }

  @Test
  void whatComesTooLateForAnOpenWatchIsRefused(ApiServer server) {
    for (Fault fault :
        new Fault[] {
          Fault.delay(Duration.ZERO), Fault.refuse(500, "", ""), Fault.hangUp(), Fault.goAway()
        }) {
      assertThatThrownBy(() -> server.faults().strike(RequestMatch.any(), fault))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("An open watch cannot be struck by")
          .hasMessageContaining("cutAfter");
    }
  }

  // --- compaction --------------------------------------------------------------------------------

  @Test
  void afterACompactionOlderVersionsAreGoneAndOpenWatchesGoOn(ApiServer server) throws Exception {
    try (Http http = new Http(server);
        Http.Stream open = watch(http)) {
      String before = http.get(CONFIG_MAPS).at("/metadata/resourceVersion");
      create(http, "a");
      server.faults().compact();
      try (Http.Stream late = http.watch(WATCH + "&resourceVersion=" + before)) {
        assertThat(late.next().at("/object/code").asInt()).isEqualTo(410);
      }
      assertThat(
              http.get(
                      CONFIG_MAPS + "?resourceVersionMatch=Exact&limit=1&resourceVersion=" + before)
                  .status())
          .isEqualTo(410);
      assertThat(open.event()).isEqualTo("ADDED a");
      create(http, "b");
      assertThat(open.event()).isEqualTo("ADDED b");
    }
  }

  @Test
  void aCompactionMayConcernOneResourceOnly(ApiServer server) throws Exception {
    try (Http http = new Http(server)) {
      String before = http.get(CONFIG_MAPS).at("/metadata/resourceVersion");
      create(http, "a");
      http.post("/api/v1/namespaces/default/secrets", "{\"metadata\":{\"name\":\"s\"}}");
      server.faults().compact("configmaps");
      try (Http.Stream late = http.watch(WATCH + "&resourceVersion=" + before);
          Http.Stream other = http.watch("/api/v1/secrets?watch=true&resourceVersion=" + before)) {
        assertThat(late.next().at("/object/code").asInt()).isEqualTo(410);
        assertThat(other.event()).isEqualTo("ADDED s");
      }
    }
  }

  @Test
  void aCompactionOfAnUnknownResourceIsRefused(ApiServer server) {
    assertThatThrownBy(() -> server.faults().compact("ConfigMap"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("No resource is named 'ConfigMap'")
        .hasMessageContaining("leases.coordination.k8s.io");
  }

  // --- connections -------------------------------------------------------------------------------

  @Test
  void afterGoAwayWhatIsOpenGoesOnAndWhatIsNewTakesAnotherConnection(ApiServer server)
      throws Exception {
    try (Http http = http(server, Version.HTTP_2)) {
      http.get(SETTINGS);
      try (Http.Stream watch = watch(http)) {
        Await.until(
            "the connections of the test before are gone",
            () -> server.requests().connections() == 1);
        assertThat(server.faults().goAway()).isEqualTo(1);
        Await.until(
            "a request comes over another connection",
            () -> http.get(SETTINGS).status() == 200 && server.requests().connections() == 2);
        create(http, "a");
        assertThat(watch.event()).isEqualTo("ADDED a");
      }
    }
  }

  @Test
  void aRequestMayBeAnsweredWithGoAwayBesides(ApiServer server) throws Exception {
    try (Http http = http(server, Version.HTTP_2);
        Http.Stream watch = watch(http)) {
      Injection goAway = server.faults().inject(RequestMatch.verb("get").times(1), Fault.goAway());
      assertThat(http.get(SETTINGS).status()).isEqualTo(200);
      assertThat(goAway.hits()).isEqualTo(1);
      Await.until(
          "a request comes over another connection",
          () -> http.get(SETTINGS).status() == 200 && server.requests().connections() == 2);
      create(http, "a");
      assertThat(watch.event()).isEqualTo("ADDED a");
    }
  }

  @ParameterizedTest
  @EnumSource(Version.class)
  void frozenConnectionsAreSilentUntilFaultsAreCleared(Version protocol, ApiServer server)
      throws Exception {
    try (Http http = http(server, protocol);
        Http other = http(server, protocol);
        Http.Stream watch = watch(http)) {
      int connections = server.requests().connections();
      assertThat(server.faults().freezeConnections()).isEqualTo(connections);
      assertThat(create(other, "a").status()).isEqualTo(201);
      assertThat(watch.ready()).isFalse();
      server.faults().clear();
      assertThatThrownBy(watch::line).isInstanceOf(IOException.class);
      Await.until("the dead connection is gone", () -> server.requests().openWatches() == 0);
    }
  }

  @ParameterizedTest
  @EnumSource(Version.class)
  void droppedConnectionsAreReset(Version protocol, ApiServer server) throws Exception {
    try (Http http = http(server, protocol);
        Http.Stream watch = watch(http)) {
      assertThat(server.faults().dropConnections()).isPositive();
      assertThatThrownBy(watch::line).isInstanceOf(IOException.class);
      assertThat(http.get(SETTINGS).status()).isEqualTo(200);
    }
  }

  @ParameterizedTest
  @EnumSource(Version.class)
  void aWatchWhoseClientHasGoneIsNoticed(Version protocol, ApiServer server) throws Exception {
    try (Http http = http(server, protocol);
        Http.Stream watch = watch(http)) {
      Await.until("the watch is open", () -> server.requests().openWatches() == 1);
      watch.close();
      Await.until("nobody watches", () -> server.requests().openWatches() == 0);
      assertThat(http.get(SETTINGS).status()).isEqualTo(200);
    }
  }

  @ParameterizedTest
  @EnumSource(Version.class)
  void aStalledWatchWhoseClientHasGoneIsNoticed(Version protocol, ApiServer server)
      throws Exception {
    server.faults().inject(RequestMatch.watch("configmaps"), Fault.stallAfter(0));
    try (Http http = http(server, protocol);
        Http.Stream watch = watch(http)) {
      Await.until("the watch is open", () -> server.requests().openWatches() == 1);
      watch.close();
      Await.until("nobody watches", () -> server.requests().openWatches() == 0);
    }
  }

  // --- which requests ----------------------------------------------------------------------------

  @Test
  void aFaultMayStrikeTheNthRequestOnly(ApiServer server) {
    Injection third =
        server.faults().inject(RequestMatch.verb("get").nth(3), Fault.refuse(500, "", "third"));
    try (Http http = new Http(server)) {
      for (int expected : new int[] {200, 200, 500, 200}) {
        assertThat(http.get(SETTINGS).status()).isEqualTo(expected);
      }
    }
    assertThat(third.hits()).isEqualTo(1);
  }

  @Test
  void aFaultMayStrikeSomeTimesFromTheNthRequestOn(ApiServer server) {
    server
        .faults()
        .inject(RequestMatch.verb("get").from(2).times(2), Fault.refuse(500, "", "twice"));
    try (Http http = new Http(server)) {
      for (int expected : new int[] {200, 500, 500, 200}) {
        assertThat(http.get(SETTINGS).status()).isEqualTo(expected);
      }
    }
  }

  @Test
  void requestsAreToldApartByAllThatTheyAreAbout(ApiServer server) {
    Faults faults = server.faults();
    Fault refused = Fault.refuse(500, "", "struck");
    try (Http http = new Http(server)) {
      http.post("/api/v1/namespaces", "{\"metadata\":{\"name\":\"other\"}}");
      try (var struck = faults.inject(RequestMatch.any().namespace("other"), refused)) {
        assertThat(http.get(CONFIG_MAPS).status()).isEqualTo(200);
        assertThat(http.get("/api/v1/namespaces/other/configmaps").status()).isEqualTo(500);
        assertThat(struck.hits()).isEqualTo(1);
      }
      try (var struck = faults.inject(RequestMatch.any().name("settings"), refused)) {
        assertThat(http.get(CONFIG_MAPS + "/others").status()).isEqualTo(404);
        assertThat(http.get(SETTINGS).status()).isEqualTo(500);
        assertThat(struck.hits()).isEqualTo(1);
      }
      try (var struck = faults.inject(RequestMatch.any().subresource("status"), refused)) {
        assertThat(http.get("/api/v1/namespaces/other").status()).isEqualTo(200);
        assertThat(http.get("/api/v1/namespaces/other/status").status()).isEqualTo(500);
        assertThat(struck.hits()).isEqualTo(1);
      }
      try (var struck = faults.inject(RequestMatch.any().userAgent("operator/"), refused)) {
        assertThat(http.get(SETTINGS).status()).isEqualTo(200);
        assertThat(
                http.send(http.request(SETTINGS).header("User-Agent", "my-operator/1.0")).status())
            .isEqualTo(500);
        assertThat(struck.hits()).isEqualTo(1);
      }
      try (var struck = faults.inject(RequestMatch.any().user("system:anonymous"), refused);
          Http nobody = new Http(server.url(), "", Version.HTTP_1_1)) {
        assertThat(http.get(SETTINGS).status()).isEqualTo(200);
        assertThat(nobody.get(SETTINGS).status()).isEqualTo(500);
        assertThat(struck.hits()).isEqualTo(1);
      }
      try (var struck = faults.inject(RequestMatch.list("leases.coordination.k8s.io"), refused)) {
        assertThat(http.get(CONFIG_MAPS).status()).isEqualTo(200);
        assertThat(http.get("/apis/coordination.k8s.io/v1/leases").status()).isEqualTo(500);
        assertThat(struck.hits()).isEqualTo(1);
      }
    }
  }

  @Test
  void severalFaultsMayMeetOneRequest(ApiServer server) throws Exception {
    server.faults().inject(RequestMatch.watch("configmaps"), Fault.garbageAfter(0, "first"));
    server.faults().inject(RequestMatch.watch("configmaps"), Fault.endAfter(1));
    try (Http http = new Http(server);
        Http.Stream watch = watch(http)) {
      assertThat(watch.line()).isEqualTo("first");
      create(http, "a");
      assertThat(watch.event()).isEqualTo("ADDED a");
      assertThat(watch.line()).isNull();
    }
  }

  @Test
  void whatIsRemovedStrikesNoMore(ApiServer server) {
    try (Http http = new Http(server)) {
      Injection injection =
          server.faults().inject(RequestMatch.any(), Fault.refuse(500, "", "struck"));
      assertThat(http.get(SETTINGS).status()).isEqualTo(500);
      injection.remove();
      assertThat(http.get(SETTINGS).status()).isEqualTo(200);
      assertThat(injection.hits()).isEqualTo(1);
    }
  }
}
