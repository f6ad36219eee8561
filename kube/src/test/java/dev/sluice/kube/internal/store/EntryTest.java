package dev.sluice.kube.internal.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.internal.json.MalformedJsonException;
import dev.sluice.kube.internal.json.ObjectScanner;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EntryTest {
  private static Entry at(String version) {
    return new Entry(
        ObjectKey.of("a"), new Incarnation("u"), version, 0, false, new byte[] {'{', '}'});
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1",
        "0",
        "",
        "007",
        "123456789012345678",
        "1234567890123456789",
        "99999999999999999999",
        "abc",
        "-5",
        "1.5"
      })
  void tellsTheVersionAsItWasGiven(String version) {
    assertThat(at(version).resourceVersion()).isEqualTo(version);
    assertThat(at(version).isAt(version, Versions.number(version))).isTrue();
    assertThat(at(version).isAt(version + "0", Versions.number(version + "0"))).isFalse();
    assertThat(at(version).isNewerThan(version, Versions.number(version))).isFalse();
  }

  @Test
  void comparesVersionsOfEveryLength() {
    String[] ordered = {
      "1", "9", "10", "123456789012345678", "1234567890123456789", "99999999999999999999"
    };
    for (int i = 0; i < ordered.length; i++) {
      for (int j = 0; j < ordered.length; j++) {
        assertThat(at(ordered[i]).isNewerThan(ordered[j], Versions.number(ordered[j])))
            .as(i + ", " + j)
            .isEqualTo(i > j);
      }
    }
    assertThat(at("5").isNewerThan("abc", Versions.number("abc"))).isFalse();
    assertThat(at("abc").isNewerThan("5", Versions.number("5"))).isFalse();
  }

  private static ObjectScanner scanned(String uid) throws MalformedJsonException {
    byte[] json = ("{\"metadata\":{\"uid\":\"" + uid + "\"}}").getBytes(StandardCharsets.UTF_8);
    ObjectScanner scanner = new ObjectScanner();
    scanner.scanObject(json, 0, json.length);
    return scanner;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "x",
        "01234567-89ab-cdef-0123-456789abcdef",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "00000000-0000-0000-0000-000000000000",
        "01234567-89AB-cdef-0123-456789abcdef",
        "0123456789abcdef0123456789abcdef",
        "01234567-89ab-cdef-0123-456789abcdeg"
      })
  void tellsTheUidAsItWasGiven(String uid) throws MalformedJsonException {
    Incarnation incarnation = new Incarnation(uid);

    assertThat(incarnation.uid()).isEqualTo(uid);
    assertThat(incarnation.is(scanned(uid))).isTrue();
    assertThat(incarnation.is(scanned(uid + "0"))).isFalse();
    assertThat(Incarnation.of(scanned(uid))).isEqualTo(incarnation);
    assertThat(scanned(uid).uid()).isEqualTo(uid);
    assertThat(incarnation).isEqualTo(new Incarnation(uid)).hasSameHashCodeAs(new Incarnation(uid));
    assertThat(incarnation).isNotEqualTo(new Incarnation("y"));
  }

  @Test
  void tellsApartUidsThatDifferInOneDigit() throws MalformedJsonException {
    String uid = "01234567-89ab-cdef-0123-456789abcdef";
    for (int i = 0; i < uid.length(); i++) {
      if (uid.charAt(i) != '-') {
        String other =
            uid.substring(0, i) + (uid.charAt(i) == '0' ? '1' : '0') + uid.substring(i + 1);
        assertThat(new Incarnation(uid).is(scanned(other))).isFalse();
        assertThat(new Incarnation(uid)).isNotEqualTo(new Incarnation(other));
      }
    }
  }

  @Test
  void remembersInWhichListItWasSeenBesideItsDeletion() {
    Entry entry =
        new Entry(ObjectKey.of("a"), new Incarnation("u"), "1", 0, true, new byte[] {'{', '}'});
    entry.seen(41);

    assertThat(entry.listing()).isEqualTo(41);
    assertThat(entry.deleting()).isTrue();
  }
}
