package dev.sluice.cli.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kube.Change;
import dev.sluice.kube.Codec;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LinesTest {
  private static final TestResource WEB =
      new TestResource(
          ObjectKey.of("default", "web"),
          "41",
          3,
          false,
          Map.of("tier", "front", "app", "shop"),
          "{\"metadata\":\n  {\"name\":\"web\"}}");

  @Test
  void saysAddedOnceAndThenModified() {
    assertThat(Lines.name(put(WEB, true))).isEqualTo("ADDED    default/web");
    assertThat(Lines.name(put(WEB, false))).isEqualTo("MODIFIED default/web");
    assertThat(Lines.name(deleted(WEB, "42"))).isEqualTo("DELETED  default/web");
  }

  @Test
  void aClusterScopedObjectHasItsNameAlone() {
    TestResource node = new TestResource(ObjectKey.of("n1"), "1", 0, false, Map.of(), "{}");

    assertThat(Lines.name(put(node, true))).isEqualTo("ADDED    n1");
    assertThat(Lines.json(put(node, true))).contains("\"namespace\":\"\",\"name\":\"n1\"");
  }

  @Test
  void jsonIsOneLineWithTheObjectAsItIs() {
    assertThat(Lines.json(put(WEB, false)))
        .isEqualTo(
            "{\"type\":\"MODIFIED\",\"namespace\":\"default\",\"name\":\"web\","
                + "\"resourceVersion\":\"41\",\"object\":{\"metadata\":   {\"name\":\"web\"}}}");
  }

  @Test
  void aDeletionHasTheVersionOfTheDeletionAndTheLastState() {
    assertThat(Lines.json(deleted(WEB, "42")))
        .startsWith("{\"type\":\"DELETED\"")
        .contains("\"resourceVersion\":\"42\",\"object\":{\"metadata\"");
  }

  @Test
  void escapesWhatAServerShouldNotSend() {
    TestResource odd =
        new TestResource(ObjectKey.of("default", "a\"b\\c\u0001"), "1", 0, false, Map.of(), "{}");

    assertThat(Lines.json(put(odd, true))).contains("\"name\":\"a\\\"b\\\\c\\u0001\"");
  }

  @Test
  void theTableHasTimeVersionGenerationAndLabels() {
    Instant noon = Instant.parse("2026-01-02T12:00:00.5Z");

    assertThat(Lines.wide(put(WEB, true), noon, ZoneOffset.UTC).replaceAll(" +", " "))
        .isEqualTo("12:00:00.500 ADDED default/web 41 3 app=shop,tier=front");
  }

  @Test
  void theTableMarksWhatIsBeingDeletedAndWhatItDoesNotKnow() {
    TestResource leaving =
        new TestResource(ObjectKey.of("default", "web"), "43", 0, true, Map.of(), "{}");

    assertThat(Lines.wide(put(leaving, false), Instant.EPOCH, ZoneOffset.UTC).replaceAll(" +", " "))
        .isEqualTo("00:00:00.000 MODIFIED default/web (deleting) 43 - -");
  }

  static Change<Resource> put(Resource resource, boolean first) {
    return new Change.Put<>(resource, first, Codec.none());
  }

  static Change<Resource> deleted(Resource last, String version) {
    return new Change.Deleted<>(last.key(), version, last, Codec.none());
  }
}
