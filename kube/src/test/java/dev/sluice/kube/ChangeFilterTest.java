package dev.sluice.kube;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.Incarnation;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ChangeFilterTest {
  private static Resource object(String version, long generation, String metadata) {
    return new Entry(
        ObjectKey.of("ns", "a"),
        new Incarnation("u"),
        version,
        generation,
        false,
        ("{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"" + metadata + "}}")
            .getBytes(StandardCharsets.UTF_8));
  }

  private static boolean differ(ChangeFilter filter, Resource one, Resource other) {
    return !filter.counts(one).equals(filter.counts(other));
  }

  @Test
  void byGenerationOnlyAnotherGenerationCounts() {
    ChangeFilter filter = ChangeFilter.generation();
    assertThat(differ(filter, object("1", 3, ""), object("2", 3, ""))).isFalse();
    assertThat(differ(filter, object("1", 3, ""), object("2", 4, ""))).isTrue();
  }

  @Test
  void byGenerationEveryChangeOfAKindWithoutOneCounts() {
    assertThat(differ(ChangeFilter.generation(), object("1", 0, ""), object("2", 0, ""))).isTrue();
  }

  @Test
  void byLabelsOnlyThoseNamedCount() {
    Resource one = object("1", 0, ",\"labels\":{\"app\":\"x\",\"tier\":\"1\"}");
    Resource other = object("2", 0, ",\"labels\":{\"app\":\"x\",\"tier\":\"2\"}");
    assertThat(differ(ChangeFilter.labels("app"), one, other)).isFalse();
    assertThat(differ(ChangeFilter.labels("tier"), one, other)).isTrue();
    assertThat(differ(ChangeFilter.labels(), one, other)).isTrue();
    assertThat(differ(ChangeFilter.annotations(), one, other)).isFalse();
  }

  @Test
  void whatOneOfTwoHasInViewCounts() {
    ChangeFilter either = ChangeFilter.generation().or(ChangeFilter.annotations("a"));
    Resource one = object("1", 1, ",\"annotations\":{\"a\":\"1\",\"b\":\"1\"}");
    assertThat(differ(either, one, object("2", 2, ",\"annotations\":{\"a\":\"1\"}"))).isTrue();
    assertThat(differ(either, one, object("2", 1, ",\"annotations\":{\"a\":\"2\"}"))).isTrue();
    assertThat(differ(either, one, object("2", 1, ",\"annotations\":{\"a\":\"1\",\"b\":\"2\"}")))
        .isFalse();
    assertThat(either).hasToString("generation or annotations[a]");
  }
}
