package dev.sluice.contract.cases;

import static dev.sluice.contract.Api.CONFIG_MAPS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.contract.Answer;
import dev.sluice.contract.Api;
import dev.sluice.contract.Chapter;
import dev.sluice.contract.Json;
import dev.sluice.contract.Proves;
import dev.sluice.contract.Watch;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;

/** What happens to versions when history is lost. No other case runs at the same time. */
@Chapter(value = "Lost history", order = 10)
public abstract class HistoryCases {

  @Proves(
      "continue token compacted: 410 reason Expired, with a fresh inconsistent continue token (rv"
          + " -1) in metadata.continue, which goes on behind the last page with the objects of"
          + " now.")
  void expiredContinueToken(Api api) {
    for (String name : List.of("a", "b", "c", "d")) {
      api.configMap(name);
    }
    Answer page = api.get(CONFIG_MAPS, "limit=2").expect(200);
    api.quietly(() -> api.delete(CONFIG_MAPS + "/a").expect(200));
    api.touch("c", "changed");
    api.configMap("e");
    api.target().compact();
    api.await(
        "the page before is gone",
        Duration.ofSeconds(40),
        () -> api.get(CONFIG_MAPS, "limit=2", "continue=" + page.continuation()).code() == 410);
    Answer expired =
        api.get(CONFIG_MAPS, "limit=2", "continue=" + page.continuation()).expect(410, "Expired");
    String fresh = expired.continuation();
    assertThat(
            Json.parse(new String(Base64.getUrlDecoder().decode(fresh), StandardCharsets.UTF_8))
                .path("rv")
                .asLong(0))
        .isEqualTo(-1);
    Answer rest = api.get(CONFIG_MAPS, "limit=2", "continue=" + fresh).expect(200);
    assertThat(rest.names()).containsExactly("c", "d");
    assertThat(rest.text("/items/0/data/k")).isEqualTo("changed");
    assertThat(rest.versionNumber()).isGreaterThan(page.versionNumber());
    // The deletion of a, on an earlier page, is not to be seen: never anchor a watch on this.
    Answer last = api.get(CONFIG_MAPS, "limit=2", "continue=" + rest.continuation()).expect(200);
    assertThat(last.names()).containsExactly("e");
  }

  @Proves("An exact list of a compacted version: 410 Expired.")
  void compactedVersion(Api api) {
    Answer a = api.configMap("a");
    api.configMap("b");
    api.target().compact();
    api.await(
        "the version is gone",
        Duration.ofSeconds(40),
        () ->
            api.get(CONFIG_MAPS, "resourceVersion=" + a.version(), "resourceVersionMatch=Exact")
                    .code()
                == 410);
    api.get(CONFIG_MAPS, "resourceVersion=" + a.version(), "resourceVersionMatch=Exact")
        .expect(410, "Expired");
    assertThat(api.get(CONFIG_MAPS).names()).containsExactly("a", "b");
    assertThat(api.get(CONFIG_MAPS, "resourceVersion=" + a.version()).expect(200).names())
        .containsExactly("a", "b");
  }

  @Proves(
      "The history is in the API server's memory and dies with the process: a resume on a restarted"
          + " one from before its own start gives 410.")
  void resumeAfterARestart(Api api) {
    Answer a = api.configMap("a");
    api.touch("a", "2");
    Watch watch = api.watch(CONFIG_MAPS, "resourceVersion=" + a.version());
    watch.next("MODIFIED", "a");
    api.target().restart();
    Watch again = api.watch(CONFIG_MAPS, "resourceVersion=" + a.version());
    Watch.Event error = again.next();
    assertThat(error.type()).isEqualTo("ERROR");
    assertThat(error.object().path("code").asInt(0)).isEqualTo(410);
    assertThat(error.object().path("message").asString("")).startsWith("too old resource version");
    again.ends();
  }

  @Proves(
      "What was stored is there after a restart, under its version; a watch from the list goes on.")
  void storageOutlivesARestart(Api api) {
    Answer a = api.configMap("a");
    api.target().restart();
    Answer list = api.get(CONFIG_MAPS).expect(200);
    assertThat(list.text("/items/0/metadata/resourceVersion")).isEqualTo(a.version());
    assertThat(list.versionNumber()).isGreaterThanOrEqualTo(a.versionNumber());
    Watch watch = api.watch(CONFIG_MAPS, "resourceVersion=" + list.version());
    Answer b = api.configMap("b");
    watch.next("ADDED", "b");
    assertThat(b.versionNumber()).isGreaterThan(list.versionNumber());
  }

  @Proves(
      "After a restore of etcd the cluster's uid is the same and versions run backwards: a"
          + " consistent limit=1 metadata-only LIST tells the present version, lower than the"
          + " anchor.")
  void versionsRunBackwards(Api api) {
    api.configMap("a");
    String cluster = api.get("/api/v1/namespaces/kube-system").expect(200).uid();
    Runnable restore = api.target().snapshot();
    api.configMap("b");
    // A server that starts writes something itself.
    for (int i = 0; i < 200; i++) {
      api.touch("b", "n" + i);
    }
    long anchor = api.get(CONFIG_MAPS).expect(200).versionNumber();
    restore.run();
    assertThat(api.get("/api/v1/namespaces/kube-system").expect(200).uid()).isEqualTo(cluster);
    Answer present = api.getAs(Api.METADATA_ONLY_LIST, CONFIG_MAPS, "limit=1").expect(200);
    assertThat(present.names()).containsExactly("a");
    assertThat(present.versionNumber()).isLessThan(anchor);
  }

  @Proves(
      "A watch from the old, now future, version is silent for as long as it takes to grow past"
          + " it.")
  void silentAfterARestore(Api api) {
    api.configMap("a");
    Runnable restore = api.target().snapshot();
    for (int i = 0; i < 200; i++) {
      api.touch("a", "n" + i);
    }
    long anchor = api.get(CONFIG_MAPS).expect(200).versionNumber();
    restore.run();
    Watch watch = api.watch(CONFIG_MAPS, "resourceVersion=" + anchor);
    long written = 0;
    while (written <= anchor) {
      written = api.touch("a", "again " + written).versionNumber();
    }
    assertThat(watch.next("MODIFIED", "a").versionNumber()).isEqualTo(written);
  }
}
